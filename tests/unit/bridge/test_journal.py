import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mt5fleet.adapters.sqlite.journal import JournalRefused, SqliteJournal, journal_path
from mt5fleet.domain.errors import InvariantBroken, StaleToken
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome
from mt5fleet.ports.journal import Journal, JournalEntry
from mt5fleet.testing.clock import ManualClock
from mt5fleet.testing.memory_journal import MemoryJournal

KEY = "a" * 64
FILLED = Outcome(state=OrderState.FILLED, sentence="filled", order_ticket=7)


def open_file(path: Path, *, login: int = 1001, server: str = "Sim-1") -> SqliteJournal:
    return SqliteJournal(
        path, server=server, login=login, clock=ManualClock(), new_id=lambda: f"id-{path.name}"
    )


@pytest.fixture(params=["memory", "sqlite"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Journal]]:
    """Gives the journal; called again, the same one as a restarted process finds it."""
    memory = MemoryJournal("id-memory", ManualClock().now())
    opened: list[SqliteJournal] = []

    def journal() -> Journal:
        if request.param == "memory":
            return memory
        for earlier in opened:
            earlier.close()
        opened.append(open_file(tmp_path / "one.journal"))
        return opened[-1]

    yield journal
    for earlier in opened:
        earlier.close()


def entry(attempt: int = 1, key: str = KEY) -> JournalEntry:
    return JournalEntry(
        key=key,
        attempt=attempt,
        token=3,
        operation="submit",
        request='{"asked": {}}',
        written_at=ManualClock().now(),
        outcome=None,
        tombstone=False,
    )


def test_an_attempt_is_written_once_and_survives(reopen: Callable[[], Journal]) -> None:
    reopen().write(entry())
    with pytest.raises(InvariantBroken):
        reopen().write(entry())
    assert reopen().entries(KEY) == (entry(),)
    assert reopen().entries("b" * 64) == ()


def test_an_outcome_is_kept_with_its_attempt(reopen: Callable[[], Journal]) -> None:
    journal = reopen()
    journal.write(entry(1))
    journal.write(entry(2))
    journal.finish(KEY, 2, FILLED)
    assert [found.outcome for found in reopen().entries(KEY)] == [None, FILLED]


def test_a_tombstone_stands_for_attempts_that_were_never_written_too(reopen: Callable[[], Journal]) -> None:
    journal = reopen()
    journal.write(entry(1))
    journal.bury(KEY, 1)
    journal.bury(KEY, 2)
    journal.bury(KEY, 2)
    first, second = reopen().entries(KEY)
    assert (first.tombstone, first.operation) == (True, "submit")
    assert (second.tombstone, second.attempt) == (True, 2)
    with pytest.raises(InvariantBroken):
        reopen().write(entry(2))


def test_only_attempts_without_an_end_are_unfinished(reopen: Callable[[], Journal]) -> None:
    journal = reopen()
    for attempt in (1, 2, 3):
        journal.write(entry(attempt))
    journal.finish(KEY, 1, FILLED)
    journal.bury(KEY, 2)
    assert [found.attempt for found in reopen().unfinished()] == [3]


def test_tokens_only_grow(reopen: Callable[[], Journal]) -> None:
    journal = reopen()
    assert journal.newest_token() == 0
    journal.see_token(5)
    journal.see_token(5)
    with pytest.raises(StaleToken) as refused:
        reopen().see_token(4)
    assert refused.value.newest == 5
    assert reopen().newest_token() == 5


def test_a_latch_stands_until_a_newer_one(reopen: Callable[[], Journal]) -> None:
    journal = reopen()
    assert journal.latch() is None
    journal.set_latch(2, "drawdown 20 percent")
    journal.set_latch(1, "older")
    assert reopen().latch() == (2, "drawdown 20 percent")


def test_the_newest_deal_only_grows(reopen: Callable[[], Journal]) -> None:
    reopen().see_deal(10)
    reopen().see_deal(9)
    assert reopen().newest_deal() == 10


def test_identity_and_age_stay(reopen: Callable[[], Journal]) -> None:
    first = reopen()
    identity = (first.id, first.created_at)
    second = reopen()
    assert (second.id, second.created_at) == identity
    assert second.created_at <= ManualClock().now() + timedelta(0)


@pytest.mark.parametrize(("login", "server"), [(1002, "Sim-1"), (1001, "Sim-2")])
def test_a_journal_of_another_account_is_refused(tmp_path: Path, login: int, server: str) -> None:
    path = tmp_path / "one.journal"
    open_file(path).close()
    with pytest.raises(JournalRefused, match="belongs to account 1001 on Sim-1"):
        open_file(path, login=login, server=server)


def test_a_second_process_cannot_open_a_journal_in_use(tmp_path: Path) -> None:
    path = tmp_path / "one.journal"
    journal = open_file(path)
    program = (
        "import sys; from pathlib import Path;"
        "from mt5fleet.adapters.sqlite.journal import SqliteJournal, JournalRefused;"
        "from mt5fleet.testing.clock import ManualClock;\n"
        "try: SqliteJournal(Path(sys.argv[1]), server='Sim-1', login=1001, clock=ManualClock(), new_id=str)\n"
        "except JournalRefused as error: print(error)"
    )
    command = [sys.executable, "-c", program, str(path)]
    refused = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    journal.close()
    allowed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert "is in use by another bridge process" in refused.stdout
    assert allowed.stdout == ""


def test_a_journal_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.journal"
    journal = open_file(path)
    journal._put("schema", "99", durable=True)
    journal.close()
    with pytest.raises(JournalRefused, match="schema 99"):
        open_file(path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.journal"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(JournalRefused, match="damaged"):
        open_file(path)


def test_the_file_name_tells_the_account(tmp_path: Path) -> None:
    assert journal_path(tmp_path, "Broker Ltd/Demo", 42).name == "42@Broker_Ltd_Demo.journal"
