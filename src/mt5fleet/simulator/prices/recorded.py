"""Recorded ticks told again in a loop, forward from the broker's first start and back from it."""

import numpy as np

from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.openings import Openings
from mt5fleet.simulator.prices.recordings import Recording
from mt5fleet.simulator.prices.rows import MINUTE_MS, Minutes, Ticks
from mt5fleet.simulator.prices.sources import HISTORY_START_MS, Tick, TickReader

PAST_TICKS_MAX = 5_000_000
"""Ticks of the past a recording is told backwards for: some months of a quiet symbol, a second's work."""

PAST_STEPS = 16
"""The start of the past moves on in sixteenths of it, so that bars made once stay of use."""

CHUNK_TICKS = 4_096
"""Ticks the feed has ready at a time."""


class RecordedSource:
    """A recording told in a loop, `speed` times faster than it happened; its first tick is at `epoch_ms`.

    Ticks that fall into one millisecond are one: the first of them.
    """

    def __init__(
        self, recording: Recording, spec: SymbolSpec, openings: Openings, *, speed: float, epoch_ms: int
    ) -> None:
        offsets = np.frombuffer(recording.offsets_ms, np.int64)
        told = np.rint((offsets - offsets[0]) / speed).astype(np.int64)
        self._told_ms, places = np.unique(told, return_index=True)
        self._bids = np.frombuffer(recording.bids, np.int64)[places]
        self._asks = np.frombuffer(recording.asks, np.int64)[places]
        # One more millisecond than the recording, so that the loop's first tick has a time of its own.
        self._length_ms = int(self._told_ms[-1]) + 1
        period_ms = recording.period_ms or 1
        self._epoch_ms = epoch_ms - epoch_ms % period_ms if speed == 1 else epoch_ms
        self.spec = spec
        self.openings = openings
        chunk_ms = max(CHUNK_TICKS * self._length_ms // len(places), 1)
        self._reader = TickReader(self.ticks, openings, digits=spec.digits, chunk_ms=chunk_ms)

    def at_or_before(self, at_ms: int) -> Tick | None:
        return self._reader.at_or_before(at_ms)

    def after(self, at_ms: int) -> Tick | None:
        return self._reader.after(at_ms)

    def history_start_ms(self, now_ms: int) -> int:
        past_ms = PAST_TICKS_MAX * self._length_ms // len(self._told_ms)
        step_ms = past_ms // PAST_STEPS // MINUTE_MS * MINUTE_MS or MINUTE_MS
        return max(HISTORY_START_MS, (now_ms - past_ms) // step_ms * step_ms)

    def ticks(self, since_ms: int, until_ms: int) -> Ticks:
        places = np.arange(self._place(since_ms), self._place(until_ms), dtype=np.int64)
        loops, within = np.divmod(places, len(self._told_ms))
        times = self._epoch_ms + loops * self._length_ms + self._told_ms[within]
        ticks = Ticks(times, self._bids[within], self._asks[within])
        return ticks if self.openings.always else ticks.where(self.openings.are_open(times))

    def minutes(self, since_ms: int, until_ms: int) -> Minutes:
        first, last = -(-since_ms // MINUTE_MS), until_ms // MINUTE_MS
        return Minutes.of(self.ticks(first * MINUTE_MS, last * MINUTE_MS))

    def _place(self, at_ms: int) -> int:
        """Return the number of the first tick at or after a time, counted from the epoch."""
        loop, within_ms = divmod(at_ms - self._epoch_ms, self._length_ms)
        return loop * len(self._told_ms) + int(np.searchsorted(self._told_ms, within_ms))
