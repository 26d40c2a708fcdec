"""What waits for a price does not happen while its symbol is out of session."""

from typing import Any

import pytest

from mt5fleet.simulator.clock import ClockState, SimulatedClock, SteppedClock
from mt5fleet.simulator.codes import OrderType, Reason, Retcode
from tests.unit.simulator.conftest import START_MS, build_desk, fixed_prices

DAY_MS = 86_400_000
WEEKEND = [{"name": "EURUSD", "weekend_closed": True}]


def test_quote_out_of_session_fills_nothing_and_the_next_in_session_does(make_desk: Any) -> None:
    desk = make_desk(symbols=WEEKEND)
    stopped = desk.opened(sl=1.09)
    waiting = desk.placed(OrderType.BUY_LIMIT, 1.095)
    desk.step_ms(DAY_MS)  # Saturday
    desk.quote("1.08000", "1.08010")
    assert stopped in desk.book.positions
    assert waiting in desk.book.orders
    desk.step_ms(2 * DAY_MS)  # Monday
    desk.quote("1.08100", "1.08110")
    assert stopped not in desk.book.positions
    assert waiting not in desk.book.orders
    assert desk.book.history[waiting].price_current == desk.broker.market.quote("EURUSD").ask


def test_stop_out_passes_over_a_position_that_cannot_be_closed_now(make_desk: Any) -> None:
    prices = fixed_prices(BTCUSD=("50000.00", "50010.00"))
    desk = make_desk({"balance": "3000"}, symbols=WEEKEND, prices=prices)
    closed = desk.opened(volume=1.0)
    traded = desk.opened(volume=0.02, symbol="BTCUSD")
    desk.step_ms(DAY_MS)  # Saturday
    desk.quote("1.06000", "1.06010")  # the larger loss, but nobody trades it
    assert traded not in desk.book.positions
    assert closed in desk.book.positions
    assert desk.last_deal.reason is Reason.STOP_OUT
    desk.step_ms(2 * DAY_MS)  # Monday
    desk.quote("1.06000", "1.06010")
    assert not desk.book.positions


@pytest.mark.parametrize("shift_hours", [-30, 30])
def test_shifted_server_clock_shifts_no_session(make_desk: Any, shift_hours: int) -> None:
    desk = make_desk(symbols=WEEKEND)
    desk.step_ms((2 if shift_hours > 0 else 4) * DAY_MS)  # Sunday, Tuesday
    desk.broker.market.server_time.shift_ms = shift_hours * 3_600_000
    wanted = Retcode.MARKET_CLOSED if shift_hours > 0 else Retcode.DONE
    assert desk.market(OrderType.BUY).retcode is wanted


def test_requests_before_a_clock_was_set_back_do_not_count_for_ever() -> None:
    state = ClockState(anchor_ms=START_MS, real_ms=0, speed=0)
    clock: Any = SimulatedClock(state, SteppedClock(0))
    desk = build_desk({"requests_per_s_max": 1}, clock=clock)
    assert desk.market(OrderType.BUY, 0.01).retcode is Retcode.DONE
    assert desk.market(OrderType.BUY, 0.01).retcode is Retcode.TOO_MANY_REQUESTS
    desk.broker.tell_clock(lambda clock: clock.step_ms(-DAY_MS))
    assert desk.market(OrderType.BUY, 0.01).retcode is Retcode.DONE
