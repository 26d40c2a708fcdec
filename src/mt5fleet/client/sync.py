"""FleetClient: what a producer needs, nothing more."""

import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.client.build import SignalBuilder
from mt5fleet.client.connect import connect
from mt5fleet.client.key_file import load_key
from mt5fleet.client.submit import Resent, Submitted, Submitter
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.record import SignalStatus
from mt5fleet.domain.signal import Signal
from mt5fleet.messages import SignedSignal, SigningKey, open_envelope, sign
from mt5fleet.ports.clock import Clock

FOLLOW_S = 3600.0  # a program that follows longer asks for it


class SigningClient(SignalBuilder):
    """What the sync and the asyncio client share: builders, signing, connections."""

    def __init__(
        self,
        redis_url: str,
        producer: str,
        key: SigningKey | Path | str,
        *,
        broker_url: str | None = None,
        spool: Path | str | None = None,
        clock: Clock | None = None,
        chance: random.Random | None = None,
        submitter: Submitter | None = None,
    ) -> None:
        """Take the addresses; nothing is connected before it is used.

        Args:
            redis_url: the ledger's address.
            producer: the name the fleet knows the key by.
            key: the signing key, or the path of its file.
            broker_url: where Celery's wake-ups go; the ledger's server when left out.
            spool: a file that keeps what is not final, to post it again when the ledger lost its memory.
            clock: source of time; the machine's when left out.
            chance: source of ids; the operating system's when left out.
            submitter: used instead of connecting, for tests.

        Raises:
            InvalidValue: an address or the key file does not fit.
            SpoolFailed: the spool cannot be opened.
        """
        clock = SystemClock() if clock is None else clock
        super().__init__(producer, clock, random.SystemRandom() if chance is None else chance)
        self._key = key if isinstance(key, SigningKey) else _key_of(producer, Path(key))
        self._submitter = (
            connect(redis_url, broker_url=broker_url, spool=spool, clock=clock)
            if submitter is None
            else submitter
        )

    def signed(self, signal: Signal) -> SignedSignal:
        """The signal as it is posted. Raises InvalidValue."""
        if signal.producer != self.producer:
            raise InvalidValue("producer", f"must be {self.producer}, the producer of this client")
        return open_envelope(sign(signal, self._key))


class FleetClient(SigningClient):
    """Sends approved signals to the fleet and reads what became of them.

    Safe to share between threads. Every error of the ledger means what it says: LedgerUnavailable (and
    OutcomeUnknown) is "not known", never "no".
    """

    def submit(self, signal: Signal, *, durable: bool = False) -> Submitted:
        """Sign and post a signal; returns only when the ledger has recorded it.

        With `durable` it also waits until the server's disk or a replica has it, where the server can tell;
        `Submitted.durability` says which. Sending the same signal again is safe and answers EXISTS.

        Raises:
            OutcomeUnknown: no answer after bounded repeats; sending it again is safe.
            LedgerFull: not recorded; try later.
            Conflict: not recorded; another content stands under this id.
            SpoolFailed: not posted.
        """
        return self._submitter.submit(self.signed(signal), durable=durable)

    def submit_many(self, signals: Iterable[Signal], *, durable: bool = False) -> tuple[Submitted, ...]:
        """Post signals in order and wake the fleet once; look at each result for conflicts.

        Raises like `submit`; then the signals before the failed one are recorded; sending all again is safe.
        """
        return self._submitter.submit_many(tuple(self.signed(one) for one in signals), durable=durable)

    def status(self, signal_id: str) -> SignalStatus:
        """Where a signal stands, with every order of it. Raises LedgerUnavailable."""
        return self._submitter.status(signal_id)

    def follow(self, signal_id: str, timeout_s: float = FOLLOW_S) -> Iterator[SignalStatus]:
        """Each change of a signal's status, the present one first; ends when settled or out of time.

        Raises LedgerUnavailable when the ledger is silent at the end of the time.
        """
        return self._submitter.follow(signal_id, timeout_s)

    def wait(self, signal_id: str, timeout_s: float) -> SignalStatus:
        """The status once settled, or the last one seen when the time is over: look at its phase.

        A signal that is not final after the time is still alive. Raises LedgerUnavailable.
        """
        *_, last = self.follow(signal_id, timeout_s)
        return last

    def cancel(self, opening_id: str, *, durable: bool = False) -> Submitted:
        """Submit a signal that withdraws what `opening_id` left resting or has not sent yet."""
        return self.submit(self.cancel_order(opening_id), durable=durable)

    def resend(self) -> Resent:
        """Post again what the spool keeps and the ledger does not know, or knew in an earlier life."""
        return self._submitter.resend()

    def disconnect(self) -> None:
        """Let connections and the spool's file go."""
        self._submitter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.disconnect()


def _key_of(producer: str, path: Path) -> SigningKey:
    secret = load_key(path)
    if secret.producer != producer:
        raise InvalidValue(f"key file {path}", f"belongs to producer {secret.producer}, not to {producer}")
    return secret.key
