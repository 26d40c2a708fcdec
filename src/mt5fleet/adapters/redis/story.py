"""What happened, on Redis: streams of events per account and of the fleet, and heartbeats."""

import json

from mt5fleet.adapters.redis.answers import alert_arguments, event_arguments
from mt5fleet.adapters.redis.base import Part
from mt5fleet.adapters.redis.microtime import from_us
from mt5fleet.adapters.redis.store import Answer, Call, given, int_of, listed, text_of
from mt5fleet.codec import decode
from mt5fleet.domain.record import DeadLetter, Event, EventType, SignalRecord, StoredEvent


class RedisStory(Part):
    """Streams whose ids are the ledger's microseconds."""

    def account_events(self, account: str, limit: int) -> tuple[StoredEvent, ...]:
        return _stored(self._store.run("events", self._keys.account(account), limit, "", "-"))

    def fleet_events(self, limit: int) -> tuple[StoredEvent, ...]:
        return _stored(self._store.run("events", self._keys.fleet, limit, "", "-"))

    def signal_events(self, signal_id: str) -> tuple[StoredEvent, ...]:
        kept, buried = self._store.read(
            ("GET", f"{self._keys.signal(signal_id)}:record"),
            ("HGET", f"{self._keys.log}:dead:{signal_id}", "letter"),
        )
        record = None if kept is None else decode(SignalRecord, text_of(kept))
        letter = None if buried is None else decode(DeadLetter, text_of(buried))
        found = told_events(record, letter)
        if record is not None:
            found += self._events_of(record)
        return tuple(sorted(found, key=lambda stored: stored.at))

    def _events_of(self, record: SignalRecord) -> list[StoredEvent]:
        """Nothing of a signal is older than its place in the log, so reading starts there."""
        names = sorted({target.account for target in record.targets})
        arguments = (self._settings.events_max, record.signal_id, f"{record.seq}-0")
        answers = self._store.run_many(
            [Call("events", self._keys.account(name), arguments) for name in names]
        )
        return [stored for answer in answers for stored in _stored(given(answer))]

    def emit(self, event: Event) -> None:
        base = self._keys.fleet if event.account is None else self._keys.account(event.account)
        self._store.run("tell", base, *alert_arguments(None), *event_arguments((event,)))

    def beat(self, part: str, progress: dict[str, str], keep_ms: int) -> None:
        self._store.run("beat", self._keys.fleet, part, json.dumps(progress), keep_ms)

    def beats(self) -> dict[str, dict[str, str]]:
        found = {}
        for row in listed(self._store.run("beats", self._keys.fleet)):
            part, at, progress = listed(row)
            found[text_of(part)] = {
                **json.loads(text_of(progress)),
                "at": from_us(int_of(at)).isoformat(),
            }
        return found


def told_events(record: SignalRecord | None, letter: DeadLetter | None) -> list[StoredEvent]:
    """What record and dead letter of a signal say, as events."""
    told = []
    if record is not None:
        numbers = {"seq": str(record.seq), "targets": str(len(record.targets))}
        event = Event(type=EventType.SIGNAL_RECEIVED, signal_id=record.signal_id, numbers=numbers)
        told.append(StoredEvent(id=f"{record.seq}-0", at=record.recorded_at, event=event))
    if letter is not None:
        numbers = {"reason": letter.reason, "field": letter.field, "rule": letter.rule}
        event = Event(type=EventType.SIGNAL_REFUSED, signal_id=letter.signal_id, numbers=numbers)
        told.append(StoredEvent(id=f"{letter.seq}-0", at=letter.at, event=event))
    return told


def _stored(answer: Answer) -> tuple[StoredEvent, ...]:
    return tuple(_event(row) for row in listed(answer))


def _event(row: Answer) -> StoredEvent:
    entry, text = listed(row)
    at_us = int(text_of(entry).partition("-")[0])
    return StoredEvent(id=text_of(entry), at=from_us(at_us), event=decode(Event, text_of(text)))
