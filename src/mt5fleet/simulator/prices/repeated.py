"""One quote sent again and again, as some servers do while nothing moves."""

from decimal import Decimal

from mt5fleet.simulator.prices.openings import Openings
from mt5fleet.simulator.prices.sources import Tick


class RepeatedQuote:
    """The configured quote, or the one set by command, with a new time stamp every `every_ms`."""

    def __init__(self, bid: Decimal, ask: Decimal, openings: Openings, *, every_ms: int) -> None:
        self._configured = (bid, ask)
        self._sides = (bid, ask)
        self._openings = openings
        self._every_ms = every_ms

    def command(self, bid: Decimal, ask: Decimal) -> None:
        """Send that quote from now on."""
        self._sides = (bid, ask)

    def revive(self) -> None:
        """Send the configured quote again."""
        self._sides = self._configured

    def at_or_before(self, at_ms: int) -> Tick | None:
        open_ms = self._openings.last_ms(at_ms)
        return None if open_ms is None else self.tick(open_ms // self._every_ms * self._every_ms)

    def after(self, at_ms: int) -> Tick | None:
        next_ms = (at_ms // self._every_ms + 1) * self._every_ms
        open_ms = self._openings.next_ms(next_ms)
        return None if open_ms is None else self.tick(-(-open_ms // self._every_ms) * self._every_ms)

    def tick(self, at_ms: int) -> Tick:
        """Return the quote as it stands, with that time."""
        return Tick(at_ms, *self._sides)
