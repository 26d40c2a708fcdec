"""The counter that judges the demo: it must see what it exists to see."""

from decimal import Decimal
from typing import Any

import pytest

from scripts.broker_count import Count, count, doubled, openings, orders_per_signal

LOGIN = 7
SIGNAL = {"id": "sgp-1.0", "open": {"take_profits": [{}]}}
COMMENT = "mf.sgp-10.0"
BUY, BUY_LIMIT = 0, 2
ENTRY_IN, ENTRY_OUT = 0, 1


def _order(ticket: int, kind: int = BUY, comment: str = COMMENT) -> dict[str, Any]:
    return {"ticket": ticket, "type": kind, "comment": comment}


def _deal(order: int, entry: int = ENTRY_IN) -> dict[str, Any]:
    return {"order": order, "entry": entry, "symbol": "EURUSD"}


def _counted(state: str | None, history: list[dict[str, Any]], deals: list[dict[str, Any]]) -> Count:
    book = {"login": LOGIN, "orders": [], "history": history, "deals": deals}
    claims = {} if state is None else {SIGNAL["id"]: {"alpha": {"0": state}}}
    return count([SIGNAL], [book], claims, {"alpha": LOGIN}, {})


@pytest.mark.parametrize(
    ("state", "history", "deals"),
    [
        ("FILLED", [_order(1)], [_deal(1)]),
        ("ACCEPTED", [_order(1, BUY_LIMIT)], []),
        ("DENIED", [], []),
        ("REJECTED", [], []),
        ("CANCELED", [], []),
        ("CANCELED", [_order(1, BUY_LIMIT)], []),
        ("EXPIRED", [_order(1, BUY_LIMIT)], []),
        ("FILLED", [_order(1), _order(2)], [_deal(1), _deal(2, ENTRY_OUT)]),
    ],
)
def test_claims_that_the_broker_confirms_are_neither_doubled_nor_lost(
    state: str, history: list[dict[str, Any]], deals: list[dict[str, Any]]
) -> None:
    result = _counted(state, history, deals)

    assert (result.doubled, result.lost, result.findings) == (0, 0, [])


@pytest.mark.parametrize(
    ("state", "history", "deals"),
    [
        ("FILLED", [], []),
        ("ACCEPTED", [], []),
        ("DENIED", [_order(1)], [_deal(1)]),
        ("REJECTED", [_order(1)], [_deal(1)]),
        ("EXPIRED", [_order(1)], [_deal(1)]),
        ("CANCELED", [_order(1)], [_deal(1)]),
        ("IN_DOUBT", [_order(1)], [_deal(1)]),
        ("RECEIVED", [], []),
        (None, [], []),
    ],
)
def test_claims_that_the_broker_contradicts_or_that_are_not_final_are_lost(
    state: str | None, history: list[dict[str, Any]], deals: list[dict[str, Any]]
) -> None:
    assert _counted(state, history, deals).lost == 1


def test_second_opening_order_is_doubled() -> None:
    result = _counted("FILLED", [_order(1), _order(2)], [_deal(1), _deal(2)])

    assert (result.doubled, result.lost) == (1, 0)


def test_order_nobody_asked_for_is_doubled() -> None:
    result = _counted("DENIED", [_order(1, comment="mf.other.0")], [_deal(1)])

    assert result.doubled == 1


def test_deals_and_orders_of_the_fleet_are_counted_by_their_comment() -> None:
    orders = [_order(1), _order(2), _order(3, comment="by hand"), _order(4, BUY_LIMIT, "mf.other.1")]
    deals = [
        {**_deal(ticket), "ticket": 10 + ticket, "comment": comment, "volume": "0.10"}
        for ticket, comment in ((2, COMMENT), (1, COMMENT), (3, "by hand"))
    ]
    closing = {**_deal(5, ENTRY_OUT), "ticket": 19, "comment": COMMENT, "volume": "0.10"}
    book = {"login": LOGIN, "orders": [], "history": orders, "deals": [*deals, closing]}

    assert [(one.ticket, one.signal_tail, one.part, one.volume) for one in openings([book])] == [
        (11, "sgp-10", 0, Decimal("0.10")),
        (12, "sgp-10", 0, Decimal("0.10")),
    ]
    assert orders_per_signal([book]) == {(LOGIN, COMMENT): 2, (LOGIN, "mf.other.1"): 1}
    assert doubled([book]) == {(LOGIN, COMMENT): 2}
