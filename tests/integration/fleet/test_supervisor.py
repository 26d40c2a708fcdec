"""The local supervisor with parts that only wait: restarts, order of the stop, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.fleet.conftest import StartFleet
from tests.support.fleet import ROOT, Shape, eventually

PARTS = """
import sys
from pathlib import Path
from threading import Event
from mt5fleet.adapters.system_clock import SystemClock
from workers.output import stdout_screen
from workers.part import Part, PartProcess
from workers.supervisor import Supervisor
from workers.up import _stop_on_signal

folder, clock, stop = Path(sys.argv[1]), SystemClock(), Event()
waiting = ("http.server", "0", "--bind", "127.0.0.1")
parts = [
    Part(name="simulator", role="simulator", arguments=waiting),
    Part(name="bridge-local", role="bridge", arguments=waiting),
    Part(name="worker-1", role="worker", arguments=waiting),
    Part(name="beat", role="beat", arguments=waiting),
]
processes = [PartProcess(part, clock, folder) for part in parts]
_stop_on_signal(stop)
Supervisor(processes, clock=clock, say=stdout_screen().say, stop=stop, pid_file=folder / "pids").run()
"""


class Running:
    def __init__(self, folder: Path) -> None:
        self.pid_file = folder / "pids"
        self.process = subprocess.Popen(
            [sys.executable, "-c", PARTS, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        eventually("four parts run", lambda: self.pid_file.exists() and len(self.pids()) == 4)

    def pids(self) -> dict[str, int]:
        parts = json.loads(self.pid_file.read_text(encoding="utf-8"))["parts"]
        return {part["name"]: part["pid"] for part in parts if part["pid"] is not None}

    def output(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.read()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    started = Running(tmp_path)
    family = psutil.Process(started.process.pid).children(recursive=True)
    yield started
    started.process.kill()
    started.process.communicate()
    for process in family:
        if process.is_running():
            process.kill()


def test_no_part_of_a_whole_fleet_outlives_its_killed_supervisor(start_fleet: StartFleet) -> None:
    fleet = start_fleet(Shape(accounts=3, workers=2, pool="prefork", slots=1))

    family = fleet.kill_supervisor()

    assert len(family) >= 5 + 3 + 2 * 3, "simulator, bridge, beat, workers with their children, terminals"
    try:
        eventually("every process is gone", lambda: not any(one.is_running() for one in family))
    finally:
        for one in family:
            if one.is_running():
                one.kill()


def gone(pids: list[int]) -> bool:
    return not any(psutil.pid_exists(pid) for pid in pids)


def test_killed_part_is_started_again(running: Running) -> None:
    old = running.pids()["worker-1"]

    os.kill(old, signal.SIGKILL)

    eventually("another worker runs", lambda: running.pids().get("worker-1", old) != old)
    assert len(running.pids()) == 4


def test_stop_ends_workers_first_and_the_simulator_last(running: Running) -> None:
    pids = list(running.pids().values())

    running.process.send_signal(signal.SIGTERM)

    assert running.process.wait(30) == 0
    assert gone(pids)
    assert not running.pid_file.exists()
    gone_lines = [line for line in running.output().splitlines() if line.endswith("is gone")]
    assert [line.split()[2] for line in gone_lines] == ["worker-1", "beat", "bridge-local", "simulator"]


def test_nothing_outlives_a_killed_supervisor(running: Running) -> None:
    pids = list(running.pids().values())

    running.process.kill()
    running.process.wait(10)

    eventually("every part is gone", lambda: gone(pids))
