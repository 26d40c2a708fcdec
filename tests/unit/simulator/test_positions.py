"""Opening, closing and changing positions, and the records each step leaves."""

from decimal import Decimal
from typing import Any

import pytest

from mt5fleet.simulator.codes import Action, DealType, Entry, OrderState, OrderType, Reason, Retcode


def test_buy_fills_at_ask_and_leaves_order_deal_and_position(desk: Any) -> None:
    answer = desk.market(OrderType.BUY, 0.5, magic=77, comment="first", sl=1.09, tp=1.12)

    position = desk.book.positions[answer.order]
    deal, order = desk.book.deals[answer.deal], desk.book.history[answer.order]
    assert (answer.retcode, answer.price, answer.volume) == (Retcode.DONE, Decimal("1.10010"), Decimal("0.5"))
    assert (answer.bid, answer.ask, answer.comment) == (
        Decimal("1.10000"),
        Decimal("1.10010"),
        "Request executed",
    )
    assert (position.price_open, position.sl, position.tp) == (
        Decimal("1.10010"),
        Decimal("1.09"),
        Decimal("1.12"),
    )
    assert (position.magic, position.comment, position.identifier) == (77, "first", answer.order)
    assert (deal.entry, deal.type, deal.order, deal.position_id) == (
        Entry.IN,
        DealType.BUY,
        answer.order,
        answer.order,
    )
    assert (order.state, order.volume_current, order.position_id) == (OrderState.FILLED, 0, answer.order)


def test_sell_fills_at_bid(desk: Any) -> None:
    assert desk.market(OrderType.SELL).price == Decimal("1.10000")


def test_tickets_and_request_ids_exceed_what_32_bits_hold(desk: Any) -> None:
    first, second = desk.market(OrderType.BUY), desk.market(OrderType.BUY)

    assert 2**32 < first.order < first.deal < second.order < second.deal
    assert 2**31 < first.request_id < second.request_id


def test_same_request_twice_is_executed_twice(desk: Any) -> None:
    desk.market(OrderType.BUY, magic=5, comment="same")
    desk.market(OrderType.BUY, magic=5, comment="same")

    assert len(desk.book.positions) == 2


def test_close_books_profit_at_the_other_side(desk: Any) -> None:
    ticket = desk.opened(OrderType.BUY, 1.0, magic=9)
    desk.quote("1.10500", "1.10510")

    answer = desk.close(ticket, magic=4)

    deal = desk.book.deals[answer.deal]
    assert (deal.entry, deal.type, deal.profit) == (Entry.OUT, DealType.SELL, Decimal("490.00"))
    assert (deal.position_id, deal.magic, deal.reason) == (ticket, 4, Reason.EXPERT)
    assert desk.book.positions == {}
    assert desk.book.balance == Decimal("100490.00")


def test_partial_close_keeps_ticket_and_leaves_the_rest(desk: Any) -> None:
    ticket = desk.opened(OrderType.SELL, 1.0)
    desk.step_ms(1000)

    answer = desk.close(ticket, 0.3)

    rest = desk.book.positions[ticket]
    assert (answer.volume, rest.volume) == (Decimal("0.3"), Decimal("0.7"))
    assert rest.time_update_ms == rest.time_ms + 1000


def test_deal_without_position_opens_a_second_one_on_hedging(desk: Any) -> None:
    desk.opened(OrderType.BUY)
    desk.opened(OrderType.SELL)

    assert sorted(position.type for position in desk.book.positions.values()) == [0, 1]


def test_moved_stops_replace_both_and_zero_removes(desk: Any) -> None:
    ticket = desk.opened(sl=1.09, tp=1.12)

    answer = desk.send(Action.SLTP, position=ticket, sl=1.095, tp=0.0)

    position = desk.book.positions[ticket]
    assert (position.sl, position.tp) == (Decimal("1.095"), 0)
    assert (answer.retcode, answer.order, answer.deal, answer.price) == (Retcode.DONE, 0, 0, 0)


def test_binary_floats_land_exactly_on_the_grid(desk: Any) -> None:
    ticket = desk.opened(volume=0.1 + 0.2, sl=1.0973600000000001)

    position = desk.book.positions[ticket]
    assert (position.volume, position.sl) == (Decimal("0.30"), Decimal("1.09736"))


def test_commission_is_charged_on_each_deal(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "commission_per_lot": "3.5"}])

    desk.close(desk.opened(volume=2.0), 2.0)

    assert [deal.commission for deal in desk.book.deals.values()] == [0, Decimal("-7.00"), Decimal("-7.00")]
    assert desk.book.balance == Decimal(100000) - 14 - 20


def test_comment_is_cut_to_what_the_broker_keeps(make_desk: Any) -> None:
    desk = make_desk(comment_max=16)

    ticket = desk.opened(comment=" No specific comment")

    assert desk.book.positions[ticket].comment == " No specific com"


def test_stamps_are_server_time_written_as_utc(desk: Any) -> None:
    ticket = desk.opened()

    assert desk.book.positions[ticket].time_ms == desk.clock.now_ms() + 2 * 3_600_000


@pytest.mark.parametrize("amount", ["250.00", "-250.00"])
def test_cash_flow_is_a_balance_deal_without_symbol(desk: Any, amount: str) -> None:
    deal = desk.broker.deposit(desk.login, Decimal(amount))

    assert (deal.type, deal.symbol, deal.profit) == (DealType.BALANCE, "", Decimal(amount))
    assert desk.book.balance == Decimal(100000) + Decimal(amount)


def test_check_answers_totals_after_the_order_and_changes_nothing(desk: Any) -> None:
    fields = {"action": 1, "symbol": "EURUSD", "type": 0, "volume": 1.0, "type_filling": 1}

    retcode, worth = desk.broker.order_check(desk.login, fields)

    assert retcode is Retcode.OK
    assert (worth.margin, worth.balance) == (Decimal("1100.10"), 100000)
    assert desk.book.positions == {}


def test_reset_empties_the_account_and_never_reuses_tickets(desk: Any) -> None:
    ticket = desk.opened()

    desk.broker.reset(desk.login)

    assert desk.book.positions == {}
    assert desk.book.balance == 100000
    assert desk.opened() > ticket
