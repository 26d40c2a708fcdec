"""The journal's side of a conversation with a child: what one call may read, and the last gate to write.

Invariants: an attempt is on disk before the child is told so; only the call in hand may write, only its own
attempt, and an open only into the journal that the ledger knows.
"""

import asyncio
import logging
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime

from mt5fleet.adapters.bridge.conversion import from_message, to_message
from mt5fleet.adapters.bridge.problems import problem_of
from mt5fleet.adapters.bridge.protocol.bridge_pb2 import Latch as LatchMessage
from mt5fleet.adapters.bridge.protocol.child_pb2 import (
    FromChild,
    JournalBury,
    JournalDone,
    JournalFinish,
    JournalView,
)
from mt5fleet.adapters.bridge.protocol.child_pb2 import JournalEntry as EntryMessage
from mt5fleet.adapters.sqlite.journal import SqliteJournal
from mt5fleet.domain.errors import FleetError, InvariantBroken, JournalUnwritable, Latched, StaleToken
from mt5fleet.domain.order import Outcome, Permit
from mt5fleet.ports.journal import JournalEntry

JOURNAL_S_MAX = 1.0  # for an answer of the journal where a call need not wait: an order has 5 s in all
UNFINISHED_AGE_S_MAX = 3600.0  # told with each call; what is older comes no more
SETTLE_S_MAX = 2.0  # for outcomes to be written before their answer is passed on

_log = logging.getLogger("mt5fleet.bridge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a call may do in the journal: `key` is its order's, `permit` is there when it may send.

    `needs_journal` False: it goes on without an answer of the journal, so it does not wait long for one.
    """

    operation: str
    key: str = ""
    permit: Permit | None = None
    needs_journal: bool = True


def view_of(
    journal: SqliteJournal, now: datetime, key: str = "", entries: tuple[JournalEntry, ...] = ()
) -> JournalView:
    """What the journal says now, with the entries of one key."""
    latch = journal.latch()
    young = (
        entry
        for entry in journal.unfinished()
        if (now - entry.written_at).total_seconds() < UNFINISHED_AGE_S_MAX
    )
    view = JournalView(
        id=journal.id,
        sequence=journal.sequence,
        newest_token=journal.newest_token(),
        newest_deal=journal.newest_deal(),
        latch=None if latch is None else to_message(latch, LatchMessage),
        builds=journal.builds(),
        key=key,
        entries=[to_message(entry, EntryMessage) for entry in entries],
        unfinished=[to_message(entry, EntryMessage) for entry in young],
    )
    view.created_at.FromDatetime(journal.created_at)
    return view


class JournalCounter:
    """Serves the journal to a child for the time of one call."""

    def __init__(self, account: str, journal: SqliteJournal, errand: Errand) -> None:
        self._account = account
        self._journal = journal
        self._errand = errand
        self._told: list[Future[None]] = []

    async def take(self, frame: FromChild) -> JournalDone | None:
        """Serve one frame: what the child waits for, None when it does not wait; raises InvalidValue."""
        match frame.WhichOneof("content"):
            case "write":
                return await self._done(self._write(from_message(frame.write.entry, JournalEntry)))
            case "bury":
                return await self._done(self._bury(frame.bury))
            case "finish":
                self._told.append(self._finish(frame.finish))
            case "see_deal":
                self._told.append(self._journal.see_deal_soon(frame.see_deal))
            case _:
                self._told.append(self._journal.see_build_soon(frame.see_build))
        return None

    async def settle(self) -> None:
        """Wait until what was told is written; what the disk refused is settled from the broker later."""
        if not self._told:
            return
        waiting = [asyncio.wrap_future(future) for future in self._told]
        done, late = await asyncio.wait(waiting, timeout=SETTLE_S_MAX)
        for future in late:
            future.cancel()
        failed = [future.exception() for future in done if future.exception()]
        if failed or late:
            _log.error(
                "%s: %s: %d notes are not in the journal: %s",
                self._account,
                self._errand.operation,
                len(failed) + len(late),
                failed[0] if failed else f"nothing within {SETTLE_S_MAX} s",
            )

    async def _done(self, written: "Future[None]") -> JournalDone:
        wait_s = None if self._errand.needs_journal else JOURNAL_S_MAX
        try:
            await asyncio.wait_for(asyncio.wrap_future(written), wait_s)
        except TimeoutError:
            return JournalDone(unwritable=f"nothing was written within {JOURNAL_S_MAX} s")
        except StaleToken as error:
            return JournalDone(problem=problem_of(error))
        except Latched as error:
            return JournalDone(latched=error.reason)
        except JournalUnwritable as error:
            return JournalDone(unwritable=str(error))
        except FleetError as error:
            return JournalDone(broken=str(error))
        return JournalDone(sequence=self._journal.sequence)

    def _write(self, entry: JournalEntry) -> "Future[None]":
        refused = self._refusal(entry)
        return _failed(refused) if refused else self._journal.write_soon(entry)

    def _bury(self, bury: JournalBury) -> "Future[None]":
        refused = self._stranger(bury.key)
        return _failed(refused) if refused else self._journal.bury_soon(bury.key, bury.attempt)

    def _finish(self, finish: JournalFinish) -> "Future[None]":
        refused = self._stranger(finish.key)
        if refused:
            return _failed(refused)
        outcome = from_message(finish.outcome, Outcome)
        return self._journal.finish_soon(finish.key, finish.attempt, outcome)

    def _refusal(self, entry: JournalEntry) -> FleetError | None:
        """Why this attempt may not be written; None when the journal itself may judge it."""
        permit = self._errand.permit
        if permit is None:
            return InvariantBroken(f"journal: {self._errand.operation} may send nothing")
        asked = (self._errand.operation, permit.key, permit.attempt, permit.token)
        if (entry.operation, entry.key, entry.attempt, entry.token) != asked:
            return InvariantBroken("journal: the attempt is not the one that was permitted")
        if entry.operation != "submit":
            return None
        if permit.journal_id != self._journal.id:
            return JournalUnwritable("the ledger knows this account with another journal, or with none")
        if permit.journal_sequence > self._journal.sequence:
            return JournalUnwritable("the journal is an older copy of the one that the ledger knows")
        return None

    def _stranger(self, key: str) -> FleetError | None:
        if key and key == self._errand.key:
            return None
        return InvariantBroken(f"journal: order {key[:12]} is not the one of this call")


def _failed(error: FleetError) -> "Future[None]":
    future: Future[None] = Future()
    future.set_exception(error)
    return future
