"""The thread that does beat's work goes on whatever a tick runs into."""

import threading

from mt5fleet.domain.errors import LedgerUnavailable
from workers.watch import Tick, Watch

WAIT_S = 10.0


def test_failing_tick_is_looked_at_again_and_stops_when_told() -> None:
    looks: list[int] = []
    enough = threading.Event()

    def late() -> bool:
        looks.append(1)
        if len(looks) == 1:
            raise LedgerUnavailable("no answer")
        if len(looks) == 2:
            raise RuntimeError("unexpected")
        enough.set()
        return False

    watch = Watch([Tick(name="t", period_s=0.01, late=late, run=lambda: None)])
    watch.start()

    assert enough.wait(WAIT_S)
    watch.stop()
    for thread in watch._threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()


def test_late_tick_is_run_and_one_in_time_is_not() -> None:
    ran: list[str] = []
    done = threading.Event()
    late = Tick(name="late", period_s=60, late=lambda: True, run=lambda: (ran.append("late"), done.set()))
    timely = Tick(name="timely", period_s=60, late=lambda: False, run=lambda: ran.append("timely"))

    watch = Watch([timely, late])
    watch.start()

    assert done.wait(WAIT_S)
    watch.stop()
    assert ran == ["late"]
