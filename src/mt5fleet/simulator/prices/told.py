"""What a symbol quoted: its source's past, and after a command what was really sent."""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal

import numpy as np

from mt5fleet.simulator.clock import Clock
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.feed import Feed
from mt5fleet.simulator.prices.openings import Openings
from mt5fleet.simulator.prices.quotes import Quote, QuoteBoard
from mt5fleet.simulator.prices.rows import MINUTE_MS, Ints, Minutes, Ticks
from mt5fleet.simulator.prices.sources import HISTORY_START_MS
from mt5fleet.simulator.server_time import ServerTime

FLAT_STEP_MS = MINUTE_MS
"""While a commanded quote stands, history shows it once a minute, so that every minute has its bar."""


class Told:
    """The ticks and minutes of one symbol up to now.

    A symbol that is quoted by command (fixed, derived from such a leg, or set by hand) shows what was sent
    while the board remembers it, and the same quote once in every minute without one.
    """

    def __init__(
        self, spec: SymbolSpec, feed: Feed, board: QuoteBoard, clock: Clock, server_time: ServerTime
    ) -> None:
        self._spec = spec
        self._feed = feed
        self._board = board
        self._clock = clock
        self._server_time = server_time
        self._openings = Openings(spec, server_time)

    def start_ms(self) -> int:
        """Return from when there are prices."""
        source = self._feed.source(self._spec.name)
        return HISTORY_START_MS if source is None else source.history_start_ms(self._clock.now_ms())

    def pure_until_ms(self) -> int:
        """Return the time before which the past will be the same whenever it is asked."""
        if self._feed.source(self._spec.name) is None:
            return 0
        since_ms = self._feed.silent_since_ms(self._spec.name)
        return self._clock.now_ms() if since_ms is None else since_ms

    def ticks(self, since_ms: int, until_ms: int) -> Ticks:
        """Return the ticks from `since_ms` to before `until_ms`, not beyond now."""
        end_ms = min(until_ms, self._clock.now_ms() + 1)
        source, pure_ms = self._feed.source(self._spec.name), self.pure_until_ms()
        parts = []
        if source is not None and since_ms < min(end_ms, pure_ms + 1):
            parts.append(source.ticks(since_ms, min(end_ms, pure_ms + 1)))
        if end_ms > pure_ms + 1 or source is None:
            parts.append(self._sent(max(since_ms, pure_ms + 1), end_ms))
        return Ticks.joined(parts)

    def minutes(self, since_ms: int, until_ms: int) -> Minutes:
        """Return the minutes' bars, the running one as it stands now."""
        whole_ms = min(self.pure_until_ms() // MINUTE_MS * MINUTE_MS, until_ms)
        source = self._feed.source(self._spec.name)
        parts = []
        if source is not None and since_ms < whole_ms:
            parts.append(source.minutes(since_ms, whole_ms))
        rest_ms = max(since_ms, whole_ms if source is not None else since_ms)
        if rest_ms < min(until_ms, self._clock.now_ms() + 1):
            parts.append(Minutes.of(self.ticks(rest_ms, until_ms)))
        return Minutes.joined(parts)

    def _sent(self, since_ms: int, until_ms: int) -> Ticks:
        """Return what was sent by command, carried from minute to minute."""
        sent = self._logged()
        if not len(sent) or since_ms >= until_ms:
            return Ticks.none()
        flat = np.arange(-(-since_ms // FLAT_STEP_MS), -(-until_ms // FLAT_STEP_MS), dtype=np.int64)
        flat = flat * FLAT_STEP_MS
        flat = flat[self._openings.are_open(flat)]
        times = np.union1d(flat[~np.isin(flat // MINUTE_MS, sent.times_ms // MINUTE_MS)], sent.times_ms)
        times = times[(times >= since_ms) & (times < until_ms)]
        places = np.maximum(np.searchsorted(sent.times_ms, times, "right") - 1, 0)
        return Ticks(times, sent.bids[places], sent.asks[places])

    def _logged(self) -> Ticks:
        """Return the board's memory, one quote an instant: the last."""
        quotes = self._board.logged(self._spec.name)
        times = _times_ms(quotes, self._server_time)
        newest: dict[int, Quote] = dict(zip(times, quotes, strict=True))
        kept = sorted(newest)
        return Ticks(
            np.array(kept, np.int64),
            self._in_points(newest[at_ms].bid for at_ms in kept),
            self._in_points(newest[at_ms].ask for at_ms in kept),
        )

    def _in_points(self, prices: Iterable[Decimal]) -> Ints:
        point = self._spec.point
        return np.array([round(price / point) for price in prices], np.int64)


def _times_ms(quotes: deque[Quote], server_time: ServerTime) -> list[int]:
    return [server_time.utc_ms(quote.time_ms) for quote in quotes]
