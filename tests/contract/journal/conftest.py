"""One journal behind two doors: in memory, and a file that is opened again as a restarted process does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mt5fleet.adapters.sqlite.journal import JournalFile, journal_path
from mt5fleet.ports.journal import Journal
from mt5fleet.testing.clock import ManualClock
from mt5fleet.testing.memory_journal import MemoryJournal

Reopen = Callable[[], Journal]


@pytest.fixture(params=["memory", "sqlite"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    """Gives the journal; called again, the same one as a restarted process finds it."""
    memory = MemoryJournal("id-memory", ManualClock().now())
    opened: list[JournalFile] = []

    def journal() -> Journal:
        if request.param == "memory":
            return memory
        for earlier in opened:
            earlier.close()
        opened.append(JournalFile(journal_path(tmp_path), ManualClock(), lambda: "id-sqlite"))
        return opened[-1].account("Sim-1", 1001)

    yield journal
    for earlier in opened:
        earlier.close()
