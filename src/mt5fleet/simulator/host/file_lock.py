"""A lock that the operating system gives back when its holder dies, on Linux, macOS and Windows."""

import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class LockHeldError(Exception):
    """Another process holds the lock."""


class FileLock:
    """Holds a lock file until released or until the process ends."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        try:
            _take(self._file.fileno())
        except OSError as error:
            self._file.close()
            raise LockHeldError(str(path)) from error

    def release(self) -> None:
        """Give the lock back; closing the file does it."""
        self._file.close()
