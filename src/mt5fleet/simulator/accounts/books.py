"""The broker's books: every account's records, changed only by whole transactions.

Invariant: an account's balance is the sum of its deals, and its credit the sum of its credit deals.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from mt5fleet.simulator.accounts.holdings import Holding, holdings_of
from mt5fleet.simulator.accounts.rows import ZERO, Change, Closed, Deal, Order, Position, Transaction
from mt5fleet.simulator.codes import DealType, OrderState

FIRST_TICKET = 5_000_000_000
"""Tickets of real servers exceed 2^32; programs that squeeze them into 32 bits must fail here too."""


class UnknownAccountError(Exception):
    """No account has this login."""


@dataclass(slots=True)
class AccountBook:
    """One account's records."""

    login: int
    balance: Decimal = ZERO
    credit: Decimal = ZERO
    positions: dict[int, Position] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)  # active
    history: dict[int, Order] = field(default_factory=dict)
    deals: dict[int, Deal] = field(default_factory=dict)
    partial: dict[int, Order] = field(default_factory=dict)  # the active orders of which a part was filled
    _tickets: dict[int, int] = field(default_factory=dict)  # identifier -> ticket of its open position
    held: dict[str, Holding] = field(init=False, repr=False, compare=False)  # positions by symbol, summed

    def __post_init__(self) -> None:
        self.held = holdings_of(self.positions)

    def apply(self, change: Change) -> None:
        match change:
            case Order():
                self._apply_order(change)
            case Position():
                self.positions[change.ticket] = change
                self._hold(change)
                self._tickets[change.identifier] = change.ticket
            case Closed():
                self._close(change.ticket)
            case Deal():
                self.deals[change.ticket] = change
                if change.type is DealType.CREDIT:
                    self.credit += change.cash
                else:
                    self.balance += change.cash

    def position_of(self, identifier: int) -> Position | None:
        """Return the open position of that lifetime, whose ticket may have been replaced."""
        ticket = self._tickets.get(identifier)
        return None if ticket is None else self.positions[ticket]

    def positions_on(self, symbol: str) -> list[Position]:
        held = self.held.get(symbol)
        return list(held.positions.values()) if held is not None else []

    def symbols(self) -> set[str]:
        """Return every symbol with an open position or a waiting order."""
        return self.held.keys() | {order.symbol for order in self.orders.values()}

    def copy(self) -> "AccountBook":
        return AccountBook(
            login=self.login,
            balance=self.balance,
            credit=self.credit,
            positions=dict(self.positions),
            orders=dict(self.orders),
            history=dict(self.history),
            deals=dict(self.deals),
            partial=dict(self.partial),
            _tickets=dict(self._tickets),
        )

    def _apply_order(self, order: Order) -> None:
        if order.state is OrderState.PARTIAL:
            self.partial[order.ticket] = order
        else:
            self.partial.pop(order.ticket, None)
        if order.state.is_final:
            self.orders.pop(order.ticket, None)
            self.history[order.ticket] = order
        else:
            self.orders[order.ticket] = order

    def _close(self, ticket: int) -> None:
        closed = self.positions.pop(ticket, None)
        if closed is not None:
            self._release(closed)
        # A position that was turned round lives on under its new ticket.
        if closed is not None and self._tickets.get(closed.identifier) == ticket:
            del self._tickets[closed.identifier]

    def _hold(self, position: Position) -> None:
        if position.symbol not in self.held:
            self.held[position.symbol] = Holding(position.symbol)
        self.held[position.symbol].put(position)

    def _release(self, position: Position) -> None:
        held = self.held[position.symbol]
        held.drop(position.ticket)
        if not held.positions:
            del self.held[position.symbol]


class Books:
    """All accounts and the ticket counter."""

    def __init__(self) -> None:
        self._accounts: dict[int, AccountBook] = {}
        self._newest_ticket = FIRST_TICKET

    def open_account(self, login: int) -> AccountBook:
        return self._accounts.setdefault(login, AccountBook(login))

    def account(self, login: int) -> AccountBook:
        try:
            return self._accounts[login]
        except KeyError:
            raise UnknownAccountError(f"login: no account {login}") from None

    def accounts(self) -> list[AccountBook]:
        return list(self._accounts.values())

    def has_account(self, login: int) -> bool:
        return login in self._accounts

    def next_ticket(self) -> int:
        """Return a ticket that no order, position or deal had before."""
        self._newest_ticket += 1
        return self._newest_ticket

    def apply(self, transaction: Transaction) -> None:
        book = self.account(transaction.login)
        for change in transaction.changes:
            self._newest_ticket = max(self._newest_ticket, change.ticket)
            book.apply(change)

    def empty(self, login: int) -> None:
        """Forget an account's records; its tickets are never given again."""
        self._accounts[login] = AccountBook(login)
