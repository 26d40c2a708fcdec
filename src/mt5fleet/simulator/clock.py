"""The broker's clocks: the wall clock of its process, and one that tests move by hand.

The simulator is a program of its own and may not import the fleet's adapters, so it has its own door to
the machine's clock. Everything in the core counts whole milliseconds since the Unix epoch, UTC.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Something that knows the time."""

    def now_ms(self) -> int: ...


class WallClock:
    """The machine's clock; never runs backwards for its reader."""

    def __init__(self) -> None:
        self._newest_ms = 0

    def now_ms(self) -> int:
        # The one reader of the machine's clock in the broker process.
        reading_ms = time.time_ns() // 1_000_000  # noqa: TID251
        self._newest_ms = max(self._newest_ms, reading_ms)
        return self._newest_ms


class SteppedClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, start_ms: int) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        return self._now_ms

    def step_ms(self, duration_ms: int) -> None:
        if duration_ms < 0:
            raise ValueError(f"duration_ms: a clock cannot step back ({duration_ms})")
        self._now_ms += duration_ms
