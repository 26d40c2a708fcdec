"""Rules of the account: FIFO, hedging, pace, and what they mean for orders that are reached."""

from dataclasses import replace
from typing import Any

import pytest

from mt5fleet.simulator.codes import OrderState, OrderType, Retcode, TradeMode

BUY, SELL = OrderType.BUY, OrderType.SELL


def test_fifo_account_closes_the_oldest_position_of_a_symbol_first(make_desk: Any) -> None:
    desk = make_desk({"fifo_close": True})
    first, second = desk.opened(), desk.opened()
    other = desk.opened(symbol="GBPUSD")

    assert desk.close(second).retcode is Retcode.FIFO_CLOSE
    assert desk.close(other).retcode is Retcode.DONE
    assert desk.close(first, 0.5).retcode is Retcode.DONE
    assert desk.close(second).retcode is Retcode.FIFO_CLOSE
    assert desk.close(first, 0.5).retcode is Retcode.DONE
    assert desk.close(second).retcode is Retcode.DONE


def test_fifo_account_goes_by_the_time_of_opening_not_by_the_ticket(make_desk: Any) -> None:
    desk = make_desk({"fifo_close": True})
    waiting = desk.placed(OrderType.BUY_LIMIT, 1.09)
    first = desk.opened()
    desk.step_ms(1000)
    desk.quote("1.08980", "1.09000")

    assert desk.close(waiting).retcode is Retcode.FIFO_CLOSE
    assert desk.close(first).retcode is Retcode.DONE


def test_fifo_account_closes_the_oldest_of_each_side_by_each_other(make_desk: Any) -> None:
    desk = make_desk({"fifo_close": True})
    long, later_long, short = desk.opened(BUY), desk.opened(BUY), desk.opened(SELL)

    assert desk.close_by(later_long, short).retcode is Retcode.FIFO_CLOSE
    assert desk.close_by(long, short).retcode is Retcode.DONE


def test_hedging_is_prohibited_for_deals_and_pending_orders(make_desk: Any) -> None:
    desk = make_desk({"hedge_prohibited": True})
    ticket = desk.opened(BUY)

    assert desk.market(SELL).retcode is Retcode.HEDGE_PROHIBITED
    assert desk.pending(OrderType.SELL_LIMIT, 1.2).retcode is Retcode.HEDGE_PROHIBITED
    assert desk.market(BUY).retcode is Retcode.DONE
    assert desk.market(SELL, symbol="GBPUSD").retcode is Retcode.DONE
    assert desk.close(ticket).retcode is Retcode.DONE


def test_pending_order_that_would_hedge_when_reached_is_rejected(make_desk: Any) -> None:
    desk = make_desk({"hedge_prohibited": True})
    ticket = desk.placed(OrderType.SELL_LIMIT, 1.105)
    desk.opened(BUY)

    desk.quote("1.10500", "1.10510")

    order = desk.book.history[ticket]
    assert (order.state, order.comment) == (OrderState.REJECTED, "hedging prohibited")
    assert desk.only_position.type is BUY


def test_pending_order_beyond_the_position_limit_is_rejected(make_desk: Any) -> None:
    desk = make_desk({"limit_positions": 1})
    ticket = desk.placed(OrderType.BUY_LIMIT, 1.09)
    desk.opened(BUY)

    desk.quote("1.08980", "1.09000")

    assert desk.book.history[ticket].state is OrderState.REJECTED
    assert len(desk.book.positions) == 1


@pytest.mark.parametrize(
    ("mode", "opening", "closing"),
    [
        (TradeMode.LONG_ONLY, Retcode.LONG_ONLY, Retcode.DONE),
        (TradeMode.CLOSE_ONLY, Retcode.CLOSE_ONLY, Retcode.DONE),
        (TradeMode.DISABLED, Retcode.TRADE_DISABLED, Retcode.TRADE_DISABLED),
    ],
)
def test_trade_mode_that_forbids_opening_may_allow_closing(
    desk: Any, mode: TradeMode, opening: Retcode, closing: Retcode
) -> None:
    ticket, order = desk.opened(BUY), desk.placed(OrderType.SELL_LIMIT, 1.105)
    specs = desk.broker.market.specs
    specs["EURUSD"] = replace(specs["EURUSD"], trade_mode=mode)

    assert desk.market(SELL).retcode is opening
    assert desk.pending(OrderType.SELL_LIMIT, 1.2).retcode is opening
    desk.quote("1.10500", "1.10510")
    assert desk.book.history[order].state is OrderState.REJECTED
    assert desk.close(ticket).retcode is closing


def test_requests_beyond_the_pace_are_refused_until_a_second_has_passed(make_desk: Any) -> None:
    desk = make_desk({"requests_per_s_max": 3})

    at_once = [desk.market(BUY, 0.01).retcode for _ in range(5)]
    desk.step_ms(999)
    too_soon = desk.market(BUY, 0.01).retcode
    desk.step_ms(1)
    later = [desk.market(BUY, 0.01).retcode for _ in range(4)]

    assert at_once == [Retcode.DONE] * 3 + [Retcode.TOO_MANY_REQUESTS] * 2
    assert too_soon is Retcode.TOO_MANY_REQUESTS
    assert later == [Retcode.DONE] * 3 + [Retcode.TOO_MANY_REQUESTS]


def test_each_account_has_its_own_pace_and_checks_are_free(make_desk: Any) -> None:
    accounts = [{"login": login, "requests_per_s_max": 1} for login in (1001, 1002)]
    desk = make_desk(accounts=accounts)
    request = {"action": 1, "symbol": "EURUSD", "type": 0, "volume": 0.01, "type_filling": 1}

    for _ in range(3):
        desk.broker.order_check(1001, request)

    assert desk.broker.order_send(1001, request).retcode is Retcode.DONE
    assert desk.broker.order_send(1002, request).retcode is Retcode.DONE
    assert desk.broker.order_send(1001, request).retcode is Retcode.TOO_MANY_REQUESTS


@pytest.mark.parametrize("rule", ["fifo_close", "hedge_prohibited"])
def test_rules_of_hedging_accounts_mean_nothing_on_netting(make_desk: Any, rule: str) -> None:
    desk = make_desk({rule: True, "margin_mode": "netting"})
    desk.opened(BUY)

    assert desk.market(SELL, 0.5).retcode is Retcode.DONE


def test_commission_counts_when_money_is_short(make_desk: Any) -> None:
    symbol = {"name": "EURUSD", "commission_per_lot": "50"}
    desk = make_desk({"balance": "1120"}, symbols=[symbol])

    assert desk.market(BUY).retcode is Retcode.NO_MONEY
