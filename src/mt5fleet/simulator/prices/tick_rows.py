"""Ticks as the package packs them.

Source: reference of the package MetaTrader5, "copy_ticks_from" (COPY_TICKS, TICK_FLAG).
"""

from enum import IntEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mt5fleet.simulator.prices.rows import Ints, Ticks

TICK = np.dtype(
    [
        ("time", "<i8"),
        ("bid", "<f8"),
        ("ask", "<f8"),
        ("last", "<f8"),
        ("volume", "<u8"),
        ("time_msc", "<i8"),
        ("flags", "<u4"),
        ("volume_real", "<f8"),
    ]
)
"""One tick: 60 bytes."""

TickRows: TypeAlias = NDArray[Any]
"""Rows of `TICK`: a structured array has no element type that could be named."""

FLAG_BID = 2
FLAG_ASK = 4
FLAG_LAST = 8
FLAG_VOLUME = 16


class Wanted(IntEnum):
    """COPY_TICKS: which ticks are asked for."""

    ALL = -1
    INFO = 1  # with a new bid or ask
    TRADE = 2  # with a new last price or volume; quotes of a dealer have none


_WANTED_FLAGS = {
    Wanted.ALL: FLAG_BID | FLAG_ASK | FLAG_LAST | FLAG_VOLUME,
    Wanted.INFO: FLAG_BID | FLAG_ASK,
    Wanted.TRADE: FLAG_LAST | FLAG_VOLUME,
}


def tick_rows(ticks: Ticks, server_times_ms: Ints, digits: int) -> TickRows:
    """Return ticks as rows; a quote that repeats both sides counts as a change of both."""
    rows = np.zeros(len(ticks), TICK)
    scale = 10.0**digits
    rows["time"] = server_times_ms // 1000
    rows["time_msc"] = server_times_ms
    rows["bid"] = ticks.bids / scale
    rows["ask"] = ticks.asks / scale
    flags = _changed(ticks.bids) * FLAG_BID + _changed(ticks.asks) * FLAG_ASK
    rows["flags"] = np.where(flags == 0, FLAG_BID | FLAG_ASK, flags)
    return rows


def wanted_rows(rows: TickRows, wanted: Wanted) -> TickRows:
    """Return the rows whose flags say what is asked for."""
    kept: TickRows = rows[(rows["flags"] & _WANTED_FLAGS[wanted]) != 0]
    return kept


def _changed(prices: Ints) -> Ints:
    return np.not_equal(np.diff(prices, prepend=0), 0).astype(np.int64)
