"""Time and chance, passed in wherever they are needed."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """The current moment, aware UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds of a clock that never goes back, for intervals only."""
        ...

    def sleep_s(self, seconds: float) -> None:
        """Wait."""
        ...
