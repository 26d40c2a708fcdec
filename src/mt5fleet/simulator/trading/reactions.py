"""What follows when a quote changes or time passes: crosses, pending orders, stops, stop-outs, day ends.

Nothing here walks through all orders or positions: a quote asks the watch lists for what it reaches, and
vectors name the accounts near their stop-out; each of those few is then decided exactly.
"""

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import TypeAlias

from mt5fleet.simulator.accounts.arrays import Equities
from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.accounts.money import NoRateError
from mt5fleet.simulator.accounts.rows import Change, Closed, Order, Position
from mt5fleet.simulator.market import MS_PER_S, Market
from mt5fleet.simulator.prices.quotes import Cross, Quote
from mt5fleet.simulator.trading.levels import order_levels, stop_levels
from mt5fleet.simulator.trading.stop_out import stop_out_victim
from mt5fleet.simulator.trading.triggers import (
    activation,
    expired,
    expiry,
    order_is_reached,
    stop_closure,
    stop_out_closure,
    stop_reached,
)
from mt5fleet.simulator.trading.watchlist import Watchlist

Commit: TypeAlias = Callable[[int, tuple[Change, ...]], None]


def _nothing_is_fed(_: str) -> bool:
    return False


class Reactions:
    """Applies each quote and commits what it sets off; `follow` must hear of every change of the books."""

    def __init__(
        self,
        market: Market,
        crosses: Iterable[Cross],
        commit: Commit,
        is_fed: Callable[[str], bool] = _nothing_is_fed,
    ) -> None:
        self._market = market
        self._commit = commit
        self._is_fed = is_fed
        self._silent: set[str] = set()
        self._crosses_of: dict[str, list[Cross]] = {}
        self._orders = Watchlist()
        self._stops = Watchlist()
        self._ends: list[tuple[int, int, int]] = []  # server second, ticket, login
        self._equities: Equities | None = None
        for cross in crosses:
            for leg in cross.legs:
                self._crosses_of.setdefault(leg, []).append(cross)

    def arm(self) -> None:
        """Watch everything the books hold; before this, quotes set nothing off."""
        market = self._market
        self._equities = Equities(
            market.specs, market.board, market.money, market.valuation, market.books, market.terms
        )
        for book in market.books.accounts():
            for order in book.orders.values():
                self._watch(book.login, order)
            for position in book.positions.values():
                self._watch_stops(book.login, position)

    def follow(self, login: int, changes: tuple[Change, ...]) -> None:
        """Take changes that were just applied to the books."""
        if self._equities is None:
            return
        for change in changes:
            self._equities.follow(login, change)
            self._watch(login, change)

    def forget(self, book: AccountBook) -> None:
        """Take an account out before its records are emptied."""
        if self._equities is not None:
            self._equities.forget(book)
        for ticket in book.orders:
            self._orders.drop(ticket)
        for ticket in book.positions:
            self._stops.drop(ticket)

    def quoted(self, symbol: str, quote: Quote) -> None:
        """Take a new quote, derive its crosses, and do what the changed prices ask for."""
        self._market.board.put(symbol, quote)
        for changed in (symbol, *self._derived(symbol)):
            self._set_off(changed)
        if self._equities is not None:
            for login in self._equities.suspects():
                self._stop_out(login, quote.time_ms)

    def derive_all(self) -> None:
        """Quote every cross from its legs, setting nothing off."""
        for leg in list(self._crosses_of):
            self._derived(leg)

    def silence(self, symbol: str) -> None:
        """Stop deriving a cross: its quote is set by command."""
        self._silent.add(symbol)

    def revive(self) -> None:
        self._silent.clear()

    def expire(self, server_ms: int) -> None:
        """End the pending orders whose time is over."""
        while self._ends and self._ends[0][0] * MS_PER_S <= server_ms:
            _, ticket, login = heappop(self._ends)
            order = self._market.books.account(login).orders.get(ticket)
            if order is not None and expired(order, server_ms):
                self._commit(login, (expiry(order, server_ms),))

    def _watch(self, login: int, change: Change) -> None:
        match change:
            case Position():
                self._watch_stops(login, change)
            case Closed():
                self._stops.drop(change.ticket)
            case Order() if change.state.is_final:
                self._orders.drop(change.ticket)
            case Order():
                self._orders.watch(change.symbol, login, change.ticket, order_levels(change))
                if change.expires_s:
                    heappush(self._ends, (change.expires_s, change.ticket, login))

    def _watch_stops(self, login: int, position: Position) -> None:
        levels = stop_levels(position)
        if levels:
            self._stops.watch(position.symbol, login, position.ticket, levels)
        else:
            self._stops.drop(position.ticket)

    def _derived(self, symbol: str) -> list[str]:
        changed: list[str] = []
        for cross in self._crosses_of.get(symbol, ()):
            name = cross.spec.name
            quote = None if name in self._silent or self._is_fed(name) else cross.quote(self._market.board)
            if quote is not None:
                self._market.board.put(name, quote)
                changed.append(name)
        return changed

    def _set_off(self, symbol: str) -> None:
        quote = self._market.quote(symbol)
        if quote is None or not self._market.is_open(symbol, quote.time_ms):
            return  # a quote set by command out of session fills nothing; the next one in session will
        for ticket, login in self._orders.reached(symbol, quote):
            order = self._market.books.account(login).orders.get(ticket)
            if order is not None:
                self._activate(login, order, quote)
        # Looked up only now: an order that was just filled may have a stop that this quote reaches.
        for ticket, login in self._stops.reached(symbol, quote):
            position = self._market.books.account(login).positions.get(ticket)
            if position is not None:
                self._stop(login, position, quote)

    def _activate(self, login: int, order: Order, quote: Quote) -> None:
        if order_is_reached(order, quote):
            try:
                self._book(login, activation(self._market, login, order))
            except NoRateError:
                return  # stays waiting until its amounts can be converted

    def _stop(self, login: int, position: Position, quote: Quote) -> None:
        reason = stop_reached(position, quote)
        if reason is None:
            return
        try:
            self._book(login, stop_closure(self._market, login, position, reason))
        except NoRateError:
            return  # stays open until its profit can be converted

    def _stop_out(self, login: int, server_ms: int) -> None:
        book = self._market.books.account(login)
        for _ in range(len(book.positions)):
            victim = stop_out_victim(self._market, book, server_ms)
            if victim is None:
                return
            position, worth = victim
            self._book(login, stop_out_closure(self._market, login, position, worth))
            if position.ticket in book.positions:
                return  # the market had room for a part of it; the next quote brings more

    def _book(self, login: int, changes: tuple[Change, ...]) -> None:
        if changes:  # none when the market's depth has no room now
            self._commit(login, changes)
