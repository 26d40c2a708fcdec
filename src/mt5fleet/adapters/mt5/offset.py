"""The server's distance from UTC, which the module does not tell.

A tick that was not there at the last look, a short while ago, is as old as that while at most; its server
stamp minus the bridge's clock, rounded to a quarter of an hour, is the offset. A tick of unknown age proves
nothing.
"""

import logging
from datetime import datetime

QUARTER_S = 900  # offsets of time zones are multiples of a quarter of an hour
LOOKS_APART_S_MAX = 60.0  # between two looks; more would blur the rounding
RESIDUE_S_MAX = 300  # further from a quarter than this is a wrong clock, not a zone
OFFSET_S_MAX = 14 * 3600  # no time zone is further from UTC

_log = logging.getLogger("mt5fleet.bridge.terminal")


class OffsetWatch:
    """Learns and re-learns the offset (summer time moves it) from the ticks that pass by."""

    def __init__(self, fixed_s: int | None) -> None:
        self._fixed_s = fixed_s
        self._learned_s: int | None = None
        self._before_s: int | None = None
        self._doubted_s: int | None = None  # shown once; a terminal that catches up gives old ticks late
        self._last: dict[str, tuple[int, datetime]] = {}

    @property
    def offset_s(self) -> int | None:
        """Seconds that the server's stamps are ahead of UTC; None until a fresh tick was seen."""
        return self._learned_s if self._fixed_s is None else self._fixed_s

    @property
    def before_s(self) -> int | None:
        """The offset that was learned before it moved last; None while it never moved."""
        return self._before_s

    @property
    def contradiction(self) -> str | None:
        """A sentence when the ticks show another offset than the configured one."""
        if self._fixed_s is None or self._learned_s in (None, self._fixed_s):
            return None
        return (
            f"server_offset_s is set to {self._fixed_s}, the server's ticks show {self._learned_s}:"
            " correct it, or remove it so that it is learned"
        )

    def see(self, symbol: str, tick_ms: int, now: datetime) -> None:
        """Take note of a symbol's newest tick."""
        before = self._last.get(symbol)
        self._last[symbol] = (tick_ms, now)
        if before is None or before[0] == tick_ms:
            return
        if (now - before[1]).total_seconds() <= LOOKS_APART_S_MAX:
            self._learn(tick_ms / 1000 - now.timestamp())

    def _learn(self, distance_s: float) -> None:
        offset_s = round(distance_s / QUARTER_S) * QUARTER_S
        if abs(distance_s - offset_s) <= RESIDUE_S_MAX and abs(offset_s) <= OFFSET_S_MAX:
            self._move(offset_s)

    def _move(self, offset_s: int) -> None:
        """Believe the first offset at once, and another one when two ticks in a row show it."""
        moved = self._learned_s not in (None, offset_s)
        if moved and self._doubted_s != offset_s:
            self._doubted_s = offset_s
            return
        if moved:
            self._before_s = self._learned_s
            _log.warning("the server's offset from UTC moved from %s s to %s s", self._before_s, offset_s)
        self._learned_s, self._doubted_s = offset_s, None
