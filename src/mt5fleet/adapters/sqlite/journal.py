"""The bridge's journal in one SQLite file per host, with a journal of its own for every account.

A write ahead of a send, a tombstone, a token, a latch, a checkpoint and a floor are on disk (fsync) when the
method returns. What the broker can tell again (outcomes, the newest deal, the build) is written in order and
not synced: a power cut may lose it, a killed process cannot.
"""

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from pathlib import Path

from mt5fleet.adapters.sqlite.rows import (
    add_account,
    add_attempt,
    bury_attempt,
    find_account,
    finish_attempt,
    keep_resume,
    read_account,
    read_attempts,
)
from mt5fleet.adapters.sqlite.schema import FILE_NAME, JournalRefused
from mt5fleet.adapters.sqlite.state import (
    AccountState,
    with_attempt,
    with_build,
    with_deal,
    with_floor,
    with_latch,
    with_lift,
    with_memory,
    with_outcome,
    with_token,
    without_attempt,
)
from mt5fleet.adapters.sqlite.writer import GroupWriter, Rows, Rule, Write, no_rows
from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.latch import Latch
from mt5fleet.domain.order import Outcome
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.journal import JournalEntry

__all__ = ["JournalFile", "JournalRefused", "SqliteJournal", "journal_path"]


def journal_path(folder: Path) -> Path:
    """Where a host's journal lies."""
    return folder / FILE_NAME


class JournalFile:
    """The journals of one host's accounts. Opening creates the file; a second process is refused.

    Raises JournalRefused.
    """

    def __init__(self, path: Path, clock: Clock, new_id: Callable[[], str]) -> None:
        self._clock = clock
        self._new_id = new_id
        self._writer = GroupWriter(path)
        self._journals: dict[tuple[str, int], SqliteJournal] = {}

    @property
    def commits(self) -> int:
        """Synced transactions since it was opened: what the disk had to do."""
        return self._writer.commits

    @property
    def writes(self) -> int:
        """Durable writes since it was opened: what was asked of it."""
        return self._writer.writes

    def account(self, server: str, login: int) -> "SqliteJournal":
        """The journal of one account, created at first sight; raises JournalUnwritable when it cannot be."""
        key = (server, login)
        if key not in self._journals:
            number, state = self._writer.read(partial(self._open, server=server, login=login)).result()
            self._writer.adopt(number, state)
            self._journals[key] = SqliteJournal(self._writer, number, self._clock)
        return self._journals[key]

    def close(self) -> None:
        """Write what waits, then release the lock."""
        self._writer.close()

    def _open(self, connection: sqlite3.Connection, server: str, login: int) -> tuple[int, AccountState]:
        number = find_account(connection, server, login)
        if number is None:
            connection.execute("PRAGMA synchronous = FULL")
            add_account(connection, server, login, self._new_id(), self._clock.now())
            number = find_account(connection, server, login)
        if number is None:
            raise JournalRefused(f"account {login} on {server} is not in the journal")
        return number, read_account(connection, number)


class SqliteJournal:
    """Journal port of one account. The methods wait for the disk; those that end in `_soon` do not."""

    def __init__(self, writer: GroupWriter, number: int, clock: Clock) -> None:
        self._writer = writer
        self._number = number
        self._clock = clock

    @property
    def id(self) -> str:
        return self._state.id

    @property
    def created_at(self) -> datetime:
        return self._state.created_at

    @property
    def sequence(self) -> int:
        return self._state.sequence

    @property
    def writable(self) -> bool:
        return self._writer.is_writable

    def newest_token(self) -> int:
        return self._state.token

    def newest_deal(self) -> int:
        return self._state.newest_deal

    def latch(self) -> Latch | None:
        return self._state.latch

    def lifted_sequence(self) -> int:
        return self._state.lifted

    def memory(self) -> GuardMemory | None:
        return self._state.memory

    def floor(self) -> str | None:
        return self._state.floor

    def builds(self) -> tuple[int, ...]:
        return self._state.builds

    def unfinished(self) -> tuple[JournalEntry, ...]:
        return tuple(sorted(self._state.unfinished, key=lambda entry: entry.written_at))

    def entries(self, key: str) -> tuple[JournalEntry, ...]:
        return self.entries_soon(key).result()

    def see_token(self, token: int) -> None:
        self.see_token_soon(token).result()

    def write(self, entry: JournalEntry) -> None:
        self.write_soon(entry).result()

    def finish(self, key: str, attempt: int, outcome: Outcome) -> None:
        self.finish_soon(key, attempt, outcome).result()

    def bury(self, key: str, attempt: int) -> None:
        self.bury_soon(key, attempt).result()

    def see_deal(self, ticket: int) -> None:
        self.see_deal_soon(ticket).result()

    def see_build(self, build: int) -> None:
        self.see_build_soon(build).result()

    def set_latch(self, latch: Latch) -> None:
        self.set_latch_soon(latch).result()

    def lift_latch(self, sequence: int, record: str) -> None:
        rows = partial(
            keep_resume,
            number=self._number,
            sequence=sequence,
            record=record,
            lifted_at=self._clock.now(),
        )
        self._soon(partial(with_lift, sequence=sequence), rows).result()

    def set_memory(self, memory: GuardMemory) -> None:
        self._soon(partial(with_memory, memory=memory)).result()

    def set_floor(self, record: str) -> None:
        self._soon(partial(with_floor, record=record)).result()

    def probe(self) -> None:
        """Find out whether the disk takes a write again; raises JournalUnwritable while it does not."""
        self.probe_soon().result()

    def entries_soon(self, key: str) -> "Future[tuple[JournalEntry, ...]]":
        """`entries`, not waited for."""
        return self._writer.read(partial(read_attempts, number=self._number, key=key))

    def see_token_soon(self, token: int) -> "Future[None]":
        """`see_token`, not waited for."""
        return self._writer.write(
            Write(account=self._number, rule=partial(with_token, token=token), is_stricter=True)
        )

    def write_soon(self, entry: JournalEntry) -> "Future[None]":
        """`write`, not waited for."""
        rows = partial(add_attempt, number=self._number, entry=entry)
        return self._soon(partial(with_attempt, entry=entry), rows)

    def finish_soon(self, key: str, attempt: int, outcome: Outcome) -> "Future[None]":
        """`finish`, not waited for."""
        rows = partial(finish_attempt, number=self._number, key=key, attempt=attempt, outcome=outcome)
        rule = partial(with_outcome, key=key, attempt=attempt, outcome=outcome)
        return self._writer.write(Write(account=self._number, rule=rule, rows=rows, is_durable=False))

    def bury_soon(self, key: str, attempt: int) -> "Future[None]":
        """`bury`, not waited for."""
        tombstone = JournalEntry(
            key=key,
            attempt=attempt,
            token=self._state.token,
            operation="",
            request="",
            written_at=self._clock.now(),
            outcome=None,
            tombstone=True,
        )
        rows = partial(bury_attempt, number=self._number, tombstone=tombstone)
        return self._soon(partial(without_attempt, key=key, attempt=attempt), rows)

    def see_deal_soon(self, ticket: int) -> "Future[None]":
        """`see_deal`, not waited for."""
        rule = partial(with_deal, ticket=ticket)
        return self._writer.write(Write(account=self._number, rule=rule, is_durable=False))

    def see_build_soon(self, build: int) -> "Future[None]":
        """`see_build`, not waited for."""
        rule = partial(with_build, build=build)
        return self._writer.write(Write(account=self._number, rule=rule, is_durable=False))

    def set_latch_soon(self, latch: Latch) -> "Future[None]":
        """`set_latch`, not waited for."""
        rule = partial(with_latch, latch=latch)
        return self._writer.write(Write(account=self._number, rule=rule, is_stricter=True))

    def probe_soon(self) -> "Future[None]":
        """`probe`, not waited for."""
        return self._soon(lambda state: state)

    @property
    def _state(self) -> AccountState:
        return self._writer.state(self._number)

    def _soon(self, rule: Rule, rows: Rows = no_rows) -> "Future[None]":
        """A durable write."""
        return self._writer.write(Write(account=self._number, rule=rule, rows=rows))
