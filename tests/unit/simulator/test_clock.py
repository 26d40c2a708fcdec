"""The broker's clock: real, frozen, stepped, speeded, set back by command, and restored by a restart."""

import pytest

from mt5fleet.simulator.clock import ClockError, ClockState, SteppedClock, build_clock
from mt5fleet.simulator.terms.time import SPEED_MAX, ClockTerms

REAL_MS = 1_800_000_000_000
START = "2027-03-01T12:00:00+00:00"
START_MS = 1_803_902_400_000


def _terms(**fields: object) -> ClockTerms:
    return ClockTerms.model_validate(fields)


def test_clock_without_terms_shows_the_machines_time() -> None:
    real = SteppedClock(REAL_MS)
    clock = build_clock(_terms(), real=real)
    real.step_ms(1_234)

    assert clock.now_ms() == REAL_MS + 1_234


@pytest.mark.parametrize(("speed", "shown_ms"), [(0, 0), (1, 2_000), (2.5, 5_000), (SPEED_MAX, 200_000_000)])
def test_clock_runs_at_its_speed_from_its_start(speed: float, shown_ms: int) -> None:
    real = SteppedClock(REAL_MS)
    clock = build_clock(_terms(start=START, speed=speed), real=real)
    real.step_ms(2_000)

    assert clock.now_ms() == START_MS + shown_ms


def test_change_of_speed_goes_on_from_the_time_shown() -> None:
    real = SteppedClock(REAL_MS)
    clock = build_clock(_terms(start=START, speed=10), real=real)
    real.step_ms(1_000)
    clock.set_speed(0)
    real.step_ms(1_000)
    assert clock.now_ms() == START_MS + 10_000

    clock.set_speed(1)
    real.step_ms(500)

    assert clock.now_ms() == START_MS + 10_500


def test_clock_is_stepped_and_set_both_ways() -> None:
    clock = build_clock(_terms(start=START, speed=0), real=SteppedClock(REAL_MS))
    clock.step_ms(60_000)
    assert clock.now_ms() == START_MS + 60_000
    clock.step_ms(-90_000)
    assert clock.now_ms() == START_MS - 30_000

    clock.set_ms(START_MS)

    assert clock.now_ms() == START_MS


def test_restored_clock_shows_what_the_old_one_would_show_now() -> None:
    real = SteppedClock(REAL_MS)
    clock = build_clock(_terms(start=START, speed=10), real=real)
    real.step_ms(1_000)
    clock.step_ms(3_600_000)
    record = {"kind": "clock", **clock.state.to_record()}
    real.step_ms(5_000)

    restored = build_clock(_terms(start=START, speed=10), ClockState.from_record(record), real)

    assert restored.now_ms() == clock.now_ms() == START_MS + 10_000 + 3_600_000 + 50_000


def test_machine_clock_that_falls_behind_the_record_turns_nothing_back() -> None:
    state = ClockState(anchor_ms=START_MS, real_ms=REAL_MS, speed=1)

    assert build_clock(_terms(), state, SteppedClock(REAL_MS - 5_000)).now_ms() == START_MS


@pytest.mark.parametrize("speed", [-1, SPEED_MAX + 1, float("nan")])
def test_impossible_speed_is_refused_and_changes_nothing(speed: float) -> None:
    clock = build_clock(_terms(start=START, speed=0), real=SteppedClock(REAL_MS))

    with pytest.raises(ClockError, match="speed: need 0 to"):
        clock.set_speed(speed)
    assert (clock.now_ms(), clock.speed) == (START_MS, 0)


@pytest.mark.parametrize("now_ms", [0, -5, 4_102_444_800_000])
def test_impossible_time_is_refused_and_changes_nothing(now_ms: int) -> None:
    clock = build_clock(_terms(start=START, speed=0), real=SteppedClock(REAL_MS))

    with pytest.raises(ClockError, match="now_ms: need milliseconds between 1970 and 2100"):
        clock.set_ms(now_ms)
    assert clock.now_ms() == START_MS
