"""The bridge's own memory of what it sent for one account: durable before the terminal is called."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mt5fleet.domain.order import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One attempt of one key. `sent` is set, durably, just before the terminal call; `outcome` after it."""

    key: str
    attempt: int
    token: int
    operation: str  # submit, close, modify, cancel
    request: str  # JSON of what was to be sent
    written_at: datetime
    outcome: Outcome | None
    tombstone: bool


class Journal(Protocol):
    """Written ahead of every send; a write is durable when the method returns."""

    @property
    def id(self) -> str:
        """The journal's own identity, made when it was created."""
        ...

    @property
    def created_at(self) -> datetime:
        """When it was created: nothing that left the bridge later is missing from it."""
        ...

    def newest_token(self) -> int:
        """The newest fencing token seen, 0 at first."""
        ...

    def see_token(self, token: int) -> None:
        """Store a newer token durably; raise StaleToken for an older one."""
        ...

    def entries(self, key: str) -> tuple[JournalEntry, ...]:
        """Every attempt of a key, oldest first."""
        ...

    def unfinished(self) -> tuple[JournalEntry, ...]:
        """Attempts handed to the terminal that have neither outcome nor tombstone, oldest first."""
        ...

    def write(self, entry: JournalEntry) -> None:
        """Write an attempt ahead of its send; raise InvariantBroken when (key, attempt) exists."""
        ...

    def finish(self, key: str, attempt: int, outcome: Outcome) -> None:
        """Store the outcome of an attempt."""
        ...

    def bury(self, key: str, attempt: int) -> None:
        """Tombstone (key, attempt): it is refused for ever."""
        ...

    def newest_deal(self) -> int:
        """The newest deal ticket the bridge has seen for this account, 0 at first."""
        ...

    def see_deal(self, ticket: int) -> None:
        """Remember a newer deal ticket."""
        ...

    def latch(self) -> tuple[int, str] | None:
        """Sequence and reason of the latch, None when there is none."""
        ...

    def set_latch(self, sequence: int, reason: str) -> None:
        """Latch durably; a lower sequence changes nothing."""
        ...
