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
        return None if open_ms is None else self._tick(open_ms // self._every_ms)

    def after(self, at_ms: int) -> Tick | None:
        step = at_ms // self._every_ms + 1
        open_ms = self._openings.next_ms(step * self._every_ms)
        return None if open_ms is None else self._tick(-(-open_ms // self._every_ms))

    def _tick(self, step: int) -> Tick:
        return Tick(step * self._every_ms, *self._sides)
