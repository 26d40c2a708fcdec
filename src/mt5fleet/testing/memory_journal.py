"""The bridge's journal in memory, with the same refusals as the one on disk."""

from dataclasses import replace
from datetime import datetime

from mt5fleet.domain.errors import InvariantBroken, StaleToken
from mt5fleet.domain.order import Outcome
from mt5fleet.ports.journal import JournalEntry


class MemoryJournal:
    """Journal port without a disk; whoever keeps the object keeps the memory."""

    def __init__(self, journal_id: str, created_at: datetime) -> None:
        self._id = journal_id
        self._created_at = created_at
        self._token = 0
        self._deal = 0
        self._latch: tuple[int, str] | None = None
        self._entries: dict[tuple[str, int], JournalEntry] = {}

    @property
    def id(self) -> str:
        return self._id

    @property
    def created_at(self) -> datetime:
        return self._created_at

    def newest_token(self) -> int:
        return self._token

    def see_token(self, token: int) -> None:
        if token < self._token:
            raise StaleToken(self._token)
        self._token = token

    def entries(self, key: str) -> tuple[JournalEntry, ...]:
        return tuple(entry for _, entry in sorted(self._entries.items()) if entry.key == key)

    def unfinished(self) -> tuple[JournalEntry, ...]:
        entries = (entry for entry in self._entries.values() if entry.outcome is None and not entry.tombstone)
        return tuple(sorted(entries, key=lambda entry: entry.written_at))

    def write(self, entry: JournalEntry) -> None:
        if (entry.key, entry.attempt) in self._entries:
            raise InvariantBroken(
                f"attempt {entry.attempt} of order {entry.key[:12]} is in the journal already"
            )
        self._entries[entry.key, entry.attempt] = entry

    def finish(self, key: str, attempt: int, outcome: Outcome) -> None:
        self._entries[key, attempt] = replace(self._entries[key, attempt], outcome=outcome)

    def bury(self, key: str, attempt: int) -> None:
        entry = self._entries.get((key, attempt)) or _tombstone(key, attempt, self._created_at)
        self._entries[key, attempt] = replace(entry, tombstone=True)

    def newest_deal(self) -> int:
        return self._deal

    def see_deal(self, ticket: int) -> None:
        self._deal = max(self._deal, ticket)

    def latch(self) -> tuple[int, str] | None:
        return self._latch

    def set_latch(self, sequence: int, reason: str) -> None:
        if self._latch is None or sequence > self._latch[0]:
            self._latch = (sequence, reason)


def _tombstone(key: str, attempt: int, at: datetime) -> JournalEntry:
    return JournalEntry(
        key=key,
        attempt=attempt,
        token=0,
        operation="",
        request="",
        written_at=at,
        outcome=None,
        tombstone=True,
    )
