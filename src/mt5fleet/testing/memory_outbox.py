"""Outbox, registry and story of the in-memory ledger."""

from collections.abc import Iterable

from mt5fleet.adapters.redis.microtime import from_us
from mt5fleet.domain.account import Account, Group, Producer
from mt5fleet.domain.groups import regroup
from mt5fleet.domain.record import Alert, Event, EventType, PendingAlert, StoredEvent
from mt5fleet.testing.memory_store import (
    FLEET,
    AlertSlot,
    MemoryStore,
    OutboxSlot,
    Stream,
    account_stream,
)


class MemoryOutbox(MemoryStore):
    """Alerts waiting for their channels."""

    def raise_alert(self, alert: Alert, events: tuple[Event, ...] = ()) -> None:
        with self._lock:
            for event in events:
                self._write_event(FLEET, event)
            self._write_alert(FLEET, alert)

    def pending(self, limit: int) -> tuple[PendingAlert, ...]:
        with self._lock:
            now = self._now_us()
            due = [
                _pending(name, entry, slot)
                for name, outbox in self._memory.outboxes.items()
                for entry, slot in outbox.alerts.items()
                if slot.due_us <= now
            ]
            return tuple(sorted(due, key=lambda alert: (alert.at, alert.outbox, alert.id)))[:limit]

    def claim(self, alert: PendingAlert, for_ms: int) -> bool:
        with self._lock:
            now = self._now_us()
            slot = self._memory.outboxes.get(alert.outbox, OutboxSlot()).alerts.get(alert.id)
            if slot is None or slot.due_us > now:
                return False
            slot.due_us = now + for_ms * 1_000
            return True

    def delivered(self, alert: PendingAlert, channel: str, *, all_channels: frozenset[str]) -> None:
        with self._lock:
            outbox = self._memory.outboxes.get(alert.outbox, OutboxSlot())
            slot = outbox.alerts.get(alert.id)
            if slot is None:
                return
            if not slot.delivered and slot.count > alert.count:
                self._split(outbox, slot, alert.count)
            slot.delivered.add(channel)
            if all_channels <= slot.delivered:
                del outbox.alerts[alert.id]
                if outbox.newest.get(slot.alert.dedupe) == alert.id:
                    del outbox.newest[slot.alert.dedupe]

    def _split(self, outbox: OutboxSlot, slot: AlertSlot, told: int) -> None:
        """What was merged after the delivery began becomes an alert of its own, so that it is told, too."""
        now = self._now_us()
        self._append_alert(outbox, AlertSlot(slot.alert, now, now, count=slot.count - told))
        slot.count = told

    def defer(self, alert: PendingAlert, retry_after_ms: int) -> None:
        with self._lock:
            slot = self._memory.outboxes.get(alert.outbox, OutboxSlot()).alerts.get(alert.id)
            if slot is not None:
                slot.attempts += 1
                slot.due_us = self._now_us() + retry_after_ms * 1_000


class MemoryRegistry(MemoryStore):
    """What the fleet was told."""

    def accounts(self) -> dict[str, Account]:
        with self._lock:
            return dict(self._memory.registered)

    def groups(self) -> dict[str, tuple[Group, ...]]:
        with self._lock:
            return dict(self._memory.groups)

    def producers(self) -> dict[str, Producer]:
        with self._lock:
            return dict(self._memory.producers)

    def apply(self, accounts: Iterable[Account], groups: dict[str, tuple[str, ...]]) -> None:
        with self._lock:
            memory = self._memory
            told = {account.name: account for account in accounts}
            grouped = regroup(
                memory.groups, groups, memory.group_newest, self.now(), self._settings.group_versions_max
            )
            if told == memory.registered and grouped == memory.groups:
                return
            memory.registered, memory.groups = told, grouped
            memory.group_newest |= {name: versions[-1].version for name, versions in grouped.items()}
            self._revise()

    def put_producer(self, producer: Producer) -> None:
        with self._lock:
            if self._memory.producers.get(producer.name) != producer:
                self._memory.producers[producer.name] = producer
                self._revise()

    def _revise(self) -> None:
        self._memory.revision = max(self._memory.revision + 1, self._now_us())

    def revision(self) -> int:
        with self._lock:
            return self._memory.revision


class MemoryStory(MemoryStore):
    """Streams of events, and heartbeats."""

    def account_events(self, account: str, limit: int) -> tuple[StoredEvent, ...]:
        with self._lock:
            return self._newest(account_stream(account), limit)

    def fleet_events(self, limit: int) -> tuple[StoredEvent, ...]:
        with self._lock:
            return self._newest(FLEET, limit)

    def _newest(self, stream: str, limit: int) -> tuple[StoredEvent, ...]:
        return tuple(self._memory.streams.get(stream, Stream()).events[-limit:])

    def signal_events(self, signal_id: str) -> tuple[StoredEvent, ...]:
        with self._lock:
            record = self._memory.records.get(signal_id)
            names = sorted({target.account for target in record.targets}) if record is not None else []
            found = self._told(signal_id)
            for name in names:
                events = self._memory.streams.get(account_stream(name), Stream()).events
                found += [stored for stored in events if stored.event.signal_id == signal_id]
            return tuple(sorted(found, key=lambda stored: stored.at))

    def _told(self, signal_id: str) -> list[StoredEvent]:
        """What record and dead letter say, as events."""
        record, letter = self._memory.records.get(signal_id), self._memory.dead.get(signal_id)
        told = []
        if record is not None:
            numbers = {"seq": str(record.seq), "targets": str(len(record.targets))}
            event = Event(type=EventType.SIGNAL_RECEIVED, signal_id=signal_id, numbers=numbers)
            told.append(StoredEvent(id=f"{record.seq}-0", at=record.recorded_at, event=event))
        if letter is not None:
            numbers = {"reason": letter.reason, "field": letter.field, "rule": letter.rule}
            event = Event(type=EventType.SIGNAL_REFUSED, signal_id=signal_id, numbers=numbers)
            told.append(StoredEvent(id=f"{letter.seq}-0", at=letter.at, event=event))
        return told

    def emit(self, event: Event) -> None:
        with self._lock:
            self._write_event(FLEET if event.account is None else account_stream(event.account), event)

    def beat(self, part: str, progress: dict[str, str], keep_ms: int) -> None:
        with self._lock:
            now = self._now_us()
            self._memory.beats[part] = (
                now + keep_ms * 1_000,
                {**progress, "at": self.now().isoformat()},
            )

    def beats(self) -> dict[str, dict[str, str]]:
        with self._lock:
            now = self._now_us()
            return {part: dict(beat) for part, (until, beat) in self._memory.beats.items() if until > now}


def _pending(outbox: str, entry: str, slot: AlertSlot) -> PendingAlert:
    return PendingAlert(
        outbox=outbox,
        id=entry,
        at=from_us(slot.at_us),
        alert=slot.alert,
        delivered=tuple(sorted(slot.delivered)),
        attempts=slot.attempts,
        count=slot.count,
    )
