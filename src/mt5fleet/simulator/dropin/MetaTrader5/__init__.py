"""A stand-in for the vendor's package `MetaTrader5` that trades on the mt5fleet simulator.

Put the folder above this one on `PYTHONPATH` and set `MT5FLEET_SIMULATOR=host:port` to the broker's
address; a program written for MetaTrader 5 then runs unchanged. Names, values, argument rules, result
shapes and `last_error` follow the package 5.0.6231. Not the real thing, and saying so: `terminal_info()`
and `account_info()` name the mt5fleet simulator as company. What differs: docs/simulator.md.
"""

from typing import Any as _Any

from ._constants import *  # noqa: F403  # the 223 constants are the module's own names
from ._constants import (
    ORDER_TYPE_BUY,
    ORDER_TYPE_SELL,
    TRADE_ACTION_DEAL,
    TRADE_RETCODE_DONE,
    TRADE_RETCODE_PRICE_OFF,
    TRADE_RETCODE_REQUOTE,
)
from ._core import *  # noqa: F403  # the structures and functions are, too
from ._core import order_send, positions_get, symbol_info_tick

__version__ = "5.0.6231"
__author__ = "mt5fleet"

_ATTEMPTS = 10
"""How often a request is sent, each time at the price of the moment, while the broker asks for another."""

_DEVIATION_POINTS = 10


def Buy(symbol: _Any, volume: _Any, price: _Any = None, *, comment: _Any = None, ticket: _Any = None) -> _Any:
    """Buy at `price`, or at the market; with `ticket` buy back that position."""
    return _dealt(ORDER_TYPE_BUY, symbol, volume, price, comment, ticket)


def Sell(
    symbol: _Any, volume: _Any, price: _Any = None, *, comment: _Any = None, ticket: _Any = None
) -> _Any:
    """Sell at `price`, or at the market; with `ticket` sell that position."""
    return _dealt(ORDER_TYPE_SELL, symbol, volume, price, comment, ticket)


def Close(symbol: _Any, *, comment: _Any = None, ticket: _Any = None) -> _Any:
    """Close a symbol's positions, or one; True, False, "Partially", or None when a call had no result."""
    found = positions_get(symbol=symbol) if ticket is None else positions_get(ticket=ticket)
    closed = 0
    for position in found:
        side = ORDER_TYPE_SELL if position.type == ORDER_TYPE_BUY else ORDER_TYPE_BUY
        answer = _closed(side, symbol, position, comment)
        if answer is None:
            return None
        closed += answer.retcode == TRADE_RETCODE_DONE
    if not closed:
        return False
    return True if closed == len(found) else "Partially"


def _dealt(side: int, symbol: _Any, volume: _Any, price: _Any, comment: _Any, ticket: _Any) -> _Any:
    if price is not None:
        return _RawOrder(side, symbol, volume, price, comment, ticket)
    answer = None
    for _ in range(_ATTEMPTS):
        # Without a quote this fails with an AttributeError, as the vendor's does.
        answer = _RawOrder(side, symbol, volume, _price(side, symbol_info_tick(symbol)), comment, ticket)
        if not _is_asked_again(answer):
            break
    return answer


def _closed(side: int, symbol: _Any, position: _Any, comment: _Any) -> _Any:
    answer = None
    for _ in range(_ATTEMPTS):
        tick = symbol_info_tick(symbol)
        if tick is None:
            return None
        answer = _RawOrder(side, symbol, position.volume, _price(side, tick), comment, position.ticket)
        if not _is_asked_again(answer):
            break
    return answer


def _price(side: int, tick: _Any) -> _Any:
    return tick.ask if side == ORDER_TYPE_BUY else tick.bid


def _is_asked_again(answer: _Any) -> bool:
    return answer is not None and answer.retcode in (TRADE_RETCODE_REQUOTE, TRADE_RETCODE_PRICE_OFF)


def _RawOrder(
    order_type: _Any, symbol: _Any, volume: _Any, price: _Any, comment: _Any = None, ticket: _Any = None
) -> _Any:
    """Send one deal; the vendor's own name for it, which programs call too."""
    asked = {
        "action": TRADE_ACTION_DEAL,
        "symbol": symbol,
        "volume": volume,
        "type": order_type,
        "price": price,
        "deviation": _DEVIATION_POINTS,
    }
    named = {"comment": comment, "position": ticket}
    return order_send(asked | {name: value for name, value in named.items() if value is not None})
