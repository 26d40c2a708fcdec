"""What follows when a quote changes or time passes: crosses, pending orders, stops, stop-outs, expiry."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from mt5fleet.simulator.accounts.money import NoRateError
from mt5fleet.simulator.accounts.rows import Change, Order, Position
from mt5fleet.simulator.market import Market
from mt5fleet.simulator.prices.quotes import Cross, Quote
from mt5fleet.simulator.trading.triggers import (
    activation,
    expired,
    expiry,
    order_is_reached,
    stop_closure,
    stop_out_closure,
    stop_out_victim,
    stop_reached,
)

Commit: TypeAlias = Callable[[int, tuple[Change, ...]], None]


class Reactions:
    """Applies each quote and commits what it sets off."""

    def __init__(self, market: Market, crosses: Iterable[Cross], commit: Commit) -> None:
        self._market = market
        self._commit = commit
        self._silent: set[str] = set()
        self._crosses_of: dict[str, list[Cross]] = {}
        self._checked_s = 0
        for cross in crosses:
            for leg in cross.legs:
                self._crosses_of.setdefault(leg, []).append(cross)

    def quoted(self, symbol: str, quote: Quote) -> None:
        """Take a new quote, derive its crosses, and do what the changed prices ask for."""
        self._market.board.put(symbol, quote)
        for changed in (symbol, *self._derived(symbol)):
            self._set_off(changed)

    def derive_all(self) -> None:
        """Quote every cross from its legs, setting nothing off."""
        for leg in list(self._crosses_of):
            self._derived(leg)

    def silence(self, symbol: str) -> None:
        """Stop deriving a cross: its quote is set by command."""
        self._silent.add(symbol)

    def revive(self) -> None:
        self._silent.clear()

    def expire(self) -> None:
        """End the pending orders whose time is over; looks once per server second."""
        now_ms = self._market.server_ms()
        if now_ms // 1000 == self._checked_s:
            return
        self._checked_s = now_ms // 1000
        for login, order in self._market.books.active_orders():
            if expired(order, now_ms):
                self._commit(login, (expiry(order, now_ms),))

    def _derived(self, symbol: str) -> list[str]:
        changed: list[str] = []
        for cross in self._crosses_of.get(symbol, ()):
            quote = cross.quote(self._market.board)
            if quote is not None and cross.spec.name not in self._silent:
                self._market.board.put(cross.spec.name, quote)
                changed.append(cross.spec.name)
        return changed

    def _set_off(self, symbol: str) -> None:
        quote = self._market.quote(symbol)
        if quote is None:
            return
        for login, order in self._market.books.orders_on(symbol):
            self._activate(login, order, quote)
        touched: set[int] = set()
        for login, position in self._market.books.positions_on(symbol):
            touched.add(login)
            self._stop(login, position, quote)
        for login in touched:
            self._stop_out(login)

    def _activate(self, login: int, order: Order, quote: Quote) -> None:
        if order_is_reached(order, quote):
            try:
                self._commit(login, activation(self._market, login, order))
            except NoRateError:
                return  # stays waiting until its amounts can be converted

    def _stop(self, login: int, position: Position, quote: Quote) -> None:
        reason = stop_reached(position, quote)
        if reason is None:
            return
        try:
            self._commit(login, stop_closure(self._market, login, position, reason))
        except NoRateError:
            return  # stays open until its profit can be converted

    def _stop_out(self, login: int) -> None:
        book = self._market.books.account(login)
        for _ in range(len(book.positions)):
            victim = stop_out_victim(self._market, book)
            if victim is None:
                return
            position, worth = victim
            self._commit(login, stop_out_closure(self._market, login, position, worth))
