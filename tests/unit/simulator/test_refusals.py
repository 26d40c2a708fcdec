"""Every refusal, one fault at a time: code, zeros, the reason in words, and nothing changed."""

from typing import Any

import pytest

from mt5fleet.simulator.codes import RETCODE_TEXTS, Action, OrderType, Retcode

BUY, SELL, IOC, RETURN = 0, 1, 1, 2
DEAL = {"action": 1, "symbol": "EURUSD", "type": BUY, "volume": 1.0, "type_filling": IOC}
LIMIT = {"action": 5, "symbol": "EURUSD", "type": 2, "volume": 1.0, "price": 1.09, "type_filling": RETURN}
STOP_LIMIT = {**LIMIT, "type": 6, "price": 1.11, "stoplimit": 1.1}
SPECIFIED, SERVER_NOW_S = 2, 1_800_000_000 + 7200


@pytest.mark.parametrize(
    ("request_fields", "retcode"),
    [
        pytest.param({**DEAL, "action": 0}, Retcode.INVALID, id="no action"),
        pytest.param({**DEAL, "action": 2}, Retcode.INVALID, id="unknown action"),
        pytest.param({**DEAL, "action": 10}, Retcode.INVALID, id="close by with a market type"),
        pytest.param({"action": 10, "type": 8, "position": 5}, Retcode.INVALID, id="close by without other"),
        pytest.param(
            {"action": 10, "type": 8, "position_by": 5}, Retcode.INVALID, id="close by without first"
        ),
        pytest.param(
            {"action": 10, "type": 8, "position": 5, "position_by": 5}, Retcode.INVALID, id="close by itself"
        ),
        pytest.param(
            {"action": 10, "type": 8, "position": 5, "position_by": 6},
            Retcode.POSITION_CLOSED,
            id="close by, unknown position",
        ),
        pytest.param({**DEAL, "symbol": "NOPE"}, Retcode.INVALID, id="unknown symbol"),
        pytest.param({**DEAL, "type": 2}, Retcode.INVALID, id="pending type in a deal"),
        pytest.param({**DEAL, "type": -1}, Retcode.INVALID, id="negative type"),
        pytest.param({**DEAL, "position": 5}, Retcode.POSITION_CLOSED, id="unknown position"),
        pytest.param({**DEAL, "volume": 0.001}, Retcode.INVALID_VOLUME, id="volume below minimum"),
        pytest.param({**DEAL, "volume": 100.01}, Retcode.INVALID_VOLUME, id="volume above maximum"),
        pytest.param({**DEAL, "volume": 0.015}, Retcode.INVALID_VOLUME, id="volume off step"),
        pytest.param({**DEAL, "volume": float("nan")}, Retcode.INVALID, id="volume not a number"),
        pytest.param({**DEAL, "volume": 1e9}, Retcode.INVALID_VOLUME, id="volume of a billion"),
        pytest.param({**DEAL, "volume": -1e300}, Retcode.INVALID_VOLUME, id="volume immensely negative"),
        pytest.param({**DEAL, "volume": -1.0}, Retcode.INVALID_VOLUME, id="volume negative"),
        pytest.param({**DEAL, "tp": 1e12}, Retcode.INVALID_STOPS, id="target of a trillion"),
        pytest.param({**LIMIT, "price": 1e9}, Retcode.INVALID_PRICE, id="pending price of a billion"),
        pytest.param({**LIMIT, "price": -1.0}, Retcode.INVALID_PRICE, id="pending price negative"),
        pytest.param({**DEAL, "sl": -1.0}, Retcode.INVALID_STOPS, id="stop negative"),
        pytest.param({**DEAL, "sl": float("inf")}, Retcode.INVALID, id="stop infinite"),
        pytest.param({**DEAL, "type_filling": RETURN}, Retcode.INVALID_FILL, id="return on market order"),
        pytest.param({**DEAL, "type_filling": 9}, Retcode.INVALID_FILL, id="unknown filling"),
        pytest.param({**DEAL, "symbol": "AUDUSD"}, Retcode.PRICE_OFF, id="no quote"),
        pytest.param({**DEAL, "sl": 1.10001}, Retcode.INVALID_STOPS, id="buy stop above bid"),
        pytest.param({**DEAL, "sl": 1.1}, Retcode.INVALID_STOPS, id="buy stop at bid"),
        pytest.param({**DEAL, "tp": 1.09}, Retcode.INVALID_STOPS, id="buy target below bid"),
        pytest.param({**DEAL, "type": SELL, "sl": 1.1}, Retcode.INVALID_STOPS, id="sell stop below ask"),
        pytest.param({**DEAL, "sl": 1.090001}, Retcode.INVALID_STOPS, id="stop off tick"),
        pytest.param({**DEAL, "volume": 99.0, "type_filling": 0}, Retcode.NO_MONEY, id="no money"),
        pytest.param({**LIMIT, "type": 9}, Retcode.INVALID, id="unknown pending type"),
        pytest.param({**LIMIT, "type": BUY}, Retcode.INVALID, id="market type in a pending"),
        pytest.param({**STOP_LIMIT, "price": 1.1}, Retcode.INVALID_PRICE, id="stop limit below ask"),
        pytest.param({**STOP_LIMIT, "stoplimit": 0.0}, Retcode.INVALID_PRICE, id="stop limit without limit"),
        pytest.param({**STOP_LIMIT, "stoplimit": 1.12}, Retcode.INVALID_PRICE, id="limit before its stop"),
        pytest.param({**STOP_LIMIT, "stoplimit": 1.090001}, Retcode.INVALID_PRICE, id="limit off tick"),
        pytest.param({**STOP_LIMIT, "sl": 1.105}, Retcode.INVALID_STOPS, id="stop between limit and stop"),
        pytest.param({**LIMIT, "type_filling": 9}, Retcode.INVALID_FILL, id="unknown filling on pending"),
        pytest.param({**LIMIT, "type_filling": 3}, Retcode.INVALID_FILL, id="book or cancel without its bit"),
        pytest.param({**LIMIT, "type_filling": IOC}, Retcode.INVALID_FILL, id="ioc on pending"),
        pytest.param({**LIMIT, "price": 0.0}, Retcode.INVALID_PRICE, id="pending without price"),
        pytest.param({**LIMIT, "price": 1.2}, Retcode.INVALID_PRICE, id="buy limit above ask"),
        pytest.param({**LIMIT, "price": 1.090001}, Retcode.INVALID_PRICE, id="pending price off tick"),
        pytest.param({**LIMIT, "type": 4}, Retcode.INVALID_PRICE, id="buy stop below ask"),
        pytest.param({**LIMIT, "type": 3}, Retcode.INVALID_PRICE, id="sell limit below bid"),
        pytest.param({**LIMIT, "type": 5, "price": 1.2}, Retcode.INVALID_PRICE, id="sell stop above bid"),
        pytest.param({**LIMIT, "sl": 1.095}, Retcode.INVALID_STOPS, id="pending stop above its price"),
        pytest.param({**LIMIT, "type_time": 7}, Retcode.INVALID_EXPIRATION, id="unknown time type"),
        pytest.param(
            {**LIMIT, "type_time": SPECIFIED, "expiration": SERVER_NOW_S},
            Retcode.INVALID_EXPIRATION,
            id="expired",
        ),
        pytest.param({"action": 6, "sl": 1.0}, Retcode.INVALID, id="stops without position"),
        pytest.param(
            {"action": 6, "position": 5, "sl": 1.0}, Retcode.POSITION_CLOSED, id="stops, unknown position"
        ),
        pytest.param({"action": 7, "price": 1.0}, Retcode.INVALID, id="modify without order"),
        pytest.param(
            {"action": 7, "order": 5, "price": 1.0}, Retcode.INVALID_ORDER, id="modify unknown order"
        ),
        pytest.param({"action": 8}, Retcode.INVALID, id="remove without order"),
        pytest.param({"action": 8, "order": 5}, Retcode.INVALID_ORDER, id="remove unknown order"),
    ],
)
def test_request_is_refused(desk: Any, request_fields: dict[str, Any], retcode: Retcode) -> None:
    answer = desk.broker.order_send(desk.login, request_fields)

    assert (answer.retcode, answer.comment) == (retcode, RETCODE_TEXTS[retcode])
    assert (answer.order, answer.deal, answer.volume, answer.price, answer.request_id) == (0, 0, 0, 0, 0)
    assert (desk.book.positions, desk.book.orders, len(desk.book.deals)) == ({}, {}, 1)


@pytest.mark.parametrize(
    ("switches", "retcode"),
    [
        ({"autotrading": False}, Retcode.CLIENT_DISABLES_AT),
        ({"trade_expert": False}, Retcode.SERVER_DISABLES_AT),
        ({"connected": False}, Retcode.CONNECTION),
        ({"trade_allowed": False}, Retcode.TRADE_DISABLED),
    ],
)
def test_switch_stops_trading_by_its_own_name(desk: Any, switches: dict[str, Any], retcode: Retcode) -> None:
    desk.broker.switch(desk.login, switches)

    assert desk.market(OrderType.BUY).retcode is retcode


@pytest.mark.parametrize(
    ("mode", "side", "retcode"),
    [
        (0, OrderType.BUY, Retcode.TRADE_DISABLED),
        (1, OrderType.SELL, Retcode.LONG_ONLY),
        (2, OrderType.BUY, Retcode.SHORT_ONLY),
        (3, OrderType.BUY, Retcode.CLOSE_ONLY),
    ],
)
def test_trade_mode_of_the_symbol_refuses(
    make_desk: Any, mode: int, side: OrderType, retcode: Retcode
) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "trade_mode": mode}])

    assert desk.market(side).retcode is retcode


def test_weekend_is_closed_only_where_configured(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "weekend_closed": True}])
    desk.step_ms(86_400_000)  # Saturday

    assert desk.market(OrderType.BUY).retcode is Retcode.MARKET_CLOSED
    assert desk.market(OrderType.BUY, symbol="GBPUSD").retcode is Retcode.DONE


@pytest.mark.parametrize(
    ("fields", "retcode"),
    [
        ({"volume": 1.5}, Retcode.INVALID_CLOSE_VOLUME),
        ({"type": BUY}, Retcode.INVALID),
        ({"symbol": "GBPUSD"}, Retcode.INVALID),
    ],
)
def test_close_is_refused(desk: Any, fields: dict[str, Any], retcode: Retcode) -> None:
    ticket = desk.opened(OrderType.BUY)

    answer = desk.broker.order_send(desk.login, DEAL | {"type": SELL, "position": ticket} | fields)

    assert answer.retcode is retcode
    assert desk.book.positions[ticket].volume == 1


def test_second_close_finds_the_position_gone(desk: Any) -> None:
    ticket = desk.opened()
    desk.close(ticket)

    assert desk.close(ticket).retcode is Retcode.POSITION_CLOSED


def test_same_stops_again_are_no_change(desk: Any) -> None:
    ticket = desk.opened(sl=1.09)

    assert desk.send(Action.SLTP, position=ticket, sl=1.09).retcode is Retcode.NO_CHANGES


def test_stops_level_keeps_stops_and_pendings_away(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "stops_level_points": 50}])

    assert desk.market(OrderType.BUY, sl=1.09951).retcode is Retcode.INVALID_STOPS
    assert desk.market(OrderType.BUY, sl=1.0995).retcode is Retcode.DONE
    assert desk.pending(OrderType.BUY_LIMIT, 1.09961).retcode is Retcode.INVALID_PRICE
    assert desk.pending(OrderType.BUY_LIMIT, 1.0996).retcode is Retcode.DONE


def test_freeze_level_holds_what_is_close_to_the_market(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "freeze_level_points": 50}])
    order = desk.placed(OrderType.BUY_LIMIT, 1.0996)
    waiting = desk.placed(OrderType.BUY_STOP_LIMIT, 1.1006, stoplimit=1.1)
    position = desk.opened(sl=1.0995)

    assert desk.send(Action.REMOVE, order=order).retcode is Retcode.FROZEN
    assert desk.send(Action.REMOVE, order=waiting).retcode is Retcode.FROZEN
    assert desk.send(Action.MODIFY, order=order, price=1.09).retcode is Retcode.FROZEN
    assert desk.send(Action.SLTP, position=position, sl=1.09).retcode is Retcode.FROZEN
    assert desk.close(position).retcode is Retcode.FROZEN


def test_freeze_level_frees_what_is_one_point_beyond_it(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "freeze_level_points": 50}])
    order = desk.placed(OrderType.BUY_LIMIT, 1.09959)
    waiting = desk.placed(OrderType.BUY_STOP_LIMIT, 1.10061, stoplimit=1.1)
    position = desk.opened(sl=1.09949)

    assert desk.send(Action.REMOVE, order=order).retcode is Retcode.DONE
    assert desk.send(Action.REMOVE, order=waiting).retcode is Retcode.DONE
    assert desk.close(position).retcode is Retcode.DONE


@pytest.mark.parametrize(
    ("account", "symbol", "kind", "retcode"),
    [
        ({"limit_orders": 1}, {}, "pending", Retcode.LIMIT_ORDERS),
        ({"limit_positions": 1}, {}, "market", Retcode.LIMIT_POSITIONS),
        ({}, {"volume_limit_lots": "1.5"}, "market", Retcode.LIMIT_VOLUME),
        ({}, {"volume_limit_lots": "1.5"}, "pending", Retcode.LIMIT_VOLUME),
    ],
)
def test_limit_stops_the_second_order(
    make_desk: Any, account: dict[str, Any], symbol: dict[str, Any], kind: str, retcode: Retcode
) -> None:
    desk = make_desk(account, symbols=[{"name": "EURUSD", **symbol}])
    fields = LIMIT if kind == "pending" else DEAL

    answers = [desk.broker.order_send(desk.login, fields).retcode for _ in range(2)]

    assert answers == [Retcode.DONE, retcode]


def test_instant_execution_requotes_beyond_the_deviation(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "execution": 1}])

    within = desk.market(OrderType.BUY, price=1.1, deviation=10)
    beyond = desk.market(OrderType.BUY, price=1.1, deviation=9)

    assert within.retcode is Retcode.DONE
    assert (beyond.retcode, beyond.comment) == (Retcode.REQUOTE, "Requote")
    assert (float(beyond.bid), float(beyond.ask)) == (1.1, 1.1001)


def test_lenient_symbol_takes_return_on_market_orders(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "lenient_filling": True}])

    assert desk.market(OrderType.BUY, type_filling=RETURN).retcode is Retcode.DONE


@pytest.mark.parametrize(("mask", "filling", "retcode"), [(1, 1, Retcode.INVALID_FILL), (2, 1, Retcode.DONE)])
def test_market_order_takes_exactly_the_bits_of_the_mask(
    make_desk: Any, mask: int, filling: int, retcode: Retcode
) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "filling_mask": mask}])

    assert desk.market(OrderType.BUY, type_filling=filling).retcode is retcode
