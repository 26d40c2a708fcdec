"""Whether a signed message may become orders: signature, key, rights and moments. Raises Refusal."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mt5fleet.domain.account import Producer, ProducerKey, Rights
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.record import Epoch, PartTarget
from mt5fleet.domain.signal import Instruction, Open, Signal, SizeRule
from mt5fleet.messages import SignatureInvalid, SignedSignal, verify
from mt5fleet.service.fleet import Fleet
from mt5fleet.service.refusal import EXPIRED, Refusal, refused
from mt5fleet.service.settings import IntakeSettings

SecretOf = Callable[[str], bytes]  # gives the shared secret of a name; never logged
_ALL = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The ledger's clock and epoch while a batch is judged."""

    now: datetime
    epoch: Epoch


def admit(signed: SignedSignal, fleet: Fleet, secret_of: SecretOf, now: datetime) -> Producer:
    """The producer whose good key made the signature."""
    producer, key = good_key(signed, fleet, now)
    check_signature(signed, key, secret_of)
    return producer


def good_key(signed: SignedSignal, fleet: Fleet, now: datetime) -> tuple[Producer, ProducerKey]:
    """The producer and the key that the message names, if both are known and the key is good."""
    producer = fleet.producers.get(signed.signal.producer)
    if producer is None:
        raise Refusal(DenialReason.SIGNATURE_INVALID, "producer", "is not known to the fleet")
    key = next((key for key in producer.keys if key.key_id == signed.key_id), None)
    if key is None:
        raise Refusal(DenialReason.SIGNATURE_INVALID, "key_id", "is not a key of this producer")
    _check_key(key, signed.signal.created_at, now)
    return producer, key


def check_signature(signed: SignedSignal, key: ProducerKey, secret_of: SecretOf) -> None:
    """Refuse a message that this key did not sign."""
    try:
        verify(signed, key, secret_of)
    except SignatureInvalid as error:
        raise refused(DenialReason.SIGNATURE_INVALID, error) from None


def check_window(signal: Signal, moment: Moment, settings: IntakeSettings) -> None:
    """Refuse signals from the future, too long ones, and expired ones that no earlier epoch executed."""
    skew = timedelta(seconds=settings.skew_s)
    if signal.created_at > moment.now + skew:
        raise Refusal(DenialReason.NOT_YET_VALID, "created_at", f"is over {settings.skew_s:g} s ahead")
    if signal.valid_until > moment.now + timedelta(days=settings.ahead_days_max):
        rule = f"is over {settings.ahead_days_max} days ahead"
        raise Refusal(DenialReason.TTL_TOO_LONG, "valid_until", rule)
    if signal.valid_until <= moment.now and not may_be_replay(signal, moment, settings):
        raise Refusal(EXPIRED, "valid_until", "had passed when the signal was taken in")


def may_be_replay(signal: Signal, moment: Moment, settings: IntakeSettings) -> bool:
    """Whether an earlier epoch may have executed it: then the broker is asked before anything is refused."""
    oldest = moment.now - timedelta(days=settings.replay_days_max)
    newest = moment.epoch.started_at + timedelta(seconds=settings.skew_s)
    return oldest <= signal.created_at <= newest


def check_rights(rights: Rights, instruction: Instruction, targets: tuple[PartTarget, ...]) -> None:
    """Refuse accounts, symbols and stated volumes that the producer may not use.

    Volumes that only the account's equity decides are held against the same right before the order is sent.
    """
    for account in sorted({target.account for target in targets}):
        if not _allowed(account, rights.accounts):
            raise Refusal(
                DenialReason.RIGHT_MISSING, "targets", f"the producer may not use account {account}"
            )
    if isinstance(instruction, Open):
        check_symbol(rights, instruction)
        _check_volume(rights, instruction)


def check_symbol(rights: Rights, opening: Open) -> None:
    """Refuse a symbol that the producer may not trade."""
    if not _allowed(opening.symbol, rights.symbols):
        raise Refusal(DenialReason.RIGHT_MISSING, "open.symbol", "the producer may not trade this symbol")


def _check_volume(rights: Rights, opening: Open) -> None:
    limit, size = rights.volume_lots_max, opening.size
    if limit is not None and size.rule is SizeRule.LOTS and size.value > limit:
        raise Refusal(DenialReason.RIGHT_MISSING, "open.size", f"the producer may open at most {limit} lots")


def _check_key(key: ProducerKey, created_at: datetime, now: datetime) -> None:
    """A key that has run out still vouches for what it signed in time; a revoked one for nothing."""
    if key.revoked_at is not None and key.revoked_at <= now:
        raise Refusal(DenialReason.KEY_REVOKED, "key_id", "the key was revoked: sign with the newest one")
    if created_at < key.valid_from or (key.valid_until is not None and created_at > key.valid_until):
        raise Refusal(DenialReason.KEY_REVOKED, "key_id", "the key was not valid when the signal was made")


def _allowed(name: str, allowed: tuple[str, ...]) -> bool:
    return _ALL in allowed or name in allowed
