"""Stop-limit orders: a stop price that, once reached, leaves a limit order behind it."""

from decimal import Decimal
from typing import Any

import pytest

from mt5fleet.simulator.codes import Action, OrderState, OrderType, Retcode

BUY_STOP_LIMIT, SELL_STOP_LIMIT = OrderType.BUY_STOP_LIMIT, OrderType.SELL_STOP_LIMIT
SERVER_NOW_S = 1_800_000_000 + 7200


def test_placed_order_shows_both_prices(desk: Any) -> None:
    ticket = desk.placed(BUY_STOP_LIMIT, 1.11, stoplimit=1.105, sl=1.1, tp=1.12)

    order = desk.book.orders[ticket]
    assert (order.type, order.price_open, order.price_stoplimit) == (
        BUY_STOP_LIMIT,
        Decimal("1.11"),
        Decimal("1.105"),
    )


@pytest.mark.parametrize(
    ("kind", "price", "limit", "before", "trigger", "becomes"),
    [
        (BUY_STOP_LIMIT, 1.11, 1.105, ("1.10980", "1.10999"), ("1.10990", "1.11000"), OrderType.BUY_LIMIT),
        (SELL_STOP_LIMIT, 1.09, 1.095, ("1.09001", "1.09010"), ("1.09000", "1.09010"), OrderType.SELL_LIMIT),
    ],
)
def test_reached_stop_leaves_a_limit_order_with_the_same_ticket(
    desk: Any,
    kind: OrderType,
    price: float,
    limit: float,
    before: tuple[str, str],
    trigger: tuple[str, str],
    becomes: OrderType,
) -> None:
    ticket = desk.placed(kind, price, stoplimit=limit, magic=5)
    desk.quote(*before)
    assert desk.book.orders[ticket].type is kind

    desk.quote(*trigger)

    order = desk.book.orders[ticket]
    assert (order.type, order.state, order.magic) == (becomes, OrderState.PLACED, 5)
    assert (order.price_open, order.price_stoplimit) == (Decimal(str(limit)), 0)
    assert desk.book.positions == {}


def test_limit_left_behind_fills_at_its_price_or_better(desk: Any) -> None:
    ticket = desk.placed(BUY_STOP_LIMIT, 1.11, stoplimit=1.105, sl=1.1)
    desk.quote("1.11000", "1.11010")

    desk.quote("1.10400", "1.10410")

    assert (desk.only_position.ticket, desk.only_position.price_open) == (ticket, Decimal("1.1041"))
    assert desk.only_position.sl == Decimal("1.1")
    assert desk.book.history[ticket].state is OrderState.FILLED


def test_order_can_be_moved_before_its_stop_is_reached(desk: Any) -> None:
    ticket = desk.placed(BUY_STOP_LIMIT, 1.11, stoplimit=1.105)
    same = {"order": ticket, "price": 1.11, "type_time": 0}

    assert desk.send(Action.MODIFY, **same, stoplimit=1.105).retcode is Retcode.NO_CHANGES
    assert desk.send(Action.MODIFY, **same, stoplimit=1.106).retcode is Retcode.DONE
    assert desk.send(Action.MODIFY, **same, stoplimit=1.12).retcode is Retcode.INVALID_PRICE
    assert desk.book.orders[ticket].price_stoplimit == Decimal("1.106")


def test_order_expires_and_is_removed_like_any_other(desk: Any) -> None:
    late = desk.placed(BUY_STOP_LIMIT, 1.11, stoplimit=1.105, type_time=2, expiration=SERVER_NOW_S + 10)
    removed = desk.placed(BUY_STOP_LIMIT, 1.11, stoplimit=1.105)

    desk.send(Action.REMOVE, order=removed)
    desk.step_ms(10_000)

    assert desk.book.history[removed].state is OrderState.CANCELED
    assert desk.book.history[late].state is OrderState.EXPIRED


def test_limit_keeps_the_stops_level_from_its_stop(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "stops_level_points": 50}])

    near = desk.pending(BUY_STOP_LIMIT, 1.11, stoplimit=1.10951)
    far = desk.pending(BUY_STOP_LIMIT, 1.11, stoplimit=1.1095)

    assert (near.retcode, far.retcode) == (Retcode.INVALID_PRICE, Retcode.DONE)


def test_symbol_without_the_bit_refuses(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "order_mask": 127 - 8}])

    assert desk.pending(BUY_STOP_LIMIT, 1.11, stoplimit=1.105).retcode is Retcode.INVALID_ORDER
