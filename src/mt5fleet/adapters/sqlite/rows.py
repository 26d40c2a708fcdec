"""Rows of the journal's file and the values they hold."""

import sqlite3
from datetime import datetime

from mt5fleet.adapters.sqlite.state import UNFINISHED_MAX, AccountState, is_end
from mt5fleet.codec import decode, encode
from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.errors import InvariantBroken
from mt5fleet.domain.latch import Latch
from mt5fleet.domain.order import Outcome
from mt5fleet.ports.journal import JournalEntry

_ATTEMPT = "key, attempt, token, operation, request, written_at, outcome, tombstone"
_ACCOUNT = "id, created_at, sequence, token, newest_deal, latch, lifted, memory, floor, builds"


def find_account(connection: sqlite3.Connection, server: str, login: int) -> int | None:
    """The number of an account's row."""
    row = connection.execute(
        "SELECT number FROM account WHERE server = ? AND login = ?", (server, login)
    ).fetchone()
    return None if row is None else int(row[0])


def add_account(
    connection: sqlite3.Connection, server: str, login: int, journal_id: str, created_at: datetime
) -> None:
    """A new account's row."""
    connection.execute(
        "INSERT INTO account (server, login, id, created_at) VALUES (?, ?, ?, ?)",
        (server, login, journal_id, created_at.isoformat()),
    )


def read_account(connection: sqlite3.Connection, number: int) -> AccountState:
    """An account's state with its unfinished attempts."""
    row = connection.execute(
        f"SELECT {_ACCOUNT} FROM account WHERE number = ?",  # noqa: S608  # a constant
        (number,),
    ).fetchone()
    return AccountState(
        id=row[0],
        created_at=datetime.fromisoformat(row[1]),
        sequence=row[2],
        token=row[3],
        newest_deal=row[4],
        latch=None if row[5] is None else decode(Latch, row[5]),
        lifted=row[6],
        memory=None if row[7] is None else decode(GuardMemory, row[7]),
        floor=row[8],
        builds=tuple(int(build) for build in row[9].split()),
        unfinished=_unfinished(connection, number),
    )


def write_account(connection: sqlite3.Connection, number: int, state: AccountState) -> None:
    """The account's row as it is now."""
    connection.execute(
        "UPDATE account SET sequence = ?, token = ?, newest_deal = ?, latch = ?, lifted = ?, memory = ?,"
        " floor = ?, builds = ? WHERE number = ?",
        (
            state.sequence,
            state.token,
            state.newest_deal,
            None if state.latch is None else encode(Latch, state.latch),
            state.lifted,
            None if state.memory is None else encode(GuardMemory, state.memory),
            state.floor,
            " ".join(str(build) for build in state.builds),
            number,
        ),
    )


def read_attempts(connection: sqlite3.Connection, number: int, key: str) -> tuple[JournalEntry, ...]:
    """Every attempt of a key, oldest first."""
    rows = connection.execute(
        f"SELECT {_ATTEMPT} FROM attempt WHERE account = ? AND key = ? ORDER BY attempt",  # noqa: S608  # a constant
        (number, key),
    )
    return tuple(_entry(row) for row in rows)


def add_attempt(connection: sqlite3.Connection, number: int, entry: JournalEntry) -> None:
    """A new attempt; raises InvariantBroken when there is one."""
    try:
        _insert(connection, number, entry, "")
    except sqlite3.IntegrityError:
        place = f"attempt {entry.attempt} of order {entry.key[:12]}"
        raise InvariantBroken(f"journal: {place} was written before") from None


def bury_attempt(connection: sqlite3.Connection, number: int, tombstone: JournalEntry) -> None:
    """A tombstone for an attempt, whether it was written or not."""
    _insert(connection, number, tombstone, " ON CONFLICT DO UPDATE SET tombstone = 1, is_unfinished = 0")


def finish_attempt(
    connection: sqlite3.Connection, number: int, key: str, attempt: int, outcome: Outcome
) -> None:
    """The outcome of an attempt; raises InvariantBroken for one that was never written."""
    changed = connection.execute(
        "UPDATE attempt SET outcome = ?, is_unfinished = (? AND tombstone = 0)"
        " WHERE account = ? AND key = ? AND attempt = ?",
        (encode(Outcome, outcome), not is_end(outcome), number, key, attempt),
    )
    if changed.rowcount != 1:
        raise InvariantBroken(f"journal: attempt {attempt} of order {key[:12]} was never written")


def keep_resume(
    connection: sqlite3.Connection, number: int, sequence: int, record: str, lifted_at: datetime
) -> None:
    """The signed record that lifted a latch, for whoever asks later why."""
    connection.execute(
        "INSERT OR REPLACE INTO resume VALUES (?, ?, ?, ?)",
        (number, sequence, record, lifted_at.isoformat()),
    )


def _unfinished(connection: sqlite3.Connection, number: int) -> tuple[JournalEntry, ...]:
    rows = connection.execute(
        f"SELECT {_ATTEMPT} FROM attempt"  # noqa: S608  # a constant
        " WHERE account = ? AND is_unfinished = 1 ORDER BY written_at DESC LIMIT ?",
        (number, UNFINISHED_MAX),
    )
    return tuple(_entry(row) for row in rows)[::-1]


def _insert(connection: sqlite3.Connection, number: int, entry: JournalEntry, on_conflict: str) -> None:
    connection.execute(
        f"INSERT INTO attempt (account, {_ATTEMPT}, is_unfinished)"  # noqa: S608  # constants
        f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?){on_conflict}",
        (
            number,
            entry.key,
            entry.attempt,
            entry.token,
            entry.operation,
            entry.request,
            entry.written_at.isoformat(),
            None if entry.outcome is None else encode(Outcome, entry.outcome),
            int(entry.tombstone),
            not entry.tombstone and (entry.outcome is None or not is_end(entry.outcome)),
        ),
    )


def _entry(row: tuple[str, int, int, str, str, str, str | None, int]) -> JournalEntry:
    return JournalEntry(
        key=row[0],
        attempt=row[1],
        token=row[2],
        operation=row[3],
        request=row[4],
        written_at=datetime.fromisoformat(row[5]),
        outcome=None if row[6] is None else decode(Outcome, row[6]),
        tombstone=bool(row[7]),
    )
