"""Price sources that run with time, and the feed that merges them.

A price is a function of (seed, symbol, time since the feed's epoch): a restarted broker goes on where the
market would be now, and two brokers with one seed and one clock quote the same.
"""

import heapq
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import sqrt
from random import Random
from typing import Protocol

from mt5fleet.simulator.instruments.catalogue import SyntheticTerms
from mt5fleet.simulator.prices.recordings import Recording

SECONDS_PER_DAY = 86_400

CATCH_UP_MS = 5_000
"""A feed that fell behind further than this (a frozen process) skips the missed ticks."""

BLOCK_STEPS = 4_096
"""Steps of one bridge of a random walk: half an hour at two ticks a second, made in some milliseconds."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One quote of a source, due at a time since the feed's epoch."""

    at_ms: int
    bid: Decimal
    ask: Decimal


class Source(Protocol):
    """Ticks of one symbol in order of time, without end."""

    def first_at_or_before(self, at_ms: int) -> Tick: ...

    def after(self, at_ms: int) -> Tick: ...


class RecordedSource:
    """A recording told in a loop, `speed` times faster than it happened."""

    def __init__(self, recording: Recording, *, digits: int, speed: float) -> None:
        self._recording = recording
        self._point = Decimal(1).scaleb(-digits)
        self._first_ms = recording.offsets_ms[0]
        self._speed = speed
        # One more millisecond than the recording, so that the loop's first tick has a time of its own.
        self._length_ms = recording.offsets_ms[-1] - self._first_ms + 1

    def first_at_or_before(self, at_ms: int) -> Tick:
        loop, within_ms = divmod(int(at_ms * self._speed), self._length_ms)
        place = bisect_right(self._recording.offsets_ms, within_ms + self._first_ms) - 1
        return self._tick(loop, place)

    def after(self, at_ms: int) -> Tick:
        loop, within_ms = divmod(int(at_ms * self._speed), self._length_ms)
        place = bisect_right(self._recording.offsets_ms, within_ms + self._first_ms)
        for _ in range(len(self._recording.offsets_ms)):
            if place == len(self._recording.offsets_ms):
                loop, place = loop + 1, 0
            tick = self._tick(loop, place)
            if tick.at_ms > at_ms:
                return tick
            place += 1  # several recorded ticks fall into one millisecond of ours
        return Tick(at_ms + 1, tick.bid, tick.ask)  # a whole recording within one millisecond

    def _tick(self, loop: int, place: int) -> Tick:
        told_ms = loop * self._length_ms + self._recording.offsets_ms[place] - self._first_ms
        bid, ask = self._recording.bids[place] * self._point, self._recording.asks[place] * self._point
        return Tick(round(told_ms / self._speed), bid, ask)


class SyntheticSource:
    """A random walk made of bridges that all begin and end at the starting mid, each with its own seed."""

    def __init__(self, terms: SyntheticTerms, *, digits: int, interval_ms: int, seed: str) -> None:
        self._mid_points = int(terms.mid.scaleb(digits))
        self._spread_points = terms.spread_points
        self._point = Decimal(1).scaleb(-digits)
        self._interval_ms = interval_ms
        self._seed = seed
        day_share = interval_ms / 1000 / SECONDS_PER_DAY
        self._step_points = self._mid_points * float(terms.volatility_percent_day) / 100 * sqrt(day_share)
        self._block: tuple[int, list[int]] = (-1, [])

    def first_at_or_before(self, at_ms: int) -> Tick:
        return self._tick(at_ms // self._interval_ms)

    def after(self, at_ms: int) -> Tick:
        return self._tick(at_ms // self._interval_ms + 1)

    def _tick(self, step: int) -> Tick:
        block, place = divmod(step, BLOCK_STEPS)
        if self._block[0] != block:
            self._block = (block, self._bridge(block))
        mid = max(self._mid_points + self._block[1][place], self._spread_points + 1)
        bid = mid - self._spread_points // 2
        ask = bid + self._spread_points
        return Tick(step * self._interval_ms, bid * self._point, ask * self._point)

    def _bridge(self, block: int) -> list[int]:
        chance = Random(f"{self._seed}/{block}")
        walk, at = [], 0.0
        for _ in range(BLOCK_STEPS):
            walk.append(at)
            at += chance.gauss(0.0, self._step_points)
        return [round(level - at * place / BLOCK_STEPS) for place, level in enumerate(walk)]


class Feed:
    """The sources of all symbols, merged in order of time; `fixed` quotes silence a source."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = dict(sources)
        self._due: list[tuple[int, str, Tick]] = []
        self._silent: set[str] = set()

    def start(self, at_ms: int) -> list[tuple[str, Tick]]:
        """Return each symbol's quote at a time and arm the ticks that follow."""
        quotes = [(symbol, source.first_at_or_before(at_ms)) for symbol, source in self._sources.items()]
        self._due = []
        for symbol, source in self._sources.items():
            self._arm(symbol, source.after(at_ms))
        return quotes

    def silence(self, symbol: str) -> None:
        """Stop a symbol's source: from now on its quote is set by command."""
        self._silent.add(symbol)

    def revive(self) -> None:
        """Let every source quote again."""
        self._silent.clear()

    def due(self, now_ms: int) -> list[tuple[str, Tick]]:
        """Return the ticks up to now in order; after a long gap only each symbol's newest one."""
        if self._due and now_ms - self._due[0][0] > CATCH_UP_MS:
            return self._audible(self.start(now_ms))
        ticks: list[tuple[str, Tick]] = []
        while self._due and self._due[0][0] <= now_ms:
            _, symbol, tick = heapq.heappop(self._due)
            ticks.append((symbol, tick))
            self._arm(symbol, self._sources[symbol].after(tick.at_ms))
        return self._audible(ticks)

    def _arm(self, symbol: str, tick: Tick) -> None:
        heapq.heappush(self._due, (tick.at_ms, symbol, tick))

    def _audible(self, ticks: list[tuple[str, Tick]]) -> list[tuple[str, Tick]]:
        return [(symbol, tick) for symbol, tick in ticks if symbol not in self._silent]
