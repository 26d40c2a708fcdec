"""When what was appended to the journal is safe: one flush serves every answer that waits for it."""

import asyncio
from collections.abc import Callable

from mt5fleet.simulator.host.journal import Journal, JournalError


class Disk:
    """Flushes the journal in a thread, beside the event loop; `failed` is told when it cannot."""

    def __init__(self, journal: Journal, failed: Callable[[JournalError], None]) -> None:
        self._journal = journal
        self._failed = failed
        self._safe = 0
        self._waiting: list[tuple[int, Callable[[], None]]] = []
        self._flush: asyncio.Task[None] | None = None
        self._failure: JournalError | None = None

    @property
    def is_safe(self) -> bool:
        """Whether everything appended so far is on the disk."""
        return self._journal.unsynced <= self._safe

    def then(self, act: Callable[[], None]) -> None:
        """Act once everything appended so far is on the disk; never when that fails."""
        if self._failure is not None:
            return
        self._waiting.append((self._journal.unsynced, act))
        if self._flush is None:
            self._flush = asyncio.create_task(self._flushing())

    async def settle(self) -> None:
        """Return when everything appended before this call is on the disk.

        Raises:
            JournalError: It cannot be written.
        """
        if self.is_safe:
            return
        done = asyncio.Event()
        self.then(done.set)
        waits = asyncio.ensure_future(done.wait())
        flush = self._flush
        if flush is not None:
            await asyncio.wait({waits, flush}, return_when=asyncio.FIRST_COMPLETED)
        if self._failure is not None:
            waits.cancel()
            raise self._failure

    async def _flushing(self) -> None:
        try:
            while self._waiting:
                covered = self._journal.unsynced
                if covered > self._safe:
                    await asyncio.to_thread(self._journal.sync)
                self._safe = covered
                self._act()
        except JournalError as error:
            self._failure = error
            self._failed(error)
        finally:
            self._flush = None

    def _act(self) -> None:
        due = [act for wanted, act in self._waiting if wanted <= self._safe]
        self._waiting = [wait for wait in self._waiting if wait[0] > self._safe]
        for act in due:
            act()
