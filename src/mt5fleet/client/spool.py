"""Signals a producer keeps until they are final, so that they can be posted again with the same bytes.

A file (SQLite, synced at every write); several processes may share it.
"""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from mt5fleet.domain.errors import FleetError

KEPT_MAX = 100_000  # signals; more means that nobody reads their fate, and each costs a question at a resend
_BUSY_S = 10  # waiting for another process that writes

_TABLE = """
CREATE TABLE IF NOT EXISTS kept (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    signal_id TEXT NOT NULL UNIQUE,
    envelope TEXT NOT NULL,
    epoch INTEGER
)
"""
# One statement for any number of signals, so that all of them are kept or none.
_KEEP = """
INSERT OR IGNORE INTO kept (signal_id, envelope)
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)
"""


class SpoolFailed(FleetError):
    """The spool could not be written or read; a signal that could not be kept was not posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One signal in the spool; `epoch` is the ledger's when it was recorded last, None before that."""

    signal_id: str
    envelope: str
    epoch: int | None


class Spool:
    """The file. Every method raises SpoolFailed."""

    def __init__(self, path: Path) -> None:
        self._lock = Lock()
        self._path = path
        try:
            self._file = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False, isolation_level=None)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = FULL")
            self._file.execute(_TABLE)
        except sqlite3.Error as error:
            raise self._failed("opened", error) from None

    def keep(self, signals: Sequence[Kept]) -> None:
        """Keep signals before they are posted, with one sync; one that is there already stays as it is."""
        if self._rows("SELECT count(*) >= ? FROM kept", (KEPT_MAX,))[0][0]:
            raise SpoolFailed(f"spool {self._path}: {KEPT_MAX} signals wait for their fate; see `status`")
        rows = json.dumps([[one.signal_id, one.envelope] for one in signals])
        self._rows(_KEEP, (rows,))

    def recorded(self, kept: Kept, epoch: int) -> None:
        """Note the epoch in which this very message was recorded."""
        self._rows(
            "UPDATE kept SET epoch = ? WHERE signal_id = ? AND envelope = ?",
            (epoch, kept.signal_id, kept.envelope),
        )

    def drop(self, kept: Kept) -> None:
        """Forget this very message; another one of the same id stays."""
        self._rows("DELETE FROM kept WHERE signal_id = ? AND envelope = ?", (kept.signal_id, kept.envelope))

    def find(self, signal_id: str) -> Kept | None:
        """One kept signal, None when it is not kept."""
        rows = self._rows("SELECT signal_id, envelope, epoch FROM kept WHERE signal_id = ?", (signal_id,))
        return _kept(rows[0]) if rows else None

    def kept(self) -> tuple[Kept, ...]:
        """Everything kept, in the order it came."""
        return tuple(
            _kept(row) for row in self._rows("SELECT signal_id, envelope, epoch FROM kept ORDER BY place")
        )

    def has_other_epoch(self, epoch: int) -> bool:
        """Whether something was recorded in another life of the ledger than this."""
        return bool(self._rows("SELECT 1 FROM kept WHERE epoch <> ? LIMIT 1", (epoch,)))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()

    def _rows(self, statement: str, values: tuple[str | int, ...] = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                with closing(self._file.cursor()) as cursor:
                    return cursor.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise self._failed("used", error) from None

    def _failed(self, what: str, error: sqlite3.Error) -> SpoolFailed:
        return SpoolFailed(f"spool {self._path} could not be {what} ({error})")


def _kept(row: tuple[Any, ...]) -> Kept:
    return Kept(signal_id=row[0], envelope=row[1], epoch=row[2])
