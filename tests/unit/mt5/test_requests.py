from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from mt5fleet.adapters.mt5.codes import Filling
from mt5fleet.adapters.mt5.requests import (
    Request,
    change_request,
    checked_comment,
    close_request,
    filling_for_deal,
    levels_request,
    market_request,
    remove_request,
    resting_request,
)
from mt5fleet.domain.broker import Quote
from mt5fleet.domain.errors import ValueRefused
from mt5fleet.domain.signal import Entry
from mt5fleet.testing.builders import make_open_order
from tests.unit.mt5 import rows

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
QUOTE = Quote(symbol="EURUSD", bid=Decimal("1.10000"), ask=Decimal("1.10010"), at=NOW)
ORDER = make_open_order(
    volume=Decimal(1),
    price=Decimal("1.10000"),
    tolerance=Decimal("0.00030"),
    stop_loss=Decimal("1.09"),
    magic=(1 << 52) + 7,
)
POSITION = type("Position", (), {"ticket": 5, "symbol": "EURUSD", "type": 0})
RESTING = type("Order", (), {"ticket": 6, "symbol": "EURUSD", "type_time": 2, "time_expiration": 99})
FLOATS = {"volume", "price", "sl", "tp", "stoplimit"}


def every_request() -> dict[str, Request]:
    limit = replace(ORDER, entry=Entry.LIMIT, expires_at=NOW)
    close: Any = POSITION
    resting: Any = RESTING
    return {
        "market": market_request(ORDER, rows.symbol(), QUOTE),
        "resting": resting_request(limit, rows.symbol(), 7200),
        "close": close_request(close, Decimal(1), rows.symbol(), QUOTE.bid, 7, "mf.close"),
        "levels": levels_request(close, Decimal(1), None),
        "change": change_request(resting, Decimal(1), None, None),
        "remove": remove_request(6),
    }


@pytest.mark.parametrize("name", ["market", "resting", "close", "levels", "change", "remove"])
def test_numbers_are_floats_and_ints_exactly_where_the_module_wants_them(name: str) -> None:
    for field, value in every_request()[name].items():
        expected = str if field in ("symbol", "comment") else float if field in FLOATS else int
        assert type(value) is expected, field


def test_a_close_always_names_its_position_and_the_opposite_side() -> None:
    request = every_request()["close"]
    assert (request["position"], request["type"]) == (5, 1)


@pytest.mark.parametrize(
    ("exemode", "mask", "filling"),
    [
        (0, 0, Filling.FOK),
        (1, 2, Filling.FOK),
        (2, 1, Filling.FOK),
        (2, 2, Filling.IOC),
        (2, 3, Filling.FOK),
        (2, 0, Filling.RETURN),
        (3, 2, Filling.IOC),
        (3, 4, Filling.RETURN),
    ],
)
def test_the_filling_follows_from_execution_mode_and_mask(exemode: int, mask: int, filling: Filling) -> None:
    assert filling_for_deal(rows.symbol(trade_exemode=exemode, filling_mode=mask)) is filling


def test_the_deviation_is_what_is_left_of_the_tolerance() -> None:
    # 1.10010 is 10 points worse than 1.10000; 30 are allowed.
    assert every_request()["market"]["deviation"] == 20


@pytest.mark.parametrize(("mask", "type_time", "stamp"), [(15, 2, True), (3, 0, False), (2, 1, False)])
def test_the_expiration_is_the_brokers_where_the_symbol_allows_it(
    mask: int, type_time: int, stamp: bool
) -> None:
    limit = replace(ORDER, entry=Entry.LIMIT, expires_at=NOW)
    request = resting_request(limit, rows.symbol(expiration_mode=mask), 7200)
    assert request["type_time"] == type_time
    assert request["expiration"] == (int(NOW.timestamp()) + 7200 if stamp else 0)


@pytest.mark.parametrize("comment", ["x" * 30, "naïve", "line\nbreak"])
def test_a_comment_the_module_would_choke_on_is_refused(comment: str) -> None:
    with pytest.raises(ValueRefused, match=r"order\.comment"):
        checked_comment(comment)
