"""One entry of the signal log: judged, resolved and recorded, or refused."""

from dataclasses import dataclass

from mt5fleet.domain.account import Producer
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.order import Command
from mt5fleet.domain.record import SignalRecord
from mt5fleet.domain.signal import Open, Signal
from mt5fleet.messages import SignedSignal, open_envelope
from mt5fleet.ports.ledger import LogEntry, SignalLog
from mt5fleet.service.admission import (
    Moment,
    SecretOf,
    admit,
    check_rights,
    check_symbol,
    check_window,
    may_be_replay,
)
from mt5fleet.service.commands import commands_of
from mt5fleet.service.fleet import Fleet
from mt5fleet.service.refusal import CONFLICT, Refusal, refused
from mt5fleet.service.settings import IntakeSettings
from mt5fleet.service.targets import resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a batch is judged by."""

    fleet: Fleet
    moment: Moment


class Judge:
    """Turns a log entry into the commands of its record; a repeat reads the record that stands."""

    def __init__(self, ledger: SignalLog, secret_of: SecretOf, settings: IntakeSettings) -> None:
        self._ledger = ledger
        self._secret_of = secret_of
        self._settings = settings

    def commands(self, entry: LogEntry, scene: Scene) -> tuple[Command, ...]:
        """Record the entry's signal once and give its commands; raises Refusal."""
        signed = _opened(entry.envelope)
        try:
            return self._admitted(entry, signed, scene)
        except Refusal as refusal:
            raise refusal.of(signed.signal.producer) from None

    def _admitted(self, entry: LogEntry, signed: SignedSignal, scene: Scene) -> tuple[Command, ...]:
        _check_identity(entry, signed)
        record = self._ledger.record_of(entry.signal_id)
        if record is None:
            record = self._record(entry, signed, scene)
        if record.body_hash != entry.body_hash:
            raise Refusal(CONFLICT, "id", "is recorded with another body: the first one stands")
        return commands_of(record, signed.signal)

    def _record(self, entry: LogEntry, signed: SignedSignal, scene: Scene) -> SignalRecord:
        signal = signed.signal
        producer = admit(signed, scene.fleet, self._secret_of, scene.moment.now)
        check_window(signal, scene.moment, self._settings)
        self._count(producer, signal, scene.moment)
        opening = self._opening(signal)
        resolved = resolve(signal, scene.fleet, opening)
        check_rights(producer.rights, signal.instruction, resolved.targets)
        if opening is not None:
            check_symbol(producer.rights, _opened_by(opening))
        return self._ledger.record(
            SignalRecord(
                signal_id=signal.id,
                producer=producer.name,
                verb=signal.verb.value,
                body_hash=signed.body_hash,
                seq=entry.seq,
                recorded_at=scene.moment.now,
                envelope=entry.envelope,
                parts=resolved.parts,
                targets=resolved.targets,
                groups=resolved.groups,
            )
        )

    def _count(self, producer: Producer, signal: Signal, moment: Moment) -> None:
        """A replay into a new epoch was counted in its own time: refusing it would contradict the broker."""
        limit = producer.rights.signals_per_minute_max
        within = self._ledger.count_signal(producer.name, limit)
        if not within and not may_be_replay(signal, moment, self._settings):
            rule = f"the producer may send {limit} signals a minute: send it again as a new signal"
            raise Refusal(DenialReason.RATE_EXCEEDED, "producer", rule)

    def _opening(self, signal: Signal) -> SignalRecord | None:
        if isinstance(signal.instruction, Open):
            return None
        return self._ledger.record_of(signal.instruction.opening_id)


def _opened(envelope: str) -> SignedSignal:
    try:
        return open_envelope(envelope)
    except InvalidValue as error:
        raise refused(DenialReason.SCHEMA_INVALID, error) from None


def _check_identity(entry: LogEntry, signed: SignedSignal) -> None:
    if signed.signal.id != entry.signal_id:
        raise Refusal(DenialReason.SCHEMA_INVALID, "id", "is not the id it was posted under")
    if signed.body_hash != entry.body_hash:
        raise Refusal(DenialReason.SCHEMA_INVALID, "body_hash", "is not the hash of the posted message")


def _opened_by(opening: SignalRecord) -> Open:
    instruction = _opened(opening.envelope).signal.instruction
    if not isinstance(instruction, Open):
        rule = f"signal {opening.signal_id} is a {opening.verb}, not an open"
        raise Refusal(DenialReason.OPENING_UNKNOWN, "opening_id", rule)
    return instruction
