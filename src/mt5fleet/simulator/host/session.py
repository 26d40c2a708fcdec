"""One terminal's conversation with the broker: the module's functions, seen from the other side."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.accounts.money import NoRateError
from mt5fleet.simulator.accounts.rows import ZERO, Deal, Order, Position
from mt5fleet.simulator.broker import Broker
from mt5fleet.simulator.codes import RETCODE_TEXTS, OrderType
from mt5fleet.simulator.host.masks import matches
from mt5fleet.simulator.host.price_calls import PRICE_CALLS, WatchedBooks, price_rows
from mt5fleet.simulator.host.refusals import (
    CallRefusedError,
    api_disabled,
    authorization_failed,
    call_failed,
    invalid_parameters,
    no_connection,
    not_found,
    unsupported,
)
from mt5fleet.simulator.host.symbol_rows import symbol_row
from mt5fleet.simulator.host.wire_rows import (
    account_row,
    answer_row,
    check_row,
    deal_row,
    order_row,
    position_row,
    terminal_row,
    tick_row,
)
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.market import MS_PER_S
from mt5fleet.simulator.terms.account import AccountTerms
from mt5fleet.simulator.trading.requests import MalformedRequestError, TradeRequest

VERSION = (500, 6231, "18 Sep 2026")
"""Terminal version, build and date: those of the package whose surface the drop-in copies."""

Parameters: TypeAlias = Mapping[str, Any]
_Row = TypeVar("_Row", Position, Order)


class Session:
    """A terminal that may be logged in to one account."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._path = ""
        self._hidden: set[str] = set()
        self._watched_books = WatchedBooks()
        self.login: int | None = None

    def answer(self, call: str, parameters: Parameters) -> object:
        """Carry out one call and return its plain result.

        Raises:
            CallRefusedError: The call gives None (or False) and this error.
        """
        handler = _CALLS.get(call)
        if handler is None and call not in PRICE_CALLS:
            raise unsupported()
        self._broker.advance()
        try:
            if handler is None:
                return self.price_rows(call, parameters)
            return handler(self, parameters)
        except NoRateError as error:
            raise CallRefusedError(-1, f"Terminal: Call failed: {error}") from error

    def initialize(self, parameters: Parameters) -> bool:
        terms = self._wanted_account(parameters)
        if parameters.get("server") not in (None, terms.server):
            raise authorization_failed()
        if "login" in parameters and parameters.get("password", "") != terms.password:
            raise authorization_failed()
        self._path = parameters.get("path") or self._path or "simulator"
        self.login = terms.login
        return True

    def _wanted_account(self, parameters: Parameters) -> AccountTerms:
        accounts = self._broker.market.terms
        login = parameters.get("login", self._broker.config.attach_login)
        if login is None and len(accounts) == 1:
            login = next(iter(accounts))
        if login not in accounts:
            raise authorization_failed()
        return accounts[login]

    def _terms(self) -> AccountTerms:
        if self.login is None:
            raise no_connection()
        return self._broker.terms(self.login)

    def _book(self) -> AccountBook:
        return self._broker.shown(self._terms().login)

    def _spec(self, name: str) -> SymbolSpec:
        spec = self._broker.market.specs.get(name)
        if spec is None:
            raise not_found()
        return spec

    def version(self, _: Parameters) -> list[Any]:
        self._terms()
        return list(VERSION)

    def terminal_info(self, _: Parameters) -> list[Any]:
        return terminal_row(self._terms(), self._path, VERSION[1])

    def account_info(self, _: Parameters) -> list[Any]:
        terms = self._terms()
        return account_row(terms, self._broker.worth(terms.login))

    def symbols_total(self, _: Parameters) -> int:
        self._terms()
        return len(self._broker.market.specs)

    def symbols_get(self, parameters: Parameters) -> list[list[Any]]:
        group = parameters.get("group")
        return [
            self._symbol_row(spec)
            for spec in self._broker.market.specs.values()
            if group is None or matches(group, spec.name)
        ]

    def symbol_info(self, parameters: Parameters) -> list[Any]:
        return self._symbol_row(self._spec(parameters["symbol"]))

    def _symbol_row(self, spec: SymbolSpec) -> list[Any]:
        selected = spec.name not in self._hidden
        return symbol_row(self._broker.market, spec, self._terms(), selected=selected)

    def symbol_info_tick(self, parameters: Parameters) -> list[Any]:
        self._terms()
        quote = self._broker.market.quote(self._spec(parameters["symbol"]).name)
        if quote is None:
            raise not_found()
        return tick_row(quote)

    def symbol_select(self, parameters: Parameters) -> bool:
        book, name = self._book(), self._spec(parameters["symbol"]).name
        if parameters["enable"]:
            self._hidden.discard(name)
            return True
        if name in book.symbols():
            raise call_failed()
        self._hidden.add(name)
        return True

    def market_book_add(self, parameters: Parameters) -> bool:
        self._terms()
        return self._watched_books.add(self._spec(parameters["symbol"]).name)

    def market_book_release(self, parameters: Parameters) -> bool:
        self._terms()
        return self._watched_books.release(self._spec(parameters["symbol"]).name)

    def market_book_get(self, parameters: Parameters) -> list[list[Any]]:
        self._terms()
        name = self._spec(parameters["symbol"]).name
        self._watched_books.require(name)
        return self._broker.depth(name)

    def price_rows(self, call: str, parameters: Parameters) -> bytes:
        """Return what a `copy_*` call asks for as packed rows."""
        self._terms()
        self._spec(parameters["symbol"])
        return price_rows(self._broker.history, call, parameters)

    def order_calc_margin(self, parameters: Parameters) -> float:
        side, spec, request = self._calculation(parameters)
        valuation = self._broker.market.valuation
        return float(valuation.order_margin(spec, side, request.volume, request.price, self._terms()))

    def order_calc_profit(self, parameters: Parameters) -> float:
        wanted = {"price": parameters["price_open"], "stoplimit": parameters["price_close"], **parameters}
        side, spec, request = self._calculation(wanted)
        profit = self._broker.market.money.profit(
            spec, side, request.volume, request.price, request.stoplimit, self._terms().currency
        )
        return float(round(profit, self._terms().currency_digits))

    def _calculation(self, parameters: Parameters) -> tuple[OrderType, SymbolSpec, TradeRequest]:
        numbers = {name: parameters[name] for name in ("volume", "price", "stoplimit") if name in parameters}
        spec = self._spec(parameters["symbol"])
        try:
            request = TradeRequest.from_wire(numbers)
        except MalformedRequestError as error:
            raise invalid_parameters() from error
        if parameters["type"] not in (OrderType.BUY, OrderType.SELL) or request.volume <= 0:
            raise invalid_parameters()
        return OrderType(parameters["type"]), spec, request

    def order_check(self, parameters: Parameters) -> list[Any]:
        retcode, worth = self._broker.order_check(self._terms().login, parameters["request"])
        return check_row(int(retcode), RETCODE_TEXTS[retcode], worth)

    def order_send(self, parameters: Parameters) -> list[Any]:
        terms = self._terms()
        if terms.tradeapi_disabled:
            raise api_disabled()
        return answer_row(self._broker.order_send(terms.login, parameters["request"]))

    def positions_total(self, _: Parameters) -> int:
        return len(self._book().positions)

    def positions_get(self, parameters: Parameters) -> list[list[Any]]:
        return [self._position_row(row) for row in _chosen(self._book().positions, parameters)]

    def _position_row(self, position: Position) -> list[Any]:
        valuation = self._broker.market.valuation
        price = valuation.closing_price(position)
        profit = valuation.profit_at(position, price, position.volume, self._terms())
        return position_row(position, price, profit)

    def orders_total(self, _: Parameters) -> int:
        return len(self._book().orders)

    def orders_get(self, parameters: Parameters) -> list[list[Any]]:
        return [self._waiting_row(row) for row in _chosen(self._book().orders, parameters)]

    def _waiting_row(self, order: Order) -> list[Any]:
        quote = self._broker.market.quote(order.symbol)
        if quote is None:
            return order_row(order, ZERO)
        return order_row(order, quote.ask if order.type.side is OrderType.BUY else quote.bid)

    def _history_orders(self, parameters: Parameters) -> list[Order]:
        return [
            order
            for order in self._book().history.values()
            if _in_history(parameters, order.ticket, order.position_id, order.time_done_ms, order.symbol)
        ]

    def history_orders_total(self, parameters: Parameters) -> int:
        return len(self._history_orders(parameters))

    def history_orders_get(self, parameters: Parameters) -> list[list[Any]]:
        return [order_row(order, order.price_current) for order in self._history_orders(parameters)]

    def _history_deals(self, parameters: Parameters) -> list[Deal]:
        return [
            deal
            for deal in self._book().deals.values()
            if _in_history(parameters, deal.ticket, deal.position_id, deal.time_ms, deal.symbol)
        ]

    def history_deals_total(self, parameters: Parameters) -> int:
        return len(self._history_deals(parameters))

    def history_deals_get(self, parameters: Parameters) -> list[list[Any]]:
        return [deal_row(deal) for deal in self._history_deals(parameters)]


def _chosen(rows: Mapping[int, _Row], parameters: Parameters) -> list[_Row]:
    if "ticket" in parameters:
        return [rows[parameters["ticket"]]] if parameters["ticket"] in rows else []
    if "symbol" in parameters:
        return [row for row in rows.values() if row.symbol == parameters["symbol"]]
    if "group" in parameters:
        return [row for row in rows.values() if matches(parameters["group"], row.symbol)]
    return list(rows.values())


def _in_history(parameters: Parameters, ticket: int, position: int, time_ms: int, symbol: str) -> bool:
    if "ticket" in parameters:
        return ticket == int(parameters["ticket"])
    if "position" in parameters:
        return position != 0 and position == int(parameters["position"])
    since_s, until_s = int(parameters["since_s"]), int(parameters["until_s"])
    if not since_s <= time_ms // MS_PER_S <= until_s:
        return False
    return "group" not in parameters or matches(parameters["group"], symbol)


_CALLS: dict[str, Callable[[Session, Parameters], object]] = {
    "initialize": Session.initialize,
    "login": Session.initialize,
    "version": Session.version,
    "terminal_info": Session.terminal_info,
    "account_info": Session.account_info,
    "symbols_total": Session.symbols_total,
    "symbols_get": Session.symbols_get,
    "symbol_info": Session.symbol_info,
    "symbol_info_tick": Session.symbol_info_tick,
    "symbol_select": Session.symbol_select,
    "market_book_add": Session.market_book_add,
    "market_book_get": Session.market_book_get,
    "market_book_release": Session.market_book_release,
    "order_calc_margin": Session.order_calc_margin,
    "order_calc_profit": Session.order_calc_profit,
    "order_check": Session.order_check,
    "order_send": Session.order_send,
    "positions_total": Session.positions_total,
    "positions_get": Session.positions_get,
    "orders_total": Session.orders_total,
    "orders_get": Session.orders_get,
    "history_orders_total": Session.history_orders_total,
    "history_orders_get": Session.history_orders_get,
    "history_deals_total": Session.history_deals_total,
    "history_deals_get": Session.history_deals_get,
}
