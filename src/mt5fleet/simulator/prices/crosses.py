"""Crosses as sources of their own: a quote at each quote of a leg, the product of what both legs quote then.

Bars of a cross must follow from its quotes without making every quote of years. Of two invented legs the
cross's minute is therefore looked at where it turns: its high and low are the highest and lowest product at
the first and last quote and wherever a leg has its own high or low. The few quotes between these instants
that would lie outside are held at the high or low, so that a bar is exactly the bar of its quotes.
With a recorded leg every quote is made and the bars are counted from them.
"""

from decimal import Decimal
from functools import lru_cache
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.inside import InsideMinutes
from mt5fleet.simulator.prices.openings import Openings
from mt5fleet.simulator.prices.quotes import Cross
from mt5fleet.simulator.prices.rows import MINUTE_MS, Ints, Minutes, Ticks
from mt5fleet.simulator.prices.sources import Source, Tick, TickReader
from mt5fleet.simulator.prices.synthetic import CHUNK_MS, SyntheticSource

PART_MS = 86_400_000
"""Quotes of a cross with a recorded leg are made a day at a time."""

Floats: TypeAlias = NDArray[np.float64]


class LegSource(Source, Protocol):
    """A source that knows what it quotes."""

    spec: SymbolSpec
    openings: Openings


class CrossSource:
    """The product of two sources, each leg taken as it is or turned over; closed while a leg is."""

    def __init__(self, cross: Cross, first: LegSource, second: LegSource, openings: Openings) -> None:
        self.legs = cross.legs
        self._spec = cross.spec
        self._turned = cross.turned
        self._first, self._second = first, second
        self._openings = (openings, first.openings, second.openings)
        self._reader = TickReader(self.ticks, openings, digits=cross.spec.digits, chunk_ms=CHUNK_MS)

    def at_or_before(self, at_ms: int) -> Tick | None:
        return self._reader.at_or_before(at_ms)

    def after(self, at_ms: int) -> Tick | None:
        return self._reader.after(at_ms)

    def history_start_ms(self, now_ms: int) -> int:
        return max(leg.history_start_ms(now_ms) for leg in (self._first, self._second))

    def ticks(self, since_ms: int, until_ms: int) -> Ticks:
        if not (isinstance(self._first, SyntheticSource) and isinstance(self._second, SyntheticSource)):
            return self._product(since_ms, until_ms)
        start_ms, end_ms = since_ms // MINUTE_MS * MINUTE_MS, -(-until_ms // MINUTE_MS) * MINUTE_MS
        ticks = self._product(start_ms, end_ms)
        if not len(ticks):
            return ticks
        minutes = self.minutes(start_ms, end_ms)
        which = np.searchsorted(minutes.times_ms, ticks.times_ms, "right") - 1
        bids = np.clip(ticks.bids, minutes.lows[which], minutes.highs[which])
        return Ticks(ticks.times_ms, bids, ticks.asks - ticks.bids + bids).between(since_ms, until_ms)

    def minutes(self, since_ms: int, until_ms: int) -> Minutes:
        start_ms, end_ms = -(-since_ms // MINUTE_MS) * MINUTE_MS, until_ms // MINUTE_MS * MINUTE_MS
        if isinstance(self._first, SyntheticSource) and isinstance(self._second, SyntheticSource):
            return self._turning_minutes(self._first, self._second, start_ms, end_ms)
        parts = [
            Minutes.of(self.ticks(day_ms, min(day_ms + PART_MS, end_ms)))
            for day_ms in range(start_ms, end_ms, PART_MS)
        ]
        return Minutes.joined(parts)

    # --- every quote ---

    def _product(self, since_ms: int, until_ms: int) -> Ticks:
        sides = [leg.ticks(since_ms, until_ms) for leg in (self._first, self._second)]
        times = np.union1d(sides[0].times_ms, sides[1].times_ms)
        for openings in self._openings:
            times = times[openings.are_open(times)]
        legs = [
            self._held(leg, ticks, times)
            for leg, ticks in zip((self._first, self._second), sides, strict=True)
        ]
        known = (legs[0].bids > 0) & (legs[1].bids > 0)
        bids, asks = self._crossed(legs[0].where(known), legs[1].where(known))
        return Ticks(times[known], bids, asks)

    def _held(self, leg: LegSource, ticks: Ticks, times: Ints) -> Ticks:
        """Return the leg's quote that holds at each time; 0 where it has not quoted yet."""
        before = leg.at_or_before(int(times[0]) - 1) if len(times) else None
        sides = (0, 0) if before is None else (_points(leg.spec, before.bid), _points(leg.spec, before.ask))
        places = np.searchsorted(ticks.times_ms, times, "right")
        bids = np.concatenate((np.array(sides[:1], np.int64), ticks.bids))
        asks = np.concatenate((np.array(sides[1:], np.int64), ticks.asks))
        return Ticks(times, bids[places], asks[places])

    def _crossed(self, first: Ticks, second: Ticks) -> tuple[Ints, Ints]:
        first_bids, first_asks = self._sides(first, self._first.spec, turned=self._turned[0])
        second_bids, second_asks = self._sides(second, self._second.spec, turned=self._turned[1])
        return self._on_grid(first_bids * second_bids), self._on_grid(first_asks * second_asks)

    def _sides(self, ticks: Ticks, spec: SymbolSpec, *, turned: bool) -> tuple[Floats, Floats]:
        scale = 10.0**spec.digits
        if turned:
            return scale / ticks.asks, scale / ticks.bids
        return ticks.bids / scale, ticks.asks / scale

    def _on_grid(self, prices: Floats) -> Ints:
        unit = max(round(self._spec.tick_size / self._spec.point), 1)
        steps = np.floor(prices * (10.0**self._spec.digits / unit) + 0.5).astype(np.int64)
        return np.maximum(steps, 1) * unit

    # --- where a minute turns ---

    def _turning_minutes(
        self, first: SyntheticSource, second: SyntheticSource, since_ms: int, until_ms: int
    ) -> Minutes:
        inside = (first.inside(since_ms, until_ms), second.inside(since_ms, until_ms))
        times, *places = np.intersect1d(
            inside[0].minutes.times_ms, inside[1].minutes.times_ms, assume_unique=True, return_indices=True
        )
        open_ = self._openings[0].are_open(times)
        legs = [_Leg(leg, place[open_]) for leg, place in zip(inside, places, strict=True)]
        turns = [*legs[0].turns_ms(), *legs[1].turns_ms()]
        opens, first_asks = self._at(legs, np.zeros(len(legs[0].which), np.int64))
        closes, _ = self._at(legs, np.full(len(legs[0].which), MINUTE_MS - 1, np.int64))
        prices = [opens, closes, *(self._at(legs, within_ms)[0] for within_ms in turns)]
        counts = _union_counts(*(leg.counts for leg in legs))
        highs, lows = np.maximum.reduce(prices), np.minimum.reduce(prices)
        return Minutes(times[open_], opens, highs, lows, closes, counts, first_asks - opens)

    def _at(self, legs: list["_Leg"], within_ms: Ints) -> tuple[Ints, Ints]:
        return self._crossed(legs[0].held(within_ms), legs[1].held(within_ms))


class _Leg:
    """Some minutes of one leg, asked for the quote that holds at an instant of each."""

    def __init__(self, inside: InsideMinutes, which: Ints) -> None:
        self.which = which
        self.counts = inside.counts[which]
        self._inside = inside

    def turns_ms(self) -> tuple[Ints, Ints]:
        """Return how long after each minute's start its high and its low are quoted, in order of time."""
        early, late = (self._inside.early[self.which], self._inside.late[self.which])
        return early * MINUTE_MS // self.counts, late * MINUTE_MS // self.counts

    def held(self, within_ms: Ints) -> Ticks:
        bids = self._inside.bids(self.which, self._inside.slots_at(self.which, within_ms))
        return Ticks(within_ms, bids, bids + self._inside.minutes.spreads[self.which])


def _union_counts(first: Ints, second: Ints) -> Ints:
    pairs, places = np.unique(first * (MINUTE_MS + 1) + second, return_inverse=True)
    counts = [_union_count(*divmod(int(pair), MINUTE_MS + 1)) for pair in pairs]
    return np.array(counts, np.int64)[places]


@lru_cache(maxsize=4_096)  # a leg's minutes have 16 different numbers of quotes
def _union_count(first: int, second: int) -> int:
    """Return how many instants two legs of that many evenly spread quotes have in a minute."""
    times = (np.arange(count, dtype=np.int64) * MINUTE_MS // count for count in (first, second))
    return len(np.union1d(*times))


def _points(spec: SymbolSpec, price: Decimal) -> int:
    return int(price / spec.point)
