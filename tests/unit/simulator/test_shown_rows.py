"""What a terminal is shown of positions and symbols, with rows that are remembered between quotes."""

from decimal import Decimal
from typing import Any

import pytest

from mt5fleet.simulator.codes import OrderType
from mt5fleet.simulator.dropin.MetaTrader5._fields import SYMBOL_INFO_FIELDS, TRADE_POSITION_FIELDS
from mt5fleet.simulator.host.refusals import CallRefusedError
from mt5fleet.simulator.host.session import Session


def test_positions_follow_every_quote_and_change(make_desk: Any) -> None:
    desk = make_desk()
    first, second = desk.opened(OrderType.BUY), desk.opened(OrderType.SELL, symbol="USDJPY")
    session = _session(desk)

    assert _profits(session) == {first: -10.0, second: -6.67}

    desk.quote("1.10100", "1.10110")
    assert _profits(session) == {first: 90.0, second: -6.67}

    desk.close(first, 0.5)
    assert _shown(session)[first]["volume"] == 0.5
    assert _profits(session) == {first: 45.0, second: -6.67}

    desk.close(second)
    assert _profits(session) == {first: 45.0}


def test_profit_follows_the_symbol_that_converts_it(make_desk: Any) -> None:
    desk = make_desk()
    ticket = desk.opened(OrderType.BUY, symbol="EURGBP")
    session = _session(desk)
    before = _profits(session)[ticket]

    desk.quote("2.60000", "2.60040", symbol="GBPUSD")

    assert (before, _profits(session)[ticket]) == (-26.0, -52.01)


def test_rows_are_those_of_the_last_time_while_nothing_changed(desk: Any) -> None:
    ticket = desk.opened()
    desk.opened(symbol="XAUUSD")
    session = _session(desk)
    rows: Any = session.answer("positions_get", {"symbol": "EURUSD"})

    desk.quote("2001.00", "2001.30", symbol="XAUUSD")
    again: Any = session.answer("positions_get", {"ticket": ticket})

    assert again[0] is rows[0]


def test_positions_of_an_account_that_lags_are_the_old_ones_at_the_new_price(make_desk: Any) -> None:
    desk = make_desk(faults=[{"kind": "visibility_lag", "delay_ms": 3000}])
    desk.step_ms(1)
    ticket = desk.opened()
    session = _session(desk)
    assert _profits(session) == {}

    desk.step_ms(3000)
    assert _profits(session) == {ticket: -10.0}

    desk.close(ticket, 0.5)
    desk.quote("1.10100", "1.10110")
    assert _profits(session) == {ticket: 90.0}  # still the whole lot


def test_oldest_position_comes_first_whatever_its_symbol(desk: Any) -> None:
    tickets = [desk.opened(symbol=symbol) for symbol in ("EURUSD", "XAUUSD", "EURUSD", "XAUUSD")]

    assert list(_shown(_session(desk))) == tickets


def test_symbol_shows_what_it_costs(make_desk: Any) -> None:
    terms = {"swap_mode": 1, "swap_long": "-7.5", "swap_short": "1.3", "swap_triple_day": "friday"}
    margins = {"margin_maintenance": "5", "margin_hedged": "50000", "margin_hedged_use_leg": True}
    shown = _symbol(make_desk(symbols=[{"name": "EURUSD", **terms, **margins}]), "EURUSD")

    assert (shown["swap_mode"], shown["swap_long"], shown["swap_short"]) == (1, -7.5, 1.3)
    assert shown["swap_rollover3days"] == 5
    assert (shown["margin_maintenance"], shown["margin_hedged"]) == (5.0, 50_000.0)
    assert shown["margin_hedged_use_leg"] is True


def test_symbol_without_a_triple_day_shows_a_day_that_is_none(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "BTCUSD", "swap_triple_day": "never"}])

    assert _symbol(desk, "BTCUSD")["swap_rollover3days"] == 7


@pytest.mark.parametrize(
    ("currency", "gain", "loss"), [("USD", 0.666622, 0.666667), ("EUR", 0.605965, 0.606061)]
)
def test_tick_value_names_both_sides(make_desk: Any, currency: str, gain: float, loss: float) -> None:
    shown = _symbol(make_desk({"currency": currency}), "USDJPY")

    assert shown["trade_tick_value_profit"] == pytest.approx(gain, abs=1e-6)
    assert shown["trade_tick_value_loss"] == pytest.approx(loss, abs=1e-6)


def test_tick_value_of_a_future_is_the_one_it_names(make_desk: Any) -> None:
    future = {
        "name": "ES",
        "base": "USD",
        "profit": "USD",
        "digits": 2,
        "contract_size": "50",
        "calc_mode": 1,
    }
    desk = make_desk(symbols=[future | {"tick_size": "0.25", "tick_value": "12.5"}])

    assert _symbol(desk, "ES")["trade_tick_value"] == 12.5


def test_calculated_profit_is_what_the_deal_will_book(make_desk: Any) -> None:
    desk = make_desk()
    ticket = desk.opened(OrderType.BUY, symbol="USDJPY")
    desk.quote("151.000", "151.010", symbol="USDJPY")
    asked = {"type": 0, "symbol": "USDJPY", "volume": 1.0, "price_open": 150.01, "price_close": 151.0}

    calculated = _session(desk).answer("order_calc_profit", asked)
    desk.close(ticket)

    booked = list(desk.book.deals.values())[-1].profit
    assert booked == Decimal("655.63")  # 99,000 JPY at the closing price
    assert calculated == float(booked)


def test_calculated_half_cent_is_rounded_as_the_deal_rounds_it(make_desk: Any) -> None:
    session = _session(make_desk())
    asked = {"type": 0, "symbol": "ADAUSD", "volume": 0.01, "price_open": 0.41, "price_close": 0.4105}

    assert session.answer("order_calc_profit", asked) == 0.01  # exactly half a cent


@pytest.mark.parametrize(
    ("opened", "closed"), [(150.0, 0.0), (150.0, -3.0), (0.0, 150.0), (999_999_999.0, 0.000_000_001)]
)
def test_calculation_with_impossible_prices_is_refused(make_desk: Any, opened: float, closed: float) -> None:
    session = _session(make_desk())
    asked = {"type": 1, "symbol": "USDJPY", "volume": 999_999_999.0}

    with pytest.raises(CallRefusedError, match="Invalid params"):
        session.answer("order_calc_profit", asked | {"price_open": opened, "price_close": closed})


def _session(desk: Any) -> Session:
    session = Session(desk.broker)
    session.answer("initialize", {"login": desk.login, "password": ""})
    return session


def _shown(session: Session) -> dict[int, dict[str, Any]]:
    rows: Any = session.answer("positions_get", {})
    return {row[0]: dict(zip(TRADE_POSITION_FIELDS, row, strict=True)) for row in rows}


def _profits(session: Session) -> dict[int, float]:
    return {ticket: row["profit"] for ticket, row in _shown(session).items()}


def _symbol(desk: Any, name: str) -> dict[str, Any]:
    row: Any = _session(desk).answer("symbol_info", {"symbol": name})
    return dict(zip(SYMBOL_INFO_FIELDS, row, strict=True))
