"""Journals in files for the tests of them: opened, filled with entries, and held up."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

from mt5fleet.adapters.sqlite.journal import JournalFile, journal_path
from mt5fleet.domain.latch import Latch
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome
from mt5fleet.testing.builders import ORDER_KEY
from mt5fleet.testing.clock import ManualClock

KEY = ORDER_KEY
FILLED = Outcome(state=OrderState.FILLED, sentence="filled", order_ticket=7)
LATCH = Latch(sequence=4, reason="drawdown", at=ManualClock().now())
WAIT_S = 30

Open = Callable[[], JournalFile]


@contextmanager
def opening(folder: Path) -> Iterator[Open]:
    """Opens the journal of a folder, as often as it is asked; whatever is open at the end is closed."""
    files: list[JournalFile] = []
    numbers = iter(range(1, 1000))

    def open_one() -> JournalFile:
        files.append(JournalFile(journal_path(folder), ManualClock(), lambda: f"id-{next(numbers)}"))
        return files[-1]

    try:
        yield open_one
    finally:
        for file in files:
            file.close()


class held:  # noqa: N801 reads like the statement it stands in
    """Keeps the writer busy, so that everything put in line meanwhile waits together."""

    def __init__(self, file: JournalFile) -> None:
        self._go, started = threading.Event(), threading.Event()

        def wait_for_it(_: sqlite3.Connection) -> bool:
            started.set()
            return self._go.wait(WAIT_S)

        self._done: Future[bool] = file._writer.read(wait_for_it)
        assert started.wait(WAIT_S)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._go.set()
        assert self._done.result(WAIT_S)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.001)
