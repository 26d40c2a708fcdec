"""One terminal's conversation with the broker: the module's functions, seen from the other side."""

from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any, TypeAlias

from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.accounts.money import NoRateError, rounded
from mt5fleet.simulator.accounts.rows import ZERO, Deal, Order
from mt5fleet.simulator.broker import Broker
from mt5fleet.simulator.codes import RETCODE_TEXTS, OrderType
from mt5fleet.simulator.host.fault_terms import RecordList
from mt5fleet.simulator.host.masks import matches
from mt5fleet.simulator.host.position_rows import position_rows
from mt5fleet.simulator.host.price_calls import PRICE_CALLS, price_rows
from mt5fleet.simulator.host.refusals import (
    CallRefusedError,
    api_disabled,
    call_failed,
    invalid_parameters,
    not_found,
    unsupported,
)
from mt5fleet.simulator.host.selection import chosen, in_history
from mt5fleet.simulator.host.symbol_rows import symbol_row
from mt5fleet.simulator.host.terminals import NO_WINDOW, EmptyWindow, Terminal, require_connected
from mt5fleet.simulator.host.wire_rows import (
    account_row,
    answer_row,
    check_row,
    deal_row,
    order_row,
    terminal_row,
    tick_row,
)
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.quotes import Quote
from mt5fleet.simulator.terms.account import AccountTerms
from mt5fleet.simulator.trading.requests import MalformedRequestError, TradeRequest

VERSION = (500, 6231, "18 Sep 2026")
"""Terminal version, build and date: those of the package whose surface the drop-in copies."""

Parameters: TypeAlias = Mapping[str, Any]


class Session:
    """One client's connection to a terminal; the terminal is shared by all who name its path."""

    def __init__(self, broker: Broker, on_drop: Callable[[], None] | None = None) -> None:
        self._broker = broker
        self._on_drop = on_drop
        self._terminal: Terminal | None = None
        self._empty = NO_WINDOW

    @property
    def login(self) -> int | None:
        """The account the client's terminal is logged in to; None without a terminal."""
        return None if self._terminal is None else self._terminal.login

    def answer(self, call: str, parameters: Parameters) -> object:
        """Carry out one call and return its plain result, or `bytes` of packed rows.

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
        except KeyError as error:
            raise invalid_parameters() from error

    def struck_login(self, call: str, parameters: Parameters) -> int | None:
        """Return the account that a fault would have to name to strike this call."""
        if call == "initialize":
            return self._broker.terminals.login_of(parameters)
        return self.login

    def show_empty(self, lists: tuple[RecordList, ...], lasts_ms: int) -> None:
        """Let these lists be empty for a while, with success."""
        self._empty = EmptyWindow(self._broker.now_ms() + lasts_ms, lists)

    def show_all(self) -> None:
        self._empty = NO_WINDOW

    def drop(self) -> None:
        """Lose the connection, as when the terminal ends."""
        self.leave()
        if self._on_drop is not None:
            self._on_drop()

    def leave(self) -> None:
        """The client is gone; what it sent before is still carried out on its terminal."""
        if self._terminal is not None:
            self._terminal.clients.discard(self)

    def initialize(self, parameters: Parameters) -> bool:
        self.leave()
        self._terminal = None
        self._move_to(self._broker.terminals.entered(parameters, self._broker.now_ms()))
        return True

    def log_in(self, parameters: Parameters) -> bool:
        terminal = require_connected(self._terminal)
        self._move_to(self._broker.terminals.switched(terminal, parameters, self._broker.now_ms()))
        return True

    def _move_to(self, terminal: Terminal) -> None:
        self.leave()
        self._terminal = terminal
        terminal.clients.add(self)

    def _terms(self) -> AccountTerms:
        return self._broker.terms(require_connected(self._terminal).login or 0)

    def _is_empty(self, name: RecordList) -> bool:
        now_ms = self._broker.now_ms()
        shared = NO_WINDOW if self._terminal is None else self._terminal.empty
        return self._empty.covers(name, now_ms) or shared.covers(name, now_ms)

    def _quote(self, symbol: str) -> Quote | None:
        outage = self._broker.outages.of(self.login or 0)
        return self._broker.market.quote(symbol) if outage is None else outage.quotes.get(symbol)

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
        return terminal_row(self._terms(), require_connected(self._terminal).path, VERSION[1])

    def account_info(self, _: Parameters) -> list[Any]:
        terms = self._terms()
        outage = self._broker.outages.of(terms.login)
        worth = None if outage is None else outage.worth
        return account_row(terms, self._broker.worth(terms.login) if worth is None else worth)

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
        selected = require_connected(self._terminal).chosen.get(spec.name, spec.in_market_watch)
        return symbol_row(self._broker.market, spec, self._terms(), selected=selected)

    def symbol_info_tick(self, parameters: Parameters) -> list[Any]:
        self._terms()
        quote = self._quote(self._spec(parameters["symbol"]).name)
        if quote is None:
            raise not_found()
        return tick_row(quote)

    def symbol_select(self, parameters: Parameters) -> bool:
        book, name = self._book(), self._spec(parameters["symbol"]).name
        if not parameters["enable"] and name in book.symbols():
            raise call_failed()
        require_connected(self._terminal).chosen[name] = bool(parameters["enable"])
        return True

    def market_book_add(self, parameters: Parameters) -> bool:
        return require_connected(self._terminal).books.add(self._spec(parameters["symbol"]).name)

    def market_book_release(self, parameters: Parameters) -> bool:
        return require_connected(self._terminal).books.release(self._spec(parameters["symbol"]).name)

    def market_book_get(self, parameters: Parameters) -> list[list[Any]]:
        name = self._spec(parameters["symbol"]).name
        require_connected(self._terminal).books.require(name)
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
        if request.price <= 0 or request.stoplimit <= 0:
            raise invalid_parameters()
        profit = self._broker.market.money.profit(
            spec, side, request.volume, request.price, request.stoplimit, self._terms().currency
        )
        try:
            return float(rounded(profit, self._terms().currency_digits))
        except InvalidOperation as error:
            raise invalid_parameters() from error  # more digits than money has

    def _calculation(self, parameters: Parameters) -> tuple[OrderType, SymbolSpec, TradeRequest]:
        numbers = {name: parameters[name] for name in ("volume", "price", "stoplimit") if name in parameters}
        spec = self._spec(parameters["symbol"])
        try:
            request = TradeRequest.from_wire(numbers)
        except MalformedRequestError as error:
            raise invalid_parameters() from error
        is_market = parameters["type"] in (OrderType.BUY, OrderType.SELL)
        if not is_market or request.volume <= 0 or request.price < 0:
            raise invalid_parameters()
        return OrderType(parameters["type"]), spec, request

    def order_check(self, parameters: Parameters) -> list[Any]:
        retcode, worth = self._broker.order_check(self._terms().login, parameters["request"])
        return check_row(int(retcode), RETCODE_TEXTS[retcode], worth)

    def order_send(self, parameters: Parameters, on_offer: Decimal | None = None) -> list[Any]:
        terms = self._terms()
        if terms.tradeapi_disabled:
            raise api_disabled()
        return answer_row(self._broker.order_send(terms.login, parameters["request"], on_offer))

    def order_in_part(self, parameters: Parameters, share: Decimal) -> list[Any]:
        """Send with only a share of the volume on offer, rounded down to the symbol's step.

        Raises:
            CallRefusedError: As for `order_send`.
        """
        self._broker.advance()
        return self.order_send(parameters, self._on_offer(parameters["request"], share))

    def _on_offer(self, request: Mapping[str, Any], share: Decimal) -> Decimal | None:
        spec = self._broker.market.specs.get(request.get("symbol", ""))
        if spec is None:
            return None
        wanted = Decimal(str(request.get("volume", 0))) * share
        steps = (wanted / spec.volume_step_lots).to_integral_value(ROUND_DOWN)
        return max(steps * spec.volume_step_lots, spec.volume_min_lots)

    def positions_total(self, _: Parameters) -> int:
        return 0 if self._is_empty(RecordList.POSITIONS) else len(self._book().positions)

    def positions_get(self, parameters: Parameters) -> list[list[Any]]:
        if self._is_empty(RecordList.POSITIONS):
            return []
        valuation = self._broker.market.valuation
        return position_rows(valuation, self._book(), self._terms(), parameters)

    def orders_total(self, _: Parameters) -> int:
        return 0 if self._is_empty(RecordList.ORDERS) else len(self._book().orders)

    def orders_get(self, parameters: Parameters) -> list[list[Any]]:
        if self._is_empty(RecordList.ORDERS):
            return []
        return [self._waiting_row(row) for row in chosen(self._book().orders, parameters)]

    def _waiting_row(self, order: Order) -> list[Any]:
        quote = self._broker.market.quote(order.symbol)
        if quote is None:
            return order_row(order, ZERO)
        return order_row(order, quote.ask if order.type.side is OrderType.BUY else quote.bid)

    def _history_orders(self, parameters: Parameters) -> list[Order]:
        if self._is_empty(RecordList.HISTORY_ORDERS):
            return []
        return [
            order
            for order in self._book().history.values()
            if in_history(parameters, order.ticket, order.position_id, order.time_done_ms, order.symbol)
        ]

    def history_orders_total(self, parameters: Parameters) -> int:
        return len(self._history_orders(parameters))

    def history_orders_get(self, parameters: Parameters) -> list[list[Any]]:
        return [order_row(order, order.price_current) for order in self._history_orders(parameters)]

    def _history_deals(self, parameters: Parameters) -> list[Deal]:
        if self._is_empty(RecordList.HISTORY_DEALS):
            return []
        return [
            deal
            for deal in self._book().deals.values()
            if in_history(parameters, deal.ticket, deal.position_id, deal.time_ms, deal.symbol)
        ]

    def history_deals_total(self, parameters: Parameters) -> int:
        return len(self._history_deals(parameters))

    def history_deals_get(self, parameters: Parameters) -> list[list[Any]]:
        return [deal_row(deal) for deal in self._history_deals(parameters)]


_CALLS: dict[str, Callable[[Session, Parameters], object]] = {
    "initialize": Session.initialize,
    "login": Session.log_in,
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
