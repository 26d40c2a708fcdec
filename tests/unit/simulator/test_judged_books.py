"""Each invariant is found broken by the books that break it, and by no others."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.accounts.rows import Change, Closed, Transaction
from mt5fleet.simulator.codes import DealType, OrderType
from mt5fleet.simulator.invariants import BrokenInvariantError, broken_invariants


@pytest.fixture
def opened(desk: Any) -> tuple[AccountBook, Transaction, AccountBook]:
    """The books before and after one order, and the transaction between them."""
    before = desk.book.copy()
    answer = desk.market(OrderType.BUY, 1.0)
    book = desk.book
    changes = (book.history[answer.order], book.deals[answer.deal], book.positions[answer.order])
    return before, Transaction(login=desk.login, time_ms=0, changes=changes), book.copy()


def test_sound_books_break_nothing(opened: Any, desk: Any) -> None:
    assert broken_invariants(*opened, desk.broker.worth(desk.login)) == []


def test_balance_that_is_not_the_sum_of_deals(opened: Any) -> None:
    before, transaction, after = opened
    after.balance += Decimal("0.01")

    assert "balance 100000.01 is not the sum" in _only(broken_invariants(before, transaction, after, None))


def test_credit_without_a_deal(opened: Any) -> None:
    before, transaction, after = opened
    after.credit += 1

    assert "credit 1 is not the sum" in _only(broken_invariants(before, transaction, after, None))


def test_totals_of_other_money(opened: Any, desk: Any) -> None:
    worth = replace(desk.broker.worth(desk.login), balance=Decimal(5))

    assert "totals say balance 5" in _only(broken_invariants(*opened, worth))


def test_position_that_its_deals_do_not_explain(opened: Any) -> None:
    before, transaction, after = opened
    (position,) = after.positions.values()
    after.positions[position.ticket] = replace(position, volume=Decimal(2))

    assert "holds 2 lots, its deals say 1" in _only(broken_invariants(before, transaction, after, None))


def test_order_that_lost_more_than_its_deals(opened: Any) -> None:
    before, transaction, after = opened
    order, *others = transaction.changes
    assert order.ticket in after.history
    short = _with(transaction, replace(order, volume_initial=Decimal(3)), *others)

    assert "went from 3 to 0 lots with deals of 1" in _only(broken_invariants(before, short, after, None))


def test_ticket_that_was_given_before(opened: Any) -> None:
    before, transaction, after = opened
    order, deal, position = transaction.changes
    (deposit,) = before.deals.values()
    again = _with(transaction, order, replace(deal, ticket=deposit.ticket), position)

    assert "ticket that was given before" in _only(broken_invariants(before, again, after, None))


def test_ticket_that_an_order_and_its_deal_share(opened: Any) -> None:
    before, transaction, after = opened
    order, deal, position = transaction.changes
    shared = _with(transaction, order, replace(deal, ticket=order.ticket), position)

    assert "repeat within one transaction" in _only(broken_invariants(before, shared, after, None))


def test_history_that_changed(opened: Any) -> None:
    _, _, after = opened
    later = after.copy()
    (ticket,) = after.history
    later.history[ticket] = replace(after.history[ticket], comment="rewritten")
    nothing = Transaction(login=after.login, time_ms=0, changes=())

    assert f"order {ticket} changed in the history" in _only(broken_invariants(after, nothing, later, None))


def test_deal_that_went_missing(opened: Any) -> None:
    _, _, after = opened
    later = after.copy()
    ticket, deal = later.deals.popitem()
    nothing = Transaction(login=after.login, time_ms=0, changes=())

    assert deal.type is DealType.BUY
    assert f"deal {ticket} changed" in _only(broken_invariants(after, nothing, later, None))


def test_checked_broker_stops_at_the_event_that_breaks_a_rule(desk: Any) -> None:
    ticket = desk.opened(volume=1.0)
    (position,) = desk.book.positions.values()

    with pytest.raises(BrokenInvariantError, match=f"position {ticket} holds 0 lots"):
        desk.broker._commit(desk.login, (Closed(ticket=ticket, symbol=position.symbol),))


def _with(transaction: Transaction, *changes: Change) -> Transaction:
    return replace(transaction, changes=changes)


def _only(found: list[str]) -> str:
    (sentence,) = found
    return sentence
