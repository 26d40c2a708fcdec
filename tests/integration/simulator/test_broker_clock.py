"""A told clock in a process of its own: what it was told last outlives a kill."""

from pathlib import Path
from typing import Any

START = "2026-11-20T21:58:00+00:00"
START_MS = 1_795_211_880_000


def test_frozen_clock_stands_still_through_a_kill(entries: Any, tmp_path: Path, starts: Any) -> None:
    broker = starts(entries(tmp_path / "state", clock={"start": START, "speed": 0}))
    with broker.control() as control:
        before = control.clock()["now_ms"]
        control.step_clock(90_000)
    broker.kill()

    with broker.restarted() as again, again.control() as control:
        assert (before, control.clock()["now_ms"]) == (START_MS, START_MS + 90_000)


def test_running_clock_has_run_on_while_the_broker_was_gone(
    entries: Any, tmp_path: Path, starts: Any
) -> None:
    broker = starts(entries(tmp_path / "state", clock={"start": START, "speed": 1_000}))
    with broker.control() as control:
        before = control.clock()["now_ms"]
    broker.kill()

    with broker.restarted() as again, again.control() as control:
        after = control.clock()

    assert before < after["now_ms"] < before + 3_600_000_000
    assert after["speed"] == 1_000


def test_stamps_follow_the_clock(entries: Any, tmp_path: Path, starts: Any, connect: Any) -> None:
    broker = starts(entries(tmp_path / "state", clock={"start": START, "speed": 0}))
    mt5 = connect(broker)

    sent = mt5.order_send({"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 1})
    (deal,) = mt5.history_deals_get(ticket=sent.deal)

    assert deal.time_msc == START_MS + 7_200_000  # the server writes UTC+2
