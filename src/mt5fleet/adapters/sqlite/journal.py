"""The bridge's journal in one SQLite file per account: bound to it, locked, durable before a send.

A write ahead of a send and a tombstone are on disk (fsync) when the method returns. What the broker can tell
again (outcomes, the newest deal) is written in order and not waited for: a power cut may lose it, a killed
process cannot.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from mt5fleet.codec import decode, encode
from mt5fleet.domain.errors import FleetError, InvariantBroken, StaleToken
from mt5fleet.domain.order import Outcome
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.journal import JournalEntry

SCHEMA_VERSION = 1
_NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")

_SCHEMA = """
CREATE TABLE journal (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE attempt (
    key TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    token INTEGER NOT NULL,
    operation TEXT NOT NULL,
    request TEXT NOT NULL,
    written_at TEXT NOT NULL,
    outcome TEXT,
    tombstone INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (key, attempt)
) WITHOUT ROWID;
CREATE INDEX unfinished ON attempt (written_at) WHERE outcome IS NULL AND tombstone = 0;
"""
_COLUMNS = "key, attempt, token, operation, request, written_at, outcome, tombstone"
_Row = tuple[str, int, int, str, str, str, str | None, int]


class JournalRefused(FleetError):
    """The journal belongs to another account, is open elsewhere, or is of another version."""


def journal_path(folder: Path, server: str, login: int) -> Path:
    """Where an account's journal lies; the name tells a person which account it is."""
    readable = "".join(c if c in _NAME_CHARS else "_" for c in server)
    return folder / f"{login}@{readable}.journal"


class SqliteJournal:
    """Journal port. Opening creates the file; a second process that opens it is refused."""

    def __init__(
        self, path: Path, *, server: str, login: int, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        self._id = ""
        self._created_at = clock.now()
        self._token = self._deal = 0
        self._latch: tuple[int, str] | None = None
        self._connection = _opened(path)
        try:
            self._begin(path, server, login, new_id)
        except BaseException:
            self._connection.close()
            raise

    @property
    def id(self) -> str:
        return self._id

    @property
    def created_at(self) -> datetime:
        return self._created_at

    def close(self) -> None:
        """Release the lock."""
        self._connection.close()

    def newest_token(self) -> int:
        return self._token

    def see_token(self, token: int) -> None:
        if token < self._token:
            raise StaleToken(self._token)
        if token > self._token:
            self._put("token", str(token), durable=True)
            self._token = token

    def entries(self, key: str) -> tuple[JournalEntry, ...]:
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM attempt WHERE key = ? ORDER BY attempt",  # noqa: S608  # a constant
            (key,),
        )
        return tuple(_entry(row) for row in rows)

    def unfinished(self) -> tuple[JournalEntry, ...]:
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM attempt"  # noqa: S608  # a constant
            " WHERE outcome IS NULL AND tombstone = 0 ORDER BY written_at"
        )
        return tuple(_entry(row) for row in rows)

    def write(self, entry: JournalEntry) -> None:
        try:
            with self._transaction(durable=True):
                self._insert(entry)
        except sqlite3.IntegrityError:
            place = f"attempt {entry.attempt} of order {entry.key[:12]}"
            raise InvariantBroken(f"journal: {place} was written before") from None

    def finish(self, key: str, attempt: int, outcome: Outcome) -> None:
        with self._transaction(durable=False):
            changed = self._connection.execute(
                "UPDATE attempt SET outcome = ? WHERE key = ? AND attempt = ?",
                (encode(Outcome, outcome), key, attempt),
            )
        if changed.rowcount != 1:
            raise InvariantBroken(f"journal: attempt {attempt} of order {key[:12]} was never written")

    def bury(self, key: str, attempt: int) -> None:
        tombstone = JournalEntry(
            key=key,
            attempt=attempt,
            token=self._token,
            operation="",
            request="",
            written_at=self._clock.now(),
            outcome=None,
            tombstone=True,
        )
        with self._transaction(durable=True):
            self._insert(tombstone, on_conflict=" ON CONFLICT DO UPDATE SET tombstone = 1")

    def newest_deal(self) -> int:
        return self._deal

    def see_deal(self, ticket: int) -> None:
        if ticket > self._deal:
            self._put("newest_deal", str(ticket), durable=False)
            self._deal = ticket

    def latch(self) -> tuple[int, str] | None:
        return self._latch

    def set_latch(self, sequence: int, reason: str) -> None:
        if self._latch is None or sequence > self._latch[0]:
            self._put("latch", f"{sequence} {reason}", durable=True)
            self._latch = (sequence, reason)

    def _begin(self, path: Path, server: str, login: int, new_id: Callable[[], str]) -> None:
        """Create or check the file, and read what is asked at every call."""
        if not self._tables():
            self._create(server, login, new_id())
        stored = dict(self._connection.execute("SELECT name, value FROM journal"))
        if stored["schema"] != str(SCHEMA_VERSION):
            raise JournalRefused(f"{path}: schema {stored['schema']}, this version reads {SCHEMA_VERSION}")
        if (stored["server"], stored["login"]) != (server, str(login)):
            bound = f"{stored['login']} on {stored['server']}"
            raise JournalRefused(f"{path}: belongs to account {bound}, not to {login} on {server}")
        self._id = stored["id"]
        self._created_at = datetime.fromisoformat(stored["created_at"])
        self._token = int(stored.get("token", "0"))
        self._deal = int(stored.get("newest_deal", "0"))
        self._latch = _latch(stored.get("latch"))

    def _tables(self) -> bool:
        return bool(self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'journal'").fetchone())

    def _create(self, server: str, login: int, journal_id: str) -> None:
        first = {
            "schema": str(SCHEMA_VERSION),
            "id": journal_id,
            "server": server,
            "login": str(login),
            "created_at": self._clock.now().isoformat(),
        }
        with self._transaction(durable=True):
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self._connection.execute(statement)
            self._connection.executemany("INSERT INTO journal VALUES (?, ?)", first.items())

    def _insert(self, entry: JournalEntry, on_conflict: str = "") -> None:
        self._connection.execute(
            f"INSERT INTO attempt ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?){on_conflict}",  # noqa: S608  # constants
            _row(entry),
        )

    def _put(self, name: str, value: str, *, durable: bool) -> None:
        with self._transaction(durable=durable):
            self._connection.execute("INSERT OR REPLACE INTO journal VALUES (?, ?)", (name, value))

    @contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[None]:
        # Source: SQLite documentation "PRAGMA synchronous": FULL syncs the log at every commit, NORMAL not.
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _opened(path: Path) -> sqlite3.Connection:
    """A connection that keeps every other process out until it is closed or its process ends."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise JournalRefused(
            f"{path}: is in use by another bridge process, damaged or not writable ({error})"
        ) from None
    return connection


def _row(entry: JournalEntry) -> _Row:
    return (
        entry.key,
        entry.attempt,
        entry.token,
        entry.operation,
        entry.request,
        entry.written_at.isoformat(),
        None if entry.outcome is None else encode(Outcome, entry.outcome),
        int(entry.tombstone),
    )


def _entry(row: _Row) -> JournalEntry:
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


def _latch(stored: str | None) -> tuple[int, str] | None:
    if stored is None:
        return None
    sequence, _, reason = stored.partition(" ")
    return int(sequence), reason
