"""When a symbol is traded and quoted, in the server's wall clock.

Source: reference of MQL5, "SymbolInfoSessionTrade" (sessions by day of the server's week, Sunday first).
Quotes and trades have the same sessions here.
"""

from datetime import date
from functools import lru_cache
from typing import TypeAlias

from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.terms.symbol import Weekday

MINUTE_MS = 60_000
DAY_MS = 86_400_000
DAY_MINUTES = 1_440
WEEK_MINUTES = 7 * DAY_MINUTES
EPOCH = date(1970, 1, 1)
EPOCH_WEEKDAY = 4  # 1 January 1970 was a Thursday

HOLIDAYS_IN_A_ROW_MAX = 60
"""Days that `next_open` looks ahead; a symbol closed for longer counts as gone."""

WeekKey: TypeAlias = tuple[tuple[int, tuple[str, ...]], ...] | None


def is_open(spec: SymbolSpec, server_ms: int) -> bool:
    """Tell whether the symbol trades at a server time (milliseconds of the server's wall clock)."""
    day, within_ms = divmod(server_ms, DAY_MS)
    if day in holidays(spec):
        return False
    return bool(week(spec)[weekday(day) * DAY_MINUTES + within_ms // MINUTE_MS])


def next_open(spec: SymbolSpec, server_ms: int) -> int | None:
    """Return the first open server time from that one on, or None when the symbol stays closed."""
    if is_open(spec, server_ms):
        return server_ms
    first_minute = server_ms // MINUTE_MS + 1
    for day in range(server_ms // DAY_MS, server_ms // DAY_MS + HOLIDAYS_IN_A_ROW_MAX):
        if day in holidays(spec):
            continue
        start = max(first_minute - day * DAY_MINUTES, 0)
        place = day_minutes(spec, day).find(1, start)
        if place >= 0:
            return (day * DAY_MINUTES + place) * MINUTE_MS
    return None


def always_open(spec: SymbolSpec) -> bool:
    """Tell whether the symbol never closes."""
    return not spec.holidays and 0 not in week(spec)


def day_minutes(spec: SymbolSpec, day: int) -> bytes:
    """Return a server day (counted from 1970) as one byte a minute: 1 where the symbol trades."""
    if day in holidays(spec):
        return bytes(DAY_MINUTES)
    start = weekday(day) * DAY_MINUTES
    return week(spec)[start : start + DAY_MINUTES]


def weekday(day: int) -> int:
    """Return the day of the week, Sunday 0, of a day counted from 1970."""
    return (day + EPOCH_WEEKDAY) % 7


def week(spec: SymbolSpec) -> bytes:
    """Return the week from Sunday as one byte a minute: 1 where the symbol trades."""
    sessions = spec.sessions
    key = None if sessions is None else tuple((day.number, tuple(told)) for day, told in sessions.items())
    return _week(key, spec.weekend_closed)


def holidays(spec: SymbolSpec) -> frozenset[int]:
    """Return the closed days, counted from 1970."""
    return _holidays(spec.holidays) if spec.holidays else frozenset()


@lru_cache(maxsize=256)  # distinct timetables of one broker
def _week(sessions: WeekKey, weekend_closed: bool) -> bytes:
    if sessions is None:
        minutes = bytearray(b"\1" * WEEK_MINUTES)
    else:
        minutes = bytearray(WEEK_MINUTES)  # a day that is not named is closed
        for number, told in sessions:
            for start, end in map(_session, told):
                minutes[number * DAY_MINUTES + start : number * DAY_MINUTES + end] = b"\1" * (end - start)
    if weekend_closed:
        for day in (Weekday.SUNDAY, Weekday.SATURDAY):
            minutes[day.number * DAY_MINUTES : (day.number + 1) * DAY_MINUTES] = bytes(DAY_MINUTES)
    return bytes(minutes)


@lru_cache(maxsize=256)
def _holidays(dates: tuple[date, ...]) -> frozenset[int]:
    return frozenset(closed.toordinal() - EPOCH.toordinal() for closed in dates)


def _session(text: str) -> tuple[int, int]:
    start, _, end = text.partition("-")
    return _minute(start), max(_minute(start), _minute(end))


def _minute(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)
