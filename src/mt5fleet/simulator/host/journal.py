r"""The broker's memory: one line per event, appended and flushed to the disk before an answer leaves.

A line is `<crc32 in hex> <json>\\n`. A kill at any byte leaves at most one torn line at the end; it was
never answered for, and the next start cuts it off. A broken line with whole lines after it is damage that
no kill can do, and is refused.
"""

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from mt5fleet.simulator.host.file_lock import FileLock, LockHeldError

CRC_DIGITS = 8


class JournalError(Exception):
    """The journal cannot be read or written; the broker must stop rather than forget."""


class Journal(Protocol):
    """Where executed events go; `unsynced` counts the appends that only `sync` makes safe, ever growing."""

    @property
    def unsynced(self) -> int: ...

    def append(self, record: Mapping[str, object]) -> None: ...

    def sync(self) -> None: ...


class NullJournal:
    """Forgets everything; for brokers that live as long as one test."""

    unsynced = 0

    def append(self, record: Mapping[str, object]) -> None:
        """Do nothing."""

    def sync(self) -> None:
        """Do nothing."""


class FileJournal:
    """An append-only file; `sync` returns when everything appended before is on the disk."""

    def __init__(self, path: Path, *, fsync: bool = True) -> None:
        self._path = path
        self._fsync = fsync
        self._is_broken = False
        self.unsynced = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock = FileLock(path.with_suffix(".lock"))
        except LockHeldError as error:
            raise JournalError(f"journal {path}: another broker uses this state folder") from error
        path.touch(exist_ok=True)
        # Unbuffered: a killed process must not take answered lines with it.
        self._file = path.open("r+b", buffering=0)

    def replay(self) -> Iterator[dict[str, Any]]:
        """Yield every whole record, then cut off a torn last line and stand ready to append.

        Raises:
            JournalError: A line that is not the last one is broken.
        """
        good_bytes = 0
        self._file.seek(0)
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                record = _decode(line)
                if record is None:
                    self._require_last(number, good_bytes + len(line))
                    break
                good_bytes += len(line)
                yield record
        self._file.truncate(good_bytes)
        self._file.seek(good_bytes)

    def append(self, record: Mapping[str, object]) -> None:
        if self._is_broken:
            raise JournalError(f"journal {self._path.name}: an earlier write failed; restart the broker")
        line = _encode(record)
        # A line after half a line would make the file unreadable: the first failure is the last write.
        self._is_broken = True
        try:
            written = self._file.write(line)
        except OSError as error:
            raise JournalError(f"journal {self._path.name}: cannot write ({error})") from error
        if written != len(line):
            raise JournalError(f"journal {self._path.name}: wrote {written} of {len(line)} bytes; disk full?")
        self._is_broken = False
        self.unsynced += self._fsync

    def sync(self) -> None:
        if not self._fsync:
            return
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise JournalError(f"journal {self._path.name}: cannot flush ({error})") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        self._lock.release()

    def _require_last(self, number: int, end_of_line: int) -> None:
        if end_of_line < self._path.stat().st_size:
            raise JournalError(
                f"journal {self._path.name}: line {number} is damaged and not the last one; restore the file"
            )


def _encode(record: Mapping[str, object]) -> bytes:
    body = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %b\n" % (zlib.crc32(body), body)


def _decode(line: bytes) -> dict[str, Any] | None:
    """Return the record, or None when the line is torn or damaged."""
    if not line.endswith(b"\n") or line[CRC_DIGITS : CRC_DIGITS + 1] != b" ":
        return None
    body = line[CRC_DIGITS + 1 : -1]
    if line[:CRC_DIGITS] != b"%08x" % zlib.crc32(body):
        return None
    record = json.loads(body)
    if not isinstance(record, dict):
        return None
    return record
