"""One process of the local fleet: started, watched, started again when it dies, stopped."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from mt5fleet.adapters.process_group import own_group
from mt5fleet.ports.clock import Clock

RESTART_FIRST_S = 0.5  # short, so that a killed worker is back before its leases have run out
RESTART_MAX_S = (
    15.0  # a part that cannot start must not eat a core, and must be back soon after its cause is mended
)
HEALTHY_S = 30.0  # a part that lived this long starts from the shortest delay again
KILL_WAIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What to start: a Python module with arguments, attached to the supervisor by its standard input.

    It gets the supervisor's environment with `environment` and `without` the variables named there.
    """

    name: str
    role: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    without: frozenset[str] = frozenset()


class PartProcess:
    """The process of one part, and when it may be started again."""

    def __init__(self, part: Part, clock: Clock, output: Callable[[Part, IO[bytes]], None] | Path) -> None:
        """`output` takes the lines in a thread of its own, or is the folder for log files."""
        self.part = part
        self._clock = clock
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._delay_s = 0.0
        self._due_s = clock.monotonic_s()

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self.running and self._process is not None else None

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How the last process ended, None while it runs or before the first."""
        return None if self._process is None else self._process.poll()

    def start_when_due(self) -> bool:
        """Start a process that is not there, when its delay is over; tell whether it was started."""
        now_s = self._clock.monotonic_s()
        if self.running or now_s < self._due_s:
            return False
        self._process = self._spawn()
        self._started_s = now_s
        self._due_s = float("inf")  # until somebody has looked at how it ended
        return True

    def ended(self) -> float | None:
        """Seconds until the next start when the process has just ended, else None."""
        if self._process is None or self.running or self._due_s != float("inf"):
            return None
        self._let_go()
        now_s = self._clock.monotonic_s()
        healthy = now_s - self._started_s >= HEALTHY_S
        self._delay_s = RESTART_FIRST_S if healthy or not self._delay_s else self._delay_s * 2
        self._delay_s = min(self._delay_s, RESTART_MAX_S)
        self._due_s = now_s + self._delay_s
        return self._delay_s

    def ask_to_stop(self) -> None:
        """Ask for a warm stop: by a signal, or where there are none by closing the pipe that it watches."""
        if self._process is None or not self.running:
            return
        if sys.platform == "win32":
            self._let_go()
        else:
            self._process.send_signal(signal.SIGTERM)

    def wait_gone(self, seconds: float) -> bool:
        """Wait for the end, at most `seconds`."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout=max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return False
        self._let_go()
        return True

    def kill(self) -> None:
        """End it now; what it was doing is settled from the ledger and the broker."""
        if self._process is not None and self.running:
            self._process.kill()
            self._process.wait(timeout=KILL_WAIT_S)
        self._let_go()

    def _let_go(self) -> None:
        """Close our end of the pipe: of a running part that is the request to stop."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def _spawn(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "workers", "attached", *self.part.arguments]
        inherited = {name: text for name, text in os.environ.items() if name not in self.part.without}
        environment = {**inherited, "PYTHONUNBUFFERED": "1", **self.part.environment}
        if isinstance(self._output, Path):
            with (self._output / f"{self.part.name}.log").open("ab") as log:
                return _popen(command, environment, log)
        process = _popen(command, environment, subprocess.PIPE)
        if process.stdout is not None:
            self._output(self.part, process.stdout)
        return process


def _popen(
    command: list[str], environment: dict[str, str], output: IO[bytes] | int
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
        **own_group(),
    )
