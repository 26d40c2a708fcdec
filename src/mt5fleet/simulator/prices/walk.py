"""A seeded random walk by the minute, known for every hour of past and future.

The walk is made of blocks of 32 days. Each begins at an anchor near `mid` that depends on the seed and the
block alone, and is a bridge of minute steps to the anchor of the next one; so it wanders as a market does
for weeks and still is near `mid` after years. Closed minutes move little: that is the gap after a weekend.
Only additions, multiplications and square roots of floats are used, which are the same on every machine.
"""

from dataclasses import dataclass
from hashlib import blake2b
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from mt5fleet.simulator.prices.openings import Openings
from mt5fleet.simulator.prices.rows import MINUTE_MS, Ints

BLOCK_DAYS = 32
BLOCK_MINUTES = BLOCK_DAYS * 1_440
BLOCKS_KEPT = 2  # of 2 MiB each: a request mostly reads within one month

ANCHOR_DAYS = 2.5
"""An anchor lies about this many daily movements around `mid`, twice as many at most."""

CLOSED_SHARE = 0.02
"""Variance of a closed minute against an open one: a weekend's gap is a fifth of a day's movement."""

EXCURSION = 1.2
"""Mean way of a minute's high beyond its open and close is a third of this, in minute movements."""

ROOMY_COUNT = 4
"""Quotes from which a minute has room for a high and a low of their own, beside the first and last."""

COUNTS = 16
"""Different numbers of quotes that a minute may have."""

_NORMAL_SUM = 37_836.9
"""Standard deviation of the sum of four numbers of 16 bits: sqrt(4 / 12) * 65,536."""

# Share of the usual movement by hour of the day, UTC: quiet at night, busy while London and New York overlap.
_HOURS = (5, 5, 6, 6, 6, 7, 9, 12, 13, 12, 11, 11, 13, 16, 16, 15, 13, 10, 8, 7, 6, 5, 4, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkTerms:
    """A walk in units of the smallest price step; `slots` is the most quotes of one minute."""

    mid: float
    day_movement: float
    slots: int
    seed: str


@dataclass(frozen=True, slots=True)
class Block:
    """The minutes of 32 days in price steps; `counts` is 0 where the market is closed."""

    opens: Ints
    highs: Ints
    lows: Ints
    closes: Ints
    counts: Ints


class Walk:
    """Makes blocks on demand and keeps the newest ones."""

    def __init__(self, terms: WalkTerms, openings: Openings) -> None:
        self._terms = terms
        self._openings = openings
        self._blocks: dict[int, Block] = {}
        hours = np.array(_HOURS, np.float64)
        self._hours = np.tile(hours * len(hours) / hours.sum(), BLOCK_DAYS)

    def block(self, number: int) -> Block:
        """Return the block of the days from `32 * number` after 1 January 1970."""
        block = self._blocks.pop(number, None) or self._made(number)
        while len(self._blocks) >= BLOCKS_KEPT:
            del self._blocks[next(iter(self._blocks))]
        self._blocks[number] = block
        return block

    def _made(self, number: int) -> Block:
        chance = seeded(f"{self._terms.seed}/block/{number}")
        words = np.frombuffer(chance.bytes(7 * 2 * BLOCK_MINUTES), "<u2").reshape(7, BLOCK_MINUTES)
        steps = (words[:4].sum(axis=0, dtype=np.int64) - 2 * 65_535) / _NORMAL_SUM
        minutes = (number * BLOCK_MINUTES + np.arange(BLOCK_MINUTES, dtype=np.int64)) * MINUTE_MS
        open_ = self._openings.are_open(minutes)
        busy = self._hours * (0.5 + chance.random_sample(len(self._hours)))
        movement = np.repeat(busy, 60) * (self._terms.day_movement / sqrt(1_440))
        moved = np.where(open_, movement, movement * sqrt(CLOSED_SHARE))
        path = self._path(number, steps * moved, moved * moved)
        counts = self._counts(words[6]) * open_
        return _block(path, counts, movement * EXCURSION, words[4:6])

    def _path(self, number: int, steps: NDArray[np.float64], variances: NDArray[np.float64]) -> Ints:
        first, last = self._anchor(number), self._anchor(number + 1)
        shares = np.cumsum(variances)
        walked = np.cumsum(steps)
        bridge = first + walked + (last - first - walked[-1]) * (shares / shares[-1])
        levels = np.concatenate(([first], bridge))
        return np.maximum(np.rint(levels).astype(np.int64), 1)

    def _anchor(self, number: int) -> float:
        words = np.frombuffer(seeded(f"{self._terms.seed}/anchor/{number}").bytes(8), "<u2")
        normal = (int(words.sum(dtype=np.int64)) - 2 * 65_535) / _NORMAL_SUM
        return self._terms.mid + self._terms.day_movement * ANCHOR_DAYS * max(-2.0, min(2.0, normal))

    def _counts(self, words: NDArray[np.uint16]) -> Ints:
        most = self._terms.slots
        least = most - most // 3
        return least + (words >> 12).astype(np.int64) * (most - least) // (COUNTS - 1)


def _block(path: Ints, counts: Ints, reach: NDArray[np.float64], words: NDArray[np.uint16]) -> Block:
    opens, closes = path[:-1], np.where(counts == 1, path[:-1], path[1:])
    above, below = (np.rint(reach * (share / 65_536) ** 2).astype(np.int64) for share in words)
    inner = counts >= ROOMY_COUNT
    highs = np.maximum(opens, closes) + above * inner
    lows = np.maximum(np.minimum(opens, closes) - below * inner, 1)
    return Block(opens, highs, lows, closes, counts)


def seeded(name: str) -> np.random.RandomState:
    """Return a generator whose stream belongs to a name and never changes with the library's version."""
    return np.random.RandomState(int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "little"))
