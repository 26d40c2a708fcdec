"""A journal whose disk is full, read-only or failing: what is known stays known, what forbids counts."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mt5fleet.adapters.sqlite.journal import JournalFile
from mt5fleet.adapters.sqlite.writer import Write
from mt5fleet.domain.errors import JournalUnwritable, Latched, StaleToken
from mt5fleet.ports.journal import JournalEntry
from mt5fleet.testing.builders import make_entry
from mt5fleet.testing.clock import ManualClock
from mt5fleet.testing.memory_journal import MemoryJournal
from tests.unit.bridge.journals import KEY, LATCH, WAIT_S, Open, held, opening


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    with opening(tmp_path) as open_one:
        yield open_one


def full(file: JournalFile) -> None:
    """No page more fits into the database from now on, as on a full disk."""
    pages = file._writer.read(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    _limit(file, pages.result())


def roomy(file: JournalFile) -> None:
    _limit(file, 1 << 30)


def _limit(file: JournalFile, pages: int) -> None:
    file._writer.read(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone()).result()


def large(attempt: int) -> JournalEntry:
    """Too large for the free room of the pages that are there."""
    return replace(make_entry(attempt, token=8), request="x" * 200_000)


def test_a_disk_that_fails_in_one_write_fails_all_that_waited_with_it(opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)

    def failing(connection: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with held(file):
        before = account.write_soon(make_entry(1))
        broken = file._writer.write(Write(account=account._number, rule=lambda state: state, rows=failing))
        after = account.write_soon(make_entry(2))
    assert {type(future.exception(WAIT_S)) for future in (before, broken, after)} == {JournalUnwritable}
    assert (account.entries(KEY), account.sequence, account.writable) == ((), 0, False)


def test_a_disk_that_became_read_only_is_told_and_noticed_when_it_is_mended(opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)
    file._writer.read(lambda connection: connection.execute("PRAGMA query_only = ON").close()).result()
    with pytest.raises(JournalUnwritable, match="readonly"):
        account.write(make_entry())
    with pytest.raises(JournalUnwritable):
        account.probe()
    assert not account.writable
    file._writer.read(lambda connection: connection.execute("PRAGMA query_only = OFF").close()).result()
    account.probe()
    assert (account.writable, account.sequence) == (True, 1)


def test_a_full_disk_refuses_writes_and_what_is_known_stays_known(opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)
    account.write(make_entry(1))
    full(file)
    with pytest.raises(JournalUnwritable, match=r"bridge\.journal: the disk did not take a write"):
        account.write(large(2))
    assert not account.writable
    assert (account.newest_token(), account.sequence) == (3, 1)
    assert account.entries(KEY) == (make_entry(1),)
    assert account.unfinished() == (make_entry(1),)
    roomy(file)
    account.probe()
    assert account.writable
    account.write(large(2))
    assert [found.attempt for found in account.entries(KEY)] == [1, 2]


def test_a_full_disk_takes_nothing_of_a_shared_transaction(opened: Open) -> None:
    file = opened()
    one, two = file.account("Sim-1", 1), file.account("Sim-1", 2)
    full(file)
    with held(file):
        futures = [one.write_soon(make_entry(1)), two.write_soon(large(1)), one.write_soon(make_entry(2))]
    assert {type(future.exception(WAIT_S)) for future in futures} == {JournalUnwritable}
    assert (one.entries(KEY), two.entries(KEY), one.sequence) == ((), (), 0)


def test_a_latch_that_the_disk_refused_stands_in_memory_and_is_written_later(opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)
    full(file)
    with pytest.raises(JournalUnwritable):
        account.set_latch(replace(LATCH, reason="r" * 200_000))
    roomy(file)
    latch = account.latch()
    assert latch is not None
    with pytest.raises(Latched):
        account.write(make_entry())
    account.set_latch(latch)
    file.close()
    assert opened().account("Sim-1", 1001).latch() == latch


def test_a_token_that_the_disk_refused_makes_older_ones_stale(opened: Open) -> None:
    file = opened()
    account = file.account("Sim-1", 1001)
    full(file)
    with held(file):
        seen = account.see_token_soon(8)
        account.write_soon(large(1))  # fails the transaction
    assert isinstance(seen.exception(WAIT_S), JournalUnwritable)
    with pytest.raises(StaleToken):
        account.write(make_entry(token=7))
    roomy(file)
    account.see_token(8)
    file.close()
    assert opened().account("Sim-1", 1001).newest_token() == 8


def test_a_journal_in_memory_that_is_told_so_refuses_as_a_full_disk_does() -> None:
    journal = MemoryJournal("id", ManualClock().now())
    journal.disk_fails = True
    for refused in (
        lambda: journal.write(make_entry()),
        lambda: journal.set_latch(LATCH),
        lambda: journal.see_token(8),
        lambda: journal.bury(KEY, 1),
    ):
        with pytest.raises(JournalUnwritable):
            refused()
    assert (journal.writable, journal.sequence, journal.entries(KEY)) == (False, 0, ())
    assert (journal.newest_token(), journal.latch()) == (8, LATCH)
    journal.disk_fails = False
    journal.probe()
    assert (journal.writable, journal.sequence) == (True, 1)
