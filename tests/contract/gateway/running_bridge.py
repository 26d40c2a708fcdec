"""The bridge's host process for the contract tests."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.contract.gateway.terms import EVENTUALLY_S_MAX


class RunningBridge:
    """The host process, as `tests/contract/gateway/serve_bridge.py` starts it."""

    def __init__(self, folder: Path, simulator_address: str, flags: Sequence[str] = ()) -> None:
        self._port_file = folder / "bridge.port"
        script = Path(__file__).with_name("serve_bridge.py")
        self._command = [
            sys.executable, str(script), str(folder), simulator_address, str(self._port_file), *flags
        ]  # fmt: skip
        self._start()

    def again(self) -> None:
        """End it and start it anew."""
        self.end()
        self._start()

    def end(self) -> None:
        """Ask it to end, and wait."""
        self.process.terminate()
        self.process.wait(30)

    @property
    def port(self) -> int:
        deadline = time.monotonic() + EVENTUALLY_S_MAX
        while time.monotonic() < deadline:
            if self._port_file.exists():
                return int(self._port_file.read_text())
            time.sleep(0.02)
        raise AssertionError("the bridge does not listen")

    def _start(self) -> None:
        self._port_file.unlink(missing_ok=True)
        self.process = subprocess.Popen(self._command)


@contextmanager
def running_bridge(
    folder: Path, simulator_address: str, flags: Sequence[str] = ()
) -> Iterator[RunningBridge]:
    running = RunningBridge(folder, simulator_address, flags)
    try:
        yield running
    finally:
        running.end()
