"""What the market sets off without anybody asking."""

from decimal import Decimal
from typing import Any

import pytest

from mt5fleet.simulator.codes import Action, Entry, OrderState, OrderType, Reason, Retcode

SERVER_NOW_S = 1_800_000_000 + 7200


@pytest.mark.parametrize(
    ("kind", "price", "quote", "filled_at"),
    [
        (OrderType.BUY_LIMIT, 1.09, ("1.08980", "1.09000"), "1.09000"),
        (OrderType.BUY_LIMIT, 1.09, ("1.08900", "1.08920"), "1.08920"),  # a gap fills better
        (OrderType.SELL_LIMIT, 1.11, ("1.11000", "1.11020"), "1.11000"),
        (OrderType.BUY_STOP, 1.11, ("1.11300", "1.11320"), "1.11320"),  # a gap fills worse
        (OrderType.SELL_STOP, 1.09, ("1.08700", "1.08720"), "1.08700"),
        (OrderType.SELL_STOP, 1.09, ("1.08995", "1.09010"), "1.08995"),  # ask is not there, bid is
    ],
)
def test_pending_order_fills_at_the_market_once_reached(
    desk: Any, kind: OrderType, price: float, quote: tuple[str, str], filled_at: str
) -> None:
    ticket = desk.placed(kind, price, magic=3, comment="waits")

    desk.quote(*quote)

    position, order = desk.book.positions[ticket], desk.book.history[ticket]
    assert (position.price_open, position.type) == (Decimal(filled_at), kind.side)
    assert (position.magic, position.comment) == (3, "waits")
    assert (order.state, order.type, order.position_id) == (OrderState.FILLED, kind, ticket)
    assert desk.book.orders == {}


@pytest.mark.parametrize(
    ("kind", "price", "quote"),
    [
        (OrderType.BUY_LIMIT, 1.09, ("1.08990", "1.09010")),  # bid is there, ask is not
        (OrderType.SELL_LIMIT, 1.11, ("1.10990", "1.11010")),
        (OrderType.BUY_STOP, 1.11, ("1.10980", "1.10999")),
        (OrderType.SELL_STOP, 1.09, ("1.09001", "1.09020")),
    ],
)
def test_pending_order_waits_while_its_side_is_not_there(
    desk: Any, kind: OrderType, price: float, quote: tuple[str, str]
) -> None:
    ticket = desk.placed(kind, price)

    desk.quote(*quote)

    assert ticket in desk.book.orders


def test_pending_order_without_money_at_its_trigger_is_rejected(make_desk: Any) -> None:
    desk = make_desk({"balance": "1000"})
    ticket = desk.placed(OrderType.BUY_LIMIT, 1.09, volume=1.0)

    desk.quote("1.08980", "1.09000")

    order = desk.book.history[ticket]
    assert (order.state, order.comment) == (OrderState.REJECTED, "no money")
    assert desk.book.positions == {}


@pytest.mark.parametrize(
    ("side", "stops", "quote", "price", "reason", "comment"),
    [
        (OrderType.BUY, {"sl": 1.095}, ("1.09500", "1.09510"), "1.09500", Reason.STOP_LOSS, "[sl 1.09500]"),
        (OrderType.BUY, {"sl": 1.095}, ("1.09000", "1.09010"), "1.09000", Reason.STOP_LOSS, "[sl 1.09500]"),
        (OrderType.BUY, {"tp": 1.105}, ("1.10510", "1.10520"), "1.10510", Reason.TAKE_PROFIT, "[tp 1.10500]"),
        (OrderType.SELL, {"sl": 1.105}, ("1.10490", "1.10500"), "1.10500", Reason.STOP_LOSS, "[sl 1.10500]"),
        (
            OrderType.SELL,
            {"tp": 1.095},
            ("1.09480", "1.09490"),
            "1.09490",
            Reason.TAKE_PROFIT,
            "[tp 1.09500]",
        ),
    ],
)
def test_stop_closes_at_the_market(
    desk: Any,
    side: OrderType,
    stops: dict[str, float],
    quote: tuple[str, str],
    price: str,
    reason: Reason,
    comment: str,
) -> None:
    ticket = desk.opened(side, magic=11, comment="mine", **stops)

    desk.quote(*quote)

    deal = list(desk.book.deals.values())[-1]
    order = desk.book.history[deal.order]
    assert ticket not in desk.book.positions
    assert (deal.price, deal.reason, deal.comment, deal.magic) == (Decimal(price), reason, comment, 11)
    assert (deal.entry, deal.position_id, order.reason) == (Entry.OUT, ticket, reason)


def test_sell_stop_loss_watches_ask_not_bid(desk: Any) -> None:
    ticket = desk.opened(OrderType.SELL, sl=1.105)

    desk.quote("1.10499", "1.10499")

    assert ticket in desk.book.positions


def test_stop_fires_on_a_derived_cross(make_desk: Any) -> None:
    prices = {
        "EURUSD": {"source": "fixed", "bid": "1.10000", "ask": "1.10010"},
        "GBPUSD": {"source": "fixed", "bid": "1.30000", "ask": "1.30020"},
        "EURGBP": {"source": "cross", "of": ["EURUSD", "GBPUSD"]},
    }
    desk = make_desk(prices=prices)
    ticket = desk.opened(symbol="EURGBP", sl=0.84)

    desk.quote("1.35000", "1.35020", "GBPUSD")

    assert ticket not in desk.book.positions


def test_specified_expiration_ends_the_order_unfilled(desk: Any) -> None:
    ticket = desk.placed(OrderType.BUY_LIMIT, 1.09, type_time=2, expiration=SERVER_NOW_S + 10)
    desk.step_ms(9_999)
    assert ticket in desk.book.orders

    desk.step_ms(1)

    assert desk.book.history[ticket].state is OrderState.EXPIRED


def test_expired_order_is_not_filled_by_the_same_quote(desk: Any) -> None:
    ticket = desk.placed(OrderType.BUY_LIMIT, 1.09, type_time=2, expiration=SERVER_NOW_S + 10)

    desk.clock.step_ms(10_000)
    desk.broker.advance()
    desk.quote("1.08000", "1.08010")

    assert desk.book.history[ticket].state is OrderState.EXPIRED
    assert desk.book.positions == {}


def test_day_order_ends_with_the_servers_day(desk: Any) -> None:
    ticket = desk.placed(OrderType.BUY_LIMIT, 1.09, type_time=1)

    desk.step_ms(14 * 3_600_000 - 1000)  # 08:00 UTC is 10:00 at the server
    assert ticket in desk.book.orders

    desk.step_ms(1000)
    assert desk.book.history[ticket].state is OrderState.EXPIRED


def test_modify_moves_a_pending_order_and_remove_cancels_it(desk: Any) -> None:
    ticket = desk.placed(OrderType.BUY_LIMIT, 1.09)

    moved = desk.send(Action.MODIFY, order=ticket, price=1.08, sl=1.07, tp=1.1, type_time=0)
    same = desk.send(Action.MODIFY, order=ticket, price=1.08, sl=1.07, tp=1.1, type_time=0)
    assert (moved.retcode, same.retcode) == (Retcode.DONE, Retcode.NO_CHANGES)
    assert desk.book.orders[ticket].price_open == Decimal("1.08")

    removed = desk.send(Action.REMOVE, order=ticket)
    assert (removed.retcode, desk.book.history[ticket].state) == (Retcode.DONE, OrderState.CANCELED)


def test_stop_out_closes_the_largest_loss_first_and_only_what_is_needed(make_desk: Any) -> None:
    desk = make_desk({"balance": "3000", "stop_out_level": "50"})
    small, large = desk.opened(volume=0.5), desk.opened(volume=1.5)

    desk.quote("1.09030", "1.09040")  # loss 490 + 1470: equity 1040 against margin 2200.20

    assert list(desk.book.positions) == [small]
    deal = list(desk.book.deals.values())[-1]
    assert (deal.position_id, deal.reason, deal.comment[:3]) == (large, Reason.STOP_OUT, "so ")
    assert desk.book.positions[small].volume == Decimal("0.50")


def test_stop_out_of_a_fully_hedged_account_waits_for_empty_equity(make_desk: Any) -> None:
    symbol = {"name": "EURUSD", "margin_hedged": "0"}
    desk = make_desk({"balance": "1200"}, symbols=[symbol])
    desk.opened(OrderType.BUY)
    desk.opened(OrderType.SELL)

    desk.quote("1.05000", "1.05010")
    assert len(desk.book.positions) == 2

    desk.quote("1.05000", "1.07000")  # a spread of 2000 points costs more than the account has
    assert desk.book.positions == {}
