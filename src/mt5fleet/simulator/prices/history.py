"""Bars and ticks of every symbol for any time, as packed rows of the vendor's record types."""

from mt5fleet.simulator.clock import Clock
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.feed import Feed
from mt5fleet.simulator.prices.quotes import QuoteBoard
from mt5fleet.simulator.server_time import ServerTime


class HistoryError(Exception):
    """The question cannot be answered; code and text are what `last_error` says."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class History:
    """Answers `copy_rates_*` and `copy_ticks_*`; all times are the server's wall clock."""

    def __init__(
        self,
        specs: dict[str, SymbolSpec],
        feed: Feed,
        board: QuoteBoard,
        *,
        clock: Clock,
        server_time: ServerTime,
    ) -> None:
        self._specs = specs

    def rates_from(self, symbol: str, timeframe: int, from_s: int, count: int, /) -> bytes:
        return b""

    def rates_from_pos(self, symbol: str, timeframe: int, start: int, count: int, /) -> bytes:
        return b""

    def rates_range(self, symbol: str, timeframe: int, since_s: int, until_s: int, /) -> bytes:
        return b""

    def ticks_from(self, symbol: str, from_ms: int, count: int, flags: int, /) -> bytes:
        return b""

    def ticks_range(self, symbol: str, since_ms: int, until_ms: int, flags: int, /) -> bytes:
        return b""
