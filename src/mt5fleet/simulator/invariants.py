"""What must hold after every event of an account, as a pure function of the books before and after."""

from collections.abc import Iterator
from decimal import Decimal

from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.accounts.money import NoRateError
from mt5fleet.simulator.accounts.rows import ZERO, Deal, Order, Position, Transaction
from mt5fleet.simulator.accounts.valuation import Worth
from mt5fleet.simulator.codes import DealType, Entry
from mt5fleet.simulator.market import Market


class BrokenInvariantError(Exception):
    """The books contradict themselves; the text lists every rule that broke."""


def require_unbroken(before: AccountBook, transaction: Transaction, market: Market) -> None:
    """Judge the account's books after a transaction was applied.

    Raises:
        BrokenInvariantError: A rule is broken: a fault of the broker.
    """
    after = market.books.account(transaction.login)
    try:
        worth = market.valuation.worth(after, market.terms[transaction.login])
    except NoRateError:
        worth = None  # an account that cannot be valued has no totals to judge
    found = broken_invariants(before, transaction, after, worth)
    if found:
        raise BrokenInvariantError(f"login {transaction.login}: {'; '.join(found)}")


def broken_invariants(
    before: AccountBook, transaction: Transaction, after: AccountBook, worth: Worth | None
) -> list[str]:
    """Return a sentence for each rule that the transaction broke; empty when the books add up."""
    return [
        *_money(after, worth),
        *_exposure(before, transaction, after),
        *_order_volumes(before, transaction),
        *_tickets(before, transaction, after),
        *_history(before, after),
    ]


def _money(after: AccountBook, worth: Worth | None) -> Iterator[str]:
    credited = sum((deal.cash for deal in after.deals.values() if deal.type is DealType.CREDIT), ZERO)
    booked = sum((deal.cash for deal in after.deals.values()), ZERO) - credited
    if after.balance != booked:
        yield f"balance {after.balance} is not the sum of the deals, {booked}"
    if after.credit != credited:
        yield f"credit {after.credit} is not the sum of the credit deals, {credited}"
    if worth is None:
        return
    if (worth.balance, worth.credit) != (after.balance, after.credit):
        yield f"the totals say balance {worth.balance} and credit {worth.credit}"
    if worth.equity != worth.balance + worth.credit + worth.profit:
        yield f"equity {worth.equity} is not balance + credit + floating profit"
    if worth.margin_free != worth.equity - worth.margin:
        yield f"free margin {worth.margin_free} is not equity - margin"


def _exposure(before: AccountBook, transaction: Transaction, after: AccountBook) -> Iterator[str]:
    """A position holds what it held, plus what its deals bought, less what they sold."""
    expected = _signed_volumes(before)
    for deal in _deals(transaction):
        if deal.type.trades:
            volume = deal.volume if deal.type is DealType.BUY else -deal.volume
            expected[deal.position_id] = expected.get(deal.position_id, ZERO) + volume
    held = _signed_volumes(after)
    for identifier in expected.keys() | held.keys():
        wanted, found = expected.get(identifier, ZERO), held.get(identifier, ZERO)
        if wanted != found:
            yield f"position {identifier} holds {found} lots, its deals say {wanted}"


def _signed_volumes(book: AccountBook) -> dict[int, Decimal]:
    return {
        position.identifier: -position.volume if position.type else position.volume
        for position in book.positions.values()
    }


def _order_volumes(before: AccountBook, transaction: Transaction) -> Iterator[str]:
    """What an order has left is what it had, less its deals."""
    filled: dict[int, Decimal] = {}
    for deal in _deals(transaction):
        # Closing one position by another is one volume in two deals.
        share = deal.volume / 2 if deal.entry is Entry.OUT_BY else deal.volume
        filled[deal.order] = filled.get(deal.order, ZERO) + share
    for order in _orders(transaction):
        standing = before.orders.get(order.ticket)
        had = order.volume_initial if standing is None else standing.volume_current
        done = filled.get(order.ticket, ZERO)
        if order.volume_current < 0 or had - order.volume_current != done:
            yield f"order {order.ticket} went from {had} to {order.volume_current} lots with deals of {done}"


def _tickets(before: AccountBook, transaction: Transaction, after: AccountBook) -> Iterator[str]:
    known = before.orders.keys() | before.history.keys() | before.deals.keys()
    for deal in _deals(transaction):
        if deal.ticket in known:
            yield f"deal {deal.ticket} has a ticket that was given before"
    new = [deal.ticket for deal in _deals(transaction)]
    new += [order.ticket for order in _orders(transaction) if order.ticket not in before.orders]
    if len(set(new)) != len(new):
        yield f"tickets {sorted(new)} repeat within one transaction"
    if both := after.orders.keys() & after.history.keys():
        yield f"orders {sorted(both)} are active and in the history at once"
    identifiers = [position.identifier for position in after.positions.values()]
    if len(set(identifiers)) != len(identifiers):
        yield f"positions share an identifier: {sorted(identifiers)}"


def _history(before: AccountBook, after: AccountBook) -> Iterator[str]:
    for ticket, order in before.history.items():
        if after.history.get(ticket) != order:
            yield f"order {ticket} changed in the history"
    for ticket, deal in before.deals.items():
        if after.deals.get(ticket) != deal:
            yield f"deal {ticket} changed"
    for position in after.positions.values():
        yield from _sound(position)


def _sound(position: Position) -> Iterator[str]:
    if position.volume <= 0 or position.price_open <= 0:
        yield f"position {position.ticket} has {position.volume} lots at {position.price_open}"


def _deals(transaction: Transaction) -> Iterator[Deal]:
    return (change for change in transaction.changes if isinstance(change, Deal))


def _orders(transaction: Transaction) -> Iterator[Order]:
    return (change for change in transaction.changes if isinstance(change, Order))
