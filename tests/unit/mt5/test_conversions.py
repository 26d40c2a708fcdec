from datetime import UTC, datetime
from decimal import Decimal

import pytest

from mt5fleet.adapters.mt5.conversions import Scale, mode_of, moment, rounded, server_stamp_s, side_of
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.signal import Side


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(1.1, 5, "1.10000"), (0.1 + 0.2, 2, "0.30"), (150.005, 3, "150.005"), (-0.8000000001, 2, "-0.80")],
)
def test_a_float_becomes_the_decimal_it_stands_for(value: float, digits: int, text: str) -> None:
    assert str(rounded(value, digits)) == text


def test_a_level_of_zero_means_none() -> None:
    assert Scale(price_digits=5).level(0.0) is None
    assert Scale(price_digits=5).level(1.05) == Decimal("1.05000")


def test_a_server_stamp_becomes_the_true_moment_and_back() -> None:
    at = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    stamp_s = server_stamp_s(at, offset_s=10_800)
    assert datetime.fromtimestamp(stamp_s, UTC) == datetime(2026, 7, 1, 15, 0, tzinfo=UTC)
    assert moment(stamp_s * 1000, offset_s=10_800) == at


@pytest.mark.parametrize(
    ("number", "mode"), [(0, Mode.DEMO), (1, Mode.DEMO), (2, Mode.REAL), (3, None), (-1, None)]
)
def test_a_trade_mode_that_is_not_documented_is_unknown(number: int, mode: Mode | None) -> None:
    assert mode_of(number) is mode


@pytest.mark.parametrize(
    ("number", "side"), [(0, Side.BUY), (1, Side.SELL), (4, Side.BUY), (5, Side.SELL), (8, None), (77, None)]
)
def test_order_types_have_a_side(number: int, side: Side | None) -> None:
    assert side_of(number) is side
