"""Posting signed signals: bounded repeats with the same bytes, spool, wake-up, what is known afterwards."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from mt5fleet.client.durability import Confirms, Durability
from mt5fleet.client.spool import Kept, Spool, SpoolFailed
from mt5fleet.client.watch import Watch, is_settled
from mt5fleet.domain.errors import Conflict, LedgerError, LedgerFull, LedgerUnavailable
from mt5fleet.domain.record import SignalPhase, SignalStatus
from mt5fleet.messages import SignedSignal, open_envelope
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.ledger import Posted, Posting, PostResult
from mt5fleet.ports.waker import WakeFailed, Waker

# A restarting or failing-over store is back within seconds; longer waits are the producer's own decision.
PAUSES_S = (0.1, 0.5, 1.0)
BATCH_SIGNALS = 100  # one round trip; 6 MB at the largest envelopes, within the answer's time-out

logger = logging.getLogger("mt5fleet.client")


class OutcomeUnknown(LedgerUnavailable):
    """The ledger gave no answer: whether the signal was recorded is not known. Sending it again is safe."""

    def __init__(self, signal_ids: tuple[str, ...]) -> None:
        """Name the signals, so that their status can be asked later."""
        subject = (
            f"signal {signal_ids[0]}"
            if len(signal_ids) == 1
            else f"{len(signal_ids)} signals from {signal_ids[0]} on"
        )
        super().__init__(
            f"{subject}: the ledger gave no answer, so it is not known whether this was recorded; "
            "sending the same again is safe"
        )
        self.signal_ids = signal_ids


class Postbox(Protocol):
    """The part of the ledger a producer may use."""

    def post(self, signal_id: str, body_hash: str, envelope: str) -> Posted:
        """Write a message once."""
        ...

    def post_many(self, postings: tuple[Posting, ...]) -> tuple[Posted | LedgerError, ...]:
        """Write messages in order, each once."""
        ...

    def status(self, signal_id: str) -> SignalStatus:
        """Where a signal stands."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """The signal is recorded in the ledger's life `epoch`. EXISTS: it was before, with the same content."""

    signal_id: str
    epoch: int
    result: PostResult
    durability: Durability


@dataclass(frozen=True, slots=True, kw_only=True)
class Resent:
    """What a look through the spool did; each tuple holds signal ids."""

    posted: tuple[str, ...]  # posted again
    settled: tuple[str, ...]  # final by now, no longer kept
    conflicts: tuple[str, ...]  # another content stands under this id; no longer kept
    waiting: tuple[str, ...]  # recorded, not final yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitter:
    """Posts signed signals; the one core of the sync and the asyncio client."""

    postbox: Postbox
    waker: Waker
    confirms: Confirms
    clock: Clock
    spool: Spool | None = None

    def submit(self, signed: SignedSignal, *, durable: bool) -> Submitted:
        """Post one signal and wake the fleet.

        Raises OutcomeUnknown, LedgerFull (not recorded), Conflict (not recorded), SpoolFailed (not posted).
        """
        posted = self._post(signed)
        self._wake(needed=posted.wake)
        self._resend_older(posted.epoch)
        if posted.result is PostResult.CONFLICT:
            raise Conflict(
                f"signal {signed.signal.id}: another content is recorded under this id and stands; "
                "make a new id for a new signal"
            )
        return _submitted(signed, posted, self._confirmed(durable=durable))

    def submit_many(self, signed: tuple[SignedSignal, ...], *, durable: bool) -> tuple[Submitted, ...]:
        """Post signals in order, wake the fleet and confirm once. A conflict is told in its result.

        After an error part of the batch may be recorded; sending the whole batch again is safe.
        Raises like `submit`.
        """
        posted: list[Posted] = []
        try:
            for first in range(0, len(signed), BATCH_SIGNALS):
                posted += self._post_batch(signed[first : first + BATCH_SIGNALS])
        finally:
            # Also after an error: what was recorded before it must not wait for the sweep.
            self._wake(needed=any(answer.wake for answer in posted))
        if posted:
            self._resend_older(posted[-1].epoch)
        durability = self._confirmed(durable=durable)
        return tuple(_submitted(one, answer, durability) for one, answer in zip(signed, posted, strict=True))

    def status(self, signal_id: str) -> SignalStatus:
        """Where a signal stands. Raises LedgerUnavailable.

        What is settled leaves the spool; what the spool keeps and the ledger does not know is posted again.
        """
        status = self.postbox.status(signal_id)
        kept = None if self.spool is None else self.spool.find(signal_id)
        if self.spool is None or kept is None:
            return status
        if is_settled(status):
            self._forget(kept)
        elif status.phase is SignalPhase.UNKNOWN:
            self._wake(needed=self._post(open_envelope(kept.envelope)).wake)
            return self.postbox.status(signal_id)
        return status

    def follow(self, signal_id: str, timeout_s: float) -> Iterator[SignalStatus]:
        """Each change of a signal's status, the present one first, until settled or out of time.

        Raises LedgerUnavailable when the ledger is silent at the end of the time.
        """
        watch = Watch(self.clock, timeout_s)
        while True:
            try:
                status = self.status(signal_id)
                if watch.is_news(status):
                    yield status
            except LedgerUnavailable as error:
                watch.missed(error)
            pause_s = watch.pause_s()
            if pause_s is None:
                return
            self.clock.sleep_s(pause_s)

    def resend(self) -> Resent:
        """Post again what the ledger does not know or knew in an earlier life. Raises like `submit`."""
        fates: dict[_Fate, list[str]] = {fate: [] for fate in _Fate}
        wake = False
        for kept in () if self.spool is None else self.spool.kept():
            fate, woken = self._look_after(kept)
            fates[fate].append(kept.signal_id)
            wake = wake or woken
        self._wake(needed=wake)
        return Resent(**{fate.value: tuple(ids) for fate, ids in fates.items()})

    def close(self) -> None:
        """Let connections and files go."""
        self.confirms.close()
        if self.spool is not None:
            self.spool.close()

    def _look_after(self, kept: Kept) -> "tuple[_Fate, bool]":
        status = self.postbox.status(kept.signal_id)
        if is_settled(status):
            self._forget(kept)
            return _Fate.SETTLED, False
        if status.phase is not SignalPhase.UNKNOWN and status.epoch == kept.epoch:
            return _Fate.WAITING, False
        posted = self._post(open_envelope(kept.envelope))
        if posted.result is PostResult.CONFLICT:
            return _Fate.CONFLICTS, posted.wake
        return _Fate.POSTED, posted.wake

    def _post(self, signed: SignedSignal) -> Posted:
        (posted,) = self._post_batch((signed,))
        return posted

    def _post_batch(self, signed: tuple[SignedSignal, ...]) -> tuple[Posted, ...]:
        kept = [Kept(signal_id=one.signal.id, envelope=one.envelope, epoch=None) for one in signed]
        if self.spool is not None:
            self.spool.keep(kept)
        posted = self._answered(signed)
        for one, answer in zip(kept, posted, strict=True):
            if answer.result is PostResult.CONFLICT:
                self._forget(one)
            else:
                self._note(one, answer.epoch)
        return posted

    def _answered(self, signed: tuple[SignedSignal, ...]) -> tuple[Posted, ...]:
        """Post until there is an answer; a repeat has the same bytes, so it cannot record a second signal."""
        unanswered: LedgerUnavailable | None = None
        for pause_s in (*PAUSES_S, None):
            try:
                return self._asked(signed)
            except LedgerUnavailable as error:
                unanswered = error
            except LedgerFull:
                if unanswered is None:
                    raise
            if pause_s is not None:
                self.clock.sleep_s(pause_s)
        raise OutcomeUnknown(tuple(one.signal.id for one in signed)) from unanswered

    def _asked(self, signed: tuple[SignedSignal, ...]) -> tuple[Posted, ...]:
        if len(signed) == 1:
            return (self.postbox.post(signed[0].signal.id, signed[0].body_hash, signed[0].envelope),)
        postings = (
            Posting(signal_id=one.signal.id, body_hash=one.body_hash, envelope=one.envelope) for one in signed
        )
        answers = self.postbox.post_many(tuple(postings))
        for answer in answers:
            if isinstance(answer, LedgerError):
                raise answer
        return tuple(answer for answer in answers if isinstance(answer, Posted))

    def _confirmed(self, *, durable: bool) -> Durability:
        if not durable:
            return Durability.RECORDED
        try:
            return self.confirms.confirm()
        except LedgerUnavailable as error:
            logger.warning("recorded, but not confirmed as durable: %s", error)
            return Durability.UNCONFIRMED

    def _wake(self, *, needed: bool) -> None:
        """A lost wake-up costs one sweep, so it never fails a submit."""
        if not needed:
            return
        try:
            self.waker.wake_intake()
        except WakeFailed as error:
            logger.warning("recorded, but the wake-up failed; the sweep takes it in: %s", error)

    def _resend_older(self, epoch: int) -> None:
        if self.spool is None or not self.spool.has_other_epoch(epoch):
            return
        try:
            self.resend()
        except (LedgerError, SpoolFailed) as error:
            logger.warning("earlier signals of the spool could not be posted again yet: %s", error)

    def _note(self, kept: Kept, epoch: int) -> None:
        """Without the note the next look through the spool only asks once more."""
        if self.spool is None:
            return
        try:
            self.spool.recorded(kept, epoch)
        except SpoolFailed as error:
            logger.warning("signal %s is recorded, but not noted so: %s", kept.signal_id, error)

    def _forget(self, kept: Kept) -> None:
        if self.spool is None:
            return
        try:
            self.spool.drop(kept)
        except SpoolFailed as error:
            logger.warning("signal %s is settled, but still kept: %s", kept.signal_id, error)


class _Fate(StrEnum):
    """What became of a kept signal; the values are the fields of Resent."""

    POSTED = "posted"
    SETTLED = "settled"
    CONFLICTS = "conflicts"
    WAITING = "waiting"


def _submitted(signed: SignedSignal, posted: Posted, durability: Durability) -> Submitted:
    return Submitted(
        signal_id=signed.signal.id, epoch=posted.epoch, result=posted.result, durability=durability
    )
