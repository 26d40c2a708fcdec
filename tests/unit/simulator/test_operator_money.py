"""What an operator does to money and time: withdrawals, released quotes, a clock that jumps or races."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from mt5fleet.simulator.accounts.money import rounded
from mt5fleet.simulator.broker import RefusedError
from mt5fleet.simulator.clock import ClockState, SimulatedClock, SteppedClock
from mt5fleet.simulator.codes import OrderType, Retcode
from mt5fleet.simulator.host.fault_terms import FaultKind, FaultTerms
from mt5fleet.simulator.prices.feed import CATCH_UP_MOST_MS
from tests.unit.simulator.conftest import START_MS, Desk, build_desk, fixed_prices

DAY_MS = 86_400_000
_RATE, _NEXT, _LOTS = Decimal("1.10015"), Decimal("1.10025"), Decimal("0.31")


def test_half_cent_that_a_quotient_makes_is_rounded_up_like_any_other() -> None:
    noisy = Decimal(100_000) / 30 * ((_RATE * Decimal("0.3") + _NEXT * Decimal("0.01")) / _LOTS) * _LOTS
    assert noisy < Decimal("1136.825")  # which it is exactly
    assert rounded(noisy, 2) == Decimal("1136.83")
    assert rounded(-noisy, 2) == Decimal("-1136.83")


def test_profit_of_exactly_half_a_cent_is_booked_as_the_tester_books_it(desk: Desk) -> None:
    desk.quote("119.990", "119.997", "USDJPY")
    ticket = desk.opened(volume=0.01, symbol="USDJPY")
    desk.quote("120.000", "120.010", "USDJPY")
    desk.close(ticket, 0.01)
    assert desk.last_deal.profit == Decimal("0.03")  # 3 yen at 120


def test_credit_cannot_be_withdrawn(make_desk: Any) -> None:
    desk = make_desk({"balance": "100", "credit": "500"})
    with pytest.raises(RefusedError, match=r"amount: only 100\.?0* can be withdrawn"):
        desk.broker.deposit(desk.login, Decimal(-101))
    desk.broker.deposit(desk.login, Decimal(-100))
    assert desk.book.balance == 0


def test_released_fixed_quote_is_the_configured_one_as_after_a_restart(make_desk: Any, journal: Any) -> None:
    desk = make_desk(journal=journal)
    ticket = desk.opened(sl=1.05)
    desk.quote("1.06000", "1.06010")
    desk.broker.release_quotes()
    again = make_desk(past=list(journal.replay()))
    assert desk.broker.market.quote("EURUSD").bid == Decimal("1.10000")
    assert again.broker.worth(desk.login) == desk.broker.worth(desk.login)
    assert ticket in desk.book.positions


def test_lagging_records_show_when_the_clock_was_set_back() -> None:
    desk = _told_desk(SteppedClock(0))
    desk.broker.views.set_lag(desk.book, 3_000)
    ticket = desk.opened()
    assert ticket not in desk.broker.shown(desk.login).positions
    desk.broker.tell_clock(lambda clock: clock.step_ms(-DAY_MS))
    assert ticket in desk.broker.shown(desk.login).positions


def test_outage_ends_when_the_clock_is_set_back() -> None:
    desk = _told_desk(SteppedClock(0))
    desk.broker.advance()
    desk.broker.begin_fault(FaultTerms(kind=FaultKind.DISCONNECT, login=desk.login, lasts_ms=5_000))
    assert desk.market(OrderType.BUY).retcode is Retcode.CONNECTION
    desk.broker.tell_clock(lambda clock: clock.step_ms(-DAY_MS))
    assert desk.market(OrderType.BUY).retcode is Retcode.DONE


def test_fast_clock_misses_no_quote_between_two_looks() -> None:
    real = SteppedClock(0)
    desk = _told_desk(real, speed=600, prices={"EURUSD": {"source": "synthetic", "mid": "1.1"}})
    desk.broker.market.board.log("EURUSD")
    for _ in range(20):
        real.step_ms(20)  # 12 s of the broker's clock
        desk.broker.advance()
    log = desk.broker.market.board.log_of("EURUSD")
    assert log is not None
    times = [quote.time_ms for quote in log.newest]
    assert max(later - sooner for sooner, later in pairwise(times)) < 6_000


def test_gap_beyond_the_bound_sends_the_newest_quote_only() -> None:
    real = SteppedClock(0)
    desk = _told_desk(real, speed=600, prices={"EURUSD": {"source": "synthetic", "mid": "1.1"}})
    version = desk.broker.market.board.version
    real.step_ms(2 * CATCH_UP_MOST_MS // 600)
    desk.broker.advance()
    assert desk.broker.market.board.version == version + 1


def _told_desk(real: SteppedClock, *, speed: float = 0, **broker: Any) -> Desk:
    state = ClockState(anchor_ms=START_MS, real_ms=0, speed=speed)
    clock: Any = SimulatedClock(state, real)
    return build_desk(clock=clock, **broker)


def test_withdrawal_leaves_room_for_margin(desk: Desk) -> None:
    desk.opened(OrderType.BUY)
    free = desk.broker.worth(desk.login).margin_free
    with pytest.raises(RefusedError, match="can be withdrawn"):
        desk.broker.deposit(desk.login, -free - 1)


def test_cross_below_one_tick_keeps_its_quote_and_the_broker_alive(make_desk: Any, journal: Any) -> None:
    prices = fixed_prices() | {"EURJPY": {"source": "cross", "of": ["EURUSD", "USDJPY"]}}
    desk = make_desk(journal=journal, prices=prices)
    desk.quote("0.001", "0.001", "USDJPY")
    before = desk.broker.market.quote("EURJPY")
    desk.quote("0.00001", "0.00001")
    assert desk.broker.market.quote("EURJPY") == before
    assert make_desk(past=list(journal.replay()), prices=prices).book == desk.book


def test_shorter_way_that_is_quoted_late_is_taken_at_once_as_after_a_restart(
    make_desk: Any, journal: Any
) -> None:
    desk = make_desk({"currency": "EUR"}, journal=journal)
    desk.opened(symbol="USDJPY")
    desk.quote("151.000", "151.010", "USDJPY")
    by_way_of_dollars = desk.broker.worth(desk.login).profit
    desk.quote("200.000", "200.010", "EURJPY")
    again = make_desk({"currency": "EUR"}, past=list(journal.replay()))
    assert desk.broker.worth(desk.login).profit != by_way_of_dollars
    assert desk.broker.worth(desk.login).profit == Decimal("494.98")  # 99,000 yen at 200.010
    assert again.broker.worth(desk.login) == desk.broker.worth(desk.login)
