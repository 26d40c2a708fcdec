"""Bars, ticks and market depth as a terminal asks for them: `copy_*` and `market_book_*`.

Bars and ticks leave as packed rows of the vendor's record types (60 bytes each), depth as lists of values.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from mt5fleet.simulator.host.refusals import CallRefusedError, call_failed, invalid_parameters
from mt5fleet.simulator.prices.history import HistoryError

Parameters: TypeAlias = Mapping[str, Any]

BOOKS_MAX = 128
"""Symbols whose depth one terminal may watch at once; a watcher that adds more has lost count."""


class PriceHistory(Protocol):
    """What is asked of the broker's price history; times are the server's, answers packed rows."""

    def rates_from(self, symbol: str, timeframe: int, from_s: int, count: int, /) -> bytes: ...

    def rates_from_pos(self, symbol: str, timeframe: int, start: int, count: int, /) -> bytes: ...

    def rates_range(self, symbol: str, timeframe: int, since_s: int, until_s: int, /) -> bytes: ...

    def ticks_from(self, symbol: str, from_ms: int, count: int, flags: int, /) -> bytes: ...

    def ticks_range(self, symbol: str, since_ms: int, until_ms: int, flags: int, /) -> bytes: ...


def price_rows(history: PriceHistory, call: str, parameters: Parameters) -> bytes:
    """Return the packed rows that a `copy_*` call asks for; empty when there are none.

    Raises:
        CallRefusedError: A parameter is missing, is not a number, or asks for what cannot be.
    """
    ask, names = _COPIES[call]
    try:
        numbers = [int(parameters[name]) for name in names]
    except (KeyError, TypeError, ValueError) as error:
        raise invalid_parameters() from error
    try:
        return ask(history, str(parameters["symbol"]), *numbers)
    except HistoryError as error:
        raise CallRefusedError(error.code, error.text) from error


class WatchedBooks:
    """The symbols whose depth a terminal watches: it shows none that was not added first."""

    def __init__(self) -> None:
        self._symbols: set[str] = set()

    def add(self, symbol: str) -> bool:
        if len(self._symbols) >= BOOKS_MAX and symbol not in self._symbols:
            raise call_failed()
        self._symbols.add(symbol)
        return True

    def release(self, symbol: str) -> bool:
        """Stop watching; releasing what is not watched is no error."""
        self._symbols.discard(symbol)
        return True

    def require(self, symbol: str) -> None:
        if symbol not in self._symbols:
            raise call_failed()


_COPIES: dict[str, tuple[Callable[..., bytes], tuple[str, ...]]] = {
    "copy_rates_from": (
        lambda history, *asked: history.rates_from(*asked),
        ("timeframe", "from_s", "count"),
    ),
    "copy_rates_from_pos": (
        lambda history, *asked: history.rates_from_pos(*asked),
        ("timeframe", "start", "count"),
    ),
    "copy_rates_range": (
        lambda history, *asked: history.rates_range(*asked),
        ("timeframe", "since_s", "until_s"),
    ),
    "copy_ticks_from": (
        lambda history, *asked: history.ticks_from(*asked),
        ("from_ms", "count", "flags"),
    ),
    "copy_ticks_range": (
        lambda history, *asked: history.ticks_range(*asked),
        ("since_ms", "until_ms", "flags"),
    ),
}

PRICE_CALLS = frozenset(_COPIES)
