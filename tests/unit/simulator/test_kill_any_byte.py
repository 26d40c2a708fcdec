"""A kill at any byte of the journal: a restarted broker tells the truth of the last whole record."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mt5fleet.simulator.clock import build_clock
from mt5fleet.simulator.codes import Action, OrderType
from mt5fleet.simulator.config import parse_config
from mt5fleet.simulator.host.clockwork import tell_clock
from mt5fleet.simulator.host.control import command
from mt5fleet.simulator.host.journal import FileJournal
from mt5fleet.simulator.host.memory import Memory

LAST_RECORDS = 3
Truth = dict[str, Any]
Day = tuple[Any, dict[int, Truth]]


def _records(path: Path) -> list[dict[str, Any]]:
    with FileJournal(path, fsync=False) as journal:
        return list(journal.replay())


def _truth(desk: Any) -> Truth:
    return dict(command(desk.broker, "truth", {"login": desk.login}))


def _busy_day(desk: Any) -> Iterator[None]:
    """Yield after each thing that a client or the operator did."""
    first = desk.opened(volume=1.0, sl=1.09, magic=2**64 - 1, comment="é")
    yield
    desk.opened(OrderType.SELL, volume=0.5, tp=1.05)
    yield
    desk.close(first, 0.4)
    yield
    waiting = desk.placed(OrderType.BUY_LIMIT, 1.08)
    yield
    desk.send(Action.MODIFY, order=waiting, price=1.07)
    yield
    desk.broker.deposit(desk.login, Decimal("123.45"))
    yield
    desk.send(Action.REMOVE, order=waiting)
    yield
    desk.quote("1.08990", "1.09000")  # the stop of the first fires
    yield
    desk.opened(volume=0.3)
    yield


@pytest.fixture
def lived(make_desk: Callable[..., Any], journal: FileJournal, tmp_path: Path) -> Day:
    """Live a day; return the desk, and the truth by the number of records that the journal held then."""
    desk = make_desk(journal=journal)
    path, truths = tmp_path / "broker.journal", {}
    for _ in _busy_day(desk):
        truths[len(path.read_bytes().splitlines())] = _truth(desk)
    return desk, truths


def test_every_cut_leaves_the_whole_records_before_it(
    lived: Day, journal: FileJournal, tmp_path: Path
) -> None:
    journal.sync()
    whole = (tmp_path / "broker.journal").read_bytes()
    lines = whole.splitlines(keepends=True)
    records = _records(_copied(tmp_path, whole))
    first = len(b"".join(lines[:-LAST_RECORDS]))

    for cut in range(first, len(whole) + 1):
        kept = whole[:cut].count(b"\n")
        assert _records(_copied(tmp_path, whole[:cut])) == records[:kept], cut


def test_broker_of_any_whole_records_tells_the_truth_of_that_moment(
    make_desk: Callable[..., Any], lived: Day, tmp_path: Path
) -> None:
    desk, truths = lived
    records = _records(_copied(tmp_path, (tmp_path / "broker.journal").read_bytes()))
    assert max(truths) == len(records)

    for count in range(min(truths), len(records) + 1):
        again = make_desk(past=iter(records[:count]), clock=desk.clock)
        told = _truth(again)
        assert told == truths.get(count, told), count
        assert Decimal(told["balance"]) == sum(_money(deal) for deal in told["deals"])
        seen = {*again.book.history, *again.book.orders, *again.book.deals}
        assert again.opened() > max(seen)


def test_account_never_starts_without_its_deposit(
    make_desk: Callable[..., Any], journal: FileJournal, tmp_path: Path
) -> None:
    """Opening and reset are one record each: a kill in the middle leaves them done or not begun."""
    desk = make_desk(journal=journal)
    desk.broker.reset(desk.login)
    records = _records(_copied(tmp_path, (tmp_path / "broker.journal").read_bytes()))

    for count in range(len(records) + 1):
        again = make_desk(past=iter(records[:count]), clock=desk.clock)
        assert again.book.balance == desk.book.balance > 0, count


def test_stop_that_the_kill_cut_off_fires_after_the_restart(
    make_desk: Callable[..., Any], journal: FileJournal, tmp_path: Path
) -> None:
    """The quote is on the disk and what it set off is not: nobody was told, and the stop is still due."""
    desk = make_desk(journal=journal)
    held = desk.opened(sl=1.09)
    desk.quote("1.08990", "1.09000")
    records = _records(_copied(tmp_path, (tmp_path / "broker.journal").read_bytes()))
    assert (records[-2]["kind"], records[-1]["kind"]) == ("quote", "transaction")

    again = make_desk(past=iter(records[:-1]), clock=desk.clock)
    again.quote("1.08980", "1.08990")

    assert held not in again.book.positions
    assert len(again.book.deals) == len(desk.book.deals)


def test_clock_that_was_told_comes_back_from_any_whole_record(tmp_path: Path) -> None:
    config = parse_config({"clock": {"start": "2026-11-20T21:58:00+00:00", "speed": 0}})
    clock = build_clock(config.clock)
    path = tmp_path / "clock.journal"
    with FileJournal(path, fsync=False) as journal:
        list(journal.replay())
        for _ in range(3):
            tell_clock(clock, lambda told: told.step_ms(1_000), journal)
    whole = path.read_bytes()
    start_ms = build_clock(config.clock).now_ms()

    for cut in range(len(whole.splitlines(keepends=True)[0]), len(whole) + 1):
        memory = Memory(_no_market(), _records(_copied(tmp_path, whole[:cut])))
        assert memory.clock is not None
        assert memory.clock.now_ms(0) == start_ms + 1_000 * whole[:cut].count(b"\n")


def _no_market() -> Any:
    """Records of a clock touch no books."""
    return None


def _copied(folder: Path, content: bytes) -> Path:
    path = folder / "cut.journal"
    path.write_bytes(content)
    return path


def _money(deal: dict[str, Any]) -> Decimal:
    return sum((Decimal(deal[name]) for name in ("profit", "swap", "commission", "fee")), Decimal(0))
