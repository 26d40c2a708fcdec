from types import SimpleNamespace
from typing import Any

import pytest

from mt5fleet.adapters.mt5.history import HistoryIndex

WINDOW = (1_000, 200_000)


class Terminal:
    """A session that shows rows by their time and counts how far back it was asked."""

    def __init__(self) -> None:
        self.breaks = 0
        self.settings = SimpleNamespace(visibility_lag_s=2.0)
        self.rows: list[Any] = []
        self.asked_from: list[int] = []

    def trade(self, ticket: int, magic: int, at_s: int) -> None:
        self.rows.append(
            SimpleNamespace(ticket=ticket, magic=magic, time_msc=at_s * 1000, time_done_msc=at_s * 1000)
        )

    def history_orders(self, since_s: int, until_s: int) -> list[Any]:
        self.asked_from.append(since_s)
        return self.deals(since_s, until_s)

    def deals(self, since_s: int, until_s: int) -> list[Any]:
        return [row for row in self.rows if since_s * 1000 <= row.time_msc <= until_s * 1000]


def past(
    index: HistoryIndex, terminal: Any, magic: int, *, fresh: bool = True, since: int = WINDOW[0]
) -> list[int]:
    found = index.past(terminal, magic, (since, WINDOW[1]), fresh=fresh)
    assert [row.ticket for row in found.orders] == [row.ticket for row in found.deals]
    return [row.ticket for row in found.deals]


def test_the_second_look_reads_only_what_is_new_and_still_knows_the_old() -> None:
    index, terminal = HistoryIndex(), Terminal()
    terminal.trade(1, magic=7, at_s=5_000)
    assert past(index, terminal, 7) == [1]
    terminal.trade(2, magic=8, at_s=6_000)
    assert past(index, terminal, 8) == [2]
    assert past(index, terminal, 7) == [1]
    assert terminal.asked_from == [1_000, 4_997, 5_997]


def test_a_record_that_appears_within_the_lag_is_seen() -> None:
    index, terminal = HistoryIndex(), Terminal()
    terminal.trade(1, magic=7, at_s=5_000)
    past(index, terminal, 7)
    terminal.trade(2, magic=8, at_s=4_998)
    assert past(index, terminal, 8) == [2]


@pytest.mark.parametrize("reason", ["known key", "session broken", "window wider"])
def test_everything_is_read_again_when_the_index_may_not_be_trusted(reason: str) -> None:
    index, terminal = HistoryIndex(), Terminal()
    terminal.trade(1, magic=7, at_s=9_000)
    past(index, terminal, 7)
    terminal.trade(2, magic=8, at_s=1_500)
    terminal.breaks += reason == "session broken"
    since = 900 if reason == "window wider" else WINDOW[0]
    assert past(index, terminal, 8, fresh=reason != "known key", since=since) == [2]
    assert terminal.asked_from[-1] == since
