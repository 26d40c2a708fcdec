import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path

import pytest

from mt5fleet.adapters.sqlite.journal import JournalFile, JournalRefused, SqliteJournal, journal_path
from mt5fleet.adapters.sqlite.rows import add_attempt
from mt5fleet.adapters.sqlite.writer import Write
from mt5fleet.domain.errors import InvariantBroken, JournalUnwritable, Latched, StaleToken
from mt5fleet.testing.builders import make_entry
from mt5fleet.testing.clock import ManualClock
from tests.unit.bridge.journals import FILLED, KEY, LATCH, WAIT_S, Open, held, opening, until


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with opening(tmp_path) as open_one:
        yield open_one


def test_accounts_of_one_file_have_journals_of_their_own(opened: Open) -> None:
    file = opened()
    one, two = file.account("Sim-1", 1001), file.account("Sim-2", 1001)
    one.write(make_entry())
    one.set_latch(LATCH)
    two.write(make_entry(token=9))
    assert (one.id, two.id) == ("id-1", "id-2")
    assert (one.newest_token(), two.newest_token()) == (3, 9)
    assert (one.sequence, two.sequence) == (2, 1)
    assert two.latch() is None
    assert file.account("Sim-1", 1001) is one


def test_every_account_is_the_same_after_a_restart(opened: Open) -> None:
    file = opened()
    ids = [file.account("Sim-1", login).id for login in (1, 2, 3)]
    file.account("Sim-1", 2).write(make_entry())
    file.close()
    again = opened()
    assert [again.account("Sim-1", login).id for login in (3, 2, 1)] == ids[::-1]
    assert [again.account("Sim-1", login).sequence for login in (1, 2, 3)] == [0, 1, 0]


def test_an_older_copy_shows_a_lower_sequence(tmp_path: Path, opened: Open) -> None:
    file = opened()
    file.account("Sim-1", 1).see_token(1)
    file.close()
    shutil.copy(journal_path(tmp_path), tmp_path / "copy")
    file = opened()
    file.account("Sim-1", 1).see_token(2)
    identity = file.account("Sim-1", 1).id
    file.close()
    shutil.copy(tmp_path / "copy", journal_path(tmp_path))
    older = opened().account("Sim-1", 1)
    assert (older.id, older.sequence) == (identity, 1)


def test_a_journal_that_was_removed_comes_back_as_another(tmp_path: Path, opened: Open) -> None:
    file = opened()
    first = file.account("Sim-1", 1).id
    file.close()
    journal_path(tmp_path).unlink()
    assert opened().account("Sim-1", 1).id != first


def test_a_second_process_is_refused_by_name_and_admitted_once_the_first_ended(
    tmp_path: Path, opened: Open
) -> None:
    file = opened()
    program = (
        "import sys; from pathlib import Path;"
        "from mt5fleet.adapters.sqlite.journal import JournalFile, JournalRefused;"
        "from mt5fleet.testing.clock import ManualClock;\n"
        "try: JournalFile(Path(sys.argv[1]), ManualClock(), str)\n"
        "except JournalRefused as error: print(error)"
    )
    command = [sys.executable, "-c", program, str(journal_path(tmp_path))]
    refused = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    file.close()
    allowed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert "bridge.journal: is in use by another bridge process" in refused.stdout
    assert allowed.stdout == ""


def test_a_file_per_account_of_the_older_version_is_refused_by_name(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "1001@Simulator-1.journal").touch()
    with pytest.raises(JournalRefused, match=r"1001@Simulator-1\.journal of an older version.* bind the acc"):
        opened()
    assert not journal_path(tmp_path).exists()


@pytest.mark.parametrize("version", [1, 99])
def test_a_journal_of_another_version_is_refused(tmp_path: Path, opened: Open, version: int) -> None:
    opened().close()
    with closing(sqlite3.connect(journal_path(tmp_path))) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(JournalRefused, match=f"schema {version}, this version reads 2"):
        opened()


def test_a_database_that_is_no_journal_is_refused(tmp_path: Path, opened: Open) -> None:
    with closing(sqlite3.connect(journal_path(tmp_path))) as connection:
        connection.execute("CREATE TABLE other (name TEXT)")
    with pytest.raises(JournalRefused, match="schema 0"):
        opened()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path, opened: Open) -> None:
    journal_path(tmp_path).write_bytes(b"this is no database" * 100)
    with pytest.raises(JournalRefused, match=r"is damaged .* move the file to another folder"):
        opened()


def test_a_page_that_was_overwritten_is_found_at_the_start(tmp_path: Path, opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)
    for attempt in range(1, 200):
        account.write(make_entry(attempt))
    file.close()
    whole = bytearray(journal_path(tmp_path).read_bytes())
    whole[-4096:] = b"\xff" * 4096
    journal_path(tmp_path).write_bytes(whole)
    with pytest.raises(JournalRefused, match="is damaged"):
        opened()


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalRefused, match="check journal_dir"):
        JournalFile(journal_path(tmp_path / "file" / "below"), ManualClock(), str)


def test_after_it_was_closed_nothing_is_written(opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)
    file.close()
    file.close()
    with pytest.raises(JournalUnwritable, match="is closed"):
        account.write(make_entry())
    assert account.newest_token() == 0


def test_what_waits_when_it_is_closed_is_written(opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)
    futures = [account.write_soon(make_entry(attempt)) for attempt in range(1, 50)]
    file.close()
    assert [future.result(WAIT_S) for future in futures] == [None] * 49
    assert len(opened().account("Sim-1", 1001).entries(KEY)) == 49


def test_writes_that_wait_together_share_one_sync_and_a_refused_one_fails_alone(opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)
    account.write(make_entry(1))
    commits, writes = file.commits, file.writes
    with held(file):
        good = [account.write_soon(make_entry(attempt)) for attempt in range(2, 12)]
        repeated = account.write_soon(make_entry(1))
        latched = account.set_latch_soon(LATCH)
        under_latch = account.write_soon(make_entry(50))
        stale = account.write_soon(make_entry(51, token=1, operation="close"))
        finished = account.finish_soon(KEY, 2, FILLED)
    assert {future.result(WAIT_S) for future in (*good, latched, finished)} == {None}
    assert isinstance(repeated.exception(WAIT_S), InvariantBroken)
    assert isinstance(under_latch.exception(WAIT_S), Latched)
    assert isinstance(stale.exception(WAIT_S), StaleToken)
    assert (file.commits - commits, file.writes - writes) == (1, 11)
    assert [found.attempt for found in account.entries(KEY)] == list(range(1, 12))
    assert account.sequence == 12


def test_accounts_and_threads_that_write_at_once_share_syncs_and_lose_nothing(opened: Open) -> None:
    file = opened()
    accounts, threads, writes = 4, 4, 25
    journals = [file.account("Sim-1", login) for login in range(accounts)]

    def work(journal: SqliteJournal, thread: int) -> None:
        for attempt in range(1, writes + 1):
            journal.write(make_entry(attempt, key=f"thread-{thread}"))

    with ThreadPoolExecutor(accounts * threads) as pool:
        with held(file):  # the first write of every thread waits with the others
            done = [pool.submit(work, journal, thread) for journal in journals for thread in range(threads)]
            until(lambda: file._writer._queue.qsize() == accounts * threads)
        for future in done:
            future.result(WAIT_S)
    assert file.writes == accounts * threads * writes
    assert file.commits <= file.writes - accounts * threads + 1
    for journal in journals:
        assert journal.sequence == threads * writes
        for thread in range(threads):
            found = journal.entries(f"thread-{thread}")
            assert [kept.attempt for kept in found] == list(range(1, writes + 1))


def test_a_transaction_is_synced_when_one_of_its_writes_must_be(opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)
    synced: list[int] = []
    for change in (
        lambda: account.write(make_entry()),
        lambda: account.finish(KEY, 1, FILLED),
        lambda: account.see_token(9),
        lambda: account.see_deal(4),
    ):
        change()
        asked = file._writer.read(lambda connection: connection.execute("PRAGMA synchronous").fetchone()[0])
        synced.append(asked.result(WAIT_S))
    normal, full_sync = 1, 2  # SQLite's numbers
    assert synced == [full_sync, normal, full_sync, normal]


def test_writes_that_need_no_sync_get_none(opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)
    account.write(make_entry())
    commits = file.commits
    account.finish(KEY, 1, FILLED)
    account.see_deal(5)
    assert (file.commits, account.newest_deal()) == (commits, 5)


def test_a_rule_that_breaks_by_a_fault_of_ours_stops_nobody(opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)
    with held(file):
        broken = account.see_token_soon(1 << 80)  # more than the file can hold
        good = account.write_soon(make_entry())
    assert isinstance(broken.exception(WAIT_S), OverflowError)
    assert good.result(WAIT_S) is None
    assert account.newest_token() == 3


def test_a_write_that_fails_half_way_leaves_nothing_behind(opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)

    def half(connection: sqlite3.Connection) -> None:
        add_attempt(connection, account._number, make_entry(1))
        raise ValueError("a fault of ours")

    with held(file):
        broken = file._writer.write(Write(account=account._number, rule=lambda state: state, rows=half))
        good = account.write_soon(make_entry(2))
    assert isinstance(broken.exception(WAIT_S), ValueError)
    assert good.result(WAIT_S) is None
    assert [found.attempt for found in account.entries(KEY)] == [2]


def test_a_write_that_nobody_waits_for_any_more_is_left_out(opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)
    with held(file):
        given_up = account.write_soon(make_entry(1))
        other = account.write_soon(make_entry(2))
        assert given_up.cancel()
    other.result(WAIT_S)
    assert [found.attempt for found in account.entries(KEY)] == [2]


def test_more_writes_than_a_line_holds_are_refused_at_once(opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)
    with held(file):
        futures = [account.bury_soon(KEY, attempt) for attempt in range(1, 4200)]
        refused = [future for future in futures if future.done() and future.exception()]
    assert wait(futures, WAIT_S).not_done == set()
    assert refused
    assert "4096 writes wait" in str(refused[0].exception())
