"""Execution modes, order masks, slippage, life times and the broker's way with comments."""

from decimal import Decimal
from typing import Any

import pytest

from mt5fleet.simulator.codes import Action, Filling, OrderState, OrderType, Reason, Retcode

BUY, SELL = OrderType.BUY, OrderType.SELL
REQUEST, INSTANT, MARKET, EXCHANGE = 0, 1, 2, 3
SERVER_NOW_S = 1_800_000_000 + 7200  # 10:00 of a Friday


@pytest.mark.parametrize(
    ("execution", "retcode"), [(REQUEST, Retcode.PRICE_CHANGED), (INSTANT, Retcode.REQUOTE)]
)
def test_price_beyond_the_deviation_is_answered_with_the_new_prices(
    make_desk: Any, execution: int, retcode: Retcode
) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "execution": execution}])

    answer = desk.market(BUY, price=1.1, deviation=9)

    assert (answer.retcode, answer.order, answer.price) == (retcode, 0, 0)
    assert (answer.bid, answer.ask) == (Decimal("1.10000"), Decimal("1.10010"))
    assert desk.book.positions == {}


@pytest.mark.parametrize("execution", [REQUEST, INSTANT])
def test_named_price_within_the_deviation_fills_at_the_market_and_is_recorded(
    make_desk: Any, execution: int
) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "execution": execution}])

    answer = desk.market(BUY, price=1.10005, deviation=5, type_filling=9)

    order = desk.book.history[answer.order]
    assert (answer.retcode, answer.price) == (Retcode.DONE, Decimal("1.10010"))
    assert (order.price_open, order.type_filling) == (Decimal("1.10005"), Filling.FOK)


@pytest.mark.parametrize("price", [0.0, 1.100005])
def test_impossible_named_price_is_refused(make_desk: Any, price: float) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "execution": INSTANT}])

    assert desk.market(BUY, price=price, deviation=50).retcode is Retcode.INVALID_PRICE


@pytest.mark.parametrize("execution", [MARKET, EXCHANGE])
def test_market_execution_ignores_price_and_deviation(make_desk: Any, execution: int) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "execution": execution}])

    answer = desk.market(BUY, price=1.0, deviation=0)

    assert (answer.retcode, answer.price) == (Retcode.DONE, Decimal("1.10010"))
    assert desk.book.history[answer.order].price_open == 0


def test_instant_pending_orders_are_return_whatever_was_asked(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "execution": INSTANT}])

    ticket = desk.placed(OrderType.BUY_LIMIT, 1.09, type_filling=0)

    assert desk.book.orders[ticket].type_filling is Filling.RETURN


@pytest.mark.parametrize(
    ("bit", "kind", "price", "retcode"),
    [
        (2, OrderType.BUY_LIMIT, 1.09, Retcode.INVALID_ORDER),
        (4, OrderType.SELL_STOP, 1.09, Retcode.INVALID_ORDER),
        (4, OrderType.BUY_LIMIT, 1.09, Retcode.DONE),
    ],
)
def test_order_mask_says_which_pending_orders_exist(
    make_desk: Any, bit: int, kind: OrderType, price: float, retcode: Retcode
) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "order_mask": 127 - bit}])

    assert desk.pending(kind, price).retcode is retcode


@pytest.mark.parametrize(
    ("mask", "fields", "retcode"),
    [
        (126, {}, Retcode.INVALID_ORDER),
        (127 - 16, {"sl": 1.05}, Retcode.INVALID_STOPS),
        (127 - 16, {"tp": 1.2}, Retcode.DONE),
        (127 - 32, {"tp": 1.2}, Retcode.INVALID_STOPS),
    ],
)
def test_order_mask_covers_market_orders_and_stops(
    make_desk: Any, mask: int, fields: dict[str, float], retcode: Retcode
) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "order_mask": mask}])

    assert desk.market(BUY, **fields).retcode is retcode


def _slipping(make_desk: Any, **broker: Any) -> Any:
    return make_desk(symbols=[{"name": "EURUSD", "slippage_points": 20}], **broker)


def test_slippage_is_bounded_and_never_in_the_clients_favour(make_desk: Any) -> None:
    desk = _slipping(make_desk)

    bought = [desk.market(BUY, 0.01).price - Decimal("1.10010") for _ in range(60)]
    sold = [Decimal("1.10000") - desk.market(SELL, 0.01).price for _ in range(60)]

    assert min(bought + sold) == 0
    assert max(bought + sold) == Decimal("0.00020")


def test_slippage_follows_the_seed(make_desk: Any) -> None:
    runs = [
        [_desk.market(BUY, 0.01).price for _ in range(20)]
        for _desk in (_slipping(make_desk, seed=seed) for seed in (7, 7, 8))
    ]

    assert runs[0] == runs[1] != runs[2]


def test_stops_slip_targets_and_limits_do_not(make_desk: Any) -> None:
    desk = _slipping(make_desk)
    for _ in range(20):
        desk.opened(BUY, 0.01, sl=1.095)
        desk.opened(BUY, 0.01, tp=1.105)
    limits = {desk.placed(OrderType.SELL_LIMIT, 1.105, volume=0.01) for _ in range(20)}

    desk.quote("1.10500", "1.10510")
    desk.quote("1.09500", "1.09510")

    deals = list(desk.book.deals.values())
    stops = [deal.price for deal in deals if deal.reason is Reason.STOP_LOSS]
    exact = [d.price for d in deals if d.reason is Reason.TAKE_PROFIT or d.order in limits]
    assert len(stops) == 20
    assert min(stops) < max(stops) <= Decimal("1.09500")
    assert exact == [Decimal("1.10500")] * 40


def test_market_price_of_instant_execution_does_not_slip(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "slippage_points": 20, "execution": INSTANT}])

    prices = {desk.market(BUY, 0.01, price=1.1001).price for _ in range(20)}

    assert prices == {Decimal("1.10010")}


@pytest.mark.parametrize(
    ("mask", "type_time", "retcode"),
    [
        (15 - 1, 0, Retcode.INVALID_EXPIRATION),
        (15 - 2, 1, Retcode.INVALID_EXPIRATION),
        (15 - 4, 2, Retcode.INVALID_EXPIRATION),
        (15 - 8, 3, Retcode.INVALID_EXPIRATION),
        (1, 0, Retcode.DONE),
    ],
)
def test_expiration_mask_says_which_life_times_exist(
    make_desk: Any, mask: int, type_time: int, retcode: Retcode
) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "expiration_mask": mask}])

    answer = desk.pending(OrderType.BUY_LIMIT, 1.09, type_time=type_time, expiration=SERVER_NOW_S + 60)

    assert answer.retcode is retcode


def test_order_of_a_specified_day_lives_to_the_end_of_that_day(desk: Any) -> None:
    ticket = desk.placed(OrderType.BUY_LIMIT, 1.09, type_time=3, expiration=SERVER_NOW_S + 86_400)

    desk.step_ms((14 + 24) * 3_600_000 - 1000)
    assert ticket in desk.book.orders
    desk.step_ms(1000)

    assert desk.book.history[ticket].state is OrderState.EXPIRED


def test_broker_appends_its_word_to_client_comments_and_cuts_them(make_desk: Any) -> None:
    desk = make_desk(comment_suffix="[demo]", comment_max=14)

    ticket = desk.opened(comment="abcdefgh", sl=1.09)
    desk.quote("1.08000", "1.08010")

    assert desk.book.history[ticket].comment == "abcdefgh[demo]"
    assert desk.last_deal.comment == "[sl 1.09000]"


def test_session_of_the_symbol_closes_the_market(make_desk: Any) -> None:
    symbol = {"name": "EURUSD", "sessions": {"friday": ["00:00-10:00", "11:00-24:00"]}}
    desk = make_desk(symbols=[symbol])

    assert desk.market(BUY).retcode is Retcode.MARKET_CLOSED
    desk.step_ms(3_600_000)
    assert desk.market(BUY).retcode is Retcode.DONE


@pytest.mark.parametrize("action", [Action.SLTP, Action.MODIFY, Action.REMOVE, Action.CLOSE_BY])
def test_closed_market_takes_no_changes_either(make_desk: Any, action: Action) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "weekend_closed": True}])
    position, other = desk.opened(BUY), desk.opened(SELL)
    order = desk.placed(OrderType.BUY_LIMIT, 1.09)
    desk.step_ms(86_400_000)

    fields = {"position": position, "order": order, "sl": 1.05, "price": 1.08}
    if action is Action.CLOSE_BY:
        fields |= {"position_by": other, "type": 8}

    assert desk.send(action, **fields).retcode is Retcode.MARKET_CLOSED
