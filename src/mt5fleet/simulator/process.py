"""Starts a broker in its own process, for tests, demos and supervisors that must not leave one behind."""

import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from threading import Thread, Timer
from types import TracebackType
from typing import Self

import mt5fleet
from mt5fleet.simulator.client import BrokerControl
from mt5fleet.simulator.config import SimulatorConfig

START_TIMEOUT_S = 30.0
"""Reading a large recording takes some seconds."""

STOP_TIMEOUT_S = 10.0
SAID_LINES_MAX = 200  # of the broker's output, kept to explain a failure
LISTENING = "listening on "
MODULE = "mt5fleet.cli.simulator"


class BrokerNotStartedError(Exception):
    """The broker process ended, or did not listen in time; the text holds what it said."""


def dropin_folder() -> Path:
    """Return the folder for `PYTHONPATH` in which the package `MetaTrader5` is ours."""
    return Path(__file__).parent / "dropin"


def terminal_environment(address: str, base: Mapping[str, str]) -> dict[str, str]:
    """Return `base` changed so that a Python program's `MetaTrader5` speaks to the broker at `address`."""
    paths = [str(dropin_folder()), *filter(None, [base.get("PYTHONPATH")])]
    return {**base, "PYTHONPATH": os.pathsep.join(paths), "MT5FLEET_SIMULATOR": address}


class BrokerProcess:
    """A running broker; leaving the `with` block ends it, and so does the death of this process."""

    def __init__(self, config: SimulatorConfig, process: "subprocess.Popen[str]", address: str) -> None:
        self.config = config
        self.address = address
        self._process = process
        self._said: deque[str] = deque(maxlen=SAID_LINES_MAX)
        self._listener = Thread(target=self._listen, name="broker-output", daemon=True)
        self._listener.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def said(self) -> str:
        """Return the last lines the broker printed, for a test that wants to know why."""
        return "".join(self._said)

    def control(self) -> BrokerControl:
        return BrokerControl(self.address)

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        return terminal_environment(self.address, base)

    def kill(self) -> None:
        """End it without a chance to tidy up, as `kill -9` does."""
        self._process.kill()
        self._reap()

    def stop(self) -> int:
        """End it cleanly and return its exit code; kills it when it does not end in time."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()  # the broker ends with its standard input, on every platform
        try:
            return self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            self._reap()

    def restarted(self) -> "BrokerProcess":
        """Start a broker on the same port and state; this one must have ended."""
        port = int(self.address.rpartition(":")[2])
        return start_broker(self.config.model_copy(update={"port": port}))

    def _listen(self) -> None:
        # A pipe that nobody reads fills up and stops the broker.
        if self._process.stdout is not None:
            self._said.extend(self._process.stdout)

    def _reap(self) -> None:
        self._process.wait()
        self._listener.join()
        _reap(self._process)


def start_broker(config: SimulatorConfig) -> BrokerProcess:
    """Start a broker and return once it listens.

    Raises:
        BrokerNotStartedError: It ended or did not listen in time.
    """
    with tempfile.TemporaryDirectory(prefix="mt5fleet-simulator-") as folder:
        path = Path(folder) / "simulator.json"  # readable by this user only: it holds passwords
        path.write_text(config.model_dump_json(), encoding="utf-8")
        process = _spawn([sys.executable, "-m", MODULE, "serve", "--config", str(path), "--end-with-stdin"])
        address = _address(process)
    return BrokerProcess(config, process, address)


def _spawn(command: list[str]) -> "subprocess.Popen[str]":
    package_root = str(Path(mt5fleet.__file__).parents[1])
    paths = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )


def _address(process: "subprocess.Popen[str]") -> str:
    """Read what the broker prints until it says where it listens."""
    if process.stdout is None:
        raise BrokerNotStartedError("the broker's output was not piped")
    overdue = Timer(START_TIMEOUT_S, process.kill)
    overdue.start()
    said: list[str] = []
    try:
        for line in process.stdout:
            if line.startswith(LISTENING):
                return line.removeprefix(LISTENING).strip()
            said.append(line)
    finally:
        overdue.cancel()
    _reap(process)
    raise BrokerNotStartedError(
        f"the broker did not start (exit code {process.returncode}): {''.join(said).strip()}"
    )


def _reap(process: "subprocess.Popen[str]") -> None:
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
