"""What a source of prices answers, and how a feed reads the next tick from it."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from mt5fleet.simulator.prices.openings import Hours
from mt5fleet.simulator.prices.rows import Minutes, Ticks

HISTORY_START_MS = 946_684_800_000
"""1 January 2000: the first instant that invented prices go back to."""

EMPTY_CHUNKS_MAX = 2_000
"""Stretches of time without a tick looked through for the next one, beside the symbol's closed hours."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One quote of a source, due at a time (UTC milliseconds)."""

    at_ms: int
    bid: Decimal
    ask: Decimal


class LiveSource(Protocol):
    """Ticks of one symbol in order of time; None where there is none."""

    def at_or_before(self, at_ms: int) -> Tick | None: ...

    def after(self, at_ms: int) -> Tick | None: ...


class Source(LiveSource, Protocol):
    """A source that also knows its past and future: the same answer whenever it is asked."""

    @property
    def openings(self) -> Hours:
        """Return when it quotes."""
        ...

    def history_start_ms(self, now_ms: int) -> int:
        """Return from when there are prices."""
        ...

    def ticks(self, since_ms: int, until_ms: int) -> Ticks:
        """Return the ticks from `since_ms` to before `until_ms`."""
        ...

    def minutes(self, since_ms: int, until_ms: int) -> Minutes:
        """Return the bars of the whole minutes from `since_ms` to before `until_ms`."""
        ...


class TickReader:
    """Reads single ticks from a source that makes them in bulk, one chunk of time after another."""

    def __init__(
        self,
        ticks: Callable[[int, int], Ticks],
        openings: Hours,
        *,
        digits: int,
        chunk_ms: int,
    ) -> None:
        self._ticks = ticks
        self._openings = openings
        self._point = Decimal(1).scaleb(-digits)
        self._chunk_ms = chunk_ms
        self._chunk = -1
        self._times: list[int] = []
        self._rows = Ticks.none()

    def at_or_before(self, at_ms: int) -> Tick | None:
        for _ in range(EMPTY_CHUNKS_MAX):
            open_ms = self._openings.last_ms(at_ms)
            if open_ms is None or open_ms < 0:
                return None
            self._load(open_ms // self._chunk_ms)
            place = bisect_right(self._times, open_ms)
            if place:
                return self._tick(place - 1)
            at_ms = self._chunk * self._chunk_ms - 1
        return None

    def after(self, at_ms: int) -> Tick | None:
        for _ in range(EMPTY_CHUNKS_MAX):
            open_ms = self._openings.next_ms(at_ms + 1)
            if open_ms is None:
                return None
            self._load(open_ms // self._chunk_ms)
            place = bisect_right(self._times, at_ms)
            if place < len(self._times):
                return self._tick(place)
            at_ms = (self._chunk + 1) * self._chunk_ms - 1
        return None

    def _load(self, chunk: int) -> None:
        if self._chunk != chunk:
            self._rows = self._ticks(chunk * self._chunk_ms, (chunk + 1) * self._chunk_ms)
            self._times = self._rows.times_ms.tolist()
            self._chunk = chunk

    def _tick(self, place: int) -> Tick:
        bid, ask = int(self._rows.bids[place]), int(self._rows.asks[place])
        return Tick(self._times[place], bid * self._point, ask * self._point)
