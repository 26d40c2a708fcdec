"""What a symbol quoted: its source's past, and after a command what was really sent."""

import numpy as np

from mt5fleet.simulator.clock import Clock
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.feed import Feed
from mt5fleet.simulator.prices.openings import Openings
from mt5fleet.simulator.prices.quotes import Quote, QuoteBoard
from mt5fleet.simulator.prices.rows import MINUTE_MS, Minutes, Ticks, merged
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
        self._read: tuple[int, Ticks] = (0, Ticks.none())

    def start_ms(self) -> int:
        """Return from when there are prices."""
        source, now_ms = self._feed.source(self._spec.name), self._clock.now_ms()
        if source is not None:
            return source.history_start_ms(now_ms)
        log = self._board.log_of(self._spec.name)
        return now_ms if log is None or log.first is None else min(HISTORY_START_MS, now_ms)

    def next_open_ms(self, at_ms: int) -> int | None:
        """Return the first instant from a time on at which the symbol is quoted, None when it never is."""
        source = self._feed.source(self._spec.name)
        return (self._openings if source is None else source.openings).next_ms(at_ms)

    def pure_until_ms(self) -> int:
        """Return the time before which the past will be the same whenever it is asked."""
        if self._feed.source(self._spec.name) is None:
            log = self._board.log_of(self._spec.name)
            return 0 if log is None or log.first is None else self._server_time.utc_ms(log.first.time_ms)
        since_ms = self._feed.silent_since_ms(self._spec.name)
        return self._clock.now_ms() if since_ms is None else since_ms

    def ticks(self, since_ms: int, until_ms: int) -> Ticks:
        """Return the ticks from `since_ms` to before `until_ms`, not beyond now."""
        end_ms = min(until_ms, self._clock.now_ms() + 1)
        source = self._feed.source(self._spec.name)
        if source is None:
            return self._sent(since_ms, end_ms)
        silent_ms = self._feed.silent_since_ms(self._spec.name)
        if silent_ms is None or end_ms <= silent_ms:
            return source.ticks(since_ms, end_ms)
        # A tick of the very instant of the command was sent before it.
        told = source.ticks(since_ms, silent_ms + 1) if since_ms <= silent_ms else Ticks.none()
        return Ticks.joined([told, self._sent(max(since_ms, silent_ms), end_ms)])

    def minutes(self, since_ms: int, until_ms: int) -> Minutes:
        """Return the minutes' bars, the running one as it stands now."""
        source = self._feed.source(self._spec.name)
        if source is None:
            return Minutes.of(self.ticks(since_ms, until_ms))
        whole_ms = min(self.pure_until_ms() // MINUTE_MS * MINUTE_MS, until_ms)
        told = source.minutes(since_ms, whole_ms) if since_ms < whole_ms else Minutes.none()
        if whole_ms == until_ms:
            return told
        return Minutes.joined([told, Minutes.of(self.ticks(max(since_ms, whole_ms), until_ms))])

    def _sent(self, since_ms: int, until_ms: int) -> Ticks:
        """Return what was sent by command, carried from minute to minute."""
        sent = self._logged()
        if not len(sent) or since_ms >= until_ms:
            return Ticks.none()
        flat = np.arange(-(-since_ms // FLAT_STEP_MS), -(-until_ms // FLAT_STEP_MS), dtype=np.int64)
        flat = flat * FLAT_STEP_MS
        flat = flat[self._openings.are_open(flat)]
        times = merged(flat[~np.isin(flat // MINUTE_MS, sent.times_ms // MINUTE_MS)], sent.times_ms)
        times = times[(times >= since_ms) & (times < until_ms)]
        places = np.maximum(np.searchsorted(sent.times_ms, times, "right") - 1, 0)
        return Ticks(times, sent.bids[places], sent.asks[places])

    def _logged(self) -> Ticks:
        """Return the board's memory, one quote an instant: the last. The first one of all stays for ever."""
        log = self._board.log_of(self._spec.name)
        if log is None or log.first is None:
            return Ticks.none()
        if self._read[0] != log.count:
            self._read = (log.count, self._in_points([log.first, *log.newest]))
        return self._read[1]

    def _in_points(self, quotes: list[Quote]) -> Ticks:
        newest = {self._server_time.utc_ms(quote.time_ms): quote for quote in quotes}
        rows = [(at_ms, newest[at_ms].bid, newest[at_ms].ask) for at_ms in sorted(newest)]
        point = self._spec.point
        points = [(at_ms, round(bid / point), round(ask / point)) for at_ms, bid, ask in rows]
        return Ticks(*np.array(points, np.int64).T)
