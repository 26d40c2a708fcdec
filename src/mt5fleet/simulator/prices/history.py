"""Bars and ticks of every symbol for any time, as packed rows of the vendor's record types.

Source: reference of the package MetaTrader5, "copy_rates_from", "copy_rates_from_pos", "copy_rates_range",
"copy_ticks_from" and "copy_ticks_range". Finished bars are kept by month; bars of a day and less are made
of minutes, weeks and months of days, so the high of a day is the highest of its minutes.
"""

from collections import OrderedDict

import numpy as np

from mt5fleet.simulator.clock import Clock
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.feed import Feed
from mt5fleet.simulator.prices.openings import server_times_ms
from mt5fleet.simulator.prices.quotes import QuoteBoard
from mt5fleet.simulator.prices.rows import MINUTE_MS, Minutes
from mt5fleet.simulator.prices.tick_rows import TICK, TickRows, Wanted, tick_rows, wanted_rows
from mt5fleet.simulator.prices.timeframes import (
    DAY,
    DAY_S,
    MINUTE,
    MONTH,
    MS_PER_S,
    TIMEFRAMES,
    WEEK,
    gathered,
    in_server_time,
    packed,
    start_s,
)
from mt5fleet.simulator.prices.told import Told
from mt5fleet.simulator.server_time import ServerTime

BARS_MAX = 100_000
"""Bars of one answer, and how far back positions count: the terminal's "max. bars in chart"."""

TICKS_MAX = 2_000_000
"""Ticks of one answer (60 bytes each); a longer one is refused for want of memory."""

KEPT_ROWS_MAX = 1_000_000
"""Finished bars in memory (56 bytes each): a month of M1 bars of 13 symbols and decades of D1 bars."""

TICK_PART_MS = 3_600_000
"""Ticks are looked for in stretches of this length."""

INVALID_PARAMETERS = (-2, "Terminal: Invalid params")
OUT_OF_MEMORY = (-3, "Terminal: Out of memory")
NOT_FOUND = (-4, "Terminal: Not found")


class HistoryError(Exception):
    """The question cannot be answered; code and text are what `last_error` says."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class History:
    """Answers `copy_rates_*` and `copy_ticks_*`; all times are the server's wall clock.

    A question about an unknown symbol, timeframe or flag, or for less than one row, raises HistoryError.
    """

    def __init__(
        self,
        specs: dict[str, SymbolSpec],
        feed: Feed,
        board: QuoteBoard,
        *,
        clock: Clock,
        server_time: ServerTime,
    ) -> None:
        self._clock = clock
        self._server_time = server_time
        self._specs = specs
        for name in specs:
            if feed.source(name) is None:
                board.log(name)
        self._told = {name: Told(spec, feed, board, clock, server_time) for name, spec in specs.items()}
        self._kept: OrderedDict[tuple[str, int, int, int], Minutes] = OrderedDict()
        self._kept_rows = 0

    def rates_from(self, symbol: str, timeframe: int, from_s: int, count: int, /) -> bytes:
        """Return the last `count` bars that open at `from_s` or before."""
        self._require(symbol, timeframe, count)
        return self._packed(symbol, self._newest(symbol, timeframe, from_s, min(count, BARS_MAX)))

    def rates_from_pos(self, symbol: str, timeframe: int, start: int, count: int, /) -> bytes:
        """Return `count` bars up to the one at position `start`; 0 is the running bar."""
        self._require(symbol, timeframe, count)
        if start < 0:
            raise HistoryError(*INVALID_PARAMETERS)
        bars = self._newest(symbol, timeframe, self._now_s(), min(start + count, BARS_MAX))
        end = max(len(bars) - start, 0)
        return self._packed(symbol, bars.where(slice(max(end - count, 0), end)))

    def rates_range(self, symbol: str, timeframe: int, since_s: int, until_s: int, /) -> bytes:
        """Return the bars that open from `since_s` to `until_s`, both included; the newest 100,000."""
        self._require(symbol, timeframe, 1)
        return self._packed(symbol, self._newest(symbol, timeframe, until_s, BARS_MAX, since_s))

    def ticks_from(self, symbol: str, from_ms: int, count: int, flags: int, /) -> bytes:
        """Return the first `count` ticks at `from_ms` or later."""
        self._require(symbol, DAY, count)
        if count > TICKS_MAX:
            raise HistoryError(*OUT_OF_MEMORY)
        return self._ticks(symbol, from_ms, self._now_ms(), count, _wanted(flags))[:count].tobytes()

    def ticks_range(self, symbol: str, since_ms: int, until_ms: int, flags: int, /) -> bytes:
        """Return the ticks from `since_ms` to `until_ms`, both included."""
        self._require(symbol, DAY, 1)
        rows = self._ticks(symbol, since_ms, min(until_ms, self._now_ms()), TICKS_MAX + 1, _wanted(flags))
        if len(rows) > TICKS_MAX:
            raise HistoryError(*OUT_OF_MEMORY)
        return rows.tobytes()

    # --- bars ---

    def _newest(self, symbol: str, timeframe: int, until_s: int, count: int, since_s: int = 0) -> Minutes:
        """Return up to `count` bars that open from `since_s` to `until_s`; the newest, ascending."""
        shift_s = self._server_time.shift_ms // MS_PER_S
        last_s = min(until_s, self._now_s()) - shift_s
        first_s = max(since_s - shift_s, 0)
        make = self._of_days if timeframe in (WEEK, MONTH) else self._of_months
        bars = make(symbol, timeframe, first_s, last_s, count)
        return _opening(bars, first_s, last_s).where(slice(-count, None))

    def _of_days(self, symbol: str, timeframe: int, first_s: int, last_s: int, count: int) -> Minutes:
        first_s = start_s(timeframe, first_s)
        end_s = start_s(timeframe, start_s(timeframe, last_s) + 31 * DAY_S) - 1
        # One period more than asked for: the oldest may lack its first days, and is cut off.
        days_max = (count + 1) * (7 if timeframe == WEEK else 31)
        days = _opening(self._of_months(symbol, DAY, first_s, end_s, days_max), first_s, end_s)
        return gathered(days.where(slice(-days_max, None)), timeframe)

    def _of_months(self, symbol: str, timeframe: int, first_s: int, last_s: int, count: int) -> Minutes:
        """Return whole months of bars, enough that `count` of them open at `last_s` or before."""
        floor_s = max(first_s, self._server_s(self._told[symbol].start_ms()))
        month_s = start_s(MONTH, min(last_s, self._today_s()))
        parts: list[Minutes] = [self._today(symbol, timeframe)] if last_s >= self._today_s() else []
        rows = sum(map(len, parts))
        while rows < count and month_s >= start_s(MONTH, floor_s):
            bars = self._month(symbol, timeframe, month_s)
            parts.append(bars)
            rows += len(_opening(bars, 0, last_s))
            month_s = start_s(MONTH, month_s - 1)
        return Minutes.joined(parts[::-1])

    def _today(self, symbol: str, timeframe: int) -> Minutes:
        start_ms = self._utc_ms(self._today_s())
        return self._made(symbol, timeframe, start_ms, self._clock.now_ms() + 1)

    def _month(self, symbol: str, timeframe: int, month_s: int) -> Minutes:
        """Return the bars of a month's days before today."""
        told = self._told[symbol]
        since_ms = max(self._utc_ms(month_s), told.start_ms())
        until_ms = self._utc_ms(min(start_s(MONTH, month_s + 31 * DAY_S), self._today_s()))
        key = (symbol, timeframe, since_ms, until_ms)
        kept = self._kept.pop(key, None)
        if kept is None:
            kept = self._made(symbol, timeframe, since_ms, until_ms)
            if until_ms > told.pure_until_ms():
                return kept
            self._kept_rows += len(kept)
        self._kept[key] = kept
        while self._kept_rows > KEPT_ROWS_MAX:
            self._kept_rows -= len(self._kept.popitem(last=False)[1])
        return kept

    def _made(self, symbol: str, timeframe: int, since_ms: int, until_ms: int) -> Minutes:
        minutes = self._told[symbol].minutes(since_ms, until_ms)
        minutes = in_server_time(minutes, server_times_ms(self._server_time, minutes.times_ms))
        return minutes if timeframe == MINUTE else gathered(minutes, timeframe)

    def _packed(self, symbol: str, bars: Minutes) -> bytes:
        return packed(bars, self._specs[symbol].digits, self._server_time.shift_ms)

    # --- ticks ---

    def _ticks(self, symbol: str, since_ms: int, until_ms: int, count: int, wanted: Wanted) -> TickRows:
        """Return the ticks from `since_ms` to `until_ms`, whole parts until `count` are found."""
        shift_ms, told = self._server_time.shift_ms, self._told[symbol]
        at_ms = max(since_ms - shift_ms - max(self._offsets_ms(since_ms)), told.start_ms())
        end_ms = until_ms - shift_ms - min(self._offsets_ms(until_ms)) + 1
        parts: list[TickRows] = []
        rows = 0
        while at_ms < end_ms and rows < count:
            part = self._part(symbol, at_ms, min(at_ms + TICK_PART_MS, end_ms), wanted)
            part = part[(part["time_msc"] >= since_ms) & (part["time_msc"] <= until_ms)]
            parts.append(part)
            rows += len(part)
            at_ms = told.next_open_ms(at_ms + TICK_PART_MS) or end_ms
        found = np.concatenate(parts) if parts else np.empty(0, TICK)
        return found[np.argsort(found["time_msc"], kind="stable")]

    def _part(self, symbol: str, since_ms: int, until_ms: int, wanted: Wanted) -> TickRows:
        # From a minute before: a tick's flags say what has changed since the one before it.
        ticks = self._told[symbol].ticks(since_ms - MINUTE_MS, until_ms)
        times_ms = server_times_ms(self._server_time, ticks.times_ms) + self._server_time.shift_ms
        rows = tick_rows(ticks, times_ms, self._specs[symbol].digits)
        return wanted_rows(rows[ticks.times_ms >= since_ms], wanted)

    def _offsets_ms(self, server_ms: int) -> tuple[int, int]:
        # The day before and after: an hour in which the clocks change belongs to both offsets.
        rule = self._server_time.rule_offset_ms
        return rule(server_ms - DAY_S * MS_PER_S), rule(server_ms + DAY_S * MS_PER_S)

    # --- times ---

    def _require(self, symbol: str, timeframe: int, count: int) -> None:
        if symbol not in self._specs:
            raise HistoryError(*NOT_FOUND)
        if timeframe not in TIMEFRAMES or count < 1:
            raise HistoryError(*INVALID_PARAMETERS)

    def _now_ms(self) -> int:
        return self._server_time.server_ms(self._clock.now_ms())

    def _now_s(self) -> int:
        return self._now_ms() // MS_PER_S

    def _today_s(self) -> int:
        """Return the start of the server's day by the zone's rule."""
        return self._server_s(self._clock.now_ms()) // DAY_S * DAY_S

    def _server_s(self, utc_ms: int) -> int:
        return (utc_ms + self._server_time.rule_offset_ms(utc_ms)) // MS_PER_S

    def _utc_ms(self, rule_s: int) -> int:
        """Return the instant of a server time by the zone's rule."""
        return self._server_time.utc_ms(rule_s * MS_PER_S + self._server_time.shift_ms)


def _opening(bars: Minutes, first_s: int, last_s: int) -> Minutes:
    """Return the bars that open from one server time to another, both included."""
    return bars.between(first_s * MS_PER_S, last_s * MS_PER_S + 1)


def _wanted(flags: int) -> Wanted:
    try:
        return Wanted(flags)
    except ValueError:
        raise HistoryError(*INVALID_PARAMETERS) from None
