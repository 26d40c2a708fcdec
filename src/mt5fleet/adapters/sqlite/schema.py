"""The journal's file: opened by one process at a time, of this version, whole; else refused by name."""

import sqlite3
from pathlib import Path

from mt5fleet.domain.errors import FleetError

SCHEMA_VERSION = 2
FILE_NAME = "bridge.journal"
OLDER_FILES = "*@*.journal"  # version 1: a file per account

_SCHEMA = """
CREATE TABLE account (
    number INTEGER PRIMARY KEY,
    server TEXT NOT NULL,
    login INTEGER NOT NULL,
    id TEXT NOT NULL,
    created_at TEXT NOT NULL,
    sequence INTEGER NOT NULL DEFAULT 0,
    token INTEGER NOT NULL DEFAULT 0,
    newest_deal INTEGER NOT NULL DEFAULT 0,
    latch TEXT,
    lifted INTEGER NOT NULL DEFAULT 0,
    memory TEXT,
    floor TEXT,
    builds TEXT NOT NULL DEFAULT '',
    UNIQUE (server, login)
);
CREATE TABLE attempt (
    account INTEGER NOT NULL REFERENCES account (number),
    key TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    token INTEGER NOT NULL,
    operation TEXT NOT NULL,
    request TEXT NOT NULL,
    written_at TEXT NOT NULL,
    outcome TEXT,
    tombstone INTEGER NOT NULL,
    is_unfinished INTEGER NOT NULL,
    PRIMARY KEY (account, key, attempt)
) WITHOUT ROWID;
CREATE INDEX unfinished ON attempt (account, written_at) WHERE is_unfinished = 1;
CREATE TABLE resume (
    account INTEGER NOT NULL REFERENCES account (number),
    sequence INTEGER NOT NULL,
    record TEXT NOT NULL,
    lifted_at TEXT NOT NULL,
    PRIMARY KEY (account, sequence)
) WITHOUT ROWID;
"""
_IN_USE = ("SQLITE_BUSY", "SQLITE_LOCKED")
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


class JournalRefused(FleetError):
    """The journal is open elsewhere, damaged, of another version, or cannot be created."""


def open_file(path: Path) -> sqlite3.Connection:
    """A connection that keeps every other process out until it is closed or its process ends.

    Raises JournalRefused, with the next step.
    """
    _refuse_older_files(path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise JournalRefused(
            f"{path}: cannot be opened ({error}): check journal_dir and its rights"
        ) from None
    try:
        _lock(connection)
        _require_version(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise JournalRefused(f"{path}: {_reason(error)}") from None
    except JournalRefused:
        connection.close()
        raise
    return connection


def _refuse_older_files(folder: Path) -> None:
    older = sorted(found.name for found in folder.glob(OLDER_FILES))
    if older:
        raise JournalRefused(
            f"{folder}: holds {', '.join(older)} of an older version, which kept a file per account;"
            " settle every order in doubt with that version, move these files to another folder, and let a"
            " named person bind the accounts again"
        )


def _lock(connection: sqlite3.Connection) -> None:
    # Source: SQLite documentation "PRAGMA locking_mode": locks are kept from the first transaction on; a WAL
    # then needs no shared memory file, so a journal opens on a full disk, too.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")


def _require_version(connection: sqlite3.Connection, path: Path) -> None:
    """Create the tables of a new file; refuse a file of another version and a damaged one."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version == 0 and tables == 0:
        _create(connection)
        return
    if version != SCHEMA_VERSION:
        raise JournalRefused(
            f"{path}: is a file of schema {version}, this version reads {SCHEMA_VERSION};"
            " start the version that wrote it, or move the file to another folder and bind the accounts again"
        )
    # One problem is enough to refuse.
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise JournalRefused(f"{path}: {_damaged(str(found))}")


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    for statement in filter(str.strip, _SCHEMA.split(";")):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _reason(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(_IN_USE):
        return "is in use by another bridge process: one bridge per journal_dir"
    if name.startswith(_DAMAGED):
        return _damaged(str(error))
    return f"cannot be opened ({error}): check the disk, journal_dir and its rights"


def _damaged(found: str) -> str:
    return (
        f"is damaged ({found}); move the file to another folder, keep it for the inquiry,"
        " and let a named person bind the accounts again"
    )
