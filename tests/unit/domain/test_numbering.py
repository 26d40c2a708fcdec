"""Numbers that only grow keep room above them."""

from datetime import UTC, datetime, timedelta

import pytest

from mt5fleet.domain.errors import ValueRefused
from mt5fleet.domain.numbering import check_number, number_max

NOW = datetime(2026, 7, 1, tzinfo=UTC)
NOW_US = int(NOW.timestamp()) * 1_000_000


@pytest.mark.parametrize("number", [-1, 0, 1, NOW_US, NOW_US + 365 * 86_400 * 1_000_000])
def test_numbers_of_ledgers_are_taken(number: int) -> None:
    check_number("token", number, NOW)


def test_the_largest_number_leaves_room_for_the_next_one() -> None:
    check_number("token", number_max(NOW), NOW)
    with pytest.raises(ValueRefused, match="token: "):
        check_number("token", number_max(NOW) + 1, NOW)
    check_number("token", number_max(NOW) + 1, NOW + timedelta(microseconds=1))


def test_a_clock_without_a_battery_refuses_no_ordinary_number() -> None:
    check_number("token", NOW_US, datetime(1970, 1, 1, tzinfo=UTC))


def test_numbers_stay_exact_in_the_ledgers_scripts() -> None:
    assert number_max(datetime(2240, 1, 1, tzinfo=UTC)) < 2**53
