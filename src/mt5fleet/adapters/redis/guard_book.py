"""Latch, guard memory and readings on Redis. No script here lowers a latch."""

from mt5fleet.adapters.redis.answers import alert_arguments, event_arguments, status_of
from mt5fleet.adapters.redis.base import Part
from mt5fleet.adapters.redis.keys import account_tag
from mt5fleet.adapters.redis.store import Answer, Argument, int_of, text_of
from mt5fleet.codec import decode, encode
from mt5fleet.domain.account import AccountStatus, GuardMemory
from mt5fleet.domain.broker import Reading
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.record import Alert, Event

_GUARD_FIELDS = (
    *("halted_seq", "resumed_seq", "reducing", "reason", "since", "confirmed"),
    *("flatten_due", "flat_at", "rounds", "memory", "journal"),
    *("journal_seq", "journal_older"),
)
_NO_MEMORY = ("", 0, "")


class RedisGuardBook(Part):
    """What the guards know of each account."""

    def account_status(self, account: str) -> AccountStatus:
        (answer,) = self._store.read(("HMGET", f"{self._keys.account(account)}:guard", *_GUARD_FIELDS))
        return status_of(account, answer)

    def judge(
        self,
        account: str,
        reading: Reading,
        memory: GuardMemory,
        *,
        halt_reason: str | None,
        events: tuple[Event, ...],
        alert: Alert | None,
    ) -> AccountStatus:
        latch: tuple[Argument, ...] = (0, "", 0) if halt_reason is None else (1, halt_reason, 0)
        known = (encode(GuardMemory, memory), memory.sequence, encode(Reading, reading))
        return self._judge(account, (*latch, *known), events, alert)

    def halt(
        self, account: str, reason: str, *, events: tuple[Event, ...], alert: Alert | None, above: int = 0
    ) -> AccountStatus:
        return self._judge(account, (1, reason, above, *_NO_MEMORY), events, alert)

    def _judge(
        self, account: str, judged: tuple[Argument, ...], events: tuple[Event, ...], alert: Alert | None
    ) -> AccountStatus:
        told = (*alert_arguments(alert), *event_arguments(events))
        return status_of(account, self._told(account, alert, "judge", *judged, *told))

    def renumber_halt(self, account: str, sequence: int, above: int) -> AccountStatus:
        return status_of(account, self._told(account, None, "renumber_halt", account, sequence, above))

    def _told(self, account: str, alert: Alert | None, script: str, *arguments: Argument) -> Answer:
        """Run a script that may write an alert, after the outbox is in the index."""
        self._note_outbox(account_tag(account), alert)
        return self._store.run(script, self._keys.account(account), *arguments)

    def confirm_latch(self, account: str, sequence: int, *, alert: Alert | None) -> None:
        self._told(account, alert, "confirm_latch", account, sequence, *alert_arguments(alert))

    def flatten_step(self, lease: Lease, events: tuple[Event, ...]) -> int:
        arguments = (lease.token, *alert_arguments(None), *event_arguments(events))
        return int_of(self._told(lease.resource, None, "flatten_step", *arguments))

    def seen_flat(self, lease: Lease, *, alert: Alert | None) -> AccountStatus:
        account = lease.resource
        answer = self._told(account, alert, "seen_flat", account, lease.token, *alert_arguments(alert))
        return status_of(account, answer)

    def not_flat(self, account: str, *, alert: Alert | None) -> None:
        self._told(account, alert, "not_flat", account, *alert_arguments(alert))

    def bind_journal(self, account: str, journal_id: str, sequence: int) -> str:
        return text_of(self._told(account, None, "bind_journal", account, journal_id, sequence))

    def mark_older_journal(self, account: str, journal_id: str) -> None:
        self._told(account, None, "mark_older_journal", account, journal_id)

    def last_reading(self, account: str) -> Reading | None:
        (answer,) = self._store.read(("HGET", f"{self._keys.account(account)}:guard", "reading"))
        return None if answer is None else decode(Reading, text_of(answer))
