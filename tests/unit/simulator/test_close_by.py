"""Two opposite positions that close each other."""

from decimal import Decimal
from typing import Any

import pytest

from mt5fleet.simulator.codes import DealType, Entry, OrderState, OrderType, Reason, Retcode

BUY, SELL = OrderType.BUY, OrderType.SELL


def test_positions_close_each_other_in_one_order_and_two_deals(desk: Any) -> None:
    long = desk.opened(BUY, 1.0, magic=1)
    desk.quote("1.10500", "1.10510")
    short = desk.opened(SELL, 1.0, magic=2)

    answer = desk.close_by(long, short, magic=3, comment="both")

    order = desk.book.history[answer.order]
    first, second = list(desk.book.deals.values())[-2:]
    assert (answer.retcode, answer.deal, answer.volume) == (Retcode.DONE, first.ticket, 1)
    assert (order.type, order.state) == (OrderType.CLOSE_BY, OrderState.FILLED)
    assert (order.position_id, order.position_by_id) == (long, short)
    assert (first.type, first.entry, first.position_id) == (DealType.SELL, Entry.OUT_BY, long)
    assert (second.type, second.entry, second.position_id) == (DealType.BUY, Entry.OUT_BY, short)
    assert (first.order, second.order, first.magic, first.comment) == (answer.order, answer.order, 3, "both")
    assert first.reason is Reason.EXPERT
    assert desk.book.positions == {}


def test_profit_is_the_distance_of_the_opening_prices(desk: Any) -> None:
    long = desk.opened(BUY, 1.0)
    desk.quote("1.10500", "1.10510")
    short = desk.opened(SELL, 1.0)
    desk.quote("1.20000", "1.20010")  # where the market is now does not matter

    desk.close_by(short, long)

    first, second = list(desk.book.deals.values())[-2:]
    assert (first.price, first.profit) == (Decimal("1.10010"), Decimal("490.00"))
    assert (second.price, second.profit) == (Decimal("1.10010"), 0)
    assert desk.book.balance == Decimal("100490.00")


@pytest.mark.parametrize(("named_first", "left"), [(True, "0.7"), (False, "0.7")])
def test_larger_position_keeps_its_ticket_and_the_rest(desk: Any, named_first: bool, left: str) -> None:
    large, small = desk.opened(BUY, 1.0), desk.opened(SELL, 0.3)

    answer = desk.close_by(large, small) if named_first else desk.close_by(small, large)

    assert answer.volume == Decimal("0.3")
    assert (desk.only_position.ticket, desk.only_position.volume) == (large, Decimal(left))


def test_close_by_needs_no_money(make_desk: Any) -> None:
    desk = make_desk({"balance": "1210", "stop_out_level": "0"})
    long, short = desk.opened(BUY, 1.0), desk.opened(SELL, 1.0)
    desk.quote("1.10000", "1.11100")

    assert desk.close_by(long, short).retcode is Retcode.DONE


def test_second_close_by_finds_the_positions_gone(desk: Any) -> None:
    long, short = desk.opened(BUY), desk.opened(SELL)
    desk.close_by(long, short)

    assert desk.close_by(long, short).retcode is Retcode.POSITION_CLOSED


@pytest.mark.parametrize(
    ("side", "symbol"), [(BUY, "EURUSD"), (SELL, "GBPUSD")], ids=["same side", "another symbol"]
)
def test_positions_that_are_no_opposites_are_refused(desk: Any, side: OrderType, symbol: str) -> None:
    first, second = desk.opened(BUY), desk.opened(side, symbol=symbol)

    assert desk.close_by(first, second).retcode is Retcode.INVALID
    assert len(desk.book.positions) == 2


@pytest.mark.parametrize("fields", [{"type": 0}, {"position_by": 0}, {"position": 0}])
def test_incomplete_request_is_invalid(desk: Any, fields: dict[str, Any]) -> None:
    """Real servers answer 10013 to a close-by without type 8 or without the other position."""
    long, short = desk.opened(BUY), desk.opened(SELL)
    request = {"action": 10, "type": 8, "position": long, "position_by": short}

    assert desk.broker.order_send(desk.login, request | fields).retcode is Retcode.INVALID


def test_symbol_without_the_close_by_bit_refuses(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "order_mask": 63}])
    long, short = desk.opened(BUY), desk.opened(SELL)

    assert desk.close_by(long, short).retcode is Retcode.INVALID_ORDER


def test_frozen_stop_of_either_position_holds_both(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "freeze_level_points": 50}])
    long, short = desk.opened(BUY), desk.opened(SELL, sl=1.1003)

    assert desk.close_by(long, short).retcode is Retcode.FROZEN


def test_check_answers_totals_after_it(desk: Any) -> None:
    long = desk.opened(BUY, 1.0)
    desk.quote("1.10500", "1.10510")
    short = desk.opened(SELL, 0.5)
    fields = {"action": 10, "type": 8, "position": long, "position_by": short}

    retcode, worth = desk.broker.order_check(desk.login, fields)

    assert retcode is Retcode.OK
    assert (worth.balance, worth.profit, worth.margin) == (
        Decimal("100245.00"),
        Decimal("245.00"),
        Decimal("550.05"),
    )
    assert len(desk.book.positions) == 2
