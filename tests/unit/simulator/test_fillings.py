"""How much of an order is filled, by what the market offers and by its filling."""

from decimal import Decimal
from typing import Any

import pytest

from mt5fleet.simulator.codes import Action, Entry, Filling, OrderState, OrderType, Reason, Retcode

BUY, SELL = OrderType.BUY, OrderType.SELL
FOK, IOC, RETURN, BOC = (int(filling) for filling in Filling)
THIN = {"name": "EURUSD", "depth_lots": "1", "lenient_filling": True}


@pytest.fixture
def thin(make_desk: Any) -> Any:
    """A desk where EURUSD offers one lot at each quote."""
    return make_desk(symbols=[THIN])


def test_fill_or_kill_beyond_the_offer_is_refused_whole(thin: Any) -> None:
    answer = thin.market(BUY, 1.01, type_filling=FOK)

    assert (answer.retcode, answer.order, answer.volume) == (Retcode.REJECT, 0, 0)
    assert (thin.book.positions, thin.book.history) == ({}, {})


@pytest.mark.parametrize("filling", [FOK, IOC, RETURN])
def test_order_within_the_offer_is_filled_whole(thin: Any, filling: int) -> None:
    assert thin.market(BUY, 1.0, type_filling=filling).retcode is Retcode.DONE


def test_immediate_or_cancel_takes_what_there_is_and_drops_the_rest(thin: Any) -> None:
    answer = thin.market(BUY, 2.5, type_filling=IOC)

    order = thin.book.history[answer.order]
    assert (answer.retcode, answer.volume) == (Retcode.DONE_PARTIAL, 1)
    assert (order.state, order.volume_initial, order.volume_current) == (
        OrderState.CANCELED,
        Decimal("2.5"),
        Decimal("1.5"),
    )
    assert (thin.only_position.ticket, thin.only_position.volume) == (answer.order, 1)
    thin.quote("1.10000", "1.10010")
    assert thin.only_position.volume == 1


def test_rest_of_a_return_order_is_filled_by_later_quotes_into_one_position(thin: Any) -> None:
    answer = thin.market(BUY, 2.5, type_filling=RETURN, sl=1.05)
    waiting = thin.book.orders[answer.order]
    assert (answer.retcode, answer.volume) == (Retcode.DONE_PARTIAL, 1)
    assert (waiting.state, waiting.volume_current, waiting.time_done_ms) == (
        OrderState.PARTIAL,
        Decimal("1.5"),
        0,
    )

    thin.quote("1.10090", "1.10110")
    thin.quote("1.10100", "1.10120")

    deals = [deal for deal in thin.book.deals.values() if deal.order == answer.order]
    assert [deal.volume for deal in deals] == [1, 1, Decimal("0.5")]
    assert {(deal.entry, deal.position_id) for deal in deals} == {(Entry.IN, answer.order)}
    assert thin.book.history[answer.order].state is OrderState.FILLED
    assert (thin.only_position.volume, thin.only_position.price_open) == (
        Decimal("2.5"),
        Decimal("1.10072"),
    )


def test_stops_moved_between_two_parts_stay_moved(thin: Any) -> None:
    answer = thin.market(BUY, 2.0, type_filling=RETURN, sl=1.05)
    thin.send(Action.SLTP, position=answer.order, sl=1.06)

    thin.quote("1.10000", "1.10010")

    assert (thin.only_position.volume, thin.only_position.sl) == (2, Decimal("1.06"))


def test_position_closed_between_two_parts_is_opened_anew_by_the_next(thin: Any) -> None:
    answer = thin.market(BUY, 2.0, type_filling=RETURN)
    thin.close(answer.order, 1.0)

    thin.quote("1.10000", "1.10010")

    assert (thin.only_position.ticket, thin.only_position.volume) == (answer.order, 1)
    assert thin.book.history[answer.order].state is OrderState.FILLED


def test_rest_of_a_return_order_can_be_removed_not_modified(thin: Any) -> None:
    answer = thin.market(BUY, 2.0, type_filling=RETURN)

    assert thin.send(Action.MODIFY, order=answer.order, price=1.0).retcode is Retcode.INVALID_ORDER
    assert thin.send(Action.REMOVE, order=answer.order).retcode is Retcode.DONE
    order = thin.book.history[answer.order]
    assert (order.state, order.volume_current) == (OrderState.CANCELED, 1)


def test_rest_without_money_is_rejected_and_the_filled_part_stays(make_desk: Any) -> None:
    desk = make_desk({"balance": "2300"}, symbols=[THIN])
    answer = desk.market(BUY, 2.0, type_filling=RETURN)

    desk.quote("1.09500", "1.09510")

    order = desk.book.history[answer.order]
    assert (order.state, order.volume_current, order.comment) == (OrderState.REJECTED, 1, "no money")
    assert desk.only_position.volume == 1


def test_partial_close_by_a_thin_market_leaves_the_rest_open(thin: Any) -> None:
    ticket = _two_lots(thin)

    answer = thin.close(ticket, 2.0, type_filling=IOC)

    assert (answer.retcode, answer.volume) == (Retcode.DONE_PARTIAL, 1)
    assert (thin.only_position.ticket, thin.only_position.volume) == (ticket, 1)


def test_closing_order_that_waits_keeps_others_from_closing(thin: Any) -> None:
    ticket = _two_lots(thin)
    closing = thin.close(ticket, 2.0, type_filling=RETURN)

    assert thin.close(ticket, 1.0, type_filling=IOC).retcode is Retcode.CLOSE_ORDER_EXIST

    thin.quote("1.10000", "1.10010")
    assert thin.book.positions == {}
    assert thin.book.history[closing.order].state is OrderState.FILLED


def test_closing_order_and_stop_share_what_is_left(thin: Any) -> None:
    ticket = _two_lots(thin)
    thin.send(Action.SLTP, position=ticket, sl=1.09)
    closing = thin.close(ticket, 1.5, type_filling=RETURN)

    thin.quote("1.08000", "1.08010")  # the closing order takes half a lot, the stop the other
    thin.quote("1.08000", "1.08010")

    assert thin.book.positions == {}
    assert thin.book.history[closing.order].volume_current == 0


def test_closing_order_whose_position_is_gone_is_cancelled(thin: Any) -> None:
    ticket = _two_lots(thin)
    closing = thin.close(ticket, 2.0, type_filling=RETURN)
    thin.close_by(ticket, thin.opened(SELL, 1.0))

    thin.quote("1.10000", "1.10010")

    order = thin.book.history[closing.order]
    assert (order.state, order.comment) == (OrderState.CANCELED, "position closed")


def test_stop_loss_in_a_thin_market_takes_several_quotes(thin: Any) -> None:
    ticket = _two_lots(thin)
    thin.send(Action.SLTP, position=ticket, sl=1.09)

    thin.quote("1.08990", "1.09000")
    assert thin.only_position.volume == 1
    thin.quote("1.08900", "1.08910")

    stops = [deal for deal in thin.book.deals.values() if deal.reason is Reason.STOP_LOSS]
    assert [(deal.volume, deal.price) for deal in stops] == [(1, Decimal("1.0899")), (1, Decimal("1.089"))]
    assert thin.book.positions == {}


def test_limit_order_in_a_thin_market_waits_as_partial_while_its_price_is_there(thin: Any) -> None:
    ticket = thin.placed(OrderType.BUY_LIMIT, 1.09, volume=3.0)

    thin.quote("1.08980", "1.08990")
    assert thin.book.orders[ticket].state is OrderState.PARTIAL
    thin.quote("1.09000", "1.09010")  # ask has left again
    assert thin.book.orders[ticket].volume_current == 2
    thin.quote("1.08980", "1.08990")
    thin.quote("1.08980", "1.08990")

    assert thin.book.history[ticket].state is OrderState.FILLED
    assert thin.only_position.volume == 3


def test_stop_order_once_set_off_is_filled_wherever_the_market_goes(thin: Any) -> None:
    ticket = thin.placed(OrderType.BUY_STOP, 1.11, volume=2.0)

    thin.quote("1.11000", "1.11010")
    thin.quote("1.10000", "1.10010")

    assert thin.book.history[ticket].state is OrderState.FILLED
    assert thin.only_position.price_open == Decimal("1.1051")


def test_offer_is_cut_to_the_volume_grid(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "depth_lots": "0.125", "lenient_filling": True}])

    assert desk.market(BUY, 1.0, type_filling=IOC).volume == Decimal("0.12")


def test_netting_position_reverses_part_by_part(make_desk: Any) -> None:
    desk = make_desk({"margin_mode": "netting"}, symbols=[THIN])
    first = desk.opened(BUY, 1.0)

    answer = desk.market(SELL, 2.5, type_filling=RETURN)
    assert desk.book.positions == {}
    desk.quote("1.10000", "1.10010")
    desk.quote("1.10000", "1.10010")

    entries = [deal.entry for deal in desk.book.deals.values() if deal.order == answer.order]
    assert entries == [Entry.OUT, Entry.IN, Entry.IN]
    assert (desk.only_position.ticket, desk.only_position.volume) == (answer.order, Decimal("1.5"))
    assert desk.only_position.identifier != first


@pytest.mark.parametrize(("share", "retcode"), [("0.4", Retcode.DONE_PARTIAL), ("0", Retcode.REJECT)])
def test_offer_of_one_request_can_be_cut_from_outside(desk: Any, share: str, retcode: Retcode) -> None:
    request = {"action": 1, "symbol": "EURUSD", "type": 0, "volume": 1.0, "type_filling": IOC}

    answer = desk.broker.order_send(desk.login, request, Decimal(share))

    assert (answer.retcode, answer.volume) == (retcode, Decimal(share))


def test_book_or_cancel_waits_and_is_refused_when_it_would_take(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "filling_mask": 7}])

    assert desk.pending(OrderType.BUY_LIMIT, 1.1001, type_filling=BOC).retcode is Retcode.REJECT
    assert desk.pending(OrderType.BUY_LIMIT, 1.1, type_filling=BOC).retcode is Retcode.DONE
    assert desk.pending(OrderType.BUY_STOP, 1.11, type_filling=BOC).retcode is Retcode.INVALID_FILL
    assert desk.market(BUY, type_filling=BOC).retcode is Retcode.INVALID_FILL


@pytest.mark.parametrize(
    ("filling", "state", "volume"),
    [(FOK, OrderState.CANCELED, 2), (IOC, OrderState.CANCELED, 1), (BOC, OrderState.PARTIAL, 1)],
)
def test_lenient_pending_order_keeps_its_filling_when_it_is_reached(
    make_desk: Any, filling: int, state: OrderState, volume: int
) -> None:
    desk = make_desk(symbols=[THIN | {"filling_mask": 7}])
    ticket = desk.placed(OrderType.BUY_LIMIT, 1.09, volume=2.0, type_filling=filling)

    desk.quote("1.08980", "1.09000")

    order = (desk.book.orders | desk.book.history)[ticket]
    assert (order.state, order.volume_current) == (state, volume)


def _two_lots(desk: Any) -> int:
    ticket: int = desk.market(BUY, 2.0, type_filling=RETURN).order
    desk.quote("1.10000", "1.10010")
    assert desk.only_position.volume == 2
    return ticket
