"""A clock that tests set and step."""

from datetime import UTC, datetime, timedelta

_START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


class ManualClock:
    """Stands still until told; `sleep_s` advances it, so that waits take no time."""

    def __init__(self, start: datetime = _START) -> None:
        """Begin at a fixed moment, so that tests repeat."""
        self._now = start
        self._elapsed_s = 0.0

    def now(self) -> datetime:
        """The moment the test has reached."""
        return self._now

    def monotonic_s(self) -> float:
        """Seconds advanced so far."""
        return self._elapsed_s

    def sleep_s(self, seconds: float) -> None:
        """Advance instead of waiting."""
        self.advance_s(seconds)

    def advance_s(self, seconds: float) -> None:
        """Step the clock forward."""
        self._elapsed_s += seconds
        self._now += timedelta(seconds=seconds)
