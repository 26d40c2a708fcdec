"""When a symbol is quoted, in UTC: its sessions seen through the server's zone."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from mt5fleet.simulator.instruments.sessions import (
    DAY_MINUTES,
    DAY_MS,
    EPOCH_WEEKDAY,
    MINUTE_MS,
    WEEK_MINUTES,
    always_open,
    holidays,
    is_open,
    week,
)
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.rows import Flags, Ints
from mt5fleet.simulator.server_time import ServerTime

AGREEMENTS_MAX = 1_000
"""Closed stretches passed while looking for a time at which several symbols are open."""

CLOSED_DAYS_MAX = 60
"""Days looked back and ahead for an open minute; a symbol closed for longer counts as gone."""


class Openings:
    """The open minutes of one symbol; a shifted server clock does not move them."""

    def __init__(self, spec: SymbolSpec, server_time: ServerTime) -> None:
        self._spec = spec
        self._server_time = server_time
        self._week = np.frombuffer(week(spec), np.bool_)
        self._holidays = np.array(sorted(holidays(spec)), np.int64)
        self.always = always_open(spec)

    def are_open(self, times_ms: Ints) -> Flags:
        """Tell for each UTC time, ascending, whether the symbol is quoted."""
        if self.always or not len(times_ms):
            return np.ones(len(times_ms), np.bool_)
        minutes = server_times_ms(self._server_time, times_ms) // MINUTE_MS
        open_ = self._week[(minutes + EPOCH_WEEKDAY * DAY_MINUTES) % WEEK_MINUTES]
        if len(self._holidays):
            open_ = open_ & ~np.isin(minutes // DAY_MINUTES, self._holidays)
        return open_

    def next_ms(self, at_ms: int) -> int | None:
        """Return the first open instant at or after a UTC time."""
        if self._is_open(at_ms):
            return at_ms
        for day in range(CLOSED_DAYS_MAX):
            minutes = self._minutes_of_day(at_ms // DAY_MS + day)
            later = minutes[minutes >= at_ms]
            if len(later):
                return int(later[0])
        return None

    def last_ms(self, at_ms: int) -> int | None:
        """Return the last open instant at or before a UTC time."""
        if self._is_open(at_ms):
            return at_ms
        for day in range(CLOSED_DAYS_MAX):
            minutes = self._minutes_of_day(at_ms // DAY_MS - day)
            earlier = minutes[minutes <= at_ms]
            if len(earlier):
                return int(earlier[-1]) + MINUTE_MS - 1
        return None

    def _is_open(self, at_ms: int) -> bool:
        return self.always or is_open(self._spec, at_ms + self._server_time.rule_offset_ms(at_ms))

    def _minutes_of_day(self, day: int) -> Ints:
        times_ms = day * DAY_MS + np.arange(DAY_MINUTES, dtype=np.int64) * MINUTE_MS
        return times_ms[self.are_open(times_ms)]


class JointOpenings:
    """The minutes in which several symbols are open at once."""

    def __init__(self, *parts: Openings) -> None:
        self._parts = parts
        self.always = all(part.always for part in parts)

    def are_open(self, times_ms: Ints) -> Flags:
        open_ = np.ones(len(times_ms), np.bool_)
        for part in self._parts:
            open_ &= part.are_open(times_ms)
        return open_

    def next_ms(self, at_ms: int) -> int | None:
        return self._agreed(at_ms, [part.next_ms for part in self._parts])

    def last_ms(self, at_ms: int) -> int | None:
        return self._agreed(at_ms, [part.last_ms for part in self._parts])

    def _agreed(self, at_ms: int, asks: Sequence[Callable[[int], int | None]]) -> int | None:
        """Move in one direction until every symbol is open."""
        for _ in range(AGREEMENTS_MAX):
            before_ms = at_ms
            for ask in asks:
                open_ms = ask(at_ms)
                if open_ms is None:
                    return None
                at_ms = open_ms
            if at_ms == before_ms:
                return at_ms
        return None


Hours: TypeAlias = Openings | JointOpenings


def server_times_ms(server_time: ServerTime, times_ms: Ints) -> Ints:
    """Return the server times of UTC times in ascending order, by the zone's rule alone."""
    if not len(times_ms):
        return times_ms
    spans = server_time.rule_spans(int(times_ms[0]), int(times_ms[-1]) + 1)
    if len(spans) == 1:
        return times_ms + spans[0][1]
    starts = np.array([start_ms for start_ms, _ in spans], np.int64)
    offsets = np.array([offset_ms for _, offset_ms in spans], np.int64)
    return times_ms + offsets[np.searchsorted(starts, times_ms, "right") - 1]
