"""The 32 functions of the module, as built-in functions over one connection."""

from collections.abc import Callable
from typing import Any, NamedTuple

from . import _session, _symbols, _trades
from ._connection import Connection
from ._native import Takes, Work, builtin_function

MODULE = "MetaTrader5._core"
NAMED = Takes.POSITIONAL | Takes.NAMED
KEEPS_NONE = ("order_check", "order_send")


class _Function(NamedTuple):
    """One of the vendor's functions: how it is called and what it gives when it has no result."""

    work: Callable[..., Any]  # of the connection, and what it takes
    takes: Takes
    parameters: str
    meaning: str
    failed: object = None


_FUNCTIONS = (
    _Function(_session.initialize, NAMED, "[path], ...", "Connect to a terminal.", failed=False),
    _Function(_session.login, NAMED, "login, ...", "Let the terminal change its account.", failed=False),
    _Function(_session.shutdown, Takes.NOTHING, "", "Close the connection."),
    _Function(_session.version, Takes.NOTHING, "", "Tell the terminal's version, build and date."),
    _Function(_session.terminal_info, Takes.NOTHING, "", "Tell the terminal's state."),
    _Function(_session.account_info, Takes.NOTHING, "", "Tell the account's terms and worth."),
    _Function(_symbols.symbols_total, Takes.NOTHING, "", "Count the symbols."),
    _Function(_symbols.symbols_get, NAMED, "[group]", "Tell the symbols of a group."),
    _Function(_symbols.symbol_info, Takes.POSITIONAL, "symbol", "Tell a symbol's terms and prices."),
    _Function(_symbols.symbol_info_tick, Takes.POSITIONAL, "symbol", "Tell a symbol's last quote."),
    _Function(
        _symbols.symbol_select, Takes.POSITIONAL, "symbol, [enable]", "Show or hide a symbol.", failed=False
    ),
    _Function(_symbols.market_book_add, Takes.POSITIONAL, "symbol", "Follow a symbol's market depth."),
    _Function(_symbols.market_book_get, Takes.POSITIONAL, "symbol", "Tell a symbol's market depth."),
    _Function(_symbols.market_book_release, Takes.POSITIONAL, "symbol", "Stop following a market depth."),
    _Function(
        _symbols.copy_rates_from, Takes.POSITIONAL, "symbol, timeframe, date_from, count", "Copy past bars."
    ),
    _Function(
        _symbols.copy_rates_from_pos, Takes.POSITIONAL, "symbol, timeframe, start_pos, count", "Copy bars."
    ),
    _Function(
        _symbols.copy_rates_range, Takes.POSITIONAL, "symbol, timeframe, date_from, date_to", "Copy bars."
    ),
    _Function(_symbols.copy_ticks_from, Takes.POSITIONAL, "symbol, date_from, count, flags", "Copy ticks."),
    _Function(
        _symbols.copy_ticks_range, Takes.POSITIONAL, "symbol, date_from, date_to, flags", "Copy ticks."
    ),
    _Function(
        _trades.order_calc_margin,
        Takes.POSITIONAL,
        "action, symbol, volume, price",
        "Tell an order's margin.",
    ),
    _Function(
        _trades.order_calc_profit,
        Takes.POSITIONAL,
        "action, symbol, volume, price_open, price_close",
        "Tell what a position would earn.",
    ),
    _Function(_trades.order_check, NAMED, "request", "Tell what a request would lead to."),
    _Function(_trades.order_send, NAMED, "request", "Send a request to the broker."),
    _Function(_trades.positions_total, Takes.NOTHING, "", "Count the open positions."),
    _Function(_trades.positions_get, NAMED, "[symbol], [ticket], [group]", "Tell the open positions."),
    _Function(_trades.orders_total, Takes.NOTHING, "", "Count the waiting orders."),
    _Function(_trades.orders_get, NAMED, "[symbol], [ticket], [group]", "Tell the waiting orders."),
    _Function(_trades.history_orders_total, Takes.POSITIONAL, "date_from, date_to", "Count past orders."),
    _Function(_trades.history_orders_get, NAMED, "[date_from, date_to], ...", "Tell past orders."),
    _Function(_trades.history_deals_total, Takes.POSITIONAL, "date_from, date_to", "Count deals."),
    _Function(_trades.history_deals_get, NAMED, "[date_from, date_to], ...", "Tell deals."),
)


class Terminal(Connection):
    """A connection whose attributes are the vendor's functions.

    They are built-in functions and not methods because the vendor's are: kept as a class attribute they
    must not bind another `self`, and they tell missing named arguments from an empty dict.
    """

    def __init__(self) -> None:
        super().__init__()
        for function in _FUNCTIONS:
            setattr(self, function.work.__name__, self._built(function))
        doc = "last_error()\n\nTell how the last call went, and leave it at that."
        self.last_error = builtin_function(
            MODULE, "last_error", doc, Takes.NOTHING, lambda _args, _named: self.said
        )

    def _built(self, function: _Function) -> Any:
        name = function.work.__name__
        doc = f"{name}({function.parameters})\n\n{function.meaning}"
        return builtin_function(MODULE, name, doc, function.takes, self._work(name, function))

    def _work(self, name: str, function: _Function) -> Work:
        def work(args: tuple[Any, ...], named: dict[str, Any] | None) -> Any:
            taken = _taken(function.takes, name, args, named)
            return self.call(name, lambda: function.work(self, *taken), function.failed)

        return work


def _taken(takes: Takes, name: str, args: tuple[Any, ...], named: dict[str, Any] | None) -> tuple[Any, ...]:
    if takes is Takes.NOTHING:
        return ()
    if takes is Takes.POSITIONAL:
        return (args,)
    # Only trade requests care whether there were no named arguments or an empty dict of them.
    return (args, named if named is not None or name in KEEPS_NONE else {})
