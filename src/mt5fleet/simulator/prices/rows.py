"""Ticks and minutes of one symbol as columns of whole numbers: UTC milliseconds, prices in points."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

MINUTE_MS = 60_000

Ints: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Columns of one length, the first of them the time, ascending."""

    times_ms: Ints

    def __len__(self) -> int:
        return len(self.times_ms)

    def columns(self) -> tuple[Ints, ...]:
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)

    def where(self, kept: Flags | slice | Ints) -> Self:
        return type(self)(*(column[kept] for column in self.columns()))

    def between(self, since_ms: int, until_ms: int) -> Self:
        """Return the rows from `since_ms` to before `until_ms`."""
        first, last = np.searchsorted(self.times_ms, (since_ms, until_ms))
        return self.where(slice(int(first), int(last)))

    @classmethod
    def none(cls) -> Self:
        return cls(*(np.empty(0, np.int64) for _ in cls.__dataclass_fields__))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.none()
        return cls(
            *(np.concatenate(columns) for columns in zip(*(part.columns() for part in parts), strict=True))
        )


@dataclass(frozen=True, slots=True)
class Ticks(_Columns):
    """Quotes in order of time."""

    bids: Ints
    asks: Ints


@dataclass(frozen=True, slots=True)
class Minutes(_Columns):
    """Bid bars of the minutes that had a quote, stamped with their start."""

    opens: Ints
    highs: Ints
    lows: Ints
    closes: Ints
    volumes: Ints  # quotes in the minute
    spreads: Ints  # of the first quote, in points

    @classmethod
    def of(cls, ticks: Ticks) -> Self:
        """Make the bars of some ticks."""
        if not len(ticks):
            return cls.none()
        minutes = ticks.times_ms // MINUTE_MS
        starts = np.flatnonzero(np.diff(minutes, prepend=minutes[0] - 1))
        ends = np.append(starts[1:], len(ticks)) - 1
        return cls(
            minutes[starts] * MINUTE_MS,
            ticks.bids[starts],
            np.maximum.reduceat(ticks.bids, starts),
            np.minimum.reduceat(ticks.bids, starts),
            ticks.bids[ends],
            ends - starts + 1,
            ticks.asks[starts] - ticks.bids[starts],
        )


def merged(first_ms: Ints, second_ms: Ints) -> Ints:
    """Return the instants of two ascending columns, each once."""
    times_ms = np.sort(np.concatenate((first_ms, second_ms)), kind="stable")
    is_new = np.not_equal(np.diff(times_ms, prepend=times_ms[:1] - 1), 0)
    return times_ms[is_new]
