"""Crosses as sources of their own: a quote at each quote of a leg, the product of what both legs quote then.

Bars of a cross must follow from its quotes without making every quote of years. Of two invented legs the
cross's minute is therefore looked at where it turns: its high and low are the highest and lowest product at
the first and last quote and wherever a leg has its own high or low. The quotes between these instants that
would lie outside (one in twenty, by a tenth of the spread) are held at the high or low, so that a bar is
exactly the bar of its quotes.
With a recorded leg every quote is made and the bars are counted from them.
"""

from decimal import Decimal
from functools import lru_cache
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.inside import InsideMinutes, Places
from mt5fleet.simulator.prices.openings import JointOpenings, Openings
from mt5fleet.simulator.prices.quotes import Cross
from mt5fleet.simulator.prices.rows import MINUTE_MS, Ints, Minutes, Ticks, merged
from mt5fleet.simulator.prices.sources import Source, Tick, TickReader
from mt5fleet.simulator.prices.synthetic import CHUNK_MS, SyntheticSource

PART_MS = 86_400_000
"""Quotes of a cross with a recorded leg are made a day at a time."""

TURNING_PART_MS = 10 * 86_400_000
"""Minutes of a cross are looked at in parts that fit into a processor's cache."""

CROSS_START_MS = 1_420_070_400_000
"""1 January 2015: crosses take several times the work of their legs, a month of minutes 20 to 30 ms."""

Floats: TypeAlias = NDArray[np.float64]


class LegSource(Source, Protocol):
    """A source that knows what it quotes."""

    spec: SymbolSpec

    @property
    def openings(self) -> Openings: ...


class CrossSource:
    """The product of two sources, each leg taken as it is or turned over; closed while a leg is."""

    def __init__(self, cross: Cross, first: LegSource, second: LegSource, openings: Openings) -> None:
        self.legs = cross.legs
        self._spec = cross.spec
        self._turned = cross.turned
        self._first, self._second = first, second
        self.openings = JointOpenings(openings, first.openings, second.openings)
        self._reader = TickReader(self.ticks, self.openings, digits=cross.spec.digits, chunk_ms=CHUNK_MS)

    def at_or_before(self, at_ms: int) -> Tick | None:
        return self._reader.at_or_before(at_ms)

    def after(self, at_ms: int) -> Tick | None:
        return self._reader.after(at_ms)

    def history_start_ms(self, now_ms: int) -> int:
        start_ms = max(leg.history_start_ms(now_ms) for leg in (self._first, self._second))
        return max(start_ms, min(CROSS_START_MS, now_ms))

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
            return Minutes.joined(
                [
                    self._turning_minutes(
                        self._first, self._second, part_ms, min(part_ms + TURNING_PART_MS, end_ms)
                    )
                    for part_ms in range(start_ms, end_ms, TURNING_PART_MS)
                ]
            )
        parts = [
            Minutes.of(self.ticks(day_ms, min(day_ms + PART_MS, end_ms)))
            for day_ms in range(start_ms, end_ms, PART_MS)
        ]
        return Minutes.joined(parts)

    # --- every quote ---

    def _product(self, since_ms: int, until_ms: int) -> Ticks:
        sides = [leg.ticks(since_ms, until_ms) for leg in (self._first, self._second)]
        times = merged(sides[0].times_ms, sides[1].times_ms)
        times = times[self.openings.are_open(times)]
        legs = [
            self._held(leg, ticks, times)
            for leg, ticks in zip((self._first, self._second), sides, strict=True)
        ]
        known = (legs[0].bids > 0) & (legs[1].bids > 0)
        bids, asks = self._crossed(legs[0].where(known), legs[1].where(known))
        return Ticks(times[known], bids, asks)

    def _held(self, leg: LegSource, ticks: Ticks, times: Ints) -> Ticks:
        """Return the leg's quote that holds at each time; 0 where it has not quoted yet."""
        needs_earlier = len(times) and not (len(ticks) and ticks.times_ms[0] <= times[0])
        before = leg.at_or_before(int(times[0]) - 1) if needs_earlier else None
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
        legs = self._common(first.inside(since_ms, until_ms), second.inside(since_ms, until_ms))
        opens, first_asks = self._crossed(legs[0].opens(), legs[1].opens())
        closes, _ = self._crossed(legs[0].closes(), legs[1].closes())
        turns = [self._crossed(turn, legs[1].held(turn.times_ms))[0] for turn in legs[0].turns()]
        turns += [self._crossed(legs[0].held(turn.times_ms), turn)[0] for turn in legs[1].turns()]
        highs, lows = opens.copy(), opens.copy()
        for prices in (closes, *turns):
            np.maximum(highs, prices, out=highs)
            np.minimum(lows, prices, out=lows)
        counts = _union_counts(*(leg.counts for leg in legs))
        return Minutes(legs[0].minutes.times_ms, opens, highs, lows, closes, counts, first_asks - opens)

    def _common(self, first: InsideMinutes, second: InsideMinutes) -> tuple["_Leg", "_Leg"]:
        """Return the minutes in which both legs and the cross are open."""
        if self.openings.always:
            return _Leg(first, slice(None)), _Leg(second, slice(None))
        times, place, other = np.intersect1d(
            first.minutes.times_ms, second.minutes.times_ms, assume_unique=True, return_indices=True
        )
        open_ = self.openings.are_open(times)
        return _Leg(first, place[open_]), _Leg(second, other[open_])


class _Leg:
    """Some minutes of one leg; its ticks are stamped with the time since their minute's start."""

    def __init__(self, inside: InsideMinutes, which: Places) -> None:
        self.which = which
        self.counts = inside.counts[which]
        self.minutes = inside.minutes.where(which)
        self._inside = inside

    def opens(self) -> Ticks:
        return self._quoted(self.minutes.opens, np.zeros(len(self.counts), np.int64))

    def closes(self) -> Ticks:
        return self._quoted(self.minutes.closes, (self.counts - 1) * MINUTE_MS // self.counts)

    def turns(self) -> tuple[Ticks, Ticks]:
        """Return the ticks of each minute's high and low, the earlier of the two first."""
        early, late = self._inside.early[self.which], self._inside.late[self.which]
        return (
            self._quoted(self._inside.early_bids[self.which], early * MINUTE_MS // self.counts),
            self._quoted(self._inside.late_bids[self.which], late * MINUTE_MS // self.counts),
        )

    def held(self, within_ms: Ints) -> Ticks:
        """Return the quote that holds at an instant of each minute."""
        slots = self._inside.slots_at(self.which, within_ms)
        return self._quoted(self._inside.bids(self.which, slots), within_ms)

    def _quoted(self, bids: Ints, within_ms: Ints) -> Ticks:
        return Ticks(within_ms, bids, bids + self.minutes.spreads)


def _union_counts(first: Ints, second: Ints) -> Ints:
    pairs, places = np.unique(first * (MINUTE_MS + 1) + second, return_inverse=True)
    counts = [_union_count(*divmod(int(pair), MINUTE_MS + 1)) for pair in pairs]
    return np.array(counts, np.int64)[places]


@lru_cache(maxsize=4_096)  # a leg's minutes have 16 different numbers of quotes
def _union_count(first: int, second: int) -> int:
    """Return how many instants two legs of that many evenly spread quotes have in a minute."""
    instants = [np.arange(count, dtype=np.int64) * MINUTE_MS // count for count in (first, second)]
    return len(merged(*instants))


def _points(spec: SymbolSpec, price: Decimal) -> int:
    return int(price / spec.point)
