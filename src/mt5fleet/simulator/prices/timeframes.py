"""Periods of bars, and bars of a longer period from those of a shorter one.

Source: reference of the package MetaTrader5, "copy_rates_from" (TIMEFRAME), and of MQL5, "MqlRates".
"""

import numpy as np

from mt5fleet.simulator.prices.rows import Ints, Minutes

RATE = np.dtype(
    [
        ("time", "<i8"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("tick_volume", "<u8"),
        ("spread", "<i4"),
        ("real_volume", "<u8"),
    ]
)
"""One bar as the package packs it: 60 bytes."""

MS_PER_S = 1_000
DAY_S = 86_400
MINUTE = 1
DAY = 16_408
WEEK = 32_769
MONTH = 49_153

_HOUR_FLAG = 0x4000
_SUNDAY = 4  # days from the Sunday before 1 January 1970 to that Thursday

PERIODS_S: dict[int, int] = {
    **{minutes: minutes * 60 for minutes in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)},
    **{hours | _HOUR_FLAG: hours * 3_600 for hours in (1, 2, 3, 4, 6, 8, 12, 24)},
}
"""Timeframe: seconds of its bars, for all but weeks and months."""

TIMEFRAMES = frozenset({*PERIODS_S, WEEK, MONTH})


def starts_s(timeframe: int, times_s: Ints) -> Ints:
    """Return the opening time of the bar that each server time belongs to; weeks begin on Sunday."""
    if timeframe == WEEK:
        return ((times_s // DAY_S + _SUNDAY) // 7 * 7 - _SUNDAY) * DAY_S
    if timeframe == MONTH:
        return (
            times_s.astype("datetime64[s]").astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
        )
    return times_s // PERIODS_S[timeframe] * PERIODS_S[timeframe]


def start_s(timeframe: int, time_s: int) -> int:
    """Return the opening time of the bar that one server time belongs to."""
    return int(starts_s(timeframe, np.array([time_s], np.int64))[0])


def gathered(bars: Minutes, timeframe: int) -> Minutes:
    """Return the bars of a timeframe made of shorter ones: ascending, only where there was a quote."""
    if not len(bars):
        return bars
    starts = starts_s(timeframe, bars.times_ms // MS_PER_S)
    first = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    last = np.append(first[1:], len(bars)) - 1
    return Minutes(
        starts[first] * MS_PER_S,
        bars.opens[first],
        np.maximum.reduceat(bars.highs, first),
        np.minimum.reduceat(bars.lows, first),
        bars.closes[last],
        np.add.reduceat(bars.volumes, first),
        bars.spreads[first],
    )


def in_server_time(minutes: Minutes, server_times_ms: Ints) -> Minutes:
    """Return minutes stamped with server time; an hour that the server's clock repeats is one hour."""
    stamped = Minutes(server_times_ms, *minutes.columns()[1:])
    if len(minutes) and np.any(np.diff(server_times_ms) <= 0):
        return gathered(stamped.where(np.argsort(server_times_ms, kind="stable")), MINUTE)
    return stamped


def packed(bars: Minutes, digits: int, shift_ms: int) -> bytes:
    """Return bars as rows of `RATE`, their times moved by what the server's clock is shifted."""
    rates = np.empty(len(bars), RATE)
    scale = 10.0**digits
    rates["time"] = (bars.times_ms + shift_ms) // MS_PER_S
    for name in ("open", "high", "low", "close"):
        rates[name] = getattr(bars, f"{name}s") / scale
    rates["tick_volume"] = bars.volumes
    rates["spread"] = bars.spreads
    rates["real_volume"] = 0
    return rates.tobytes()
