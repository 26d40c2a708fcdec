"""Signal log of the in-memory ledger."""

from abc import ABC, abstractmethod
from dataclasses import replace
from datetime import datetime

from mt5fleet.adapters.redis.microtime import from_us
from mt5fleet.domain.errors import LedgerError, LedgerFull
from mt5fleet.domain.lease import LOG, Lease
from mt5fleet.domain.lifecycle import FINAL
from mt5fleet.domain.record import (
    Alert,
    DeadLetter,
    Epoch,
    OrderRecord,
    SignalPhase,
    SignalRecord,
    SignalStatus,
)
from mt5fleet.ports.ledger import LogEntry, Posted, Posting, PostResult
from mt5fleet.testing.memory_store import LOG_OUTBOX, MemoryStore

_MINUTE_US = 60_000_000


class MemorySignalLog(MemoryStore, ABC):
    """Posted signals and what intake made of them."""

    memory_percent: int | None = None  # what `check_memory` measures; tests set it

    def post(self, signal_id: str, body_hash: str, envelope: str) -> Posted:
        with self._lock:
            memory = self._memory
            if signal_id in memory.ids:
                kept_hash, seq = memory.ids[signal_id]
                return self._posted(PostResult.EXISTS if kept_hash == body_hash else PostResult.CONFLICT, seq)
            now = self._now_us()
            if memory.full_until_us > now:
                raise LedgerFull("the ledger's memory is past its limit: nothing was written")
            seq = memory.last_seq = max(memory.last_seq + 1, now)
            memory.ids[signal_id] = (body_hash, seq)
            memory.entries[seq] = LogEntry(
                seq=seq, posted_at=from_us(now), signal_id=signal_id, body_hash=body_hash, envelope=envelope
            )
            return self._posted(PostResult.POSTED, seq)

    def post_many(self, postings: tuple[Posting, ...]) -> tuple[Posted | LedgerError, ...]:
        with self._lock:
            return tuple(self._post_or_error(posting) for posting in postings)

    def _post_or_error(self, posting: Posting) -> Posted | LedgerError:
        try:
            return self.post(posting.signal_id, posting.body_hash, posting.envelope)
        except LedgerError as error:
            return error

    def _posted(self, result: PostResult, seq: int) -> Posted:
        wake = bool(self._memory.entries) and self._claim_wake(self._memory.log_lease, self._settings.wake_ms)
        # A post does not look for a restart; it opens an epoch only where there is none.
        epoch = self._memory.epoch or self._epoch_now()
        return Posted(result=result, seq=seq, epoch=epoch.number, wake=wake)

    def acquire_log(self, owner: str, ttl_ms: int) -> Lease | None:
        with self._lock:
            return self._grant(self._memory.log_lease, LOG, owner, ttl_ms)

    def waiting(self, lease: Lease, limit: int) -> tuple[LogEntry, ...]:
        with self._lock:
            self._renew(self._need_live(lease))
            oldest = sorted(self._memory.entries)[:limit]
            return tuple(self._seen(self._memory.entries[seq]) for seq in oldest)

    def _seen(self, entry: LogEntry) -> LogEntry:
        letter = self._memory.dead.get(entry.signal_id)
        return replace(entry, buried=letter is not None and letter.seq == entry.seq)

    def record(self, record: SignalRecord) -> SignalRecord:
        with self._lock:
            return self._memory.records.setdefault(record.signal_id, record)

    def record_of(self, signal_id: str) -> SignalRecord | None:
        with self._lock:
            return self._memory.records.get(signal_id)

    def bury(self, lease: Lease, letter: DeadLetter, alert: Alert | None) -> None:
        with self._lock:
            self._need_newest(lease)
            kept = self._memory.dead.get(letter.signal_id)
            if kept is not None and kept.seq == letter.seq:
                return
            self._memory.dead[letter.signal_id] = letter
            self._memory.dead_order.append(letter)
            del self._memory.dead_order[: -self._settings.dead_letters_max]
            self._write_alert(LOG_OUTBOX, alert)

    def settle(self, lease: Lease, seq: int) -> None:
        with self._lock:
            self._need_newest(lease)
            for done in [kept for kept in self._memory.entries if kept <= seq]:
                del self._memory.entries[done]

    def release_log(self, lease: Lease) -> bool:
        with self._lock:
            slot = self._need_newest(lease)
            if self._memory.entries and slot.deadline_us:
                return False
            slot.owner, slot.deadline_us = "", 0
            return True

    def status(self, signal_id: str) -> SignalStatus:
        with self._lock:
            memory = self._memory
            orders = self._orders_of(memory.records.get(signal_id))
            return SignalStatus(
                signal_id=signal_id,
                phase=self._phase(signal_id, orders),
                epoch=0 if memory.epoch is None else memory.epoch.number,
                dead_letter=memory.dead.get(signal_id),
                orders=orders,
            )

    def _orders_of(self, record: SignalRecord | None) -> tuple[OrderRecord, ...]:
        targets = () if record is None else record.targets
        found = (self.order(target.account, target.key) for target in targets)
        return tuple(order for order in found if order is not None)

    @abstractmethod
    def order(self, account: str, key: str) -> OrderRecord | None:
        """One order as it stands."""

    def _phase(self, signal_id: str, orders: tuple[OrderRecord, ...]) -> SignalPhase:
        record = self._memory.records.get(signal_id)
        if record is not None:
            whole = len(orders) == len(record.targets) and all(order.state in FINAL for order in orders)
            return SignalPhase.FINAL if whole else SignalPhase.RECORDED
        if signal_id in self._memory.dead:
            return SignalPhase.REFUSED
        return SignalPhase.POSTED if signal_id in self._memory.ids else SignalPhase.UNKNOWN

    def log_backlog(self) -> tuple[int, datetime | None, bool]:
        with self._lock:
            entries = self._memory.entries
            oldest = entries[min(entries)].posted_at if entries else None
            return len(entries), oldest, self._memory.log_lease.deadline_us > self._now_us()

    def dead_letters(self, limit: int) -> tuple[DeadLetter, ...]:
        with self._lock:
            return tuple(reversed(self._memory.dead_order))[:limit]

    def epoch(self) -> Epoch:
        with self._lock:
            return self._epoch_now()

    def count_signal(self, producer: str, per_minute_max: int) -> bool:
        with self._lock:
            window = (producer, self._now_us() // _MINUTE_US)
            self._memory.rates[window] = self._memory.rates.get(window, 0) + 1
            return self._memory.rates[window] <= per_minute_max

    def check_memory(self) -> int | None:
        with self._lock:
            used, limit = self.memory_percent, self._settings.memory_percent_max
            full = used is not None and used > limit
            self._memory.full_until_us = self._now_us() + self._settings.memory_flag_ms * 1_000 if full else 0
            return self.memory_percent
