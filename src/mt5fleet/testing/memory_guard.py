"""Latch, guard memory and readings of the in-memory ledger."""

from mt5fleet.domain.account import AccountStatus, GuardMemory, TradingState
from mt5fleet.domain.broker import Reading
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.record import Alert, Event, EventType
from mt5fleet.testing.memory_store import GuardSlot, MemoryStore, account_stream


class MemoryGuardBook(MemoryStore):
    """What the guards know of each account. Nothing here lowers a latch."""

    def account_status(self, account: str) -> AccountStatus:
        with self._lock:
            guard = self._account(account).guard
            return AccountStatus(
                account=account,
                state=_state(guard),
                reason=guard.reason,
                since=guard.since,
                halted_seq=guard.halted_seq,
                resumed_seq=guard.resumed_seq,
                latch_confirmed=guard.confirmed,
                flatten_due=guard.halted and guard.flatten_due,
                flat_at=guard.flat_at,
                flatten_rounds=guard.rounds,
                memory=guard.memory,
                journal_id=guard.journal_id,
                journal_sequence=guard.journal_sequence,
                journal_older=guard.journal_older,
            )

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
        with self._lock:
            guard = self._account(account).guard
            newer = guard.memory is None or memory.sequence > guard.memory.sequence
            if newer:
                guard.memory, guard.reading = memory, reading
            latched = halt_reason is not None and self._latch(guard, halt_reason, 0)
            # A breach repeats with every reading; only the one that latched is told.
            if latched or (newer and halt_reason is None):
                self._tell(account, events, alert)
            return self.account_status(account)

    def halt(
        self, account: str, reason: str, *, events: tuple[Event, ...], alert: Alert | None, above: int = 0
    ) -> AccountStatus:
        with self._lock:
            if self._latch(self._account(account).guard, reason, above):
                self._tell(account, events, alert)
            return self.account_status(account)

    def _latch(self, guard: GuardSlot, reason: str, above: int) -> bool:
        """Raise the latch; the number grows also across a forgotten one. False when it is up already."""
        if guard.halted:
            return False
        guard.halted_seq = max(guard.halted_seq + 1, self._now_us(), above)
        guard.reason, guard.since = reason, self.now()
        guard.confirmed, guard.flatten_due, guard.flat_at, guard.rounds = False, True, None, 0
        return True

    def _tell(self, account: str, events: tuple[Event, ...], alert: Alert | None) -> None:
        for event in events:
            self._write_event(account_stream(account), event)
        self._write_alert(account_stream(account), alert)

    def _own_event(self, account: str, kind: EventType, numbers: dict[str, str]) -> Event:
        return Event(type=kind, account=account, numbers=numbers)

    def renumber_halt(self, account: str, sequence: int, above: int) -> AccountStatus:
        with self._lock:
            guard = self._account(account).guard
            if guard.halted and guard.halted_seq == sequence:
                guard.halted_seq = max(sequence + 1, above + 1, self._now_us())
                guard.confirmed = False
                numbers = {"before": str(sequence), "sequence": str(guard.halted_seq)}
                event = self._own_event(account, EventType.HALT_RENUMBERED, numbers)
                self._tell(account, (event,), None)
            return self.account_status(account)

    def confirm_latch(self, account: str, sequence: int, *, alert: Alert | None) -> None:
        with self._lock:
            guard = self._account(account).guard
            if not guard.halted or guard.confirmed or sequence < guard.halted_seq:
                return
            guard.confirmed = True
            event = self._own_event(account, EventType.HALT_CONFIRMED, {"sequence": str(sequence)})
            self._tell(account, (event,), alert)

    def flatten_step(self, lease: Lease, events: tuple[Event, ...]) -> int:
        with self._lock:
            self._need_newest(lease)
            guard = self._account(lease.resource).guard
            guard.rounds += 1
            self._tell(lease.resource, events, None)
            return guard.rounds

    def seen_flat(self, lease: Lease, *, alert: Alert | None) -> AccountStatus:
        with self._lock:
            self._need_newest(lease)
            guard = self._account(lease.resource).guard
            if guard.halted and guard.flatten_due:
                guard.flatten_due, guard.flat_at = False, self.now()
                event = self._own_event(lease.resource, EventType.FLAT, {"rounds": str(guard.rounds)})
                self._tell(lease.resource, (event,), alert)
            return self.account_status(lease.resource)

    def not_flat(self, account: str, *, alert: Alert | None) -> None:
        with self._lock:
            guard = self._account(account).guard
            if guard.halted and not guard.flatten_due:
                guard.flatten_due, guard.flat_at = True, None
                event = self._own_event(account, EventType.NOT_FLAT, {"rounds": str(guard.rounds)})
                self._tell(account, (event,), alert)

    def bind_journal(self, account: str, journal_id: str, sequence: int) -> str:
        with self._lock:
            guard = self._account(account).guard
            if guard.journal_id is None:
                guard.journal_id = journal_id
                event = self._own_event(account, EventType.ACCOUNT_CHANGED, {"journal_id": journal_id})
                self._tell(account, (event,), None)
            if guard.journal_id == journal_id:
                guard.journal_sequence = max(guard.journal_sequence, sequence)
            return guard.journal_id

    def mark_older_journal(self, account: str, journal_id: str) -> None:
        with self._lock:
            guard = self._account(account).guard
            if guard.journal_id == journal_id and not guard.journal_older:
                guard.journal_older = True
                numbers = {"journal_id": journal_id, "journal_older": "yes"}
                self._tell(account, (self._own_event(account, EventType.ACCOUNT_CHANGED, numbers),), None)

    def last_reading(self, account: str) -> Reading | None:
        with self._lock:
            return self._account(account).guard.reading


def _state(guard: GuardSlot) -> TradingState:
    if guard.halted:
        return TradingState.HALTED
    return TradingState.REDUCING if guard.reducing else TradingState.ACTIVE
