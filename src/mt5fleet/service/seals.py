"""Signed messages, verified again before an order is written; the arithmetic is done once per message."""

from dataclasses import dataclass
from datetime import datetime

from mt5fleet.domain.account import Account, Producer
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.ids import order_key
from mt5fleet.domain.order import Command
from mt5fleet.domain.signal import Open, Signal, Targets
from mt5fleet.messages import SignedSignal, open_envelope
from mt5fleet.service.admission import SecretOf, check_signature, good_key
from mt5fleet.service.fleet import Fleet, FleetSource
from mt5fleet.service.refusal import Refusal, refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A signal whose signature fits, and who signed it."""

    signal: Signal
    producer: Producer


class SignalReader:
    """Reads the signal of a command; one per process, so that a signal to many accounts is verified once."""

    def __init__(self, fleet: FleetSource, secret_of: SecretOf, *, cached_max: int) -> None:
        self._fleet = fleet
        self._secret_of = secret_of
        self._cached_max = cached_max
        self._signed: dict[str, SignedSignal] = {}
        self._fitting: dict[str, str] = {}  # body hash -> public key or secret's name it was verified with

    def read(self, command: Command, account: Account, now: datetime) -> Verified:
        """The verified signal of a command; raises Refusal when it is not what was signed."""
        signed, fleet = self._opened(command.envelope), self._fleet.now_told()
        producer, key = good_key(signed, fleet, now)
        if self._fitting.get(signed.body_hash) != key.public:
            check_signature(signed, key, self._secret_of)
            self._fitting[signed.body_hash] = key.public
        _check_same(command, signed.signal, account)
        _check_opening(command, signed.signal, account)
        _check_target(signed.signal.targets, account, fleet)
        return Verified(signal=signed.signal, producer=producer)

    def _opened(self, envelope: str) -> SignedSignal:
        kept = self._signed.get(envelope)
        if kept is not None:
            return kept
        try:
            signed = open_envelope(envelope)
        except InvalidValue as error:
            raise refused(DenialReason.SCHEMA_INVALID, error) from None
        self._forget_old()
        self._signed[envelope] = signed
        return signed

    def _forget_old(self) -> None:
        """Start anew when full: entries are cheap to make again, and bookkeeping of ages is not."""
        if len(self._signed) >= self._cached_max:
            self._signed.clear()
            self._fitting.clear()


def _check_same(command: Command, signal: Signal, account: Account) -> None:
    if (command.signal_id, command.verb) != (signal.id, signal.verb):
        raise Refusal(DenialReason.SIGNATURE_INVALID, "id", "is not the id or verb that was signed")
    if (command.created_at, command.valid_until) != (signal.created_at, signal.valid_until):
        raise Refusal(DenialReason.SIGNATURE_INVALID, "valid_until", "is not the moment that was signed")
    if command.key != order_key(account.server, account.login, signal.id, command.part).text:
        rule = f"server or login of account {account.name} changed since the signal was recorded"
        raise Refusal(DenialReason.TARGET_UNKNOWN, "targets", rule)


def _check_opening(command: Command, signal: Signal, account: Account) -> None:
    instruction = signal.instruction
    wanted = None
    if not isinstance(instruction, Open):
        wanted = order_key(account.server, account.login, instruction.opening_id, command.part).text
    if command.opening_key != wanted:
        raise Refusal(DenialReason.SIGNATURE_INVALID, "opening_id", "is not the order that was signed")


def _check_target(targets: Targets, account: Account, fleet: Fleet) -> None:
    """A follow-up may name nobody; any kept version of a group counts, one that is gone says nothing."""
    named = account.name in targets.accounts or not (targets.accounts or targets.groups)
    if named or any(_may_hold(name, account.name, fleet) for name in targets.groups):
        return
    raise Refusal(DenialReason.SIGNATURE_INVALID, "targets", f"do not name account {account.name}")


def _may_hold(group: str, account: str, fleet: Fleet) -> bool:
    versions = fleet.groups.get(group, ())
    return not versions or any(account in version.accounts for version in versions)
