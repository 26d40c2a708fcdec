"""The broker's clock and the zone its server writes time stamps in."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, Field, field_validator

from mt5fleet.simulator.terms.base import Terms

SPEED_MAX = 100_000
"""Simulated seconds per real second; a day then takes less than a second."""


class ClockTerms(Terms):
    """Where the broker's clock starts and how fast it runs; the default is the machine's clock.

    `speed = 0` stands still until the clock is moved by command.
    """

    start: AwareDatetime | None = None
    speed: float = Field(default=1.0, ge=0, le=SPEED_MAX)

    @property
    def is_real(self) -> bool:
        return self.start is None and self.speed == 1.0

    @property
    def start_ms(self) -> int | None:
        """Return the start in milliseconds since the Unix epoch, or None for the machine's time."""
        return None if self.start is None else _ms(self.start)


class ServerZoneTerms(Terms):
    """The server's wall clock: a zone with its summer time, plus a fixed number of hours.

    Most brokers keep New York's rules at +7 hours, so that their day ends at 17:00 New York time.
    """

    zone: str = "UTC"
    plus_hours: float = Field(default=2, ge=-14, le=14)

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(
                f"no time zone is named {zone!r}; use a name such as America/New_York"
            ) from error
        return zone


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
