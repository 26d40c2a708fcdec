"""Netting accounts: one position a symbol, which deals add to, reduce, close and turn round."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mt5fleet.simulator.codes import Action, Entry, OrderState, OrderType, Reason, Retcode, TradeMode

BUY, SELL = OrderType.BUY, OrderType.SELL


@pytest.fixture(params=["netting", "exchange"])
def netting(make_desk: Any, request: pytest.FixtureRequest) -> Any:
    return make_desk({"margin_mode": request.param})


def test_same_side_adds_at_the_weighted_price_and_keeps_the_ticket(netting: Any) -> None:
    first = netting.opened(BUY, 1.0)
    netting.quote("1.10300", "1.10310")
    netting.step_ms(1000)

    added = netting.market(BUY, 2.0)

    position = netting.only_position
    assert (position.ticket, position.identifier, position.volume) == (first, first, 3)
    assert position.price_open == Decimal("1.1021")
    assert position.time_update_ms == position.time_ms + 1000
    assert (netting.last_deal.entry, netting.last_deal.position_id) == (Entry.IN, first)
    assert netting.book.history[added.order].position_id == first


def test_weighted_price_loses_no_cent(netting: Any) -> None:
    netting.opened(BUY, 0.01)
    netting.quote("1.10000", "1.10037")
    netting.opened(BUY, 0.02)
    netting.quote("1.10500", "1.10510")

    netting.market(SELL, 0.03)

    # 0.01 lots from 1.10010 and 0.02 from 1.10037: 4.90 + 9.26
    assert netting.last_deal.profit == Decimal("14.16")


def test_opposite_deal_reduces_and_books_its_part(netting: Any) -> None:
    ticket = netting.opened(BUY, 1.0)
    netting.quote("1.10510", "1.10520")

    answer = netting.market(SELL, 0.4)

    deal, position = netting.book.deals[answer.deal], netting.only_position
    assert (deal.entry, deal.profit, deal.position_id) == (Entry.OUT, Decimal("200.00"), ticket)
    assert (position.ticket, position.volume, position.price_open) == (
        ticket,
        Decimal("0.6"),
        Decimal("1.10010"),
    )


def test_opposite_deal_of_the_whole_volume_closes(netting: Any) -> None:
    netting.opened(BUY, 1.0)

    netting.market(SELL, 1.0)

    assert netting.book.positions == {}
    assert netting.last_deal.entry is Entry.OUT


def test_larger_opposite_deal_reverses_and_replaces_the_ticket_not_the_identifier(netting: Any) -> None:
    first = netting.opened(BUY, 1.0, sl=1.05, tp=1.2, magic=1)
    netting.quote("1.10510", "1.10520")

    answer = netting.market(SELL, 1.5, sl=1.15, magic=2)

    deal, position = netting.book.deals[answer.deal], netting.only_position
    assert (deal.entry, deal.volume, deal.profit) == (Entry.INOUT, Decimal("1.5"), Decimal("500.00"))
    assert (deal.position_id, netting.book.history[answer.order].position_id) == (first, first)
    assert (position.ticket, position.identifier) == (answer.order, first)
    assert (position.type, position.volume, position.price_open) == (SELL, Decimal("0.5"), Decimal("1.10510"))
    assert (position.sl, position.tp, position.magic) == (Decimal("1.15"), 0, 2)


def test_reversed_position_reverses_again_under_its_first_identifier(netting: Any) -> None:
    first = netting.opened(BUY, 1.0)
    netting.market(SELL, 2.0)

    back = netting.market(BUY, 3.0)

    assert (netting.only_position.ticket, netting.only_position.identifier) == (back.order, first)
    assert netting.only_position.volume == 2


def test_newest_stops_hold_and_left_out_ones_stay(netting: Any) -> None:
    netting.opened(BUY, 1.0, sl=1.05, tp=1.2)

    netting.opened(BUY, 1.0, sl=1.06)
    netting.opened(BUY, 1.0, tp=1.21)

    assert (netting.only_position.sl, netting.only_position.tp) == (Decimal("1.06"), Decimal("1.21"))


def test_stops_move_by_symbol_without_a_ticket(netting: Any) -> None:
    netting.opened(BUY, 1.0)

    moved = netting.send(Action.SLTP, symbol="EURUSD", sl=1.05, tp=1.2)

    assert moved.retcode is Retcode.DONE
    assert (netting.only_position.sl, netting.only_position.tp) == (Decimal("1.05"), Decimal("1.2"))


def test_stops_of_a_symbol_without_position_are_refused(netting: Any) -> None:
    assert netting.send(Action.SLTP, symbol="EURUSD", sl=1.05).retcode is Retcode.POSITION_CLOSED
    assert netting.send(Action.SLTP, sl=1.05).retcode is Retcode.INVALID


@pytest.mark.parametrize(
    ("side", "volume", "retcode"),
    [
        (SELL, 1.0, Retcode.DONE),
        (SELL, 1.5, Retcode.INVALID_CLOSE_VOLUME),
        (BUY, 1.0, Retcode.INVALID),
    ],
)
def test_named_position_can_only_be_closed(
    netting: Any, side: OrderType, volume: float, retcode: Retcode
) -> None:
    ticket = netting.opened(BUY, 1.0)

    assert netting.market(side, volume, position=ticket).retcode is retcode


def test_symbols_do_not_net_each_other(netting: Any) -> None:
    netting.opened(BUY, 1.0)
    netting.opened(SELL, 1.0, symbol="GBPUSD")

    assert [position.symbol for position in netting.book.positions.values()] == ["EURUSD", "GBPUSD"]


def test_close_by_is_for_hedging_accounts(netting: Any) -> None:
    first, second = netting.opened(BUY), netting.opened(SELL, symbol="GBPUSD")

    assert netting.close_by(first, second).retcode is Retcode.INVALID_ORDER


def test_pending_order_nets_when_it_is_reached(netting: Any) -> None:
    first = netting.opened(BUY, 1.0)
    order = netting.placed(OrderType.SELL_LIMIT, 1.105, volume=1.5)

    netting.quote("1.10500", "1.10510")

    assert netting.last_deal.entry is Entry.INOUT
    assert (netting.only_position.ticket, netting.only_position.identifier) == (order, first)
    assert netting.book.history[order].state is OrderState.FILLED


def test_stop_loss_closes_the_netted_position_whole(netting: Any) -> None:
    netting.opened(BUY, 1.0)
    netting.opened(BUY, 0.5, sl=1.09)

    netting.quote("1.08900", "1.08910")

    assert netting.book.positions == {}
    assert (netting.last_deal.volume, netting.last_deal.reason) == (Decimal("1.5"), Reason.STOP_LOSS)


def test_reducing_needs_no_money_and_reversing_only_for_the_rest(make_desk: Any) -> None:
    desk = make_desk({"margin_mode": "netting", "balance": "1200"})
    desk.opened(BUY, 1.0)

    assert desk.market(SELL, 1.9).retcode is Retcode.DONE
    assert desk.market(BUY, 3.0).retcode is Retcode.NO_MONEY


def test_position_limit_counts_symbols(make_desk: Any) -> None:
    desk = make_desk({"margin_mode": "netting", "limit_positions": 1})
    desk.opened(BUY, 1.0)

    assert desk.market(BUY, 1.0).retcode is Retcode.DONE
    assert desk.market(BUY, 1.0, symbol="GBPUSD").retcode is Retcode.LIMIT_POSITIONS


def test_volume_limit_holds_for_what_would_be_open(make_desk: Any) -> None:
    symbol = {"name": "EURUSD", "volume_limit_lots": "2"}
    desk = make_desk({"margin_mode": "netting"}, symbols=[symbol])
    desk.opened(BUY, 1.5)

    assert desk.market(BUY, 0.6).retcode is Retcode.LIMIT_VOLUME
    assert desk.market(SELL, 3.6).retcode is Retcode.LIMIT_VOLUME
    assert desk.market(SELL, 3.5).retcode is Retcode.DONE


def test_close_only_symbol_takes_what_reduces(make_desk: Any) -> None:
    desk = make_desk({"margin_mode": "netting"})
    desk.opened(BUY, 1.0)
    specs = desk.broker.market.specs
    specs["EURUSD"] = replace(specs["EURUSD"], trade_mode=TradeMode.CLOSE_ONLY)

    assert desk.market(SELL, 1.5).retcode is Retcode.CLOSE_ONLY
    assert desk.market(SELL, 1.0).retcode is Retcode.DONE


def test_check_answers_totals_after_reducing(netting: Any) -> None:
    netting.opened(BUY, 1.0)
    netting.quote("1.10510", "1.10520")
    fields = {"action": 1, "symbol": "EURUSD", "type": 1, "volume": 0.5, "type_filling": 1}

    _, reduced = netting.broker.order_check(netting.login, fields)
    _, turned = netting.broker.order_check(netting.login, fields | {"volume": 1.5})

    assert (reduced.balance, reduced.profit, reduced.margin) == (
        Decimal("100250.00"),
        Decimal("250.00"),
        Decimal("550.05"),
    )
    assert (turned.balance, turned.margin) == (Decimal("100500.00"), Decimal("552.55"))
    assert netting.only_position.volume == 1
