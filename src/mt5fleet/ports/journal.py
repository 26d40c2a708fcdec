"""The bridge's own memory of what it sent for one account: durable before the terminal is called.

A write that must be durable raises JournalUnwritable when it is not.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.latch import Latch
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


class AttemptJournal(Protocol):
    """What a terminal needs of the journal: written ahead of every send."""

    @property
    def id(self) -> str:
        """The journal's own identity, made when it was created."""
        ...

    @property
    def created_at(self) -> datetime:
        """When it was created: nothing that left the bridge later is missing from it."""
        ...

    @property
    def sequence(self) -> int:
        """How many durable writes it holds: an older copy of it shows fewer."""
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
        """Attempts handed to the terminal whose end is not known, oldest first; the newest 1000 at most.

        They have no tombstone, and no outcome or one that is in doubt.
        """
        ...

    def write(self, entry: JournalEntry) -> None:
        """Write an attempt ahead of its send; the last gate before it.

        Raises StaleToken for an older token, Latched for a submit under a latch, InvariantBroken when
        (key, attempt) exists.
        """
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

    def latch(self) -> Latch | None:
        """The latch that stands, None when there is none."""
        ...

    def builds(self) -> tuple[int, ...]:
        """The terminal's builds in the order they were first seen, the newest last; at most two are kept."""
        ...

    def see_build(self, build: int) -> None:
        """Remember the terminal's build."""
        ...


class StandingJournal(Protocol):
    """What stands for the account whatever its terminal does."""

    @property
    def id(self) -> str:
        """As in AttemptJournal."""
        ...

    @property
    def created_at(self) -> datetime:
        """As in AttemptJournal."""
        ...

    @property
    def sequence(self) -> int:
        """As in AttemptJournal."""
        ...

    @property
    def writable(self) -> bool:
        """Whether the newest write was taken."""
        ...

    def newest_token(self) -> int:
        """As in AttemptJournal."""
        ...

    def unfinished(self) -> tuple[JournalEntry, ...]:
        """As in AttemptJournal."""
        ...

    def latch(self) -> Latch | None:
        """As in AttemptJournal."""
        ...

    def set_latch(self, latch: Latch) -> None:
        """Latch durably; a sequence below the standing one changes nothing.

        Raises StaleLatch for a sequence that was lifted.
        """
        ...

    def lifted_sequence(self) -> int:
        """The newest sequence that was lifted, 0 at first."""
        ...

    def lift_latch(self, sequence: int, record: str) -> None:
        """Take the latch of this sequence away durably and keep the signed record that asked for it."""
        ...

    def memory(self) -> GuardMemory | None:
        """The newest checkpoint of the guards' memory, None before the first."""
        ...

    def set_memory(self, memory: GuardMemory) -> None:
        """Keep a checkpoint durably; one whose sequence is not above the kept one changes nothing."""
        ...

    def floor(self) -> str | None:
        """The signed record of the floor, None when there is none."""
        ...

    def set_floor(self, record: str) -> None:
        """Keep a signed record of the floor durably."""
        ...


class Journal(AttemptJournal, StandingJournal, Protocol):
    """The whole journal of one account."""
