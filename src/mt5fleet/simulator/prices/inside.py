"""The quotes inside a minute, so that their first, highest, lowest and last are the minute's bar.

A minute of n quotes has n slots, spread evenly. The high and the low have slots of their own between the
first and the last; the others lie on the lines between these four, moved a little by chance that depends on
the minute and the slot alone. So the quote of any slot is known without making the others.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mt5fleet.simulator.prices.rows import MINUTE_MS, Flags, Ints, Minutes
from mt5fleet.simulator.prices.walk import ROOMY_COUNT

NOISE_SHARE = 0.25
"""Width of the chance around the lines, as a share of the minute's range; more would bend crosses."""

Words: TypeAlias = NDArray[np.uint32]

Places: TypeAlias = Ints | slice
"""Some minutes by their place, or all of them."""


class InsideMinutes:
    """The slots of some minutes; `which` is always a place among these minutes."""

    def __init__(self, minutes: Minutes, *, unit: int, seed: int) -> None:
        self.minutes = minutes
        self.counts = minutes.volumes
        self._unit = unit
        self._names = (minutes.times_ms // MINUTE_MS).astype(np.uint32) * np.uint32(0x9E3779B1)
        self._names ^= np.uint32(seed)
        self._shape()

    def times_ms(self, which: Places, slots: Ints) -> Ints:
        return self.minutes.times_ms[which] + slots * MINUTE_MS // self.counts[which]

    def slots_at(self, which: Places, within_ms: Ints) -> Ints:
        """Return the slot whose quote holds that long after the minute's start."""
        return ((within_ms + 1) * self.counts[which] - 1) // MINUTE_MS

    def all_slots(self) -> tuple[Ints, Ints]:
        """Return minute and slot of every quote in order of time."""
        which = np.repeat(np.arange(len(self.counts), dtype=np.int64), self.counts)
        starts = np.cumsum(self.counts) - self.counts
        return which, np.arange(len(which), dtype=np.int64) - starts[which]

    def bids(self, which: Places, slots: Ints) -> Ints:
        """Return the bids of some slots in points."""
        early, late, last = self.early[which], self.late[which], self.counts[which] - 1
        opens, closes = self.minutes.opens[which], self.minutes.closes[which]
        first, second = self.early_bids[which], self.late_bids[which]
        before, after = slots <= early, slots > late
        origin = np.where(before, 0, np.where(after, late, early))
        start = np.where(before, opens, np.where(after, second, first))
        end = np.where(before, first, np.where(after, closes, second))
        length = np.where(before, early, np.where(after, last - late, late - early))
        line = start + (end - start) * ((slots - origin) / np.maximum(length, 1))
        return self._moved(which, slots, line, is_knot=(slots == origin) | (slots == origin + length))

    def _shape(self) -> None:
        """Choose the slots of high and low: two different ones that are neither first nor last."""
        counts, word = self.counts, _mixed(self._names)
        roomy = counts >= ROOMY_COUNT
        one = 1 + (word & np.uint32(0xFFFF)).astype(np.int64) % np.maximum(counts - 2, 1)
        other = 1 + (word >> np.uint32(16)).astype(np.int64) % np.maximum(counts - 3, 1)
        other = other + (other >= one)
        high_first = one < other
        self.early = np.where(roomy, np.minimum(one, other), 0)
        self.late = np.where(roomy, np.maximum(one, other), np.maximum(counts - 2, 0))
        highs, lows, opens = self.minutes.highs, self.minutes.lows, self.minutes.opens
        self.early_bids = np.where(roomy, np.where(high_first, highs, lows), opens)
        self.late_bids = np.where(roomy, np.where(high_first, lows, highs), opens)

    def _moved(self, which: Places, slots: Ints, line: NDArray[np.float64], is_knot: Flags) -> Ints:
        highs, lows = self.minutes.highs[which], self.minutes.lows[which]
        words = _mixed(self._names[which] ^ (slots.astype(np.uint32) * np.uint32(0x85EBCA6B)))
        chance = words / 4_294_967_296.0 - 0.5
        moved = line + np.where(is_knot, 0.0, chance * (highs - lows) * NOISE_SHARE)
        steps = np.rint(moved / self._unit).astype(np.int64) * self._unit
        return np.clip(steps, lows, highs)


def _mixed(words: Words) -> Words:
    """Return each word with its bits stirred, so that neighbours have nothing in common."""
    words = (words ^ (words >> np.uint32(16))) * np.uint32(0x7FEB352D)
    words = (words ^ (words >> np.uint32(15))) * np.uint32(0x846CA68B)
    return words ^ (words >> np.uint32(16))
