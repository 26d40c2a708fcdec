"""Sessions, holidays and weekends in server time, and the same seen in UTC across a change of the clocks."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from mt5fleet.simulator.instruments.catalogue import catalogue
from mt5fleet.simulator.instruments.sessions import always_open, is_open, next_open
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.openings import Openings
from mt5fleet.simulator.server_time import ServerTime
from mt5fleet.simulator.terms.symbol import Weekday
from mt5fleet.simulator.terms.time import ServerZoneTerms

EURUSD = catalogue()["EURUSD"].spec
NEW_YORK = ServerTime(ServerZoneTerms(zone="America/New_York", plus_hours=7))


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def _spec(**changes: Any) -> SymbolSpec:
    return replace(EURUSD, **changes)


GOLD_HOURS = _spec(
    sessions={
        Weekday.MONDAY: ("01:00-23:58",),
        Weekday.TUESDAY: ("00:00-12:00", "13:30-24:00"),
        Weekday.FRIDAY: ("01:00-23:50",),
    }
)


@pytest.mark.parametrize(
    ("server_time", "expected"),
    [
        ("2027-01-04 00:59:59.999", False),  # a Monday
        ("2027-01-04 01:00", True),
        ("2027-01-04 23:57:59.999", True),
        ("2027-01-04 23:58", False),
        ("2027-01-05 00:00", True),
        ("2027-01-05 12:00", False),
        ("2027-01-05 13:30", True),
        ("2027-01-05 23:59:59.999", True),
        ("2027-01-06 12:00", False),  # Wednesday is not named
    ],
)
def test_symbol_is_open_from_the_first_to_before_the_last_minute(server_time: str, expected: bool) -> None:
    assert is_open(GOLD_HOURS, _ms(server_time)) is expected


def test_symbol_without_sessions_never_closes() -> None:
    assert always_open(EURUSD)
    assert is_open(EURUSD, _ms("2027-01-03 03:00"))


@pytest.mark.parametrize(
    ("server_time", "expected"),
    [
        ("2027-01-01 23:59", True),
        ("2027-01-02 00:00", False),
        ("2027-01-03 23:59", False),
        ("2027-01-04", True),
    ],
)
def test_closed_weekend_is_saturday_and_sunday_of_the_server(server_time: str, expected: bool) -> None:
    assert is_open(_spec(weekend_closed=True), _ms(server_time)) is expected


def test_holiday_closes_the_whole_day() -> None:
    spec = _spec(holidays=(date(2027, 1, 5),))

    assert [is_open(spec, _ms(f"2027-01-0{day} 12:00")) for day in (4, 5, 6)] == [True, False, True]
    assert not always_open(spec)


@pytest.mark.parametrize(
    ("server_time", "expected"),
    [
        ("2027-01-04 12:00", "2027-01-04 12:00"),
        ("2027-01-04 23:58:30", "2027-01-05 00:00"),
        ("2027-01-05 12:00", "2027-01-05 13:30"),
        ("2027-01-06 08:00", "2027-01-08 01:00"),
        ("2027-01-08 23:50", "2027-01-11 01:00"),
    ],
)
def test_next_opening_is_found(server_time: str, expected: str) -> None:
    assert next_open(GOLD_HOURS, _ms(server_time)) == _ms(expected)


def test_symbol_without_a_session_never_opens() -> None:
    spec = _spec(sessions={})

    assert next_open(spec, _ms("2027-01-04")) is None
    assert Openings(spec, NEW_YORK).next_ms(_ms("2027-01-04")) is None
    assert Openings(spec, NEW_YORK).last_ms(_ms("2027-01-04")) is None


@pytest.mark.parametrize(
    ("friday_close", "monday_open"),
    [
        ("2027-01-08 21:59", "2027-01-10 22:00"),  # winter: UTC+2
        ("2027-03-12 21:59", "2027-03-14 21:00"),  # the clocks are set forward on that Sunday
        ("2027-07-09 20:59", "2027-07-11 21:00"),  # summer: UTC+3
    ],
)
def test_weekend_begins_and_ends_at_17_in_new_york(friday_close: str, monday_open: str) -> None:
    openings = Openings(_spec(weekend_closed=True), NEW_YORK)
    saturday_ms = _ms(friday_close) + 12 * 3_600_000

    assert openings.last_ms(saturday_ms) == _ms(friday_close) + 59_999
    assert openings.next_ms(saturday_ms) == _ms(monday_open)
    assert openings.next_ms(_ms(friday_close)) == _ms(friday_close)


def test_open_minutes_in_bulk_are_the_open_minutes_one_by_one() -> None:
    spec = replace(GOLD_HOURS, holidays=(date(2027, 3, 15),))
    times = np.arange(_ms("2027-03-11"), _ms("2027-03-17"), 60_000 * 7, dtype=np.int64)

    one_by_one = [is_open(spec, NEW_YORK.server_ms(int(at_ms))) for at_ms in times]

    assert Openings(spec, NEW_YORK).are_open(times).tolist() == one_by_one
    assert {True, False} == set(one_by_one)


def test_spans_of_server_time_hold_one_offset_each() -> None:
    spans = NEW_YORK.rule_spans(_ms("2027-03-01"), _ms("2027-12-01"))

    assert spans == [
        (_ms("2027-03-01"), 2 * 3_600_000),
        (_ms("2027-03-14 07:00"), 3 * 3_600_000),
        (_ms("2027-11-07 06:00"), 2 * 3_600_000),
    ]
