from datetime import UTC, datetime, timedelta

import pytest

from mt5fleet.adapters.mt5.offset import OffsetWatch

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def stamp_ms(at: datetime, offset_s: int) -> int:
    return int((at.timestamp() + offset_s) * 1000)


@pytest.mark.parametrize("offset_s", [0, 7_200, 10_800, -18_000, 20_700])
def test_a_tick_that_arrives_between_two_looks_tells_the_offset(offset_s: int) -> None:
    watch = OffsetWatch(None)
    watch.see("EURUSD", stamp_ms(NOW - timedelta(hours=3), offset_s), NOW)
    watch.see("EURUSD", stamp_ms(NOW + timedelta(seconds=1), offset_s), NOW + timedelta(seconds=2))
    assert watch.offset_s == offset_s


def test_a_tick_of_unknown_age_tells_nothing() -> None:
    watch = OffsetWatch(None)
    watch.see("EURUSD", stamp_ms(NOW - timedelta(hours=3), 7_200), NOW)
    watch.see("EURUSD", stamp_ms(NOW - timedelta(hours=3), 7_200), NOW + timedelta(seconds=2))
    assert watch.offset_s is None


def test_looks_too_far_apart_tell_nothing() -> None:
    watch = OffsetWatch(None)
    watch.see("EURUSD", stamp_ms(NOW, 7_200), NOW)
    watch.see("EURUSD", stamp_ms(NOW + timedelta(minutes=10), 7_200), NOW + timedelta(hours=1))
    assert watch.offset_s is None


def test_summer_time_moves_the_offset_in_both_directions() -> None:
    watch = OffsetWatch(None)
    watch.see("EURUSD", stamp_ms(NOW, 7_200), NOW)
    seen = []
    for seconds, offset_s in enumerate((7_200, 10_800, 10_800, 7_200, 7_200), start=1):
        at = NOW + timedelta(seconds=seconds)
        watch.see("EURUSD", stamp_ms(at, offset_s), at)
        seen.append((watch.offset_s, watch.before_s))
    assert seen == [(7_200, None), (7_200, None), (10_800, 7_200), (10_800, 7_200), (7_200, 10_800)]


def test_one_late_tick_moves_nothing() -> None:
    watch = OffsetWatch(None)
    watch.see("EURUSD", stamp_ms(NOW, 7_200), NOW)
    for seconds, offset_s in enumerate((7_200, 3_600, 7_200, 3_600), start=1):
        at = NOW + timedelta(seconds=seconds)
        watch.see("EURUSD", stamp_ms(at, offset_s), at)
    assert (watch.offset_s, watch.before_s) == (7_200, None)


def test_a_clock_that_is_wrong_by_minutes_is_no_zone() -> None:
    watch = OffsetWatch(None)
    watch.see("EURUSD", stamp_ms(NOW, 7_200 + 400), NOW)
    watch.see("EURUSD", stamp_ms(NOW + timedelta(seconds=1), 7_200 + 400), NOW + timedelta(seconds=1))
    assert watch.offset_s is None


def test_a_configured_offset_stands_and_says_what_contradicts_it() -> None:
    watch = OffsetWatch(3_600)
    assert (watch.offset_s, watch.contradiction) == (3_600, None)
    watch.see("EURUSD", stamp_ms(NOW, 7_200), NOW)
    watch.see("EURUSD", stamp_ms(NOW + timedelta(seconds=1), 7_200), NOW + timedelta(seconds=1))
    assert watch.offset_s == 3_600
    assert watch.contradiction is not None
    assert "7200" in watch.contradiction


def test_a_configured_offset_that_the_ticks_confirm_is_no_fault() -> None:
    watch = OffsetWatch(7_200)
    watch.see("EURUSD", stamp_ms(NOW, 7_200), NOW)
    watch.see("EURUSD", stamp_ms(NOW + timedelta(seconds=1), 7_200), NOW + timedelta(seconds=1))
    assert watch.contradiction is None
