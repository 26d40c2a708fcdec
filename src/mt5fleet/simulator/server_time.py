"""The server's wall clock: UTC moved by a zone's offset, written as if it were UTC.

Source: reference of the package MetaTrader5, "copy_rates_from" (times are the server's), and the common
rule of brokers that the trading day ends at 17:00 in New York, summer and winter.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mt5fleet.simulator.terms.time import ServerZoneTerms

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
_CHANGE_GRID_MS = 900_000
"""Zones change on whole quarters of an hour, so that one offset holds for each of them."""

_KNOWN_DAYS_MAX = 20_000
"""Offsets at the start of a day kept in memory: half a century."""


class ServerTime:
    """Turns UTC into server time and back; `shift_ms` is what a fault or an operator adds."""

    def __init__(self, terms: ServerZoneTerms) -> None:
        self._zone = ZoneInfo(terms.zone)
        self._plus_ms = round(terms.plus_hours * HOUR_MS)
        self._known: tuple[int, int] = (-1, 0)
        self._known_days: dict[int, int] = {}
        self.shift_ms = 0

    def offset_ms(self, utc_ms: int) -> int:
        """Return what server time is ahead of UTC at that instant."""
        return self.rule_offset_ms(utc_ms) + self.shift_ms

    def rule_offset_ms(self, utc_ms: int) -> int:
        """Return the offset by the zone's rule alone: prices and sessions follow it, whatever the shift."""
        quarter = utc_ms // _CHANGE_GRID_MS
        if self._known[0] != quarter:
            self._known = (quarter, self._zone_offset_ms(utc_ms))
        return self._known[1] + self._plus_ms

    def rule_spans(self, since_ms: int, until_ms: int) -> list[tuple[int, int]]:
        """Return `(from UTC, offset)` of each stretch of that time with one offset by the rule."""
        spans = [(since_ms, self.rule_offset_ms(since_ms))]
        for day in range(since_ms // DAY_MS, (until_ms - 1) // DAY_MS + 1):
            if self._day_offset_ms(day) != self._day_offset_ms(day + 1):
                spans += self._changes(max(day * DAY_MS, since_ms), min((day + 1) * DAY_MS, until_ms))
        return spans

    def server_ms(self, utc_ms: int) -> int:
        return utc_ms + self.offset_ms(utc_ms)

    def utc_ms(self, server_ms: int) -> int:
        """Return the instant of a server time; of two that fit (clocks set back) the earlier one.

        A server time that never was (clocks set forward) counts from the offset before the change.
        """
        before = server_ms - self.offset_ms(server_ms - self._plus_ms - HOUR_MS * 2)
        after = server_ms - self.offset_ms(server_ms - self._plus_ms + HOUR_MS * 2)
        fits = [utc for utc in (before, after) if self.server_ms(utc) == server_ms]
        return min(fits) if fits else before

    def _day_offset_ms(self, day: int) -> int:
        known = self._known_days.get(day)
        if known is None:
            if len(self._known_days) >= _KNOWN_DAYS_MAX:
                self._known_days.clear()
            known = self._known_days[day] = self._zone_offset_ms(day * DAY_MS)
        return known

    def _changes(self, since_ms: int, until_ms: int) -> list[tuple[int, int]]:
        found, offset_ms = [], self.rule_offset_ms(since_ms)
        for at_ms in range((since_ms // _CHANGE_GRID_MS + 1) * _CHANGE_GRID_MS, until_ms, _CHANGE_GRID_MS):
            if self.rule_offset_ms(at_ms) != offset_ms:
                offset_ms = self.rule_offset_ms(at_ms)
                found.append((at_ms, offset_ms))
        return found

    def _zone_offset_ms(self, utc_ms: int) -> int:
        moment = datetime.fromtimestamp(utc_ms / 1000, UTC).astimezone(self._zone)
        offset = moment.utcoffset()
        return 0 if offset is None else round(offset.total_seconds() * 1000)
