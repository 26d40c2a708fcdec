"""The journal as the child sees it: it lives with the bridge, which tells with each call what it says.

A write ahead of a send and a tombstone wait until the bridge has them on disk; outcomes, deals and builds are
told and not waited for, and are with the bridge before the call's answer is.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from mt5fleet.adapters.bridge.conversion import from_message, to_message
from mt5fleet.adapters.bridge.problems import error_of
from mt5fleet.adapters.bridge.protocol.bridge_pb2 import Outcome as OutcomeMessage
from mt5fleet.adapters.bridge.protocol.child_pb2 import (
    FromChild,
    JournalBury,
    JournalDone,
    JournalFinish,
    JournalView,
    JournalWrite,
)
from mt5fleet.adapters.bridge.protocol.child_pb2 import JournalEntry as EntryMessage
from mt5fleet.domain.errors import FleetError, InvariantBroken, JournalUnwritable, Latched, StaleToken
from mt5fleet.domain.latch import Latch
from mt5fleet.domain.order import Outcome
from mt5fleet.ports.journal import JournalEntry

NEVER = datetime.min.replace(tzinfo=UTC)


class ChildJournal:
    """AttemptJournal port. `ask` sends a frame and waits for what the bridge says, `tell` only sends."""

    def __init__(self, ask: Callable[[FromChild], JournalDone], tell: Callable[[FromChild], None]) -> None:
        self._ask = ask
        self._tell = tell
        self._view = JournalView()
        self._sequence = self._token = self._deal = 0
        self._builds: tuple[int, ...] = ()
        self._entries: dict[int, JournalEntry] = {}

    def look(self, view: JournalView) -> None:
        """Take note of what the journal says now, for the call that came with it."""
        self._view = view
        self._sequence = view.sequence
        self._token = max(self._token, view.newest_token)
        self._deal = max(self._deal, view.newest_deal)
        self._builds = tuple(view.builds)
        entries = (from_message(entry, JournalEntry) for entry in view.entries)
        self._entries = {entry.attempt: entry for entry in entries}

    @property
    def id(self) -> str:
        return self._view.id

    @property
    def created_at(self) -> datetime:
        return self._view.created_at.ToDatetime(tzinfo=UTC)

    @property
    def sequence(self) -> int:
        return self._sequence

    def newest_token(self) -> int:
        return self._token

    def see_token(self, token: int) -> None:
        """The bridge stored it before it handed the call over; where its disk refused, it counts here."""
        if token < self._token:
            raise StaleToken(self._token)
        self._token = token

    def entries(self, key: str) -> tuple[JournalEntry, ...]:
        self._require_key(key)
        return tuple(self._entries[attempt] for attempt in sorted(self._entries))

    def unfinished(self) -> tuple[JournalEntry, ...]:
        return tuple(from_message(entry, JournalEntry) for entry in self._view.unfinished)

    def write(self, entry: JournalEntry) -> None:
        self._require_key(entry.key)
        self._wait_for(FromChild(write=JournalWrite(entry=to_message(entry, EntryMessage))))
        self._entries[entry.attempt] = entry

    def finish(self, key: str, attempt: int, outcome: Outcome) -> None:
        self._require_key(key)
        finish = JournalFinish(key=key, attempt=attempt, outcome=to_message(outcome, OutcomeMessage))
        self._tell(FromChild(finish=finish))
        if attempt in self._entries:
            self._entries[attempt] = replace(self._entries[attempt], outcome=outcome)

    def bury(self, key: str, attempt: int) -> None:
        self._require_key(key)
        self._wait_for(FromChild(bury=JournalBury(key=key, attempt=attempt)))
        entry = self._entries.get(attempt) or _tombstone(key, attempt, self._token)
        self._entries[attempt] = replace(entry, tombstone=True)

    def newest_deal(self) -> int:
        return self._deal

    def see_deal(self, ticket: int) -> None:
        if ticket > self._deal:
            self._tell(FromChild(see_deal=ticket))
            self._deal = ticket

    def latch(self) -> Latch | None:
        return from_message(self._view.latch, Latch) if self._view.HasField("latch") else None

    def builds(self) -> tuple[int, ...]:
        return self._builds

    def see_build(self, build: int) -> None:
        if self._builds[-1:] != (build,):
            self._tell(FromChild(see_build=build))
            self._builds = (*self._builds[-1:], build)

    def _wait_for(self, frame: FromChild) -> None:
        done = self._ask(frame)
        refused = _refusal(done)
        if refused is not None:
            raise refused
        self._sequence = done.sequence

    def _require_key(self, key: str) -> None:
        if key != self._view.key:
            raise InvariantBroken(f"journal: order {key[:12]} is not the one of this call")


def _refusal(done: JournalDone) -> FleetError | None:
    match done.WhichOneof("refusal"):
        case None:
            return None
        case "problem":
            return error_of(done.problem)
        case "latched":
            return Latched(done.latched)
        case "unwritable":
            return JournalUnwritable(done.unwritable)
        case _:
            return InvariantBroken(done.broken)


def _tombstone(key: str, attempt: int, token: int) -> JournalEntry:
    return JournalEntry(
        key=key,
        attempt=attempt,
        token=token,
        operation="",
        request="",
        written_at=NEVER,
        outcome=None,
        tombstone=True,
    )
