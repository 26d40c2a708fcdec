"""The journal: what a kill at any byte leaves behind, and that a restarted broker tells the same truth."""

from pathlib import Path
from typing import Any

import pytest

from mt5fleet.simulator.codes import Action, OrderType
from mt5fleet.simulator.host.control import command
from mt5fleet.simulator.host.journal import FileJournal, JournalError
from mt5fleet.simulator.terms.base import ConfigError


def _reopened(path: Path) -> list[dict[str, Any]]:
    with FileJournal(path) as journal:
        return list(journal.replay())


def _written(path: Path, *records: dict[str, Any]) -> bytes:
    with FileJournal(path) as journal:
        list(journal.replay())
        for record in records:
            journal.append(record)
        journal.sync()
    return path.read_bytes()


def test_kill_at_any_byte_keeps_every_whole_record_and_drops_the_torn_one(tmp_path: Path) -> None:
    records = [{"n": number, "text": "ünïcode"} for number in range(4)]
    whole = _written(tmp_path / "whole.journal", *records)
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]

    for cut in range(len(whole) + 1):
        path = tmp_path / "cut.journal"
        path.write_bytes(whole[:cut])

        assert _reopened(path) == records[: sum(end <= cut for end in ends)]
        assert path.stat().st_size == max((end for end in ends if end <= cut), default=0)


def test_record_appended_after_a_torn_line_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "torn.journal"
    path.write_bytes(_written(path, {"n": 1}, {"n": 2})[:-3])

    _written(path, {"n": 3})

    assert _reopened(path) == [{"n": 1}, {"n": 3}]


def test_damage_before_the_last_line_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "damaged.journal"
    content = bytearray(_written(path, {"n": 1}, {"n": 2}))
    content[12] ^= 1
    path.write_bytes(content)

    with pytest.raises(JournalError, match="line 1 is damaged"):
        _reopened(path)


def test_second_broker_on_the_same_state_is_refused(tmp_path: Path) -> None:
    with FileJournal(tmp_path / "one.journal"), pytest.raises(JournalError, match="another broker"):
        FileJournal(tmp_path / "one.journal")


def _busy_day(desk: Any) -> None:
    first = desk.opened(volume=1.0, sl=1.09, magic=2**64 - 1, comment="é")
    desk.opened(OrderType.SELL, volume=0.5, tp=1.05)
    desk.close(first, 0.4)
    waiting = desk.placed(OrderType.BUY_LIMIT, 1.08)
    desk.send(Action.MODIFY, order=waiting, price=1.07)
    desk.send(Action.REMOVE, order=desk.placed(OrderType.SELL_STOP, 1.06))
    desk.quote("1.08990", "1.09000")  # the stop of the first fires
    desk.broker.deposit(desk.login, desk.book.balance)


def _truth(desk: Any) -> Any:
    return command(desk.broker, "truth", {"login": desk.login})


def test_restarted_broker_tells_the_same_truth(make_desk: Any, journal: FileJournal, tmp_path: Path) -> None:
    desk = make_desk(journal=journal)
    _busy_day(desk)

    again = make_desk(past=iter(_copy(journal, tmp_path)), clock=desk.clock)

    assert _truth(again) == _truth(desk)
    assert again.opened() > max(desk.book.deals)


def test_restart_after_a_torn_transaction_has_all_of_it_or_nothing(
    make_desk: Any, journal: FileJournal, tmp_path: Path
) -> None:
    desk = make_desk(journal=journal)
    before = _truth(desk)
    desk.opened()
    after = _truth(desk)
    lines = (tmp_path / "broker.journal").read_bytes().splitlines(keepends=True)
    head, last = b"".join(lines[:-1]), lines[-1]

    for cut in range(0, len(last) + 1, 7):
        path = tmp_path / "cut.journal"
        path.write_bytes(head + last[:cut])
        again = make_desk(past=iter(_reopened(path)), clock=desk.clock)
        assert _truth(again) == (after if cut == len(last) else before)


def test_reset_survives_a_restart(make_desk: Any, journal: FileJournal, tmp_path: Path) -> None:
    desk = make_desk(journal=journal)
    _busy_day(desk)
    desk.broker.reset()

    again = make_desk(past=iter(_copy(journal, tmp_path)), clock=desk.clock)

    assert _truth(again) == _truth(desk)
    assert len(again.book.deals) == 1


def test_account_missing_from_the_configuration_is_refused(
    make_desk: Any, journal: FileJournal, tmp_path: Path
) -> None:
    make_desk(journal=journal)

    with pytest.raises(ConfigError, match="1001"):
        make_desk({"login": 7}, past=iter(_copy(journal, tmp_path)))


def test_symbol_missing_from_the_configuration_is_refused(
    make_desk: Any, journal: FileJournal, tmp_path: Path
) -> None:
    desk = make_desk(journal=journal, symbols=[{"name": "EURUSD.x", "like": "EURUSD"}])
    desk.quote("1.10000", "1.10010", "EURUSD.x")
    desk.opened(symbol="EURUSD.x")

    with pytest.raises(ConfigError, match=r"EURUSD\.x"):
        make_desk(past=iter(_copy(journal, tmp_path)))


def test_unknown_record_is_refused(make_desk: Any) -> None:
    with pytest.raises(JournalError, match="unknown record kind 'later'"):
        make_desk(past=iter([{"kind": "later"}]))


def _copy(journal: FileJournal, folder: Path) -> list[dict[str, Any]]:
    path = folder / "copy.journal"
    path.write_bytes((folder / "broker.journal").read_bytes())
    return _reopened(path)


def test_journal_that_failed_once_takes_nothing_more(tmp_path: Path) -> None:
    """A line behind half a line would make the whole file unreadable."""
    path = tmp_path / "full.journal"
    with FileJournal(path) as journal:
        list(journal.replay())
        journal.append({"n": 1})
        whole, journal._file = journal._file, _FullDisk(journal._file)
        with pytest.raises(JournalError, match="disk full"):
            journal.append({"n": 2})
        journal._file = whole
        with pytest.raises(JournalError, match="earlier write failed"):
            journal.append({"n": 3})

    assert _reopened(path) == [{"n": 1}]


class _FullDisk:
    """Writes half of what it is given."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, line: bytes) -> int:
        return int(self._file.write(line[: len(line) // 2]))
