"""Outboxes on Redis: one per account, one of the log, one of the fleet; an index says where to look."""

from collections.abc import Iterator

from mt5fleet.adapters.redis.answers import alert_arguments, event_arguments
from mt5fleet.adapters.redis.base import Part
from mt5fleet.adapters.redis.keys import FLEET, LOG, account_tag
from mt5fleet.adapters.redis.microtime import from_us
from mt5fleet.adapters.redis.store import Answer, Call, given, int_of, listed, text_of
from mt5fleet.codec import decode
from mt5fleet.domain.record import Alert, Event, PendingAlert

_TOLD = "to:"


class RedisOutbox(Part):
    """Alerts waiting for their channels."""

    def raise_alert(self, alert: Alert, events: tuple[Event, ...] = ()) -> None:
        self._store.run("tell", self._keys.fleet, *alert_arguments(alert), *event_arguments(events))

    def pending(self, limit: int) -> tuple[PendingAlert, ...]:
        tags = sorted(self._indexed() | {FLEET, LOG})
        scan = max(limit, self._settings.pending_scan_max)
        answers = self._store.run_many([Call("pending", self._keys.base(tag), (scan,)) for tag in tags])
        due = [
            alert for tag, answer in zip(tags, answers, strict=True) for alert in _alerts(tag, given(answer))
        ]
        return tuple(sorted(due, key=lambda alert: (alert.at, alert.outbox, alert.id)))[:limit]

    def _indexed(self) -> set[str]:
        claimed, *tags = listed(self._store.run("outboxes", self._keys.fleet))
        indexed = {text_of(tag) for tag in tags}
        return self._rebuilt(indexed) if int_of(claimed) == 1 else indexed

    def _rebuilt(self, indexed: set[str]) -> set[str]:
        """Compare the index with the outboxes of all accounts: an emptied index hides no alert for long."""
        (names,) = self._store.read(("HKEYS", f"{self._keys.fleet}:accounts"))
        tags = sorted(indexed | {account_tag(text_of(name)) for name in listed(names)})
        sizes = self._store.read(*(("ZCARD", f"{self._keys.base(tag)}:outbox") for tag in tags))
        filled = {tag for tag, size in zip(tags, sizes, strict=True) if int_of(size)}
        if filled - indexed:
            self._store.run("note_outbox", self._keys.fleet, *sorted(filled - indexed))
        if indexed - filled:
            self._store.read(("SREM", f"{self._keys.fleet}:outboxes", *sorted(indexed - filled)))
        return filled

    def claim(self, alert: PendingAlert, for_ms: int) -> bool:
        return int_of(self._store.run("claim", self._keys.base(alert.outbox), alert.id, for_ms)) == 1

    def delivered(self, alert: PendingAlert, channel: str, *, all_channels: frozenset[str]) -> None:
        base = self._keys.base(alert.outbox)
        self._store.run("delivered", base, alert.id, alert.count, channel, *sorted(all_channels))

    def defer(self, alert: PendingAlert, retry_after_ms: int) -> None:
        self._store.run("defer", self._keys.base(alert.outbox), alert.id, retry_after_ms)


def _alerts(tag: str, answer: Answer) -> Iterator[PendingAlert]:
    for item in listed(answer):
        alert_id, flat = listed(item)
        pairs = listed(flat)
        fields = {text_of(pairs[at]): text_of(pairs[at + 1]) for at in range(0, len(pairs), 2)}
        if fields:
            yield _pending(tag, text_of(alert_id), fields)


def _pending(tag: str, alert_id: str, fields: dict[str, str]) -> PendingAlert:
    return PendingAlert(
        outbox=tag,
        id=alert_id,
        at=from_us(int(fields["at"])),
        alert=decode(Alert, fields["alert"]),
        delivered=tuple(sorted(name.removeprefix(_TOLD) for name in fields if name.startswith(_TOLD))),
        attempts=int(fields["attempts"]),
        count=int(fields["count"]),
    )
