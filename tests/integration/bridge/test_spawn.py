"""The bridge as it would start on Windows: no fork, no POSIX-only name, `sys.platform == "win32"`.

Libraries are those of Linux; what Windows itself would answer is not tested here.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE, Popen
from types import SimpleNamespace

import psutil
import pytest

from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.domain.errors import GatewayError
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.simulator.process import BrokerProcess, start_broker
from tests.contract.gateway.brokers import simulator
from tests.contract.gateway.rigs import key_of, market, permit
from tests.contract.gateway.terms import ACCOUNT, EVENTUALLY_S_MAX, LOGIN, PASSWORD, SERVER, TOKEN

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows needs no imitation")

IMITATION = Path(__file__).resolve().parents[2] / "support" / "as_on_windows"
CTRL_BREAK = signal.SIGUSR1  # what the imitation calls SIGBREAK
BRIDGE_FILE = f"""
[bridge]
name = "win"
listen = "127.0.0.1:0"
token_env = "BRIDGE_TOKEN"

[accounts.{ACCOUNT}]
server = "{SERVER}"
login = {LOGIN}
mode = "demo"
password_env = "ALPHA_PASSWORD"
server_offset_s = 7200

[simulator]
address = "{{address}}"
"""


class Windows:
    """A host that looks like Windows, with one bridge on it."""

    def __init__(self, folder: Path, broker: BrokerProcess) -> None:
        self.log = folder / "windows.log"
        self._port_file = folder / "port"
        (folder / "bridge.toml").write_text(BRIDGE_FILE.format(address=broker.address), encoding="utf-8")
        command = [sys.executable, "-m", "mt5fleet.cli.main", "bridge", "serve"]
        self.bridge: Popen[bytes] = Popen(
            [*command, "--config", folder / "bridge.toml", "--port-file", self._port_file],
            env=on_windows(self.log, BRIDGE_TOKEN=TOKEN, ALPHA_PASSWORD=PASSWORD),
            stdin=PIPE,
            stdout=PIPE,
        )

    def gateway(self) -> BridgeGateway:
        until(self._port_file.exists)
        port = int(self._port_file.read_text())
        address = BridgeAddress(host="127.0.0.1", port=port, token=TOKEN)
        return BridgeGateway({"win": address}, lambda _: "win")

    def said(self) -> list[list[str]]:
        return [line.split() for line in self.log.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    with start_broker(simulator(tmp_path)) as started:
        yield started


@pytest.fixture
def windows(tmp_path: Path, broker: BrokerProcess) -> Iterator[Windows]:
    made = Windows(tmp_path, broker)
    with made.bridge:
        yield made
        made.bridge.kill()


def on_windows(log: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(IMITATION), "AS_ON_WINDOWS_LOG": str(log), **more}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + EVENTUALLY_S_MAX
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def is_up(gateway: BridgeGateway) -> bool:
    try:
        return gateway.health(ACCOUNT).connected
    except GatewayError:
        return False


def test_bridge_on_windows_trades_and_stops_on_ctrl_break(windows: Windows) -> None:
    gateway = windows.gateway()
    rig = SimpleNamespace(gateway=gateway, clock=SystemClock())
    until(lambda: is_up(gateway))
    children = psutil.Process(windows.bridge.pid).children()

    outcome = gateway.submit(ACCOUNT, market(rig, key_of("win")), permit(rig, key_of("win")))
    gateway.disconnect()
    windows.bridge.send_signal(CTRL_BREAK)
    exit_code = windows.bridge.wait(EVENTUALLY_S_MAX)

    assert outcome.state is OrderState.FILLED
    assert exit_code == 0
    assert [child.pid for child in children if child.is_running()] == []


def test_child_on_windows_joins_the_job_of_its_bridge_before_it_opens_a_terminal(windows: Windows) -> None:
    gateway = windows.gateway()
    until(lambda: is_up(gateway))
    (child,) = psutil.Process(windows.bridge.pid).children()
    gateway.disconnect()

    said = windows.said()

    assert ["started", str(windows.bridge.pid)] in said
    assert ["started", str(child.pid)] in said
    assert said.index(["joined", "job", str(child.pid)]) < said.index(["loaded", str(child.pid)])


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("import os; os.fork()", "has no attribute 'fork'"),
        ("import os; os.getuid()", "has no attribute 'getuid' on Windows"),
        ("from os import killpg", "cannot import name 'killpg'"),
        ("import signal; signal.SIGKILL", "has no attribute 'SIGKILL' on Windows"),
        ("import fcntl", "No module named 'fcntl' on Windows"),
        ("import subprocess; subprocess.Popen(['true'], preexec_fn=print)", "not supported on Windows"),
    ],
)
def test_program_that_needs_posix_fails_there(code: str, complaint: str, tmp_path: Path) -> None:
    """The imitation is worth something."""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=on_windows(tmp_path / "log"),
        capture_output=True,
        text=True,
        timeout=EVENTUALLY_S_MAX,
        check=False,
    )

    assert ran.returncode == 1
    assert complaint in ran.stderr
