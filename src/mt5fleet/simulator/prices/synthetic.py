"""Invented prices: a walk by the minute with quotes inside, the same for one seed whenever they are asked."""

from zlib import crc32

import numpy as np

from mt5fleet.simulator.instruments.catalogue import SyntheticTerms
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.inside import InsideMinutes
from mt5fleet.simulator.prices.openings import Openings
from mt5fleet.simulator.prices.rows import MINUTE_MS, Minutes, Ticks
from mt5fleet.simulator.prices.sources import HISTORY_START_MS, Tick, TickReader
from mt5fleet.simulator.prices.walk import BLOCK_MINUTES, Walk, WalkTerms

CHUNK_MS = 600_000
"""Ten minutes of ticks are made at a time for the feed: 1,200 at two a second."""


class SyntheticSource:
    """A seeded random walk around `terms.mid`; `interval_ms` is the shortest time between two quotes."""

    def __init__(
        self, terms: SyntheticTerms, spec: SymbolSpec, openings: Openings, *, interval_ms: int, seed: str
    ) -> None:
        self.openings = openings
        self.spec = spec
        self.unit = max(round(spec.tick_size / spec.point), 1)
        self._spread = -(-terms.spread_points // self.unit) * self.unit
        self._seed = crc32(seed.encode())
        mid = float(terms.mid / spec.tick_size) - self._spread // self.unit // 2
        walk = WalkTerms(
            mid=mid,
            day_movement=mid * float(terms.volatility_percent_day) / 100,
            slots=max(MINUTE_MS // interval_ms, 1),
            seed=seed,
        )
        self._walk = Walk(walk, openings)
        self._newest: tuple[tuple[int, int], Ticks] = ((0, 0), Ticks.none())
        self._reader = TickReader(self.ticks, openings, digits=spec.digits, chunk_ms=CHUNK_MS)

    def at_or_before(self, at_ms: int) -> Tick | None:
        return self._reader.at_or_before(at_ms)

    def after(self, at_ms: int) -> Tick | None:
        return self._reader.after(at_ms)

    def history_start_ms(self, now_ms: int) -> int:
        return min(HISTORY_START_MS, now_ms)

    def ticks(self, since_ms: int, until_ms: int) -> Ticks:
        # The crosses made of this symbol ask for the same chunk one after another.
        if (since_ms, until_ms) != self._newest[0]:
            ticks = self._made(since_ms, until_ms)
            if until_ms - since_ms > CHUNK_MS:
                return ticks
            self._newest = ((since_ms, until_ms), ticks)
        return self._newest[1]

    def minutes(self, since_ms: int, until_ms: int) -> Minutes:
        first, last = -(-since_ms // MINUTE_MS), until_ms // MINUTE_MS
        open_ms = self.openings.next_ms(since_ms)
        if open_ms is None or open_ms >= until_ms:
            return Minutes.none()
        numbers = range(first // BLOCK_MINUTES, (last - 1) // BLOCK_MINUTES + 1)
        # The newest first: a request goes back in time, and its next part begins where this one ends.
        parts = [self._part(number, first, last) for number in reversed(numbers)]
        return Minutes.joined(parts[::-1])

    def inside(self, since_ms: int, until_ms: int) -> InsideMinutes:
        """Return every minute that has a part in that time, ready to quote."""
        first, last = since_ms // MINUTE_MS, -(-until_ms // MINUTE_MS)
        minutes = self.minutes(first * MINUTE_MS, last * MINUTE_MS)
        return InsideMinutes(minutes, unit=self.unit, seed=self._seed)

    def _made(self, since_ms: int, until_ms: int) -> Ticks:
        inside = self.inside(since_ms, until_ms)
        which, slots = inside.all_slots()
        bids = inside.bids(which, slots)
        return Ticks(inside.times_ms(which, slots), bids, bids + self._spread).between(since_ms, until_ms)

    def _part(self, number: int, first: int, last: int) -> Minutes:
        block, start = self._walk.block(number), number * BLOCK_MINUTES
        part = slice(max(first - start, 0), min(last - start, BLOCK_MINUTES))
        times = (start + np.arange(part.start, part.stop, dtype=np.int64)) * MINUTE_MS
        prices = (block.opens, block.highs, block.lows, block.closes)
        opens, highs, lows, closes = (column[part] * self.unit for column in prices)
        spreads = np.full(len(times), self._spread, np.int64)
        minutes = Minutes(times, opens, highs, lows, closes, block.counts[part], spreads)
        return minutes if self.openings.always else minutes.where(minutes.volumes > 0)
