"""What of the history was read already, so that asking first for a fresh key need not read the day again.

Only a key that the journal does not know, at its first attempt, in an unbroken session, is looked up here:
what this bridge sent itself is in the journal and gets a full read.
Source: the project's design, section 5 "The key, and asking first".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil

from mt5fleet.adapters.mt5.session import Session
from mt5fleet.adapters.mt5.shapes import DealRow, OrderRow

ROWS_MAX = 20_000  # beyond this the memory costs more than a full read saves
OVERLAP_S_MIN = 1  # read again beyond the visibility lag, since stamps are cut to whole seconds


@dataclass(frozen=True, slots=True)
class Past:
    """Ended orders and deals of one magic number."""

    orders: tuple[OrderRow, ...]
    deals: tuple[DealRow, ...]


@dataclass(slots=True)
class HistoryIndex:
    """Ended orders and deals since `from_s`, by magic number; valid for one unbroken session only."""

    breaks: int = -1
    from_s: int = 0
    newest_s: int = 0
    orders: dict[int, dict[int, OrderRow]] = field(default_factory=dict)
    deals: dict[int, dict[int, DealRow]] = field(default_factory=dict)
    rows: int = 0

    def past(self, session: Session, magic: int, window_s: tuple[int, int], *, fresh: bool) -> Past:
        """What the history holds under a magic number in a window of server stamps.

        `fresh` allows the index.
        """
        known = (
            fresh and self.breaks == session.breaks and self.from_s <= window_s[0] and self.rows < ROWS_MAX
        )
        if not known:
            self._begin(session.breaks, window_s[0])
        since_s = max(window_s[0], self._overlap_from_s(session)) if known else window_s[0]
        self._take(session.history_orders(since_s, window_s[1]), session.deals(since_s, window_s[1]))
        return Past(
            tuple(self.orders.get(magic, {}).values()),
            tuple(self.deals.get(magic, {}).values()),
        )

    def _begin(self, breaks: int, from_s: int) -> None:
        self.breaks, self.from_s, self.newest_s, self.rows = breaks, from_s, 0, 0
        self.orders, self.deals = {}, {}

    def _overlap_from_s(self, session: Session) -> int:
        return self.newest_s - ceil(session.settings.visibility_lag_s) - OVERLAP_S_MIN

    def _take(self, orders: Sequence[OrderRow], deals: Sequence[DealRow]) -> None:
        for order in orders:
            self.orders.setdefault(order.magic, {})[order.ticket] = order
        for deal in deals:
            self.deals.setdefault(deal.magic, {})[deal.ticket] = deal
        stamps = (*(row.time_done_msc for row in orders), *(row.time_msc for row in deals))
        self.newest_s = max(self.newest_s, _seconds(stamps))
        self.rows = sum(map(len, self.orders.values())) + sum(map(len, self.deals.values()))


def _seconds(stamps_ms: Iterable[int]) -> int:
    return max(stamps_ms, default=0) // 1000
