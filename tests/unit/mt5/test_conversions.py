from datetime import UTC, datetime
from decimal import Decimal

import pytest

from mt5fleet.adapters.mt5.conversions import (
    Scale,
    deal_of,
    magic_shown,
    mode_of,
    moment,
    reading_of,
    rounded,
    server_stamp_s,
    side_of,
)
from mt5fleet.domain.broker import DealEntry, Mode
from mt5fleet.domain.errors import Unreachable
from mt5fleet.domain.signal import Side
from tests.unit.mt5 import rows


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


@pytest.mark.parametrize(
    ("deal_type", "entry"),
    [
        (2, DealEntry.NONE),  # deposit, withdrawal
        (3, DealEntry.CREDIT),
        (4, DealEntry.COST),  # charge
        (5, DealEntry.NONE),  # correction
        (6, DealEntry.NONE),  # bonus
        (7, DealEntry.COST),  # commission
        (12, DealEntry.COST),  # interest
        (99, DealEntry.COST),
    ],
)
def test_only_money_put_in_or_taken_out_is_a_balance_operation(deal_type: int, entry: DealEntry) -> None:
    row = rows.deal(type=deal_type)

    assert deal_of(row, Scale(), 2, 0).entry is entry


@pytest.mark.parametrize("field", ["balance", "equity", "credit", "margin", "margin_free", "profit"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_number_that_is_none_fails_the_reading_of_this_account_only(field: str, value: float) -> None:
    """On the wire it would make the answer for all accounts of the bridge unreadable."""
    row = rows.account(
        **{"currency": "USD", "equity": 1.0, "credit": 0.0, "margin_free": 1.0, "profit": 0.0, field: value}
    )

    with pytest.raises(Unreachable, match="not a number"):
        reading_of("alpha", row, datetime(2026, 7, 1, tzinfo=UTC), 0, 0)


@pytest.mark.parametrize(
    ("given", "shown"),
    [(0, 0), (77, 77), (2**63 - 1, 2**63 - 1), (2**63, 0), (2**64 - 1, 0), (-1, 0)],
)
def test_a_magic_number_that_nobody_can_carry_hides_no_position(given: int, shown: int) -> None:
    assert magic_shown(given) == shown
