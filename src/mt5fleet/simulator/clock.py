"""The broker's clocks: the machine's, one that runs as told, and one that tests move by hand.

The simulator is a program of its own and may not import the fleet's adapters, so it has its own door to
the machine's clock. Everything in the core counts whole milliseconds since the Unix epoch, UTC.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from mt5fleet.simulator.terms.time import SPEED_MAX, ClockTerms

EARLIEST_MS = 0
LATEST_MS = 4_102_444_800_000
"""A clock told to show 1970 or less, or 2100 or more, was told a wrong number."""


class ClockError(ValueError):
    """The clock cannot be told this; the text names field and rule."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockState:
    """Where a clock was when it was last told something; its time at any real time follows."""

    anchor_ms: int  # what it showed
    real_ms: int  # when, by the machine's clock
    speed: float  # simulated seconds a real second; 0 = stands still

    def __post_init__(self) -> None:
        if not 0 <= self.speed <= SPEED_MAX:
            raise ClockError(f"speed: need 0 to {SPEED_MAX}, not {self.speed}")
        if not EARLIEST_MS < self.anchor_ms < LATEST_MS:
            raise ClockError(f"now_ms: need milliseconds between 1970 and 2100, not {self.anchor_ms}")

    def now_ms(self, real_ms: int) -> int:
        return self.anchor_ms + int(max(real_ms - self.real_ms, 0) * self.speed)

    def to_record(self) -> dict[str, int | float]:
        return {"anchor_ms": self.anchor_ms, "real_ms": self.real_ms, "speed": self.speed}

    @classmethod
    def from_record(cls, record: Mapping[str, int | float]) -> "ClockState":
        """Read back what `to_record` gave; other keys are left alone."""
        return cls(
            anchor_ms=int(record["anchor_ms"]), real_ms=int(record["real_ms"]), speed=float(record["speed"])
        )


class SimulatedClock:
    """Runs at a speed from where it was set; goes backwards only when it is set back by command."""

    def __init__(self, state: ClockState, real: Clock) -> None:
        self._state = state
        self._real = real

    @property
    def state(self) -> ClockState:
        """Return what a restarted broker needs to go on with the same time."""
        return self._state

    @property
    def speed(self) -> float:
        return self._state.speed

    def now_ms(self) -> int:
        return self._state.now_ms(self._real.now_ms())

    def resume(self, state: ClockState) -> None:
        """Go on as a broker's journal left it."""
        self._state = state

    def set_ms(self, now_ms: int) -> None:
        """Show that time from now on, forward or back.

        Raises:
            ClockError: The time is out of range.
        """
        self._anchor(now_ms, self._state.speed)

    def step_ms(self, duration_ms: int) -> None:
        """Jump that far, back when it is negative.

        Raises:
            ClockError: The time is out of range.
        """
        self._anchor(self.now_ms() + duration_ms, self._state.speed)

    def set_speed(self, speed: float) -> None:
        """Run that fast from the time shown now; 0 stands still.

        Raises:
            ClockError: The speed is out of range.
        """
        self._anchor(self.now_ms(), speed)

    def _anchor(self, now_ms: int, speed: float) -> None:
        self._state = ClockState(anchor_ms=now_ms, real_ms=self._real.now_ms(), speed=speed)


def speed_of(clock: Clock) -> float:
    """Return how many seconds a clock shows in a real one."""
    return clock.speed if isinstance(clock, SimulatedClock) else 1


def build_clock(
    terms: ClockTerms, state: ClockState | None = None, real: Clock | None = None
) -> SimulatedClock:
    """Return a broker's clock: as its journal left it (`state`), else as configured."""
    real = real or WallClock()
    if state is None:
        now_ms = real.now_ms()
        start_ms = now_ms if terms.start_ms is None else terms.start_ms
        state = ClockState(anchor_ms=start_ms, real_ms=now_ms, speed=terms.speed)
    return SimulatedClock(state, real)
