"""What the journal knows of one account by heart, and the rules by which a write changes it.

Each rule gives the changed state, None when there is nothing to write, or raises what forbids it.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.errors import Latched, StaleLatch, StaleToken
from mt5fleet.domain.latch import Latch
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome
from mt5fleet.ports.journal import JournalEntry

UNFINISHED_MAX = 1000  # known by heart; older ones are found in the file by their key
BUILDS_MAX = 2  # the present one and the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """One account's row and its unfinished attempts.

    `owed`: holds a token or latch that the disk refused; it counts here and is written with the next change.
    """

    id: str
    created_at: datetime
    sequence: int = 0
    token: int = 0
    newest_deal: int = 0
    latch: Latch | None = None
    lifted: int = 0
    memory: GuardMemory | None = None
    floor: str | None = None
    builds: tuple[int, ...] = ()
    unfinished: tuple[JournalEntry, ...] = ()
    owed: bool = False


def with_token(state: AccountState, token: int) -> AccountState | None:
    """A newer token is kept; raises StaleToken for an older one."""
    if token < state.token:
        raise StaleToken(state.token)
    return None if token == state.token else replace(state, token=token)


def with_attempt(state: AccountState, entry: JournalEntry) -> AccountState:
    """The last gate before a send; raises StaleToken, and Latched for a submit under a latch."""
    seen = with_token(state, entry.token) or state
    if entry.operation == "submit" and seen.latch is not None:
        raise Latched(seen.latch.reason)
    return replace(seen, unfinished=(*seen.unfinished, entry)[-UNFINISHED_MAX:])


def is_end(outcome: Outcome) -> bool:
    """Whether nothing more may come of an attempt."""
    return outcome.state is not OrderState.IN_DOUBT


def with_outcome(state: AccountState, key: str, attempt: int, outcome: Outcome) -> AccountState:
    """The attempt is over, unless its outcome is a doubt."""
    if is_end(outcome):
        return without_attempt(state, key, attempt)
    noted = (
        replace(entry, outcome=outcome) if (entry.key, entry.attempt) == (key, attempt) else entry
        for entry in state.unfinished
    )
    return replace(state, unfinished=tuple(noted))


def without_attempt(state: AccountState, key: str, attempt: int) -> AccountState:
    """The attempt is over."""
    left = tuple(entry for entry in state.unfinished if (entry.key, entry.attempt) != (key, attempt))
    return replace(state, unfinished=left)


def with_deal(state: AccountState, ticket: int) -> AccountState | None:
    """The newest deal only grows."""
    return replace(state, newest_deal=ticket) if ticket > state.newest_deal else None


def with_latch(state: AccountState, latch: Latch) -> AccountState | None:
    """A newer latch replaces an older one; raises StaleLatch for one that was lifted."""
    if latch.sequence <= state.lifted:
        raise StaleLatch(state.lifted)
    stands = state.latch is not None and state.latch.sequence >= latch.sequence
    return None if stands else replace(state, latch=latch)


def with_lift(state: AccountState, sequence: int) -> AccountState | None:
    """The latch of this sequence goes; a newer one stays."""
    if sequence <= state.lifted:
        return None
    stays = state.latch is not None and state.latch.sequence > sequence
    return replace(state, lifted=sequence, latch=state.latch if stays else None)


def with_memory(state: AccountState, memory: GuardMemory) -> AccountState | None:
    """A newer checkpoint replaces an older one."""
    kept = state.memory
    is_old = kept is not None and (memory.sequence <= kept.sequence or memory.forgot(kept))
    return None if is_old else replace(state, memory=memory)


def with_floor(state: AccountState, record: str) -> AccountState | None:
    """The floor's record as it was signed."""
    return None if record == state.floor else replace(state, floor=record)


def with_build(state: AccountState, build: int) -> AccountState | None:
    """The newest build last."""
    if state.builds[-1:] == (build,):
        return None
    return replace(state, builds=(*state.builds, build)[-BUILDS_MAX:])
