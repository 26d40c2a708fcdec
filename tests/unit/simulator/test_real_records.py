"""Answers and records of real terminals, kept outside the repository: the simulator says the same.

What the answers of different servers agree on is compared; their own habits (answers without prices, a
client's comment in the answer) are not.
"""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from mt5fleet.simulator.accounts.rows import Order
from mt5fleet.simulator.codes import Action, Entry, OrderType, Reason, Retcode

RECORDS = Path(__file__).parents[4] / "shared" / "data" / "mt5"
BUY, SELL = OrderType.BUY, OrderType.SELL
RESULT_FIELDS = ("deal", "order", "volume", "price", "bid", "ask", "request_id")


def _records(name: str) -> Path:
    path = RECORDS / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine")
    return path


def _answers() -> list[dict[str, Any]]:
    records = json.loads(_records("order_results.json").read_text(encoding="utf-8"))
    return [record["result"] for record in records if record["call"] == "order_send"]


def _orders() -> list[dict[str, str]]:
    path = _records("history_orders_admirals_demo_2023.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _real(retcode: int, action: int, comment: str = "") -> list[dict[str, Any]]:
    found = [
        answer
        for answer in _answers()
        if (answer["retcode"], answer["request"]["action"]) == (retcode, action)
        and answer["comment"].startswith(comment)
    ]
    assert found, "the records hold no such answer"
    return found


def _filled(answer: Any) -> dict[str, bool]:
    """Tell which fields of an answer say something."""
    values = answer if isinstance(answer, dict) else {name: getattr(answer, name) for name in RESULT_FIELDS}
    return {name: bool(values[name]) for name in RESULT_FIELDS}


def test_executed_market_orders_answer_every_field(desk: Any) -> None:
    answer = desk.market(BUY)

    complete = [real for real in _real(10009, 1, "Request executed") if real["price"]]
    assert complete
    for real in complete:
        assert _filled(real) == _filled(answer)
        assert real["comment"] == answer.comment
        assert real["order"] != real["deal"]


def test_fills_of_real_servers_are_quotes_of_their_answers(desk: Any) -> None:
    """Buys fill at the answer's ask, sells at its bid, there and here."""
    bought, sold = desk.market(BUY), desk.market(SELL)

    assert (bought.price, sold.price) == (bought.ask, sold.bid)
    for real in _real(10009, 1, "Request executed"):
        side = "bid" if real["request"]["type"] else "ask"
        assert real["price"] == real[side]


def test_executed_stop_changes_answer_nothing_but_done(desk: Any) -> None:
    answer = desk.send(Action.SLTP, position=desk.opened(), sl=1.05)

    for real in _real(10009, 6):
        assert _filled(real) == _filled(answer)


def test_executed_removals_answer_the_order_alone(desk: Any) -> None:
    answer = desk.send(Action.REMOVE, order=desk.placed(OrderType.BUY_LIMIT, 1.09))

    for real in _real(10009, 8):
        assert _filled(real) == _filled(answer)


def test_placed_pending_orders_answer_order_volume_and_quotes(desk: Any) -> None:
    answer = desk.pending(OrderType.BUY_LIMIT, 1.09)

    for real in _real(10009, 5):
        assert _filled(real) == _filled(answer)
        assert real["deal"] == answer.deal == 0


def test_requotes_answer_quotes_and_a_request_id(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "EURUSD", "execution": 1}])

    answer = desk.market(BUY, price=1.2)

    for real in _real(10004, 1):
        assert (_filled(real), real["comment"]) == (_filled(answer), answer.comment)


@pytest.mark.parametrize(
    ("retcode", "action", "provoke"),
    [
        (10013, 1, lambda desk: desk.market(BUY, position=desk.opened(BUY))),
        (10013, 10, lambda desk: desk.close_by(desk.opened(), 0)),
        (10016, 1, lambda desk: desk.market(BUY, sl=1.10001)),
        (10021, 1, lambda desk: desk.market(SELL, symbol="AUDUSD")),
        (
            10027,
            1,
            lambda desk: (desk.broker.switch(desk.login, {"autotrading": False}), desk.market(BUY))[1],
        ),
    ],
    ids=[
        "wrong closing side",
        "close by without the other",
        "stop above the price",
        "no prices",
        "switched off",
    ],
)
def test_refusals_answer_zeros_and_the_same_words(desk: Any, retcode: int, action: int, provoke: Any) -> None:
    answer = provoke(desk)

    assert answer.retcode == retcode
    for real in _real(retcode, action):
        assert (_filled(real), real["comment"]) == (_filled(answer), answer.comment)
        assert not any(_filled(real).values())


def _shape(row: dict[str, str]) -> dict[str, Any]:
    """What the records of one kind have in common, whatever the price of the day."""
    return {
        "state": int(row["state"]),
        "type_time": int(row["type_time"]),
        "filling": int(row["type_filling"]),
        "rest": float(row["volume_current"]),
        "names a price": float(row["price_open"]) > 0,
        "has stops": float(row["sl"]) > 0 or float(row["tp"]) > 0,
        "other position": int(row["position_by_id"]),
        "own position": row["position_id"] == row["ticket"],
        "done": int(row["time_done_msc"]) >= int(row["time_setup_msc"]) > 0,
    }


def _own_shape(order: Order) -> dict[str, Any]:
    plain = {name: str(value) for name, value in order.to_row().items()}
    return _shape(
        plain | {"time_setup_msc": str(order.time_setup_ms), "time_done_msc": str(order.time_done_ms)}
    )


@pytest.mark.parametrize(
    ("reason", "stops"), [(Reason.STOP_LOSS, {"sl": 1.095}), (Reason.TAKE_PROFIT, {"tp": 1.105})]
)
def test_orders_fired_by_the_server_look_like_real_ones(
    desk: Any, reason: Reason, stops: dict[str, float]
) -> None:
    desk.opened(magic=15, **stops)
    level = next(iter(stops.values()))
    desk.quote(f"{level:.5f}", f"{level + 0.0001:.5f}")
    own = desk.book.history[desk.last_deal.order]

    real_orders = [row for row in _orders() if int(row["reason"]) == reason]
    assert real_orders
    for real in real_orders:
        assert _shape(real) == _own_shape(own)
        word = "sl" if reason is Reason.STOP_LOSS else "tp"
        assert real["comment"] == f"[{word} {float(real['price_open']):.5f}]"
        assert int(real["magic"]) != 0
    assert own.comment == f"[{word} {own.price_open:.5f}]"
    assert (own.magic, desk.last_deal.entry) == (15, Entry.OUT)


def test_market_orders_of_programs_look_like_real_ones(make_desk: Any) -> None:
    desk = make_desk(comment_max=16)
    ticket = desk.opened(type_filling=0, comment=" No specific comment", sl=1.09, tp=1.12)
    closing = desk.close(ticket, type_filling=0).order
    opened, closed = desk.book.history[ticket], desk.book.history[closing]

    programs = [row for row in _orders() if int(row["reason"]) == Reason.EXPERT]
    opening = [row for row in programs if row["position_id"] == row["ticket"] and float(row["sl"])]
    ending = [row for row in programs if row["position_id"] != row["ticket"]]
    assert len(opening) + len(ending) > 50
    assert all(_shape(row) == _own_shape(opened) for row in opening)
    assert all(_shape(row) == _own_shape(closed) for row in ending)
    assert {row["comment"] for row in programs if row["comment"]} == {opened.comment}


def test_targets_fill_at_their_level_or_better_and_stops_at_theirs_or_worse(make_desk: Any) -> None:
    """As in the tester's gold deals, whose comments name the level."""
    desk = make_desk(symbols=[{"name": "EURUSD", "slippage_points": 30}])
    for _ in range(10):
        desk.opened(volume=0.01, sl=1.095)
        desk.opened(volume=0.01, tp=1.105)
    desk.quote("1.10520", "1.10530")
    desk.quote("1.09490", "1.09500")
    own = [
        (deal.comment[1:3], float(deal.price)) for deal in desk.book.deals.values() if deal.entry is Entry.OUT
    ]
    assert len(own) == 20
    assert all(price <= 1.095 if word == "sl" else price >= 1.105 for word, price in own)

    with gzip.open(_records("tester_deals_bbrsi.csv.gz"), "rt", encoding="utf-8", newline="") as lines:
        exits = [row for row in csv.DictReader(lines) if row["Direction"] == "out"]
    for row in exits:
        word, _, level = row["Comment"].partition(" ")
        if word in ("sl", "tp") and level:
            better = float(row["Price"]) - float(level)
            better = better if row["Type"] == "sell" else -better  # a sell closes a long position
            assert better <= 0.005 if word == "sl" else better >= -0.005


def test_tickets_and_request_ids_are_as_large_as_real_ones(desk: Any) -> None:
    real = [answer for answer in _answers() if answer["retcode"] == Retcode.DONE]

    answer = desk.market(BUY)

    assert max(row["order"] for row in real) > 2**32 < answer.order
    assert max(row["request_id"] for row in real) > 2**31 < answer.request_id
