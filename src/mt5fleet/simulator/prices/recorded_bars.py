"""Recorded bars as quotes that give the same bars again."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TypeAlias

NEVER = -1
"""Spread of a bar whose recording has no spread column."""

Bar: TypeAlias = tuple[float, int, int, int, int, int]
"""Time in milliseconds; open, high, low, close and spread in points."""


def shortest_distance_ms(bars: list[Bar]) -> int:
    """Return the bars' period: the shortest distance of two."""
    distances = [round(later[0] - earlier[0]) for earlier, later in pairwise(bars)]
    return min((distance for distance in distances if distance > 0), default=60_000)


def bar_quotes(bars: Iterable[Bar], period_ms: int, spread_points: int) -> Iterator[tuple[float, int, int]]:
    """Yield time, bid and ask: four quotes a bar, its open, the extreme nearer to it, the other, its close.

    `spread_points` is the distance of the ask where the recording has none.
    """
    for time_ms, open_, high, low, close, spread in bars:
        inner = (low, high) if open_ - low < high - open_ else (high, low)
        width = spread_points if spread == NEVER else spread
        for place, bid in enumerate((open_, *inner, close)):
            yield time_ms + period_ms * place // 4, bid, bid + width
