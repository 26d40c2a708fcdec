"""The only reader of the machine's clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """Clock over the machine's own clocks."""

    def now(self) -> datetime:
        """The machine's moment, aware UTC."""
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return time.monotonic()

    def sleep_s(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(seconds)
