"""The bridge's journal in memory, with the same refusals as the one on disk."""

from dataclasses import replace
from datetime import datetime

from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.errors import InvariantBroken, JournalUnwritable, Latched, StaleLatch, StaleToken
from mt5fleet.domain.latch import Latch
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome
from mt5fleet.ports.journal import JournalEntry

BUILDS_MAX = 2
UNFINISHED_MAX = 1000


class MemoryJournal:
    """Journal port without a disk; whoever keeps the object keeps the memory.

    `disk_fails`: every write that must be durable is refused, as by a full disk.
    """

    def __init__(self, journal_id: str, created_at: datetime) -> None:
        self.disk_fails = False
        self.records: list[tuple[int, str]] = []
        self._id = journal_id
        self._created_at = created_at
        self._sequence = 0
        self._token = 0
        self._deal = 0
        self._builds: tuple[int, ...] = ()
        self._latch: Latch | None = None
        self._lifted = 0
        self._memory: GuardMemory | None = None
        self._floor: str | None = None
        self._entries: dict[tuple[str, int], JournalEntry] = {}
        self._writable = True
        self._owed = False

    @property
    def id(self) -> str:
        return self._id

    @property
    def created_at(self) -> datetime:
        return self._created_at

    @property
    def sequence(self) -> int:
        return self._sequence

    @property
    def writable(self) -> bool:
        return self._writable

    def newest_token(self) -> int:
        return self._token

    def see_token(self, token: int) -> None:
        if token < self._token:
            raise StaleToken(self._token)
        if token > self._token or self._owed:
            # A token forbids older ones, also where the disk refuses it.
            self._token = token
            self._owe()

    def entries(self, key: str) -> tuple[JournalEntry, ...]:
        return tuple(entry for _, entry in sorted(self._entries.items()) if entry.key == key)

    def unfinished(self) -> tuple[JournalEntry, ...]:
        entries = [entry for entry in self._entries.values() if not entry.tombstone and _may_come(entry)]
        return tuple(sorted(entries, key=lambda entry: entry.written_at))[-UNFINISHED_MAX:]

    def write(self, entry: JournalEntry) -> None:
        if entry.token < self._token:
            raise StaleToken(self._token)
        if entry.operation == "submit" and self._latch is not None:
            raise Latched(self._latch.reason)
        if (entry.key, entry.attempt) in self._entries:
            place = f"attempt {entry.attempt} of order {entry.key[:12]}"
            raise InvariantBroken(f"journal: {place} was written before")
        self._durable()
        self._token = entry.token
        self._entries[entry.key, entry.attempt] = entry

    def finish(self, key: str, attempt: int, outcome: Outcome) -> None:
        if (key, attempt) not in self._entries:
            raise InvariantBroken(f"journal: attempt {attempt} of order {key[:12]} was never written")
        self._written()
        self._entries[key, attempt] = replace(self._entries[key, attempt], outcome=outcome)

    def bury(self, key: str, attempt: int) -> None:
        self._durable()
        entry = self._entries.get((key, attempt)) or self._tombstone(key, attempt)
        self._entries[key, attempt] = replace(entry, tombstone=True)

    def newest_deal(self) -> int:
        return self._deal

    def see_deal(self, ticket: int) -> None:
        if ticket > self._deal:
            self._written()
            self._deal = ticket

    def builds(self) -> tuple[int, ...]:
        return self._builds

    def see_build(self, build: int) -> None:
        if self._builds[-1:] != (build,):
            self._written()
            self._builds = (*self._builds, build)[-BUILDS_MAX:]

    def latch(self) -> Latch | None:
        return self._latch

    def set_latch(self, latch: Latch) -> None:
        if latch.sequence <= self._lifted:
            raise StaleLatch(self._lifted)
        stands = self._latch is not None and latch.sequence <= self._latch.sequence
        if not stands:
            self._latch = latch
        if not stands or self._owed:
            self._owe()

    def lifted_sequence(self) -> int:
        return self._lifted

    def lift_latch(self, sequence: int, record: str) -> None:
        if sequence <= self._lifted:
            return
        self._durable()
        self._lifted = sequence
        self.records.append((sequence, record))
        if self._latch is not None and self._latch.sequence <= sequence:
            self._latch = None

    def memory(self) -> GuardMemory | None:
        return self._memory

    def set_memory(self, memory: GuardMemory) -> None:
        kept = self._memory
        if kept is None or (memory.sequence > kept.sequence and not memory.forgot(kept)):
            self._durable()
            self._memory = memory

    def floor(self) -> str | None:
        return self._floor

    def set_floor(self, record: str) -> None:
        if record != self._floor:
            self._durable()
            self._floor = record

    def probe(self) -> None:
        """Find out whether a write is taken again; raises JournalUnwritable while none is."""
        self._durable()

    def _owe(self) -> None:
        """What forbids something counts already; it is durable with the next write that is taken."""
        self._owed = True
        self._durable()

    def _durable(self) -> None:
        self._written()
        self._sequence += 1

    def _written(self) -> None:
        self._writable = not self.disk_fails
        if self.disk_fails:
            raise JournalUnwritable("the journal in memory was told to refuse writes")
        self._owed = False

    def _tombstone(self, key: str, attempt: int) -> JournalEntry:
        return JournalEntry(
            key=key,
            attempt=attempt,
            token=self._token,
            operation="",
            request="",
            written_at=self._created_at,
            outcome=None,
            tombstone=True,
        )


def _may_come(entry: JournalEntry) -> bool:
    return entry.outcome is None or entry.outcome.state is OrderState.IN_DOUBT
