"""When a part of the local fleet is started again."""

from pathlib import Path

from mt5fleet.testing.clock import ManualClock
from workers.part import RESTART_FIRST_S, RESTART_MAX_S, Part, PartProcess

FAILING = Part(name="failing", role="worker", arguments=("no_such_module_anywhere",))


def ended(process: PartProcess) -> float:
    assert process.wait_gone(30.0)
    delay_s = process.ended()
    assert delay_s is not None
    return delay_s


def test_part_that_dies_at_once_is_started_again_ever_more_slowly(tmp_path: Path) -> None:
    clock = ManualClock()
    process = PartProcess(FAILING, clock, tmp_path)
    delays = []

    for _ in range(4):
        assert process.start_when_due()
        delays.append(ended(process))
        assert not process.start_when_due(), "the delay has not passed"
        clock.advance_s(delays[-1])

    assert delays == [RESTART_FIRST_S * factor for factor in (1, 2, 4, 8)]
    assert "no_such_module_anywhere" in (tmp_path / "failing.log").read_text(encoding="utf-8")


def test_delay_has_an_upper_bound_and_a_healthy_life_resets_it(tmp_path: Path) -> None:
    clock = ManualClock()
    process = PartProcess(FAILING, clock, tmp_path)
    process._delay_s = RESTART_MAX_S

    assert process.start_when_due()
    assert ended(process) == RESTART_MAX_S
    clock.advance_s(RESTART_MAX_S)
    assert process.start_when_due()
    clock.advance_s(3600)

    assert ended(process) == RESTART_FIRST_S


def test_part_ends_when_nobody_holds_its_pipe(tmp_path: Path) -> None:
    waiting = Part(name="waiting", role="worker", arguments=("http.server", "0"))
    process = PartProcess(waiting, ManualClock(), tmp_path)
    assert process.start_when_due()
    assert process.running
    inner = process._process
    assert inner is not None
    assert inner.stdin is not None

    inner.stdin.close()

    assert process.wait_gone(20.0), "the part outlived its supervisor's pipe"
