"""Keeps the parts of a local fleet alive and stops them in their order.

Order of a stop: workers first, so that what they hold is finished while the ledger, the bridge and the broker
still answer; then beat, bridge, simulator.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Event

from mt5fleet.ports.clock import Clock
from workers.output import Say
from workers.part import PartProcess

POLL_S = 0.1  # how late the end of a part is noticed
STOP_S_MAX = 20.0  # for all parts of one rank: one slice of an account and its terminal call
RANKS = (("worker",), ("beat", "flower"), ("bridge",), ("simulator",))
OWN_NAME = "fleet"


class Supervisor:
    """Runs until `stop` is set; never leaves a process behind."""

    def __init__(
        self, processes: Sequence[PartProcess], *, clock: Clock, say: Say, stop: Event, pid_file: Path | None
    ) -> None:
        """`processes` in the order they start."""
        self._processes = processes
        self._clock = clock
        self._say = say
        self._stop = stop
        self._pid_file = pid_file

    def run(self) -> None:
        """Start every part, start again what ends, and stop all of them when told to."""
        try:
            while not self._stop.is_set():
                self.step()
                self._stop.wait(POLL_S)
        finally:
            self._stop_all()

    def step(self) -> None:
        """Look once at every part."""
        changed = [self._look(process) for process in self._processes]
        if any(changed):
            self._write_pids()

    def _look(self, process: PartProcess) -> bool:
        part = process.part
        delay_s = process.ended()
        if delay_s is not None:
            text = f"{part.name} ended with code {process.exit_code}; next start in {delay_s:g} s"
            self._say(OWN_NAME, text)
        started = process.start_when_due()
        if started:
            self._say(OWN_NAME, f"started {part.name} role={part.role} pid={process.pid}")
        return started or delay_s is not None

    def _stop_all(self) -> None:
        self._say(OWN_NAME, "stopping")
        for rank in RANKS:
            self._stop_rank([process for process in self._processes if process.part.role in rank])
        if self._pid_file is not None:
            self._pid_file.unlink(missing_ok=True)
        self._say(OWN_NAME, "stopped")

    def _stop_rank(self, processes: list[PartProcess]) -> None:
        for process in processes:
            process.ask_to_stop()
        deadline_s = self._clock.monotonic_s() + STOP_S_MAX
        for process in processes:
            if not process.wait_gone(deadline_s - self._clock.monotonic_s()):
                self._say(OWN_NAME, f"{process.part.name} did not stop within {STOP_S_MAX:g} s: killed")
                process.kill()
            self._say(OWN_NAME, f"{process.part.name} is gone")

    def _write_pids(self) -> None:
        if self._pid_file is None:
            return
        parts = [
            {"name": process.part.name, "role": process.part.role, "pid": process.pid}
            for process in self._processes
        ]
        fresh = self._pid_file.with_name(self._pid_file.name + ".new")
        fresh.write_text(json.dumps({"pid": os.getpid(), "parts": parts}), encoding="utf-8")
        fresh.replace(self._pid_file)  # a reader sees the old list or the new one, never half of it
