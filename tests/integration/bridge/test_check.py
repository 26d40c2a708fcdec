"""`mt5fleet bridge check` against a real bridge, served from a folder with nothing but its own file."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.people_file import save_people
from mt5fleet.simulator.process import BrokerProcess, start_broker
from tests.contract.gateway.people import PEOPLE, floor_of
from tests.contract.gateway.rigs import EVENTUALLY_S_MAX, LOGIN, PASSWORD, SERVER, simulator

TOKEN = "check-token"
BRIDGE = f"""
[bridge]
name = "desk"
listen = "127.0.0.1:0"
token_file = "token"
visibility_lag_s = 0.3
[simulator]
address = "SIMULATOR"
[accounts.alpha]
server = "{SERVER}"
login = {LOGIN}
mode = "demo"
password_file = "alpha.password"
server_offset_s = 7200
"""
SKIPPED_WITHOUT_TERMINAL = [
    "login and server",
    "mode",
    "algo trading",
    "opens",
    "terminal build",
    "server time",
    "dry order",
]
Steps = Mapping[str, Mapping[str, str]]


class Host:
    """A folder as the bridge's host has it, and the commands run there."""

    def __init__(self, folder: Path, broker: BrokerProcess) -> None:
        self.folder, self.broker = folder, broker
        self.port = 0
        (folder / "bridge.toml").write_text(BRIDGE.replace("SIMULATOR", broker.address))
        (folder / "token").write_text(TOKEN)
        (folder / "alpha.password").write_text(PASSWORD)
        save_people(folder / "people.toml", PEOPLE)

    def change(self, old: str, new: str) -> None:
        path = self.folder / "bridge.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    @contextmanager
    def serving(self) -> Iterator[None]:
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        process = subprocess.Popen(self._command("serve", "--port-file", "port"), cwd=self.folder)
        try:
            until(port_file.exists)
            self.port = int(port_file.read_text())
            self.change('listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{self.port}"')
            yield
        finally:
            process.terminate()
            process.wait(30)
            self.change(f'listen = "127.0.0.1:{self.port}"', 'listen = "127.0.0.1:0"')

    def check(self, *options: str) -> tuple[int, Steps]:
        """Exit code, and every step by its name."""
        command = self._command("check", "--json", *options)
        asked = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert asked.stdout, asked.stderr
        document = json.loads(asked.stdout)
        steps = [*document["steps"], *document["accounts"].get("alpha", [])]
        return asked.returncode, {step["name"]: step for step in steps}

    def check_until(self, condition: Callable[[Steps], bool]) -> tuple[int, Steps]:
        """Check again while the terminal is still being started."""
        deadline = time.monotonic() + EVENTUALLY_S_MAX
        while True:
            code, steps = self.check()
            if condition(steps):
                return code, steps
            assert time.monotonic() < deadline, steps

    @contextmanager
    def gateway(self) -> Iterator[BridgeGateway]:
        address = BridgeAddress(host="127.0.0.1", port=self.port, token=TOKEN)
        gateway = BridgeGateway({"desk": address}, lambda _: "desk")
        try:
            yield gateway
        finally:
            gateway.disconnect()

    def _command(self, name: str, *options: str) -> list[str]:
        return [
            sys.executable,
            "-m",
            "mt5fleet.cli.main",
            "bridge",
            name,
            "--config",
            "bridge.toml",
            *options,
        ]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + EVENTUALLY_S_MAX
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def of(steps: Steps, *results: str) -> list[str]:
    return [name for name, step in steps.items() if step["result"] in results]


def is_up(steps: Steps) -> bool:
    return steps["terminal"]["result"] == "ok"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    folder = tmp_path / "host"
    folder.mkdir()
    with start_broker(simulator(tmp_path / "state")) as broker:
        yield Host(folder, broker)


def test_a_bridge_served_from_its_own_file_passes_every_step(host: Host) -> None:
    with host.serving():
        host.check_until(is_up)
        with host.gateway() as gateway:
            gateway.floor("alpha", floor_of(SystemClock(), "5000"))
        code, steps = host.check()

        assert (code, of(steps, "failed", "warning", "skipped")) == (0, [])
        assert "rita can lift a halt" in steps["people"]["says"]
        assert "equity 5000, 3 readings, signed by rita" in steps["floor"]["says"]
        assert "margin" in steps["dry order"]["says"]
        with host.broker.control() as control:
            truth = control.truth(LOGIN)
    assert (truth["positions"], truth["orders"]) == ([], [])


@pytest.mark.parametrize(
    ("old", "new", "failing", "said"),
    [
        ('mode = "demo"', 'mode = "real"\nallow_real = true', "mode", "is demo, configured is real"),
        ("alpha.password", "wrong.password", "terminal", "refused login, server or password"),
        ('mode = "demo"', 'mode = "real"', "terminal", "accounts.alpha.allow_real"),
        ("alpha.password", "none.password", "terminal", "none.password cannot be read"),
    ],
)
def test_each_wrong_setting_fails_its_own_step(
    host: Host, old: str, new: str, failing: str, said: str
) -> None:
    (host.folder / "wrong.password").write_text("not it")
    host.change(old, new)

    with host.serving():
        code, steps = host.check_until(lambda found: said in found[failing]["says"])

    assert (code, of(steps, "failed")) == (1, [failing])
    assert steps[failing]["todo"]
    assert of(steps, "skipped") == (SKIPPED_WITHOUT_TERMINAL if failing == "terminal" else ["opens"])


def test_a_server_whose_prices_stand_still_warns_of_a_closed_market(host: Host) -> None:
    host.change("server_offset_s = 7200\n", "")

    with host.serving():
        code, steps = host.check_until(is_up)

    assert (code, steps["server time"]["result"]) == (0, "warning")
    assert "market closed?" in steps["server time"]["says"]


def test_a_switch_that_is_off_is_named_with_its_place(host: Host) -> None:
    with host.serving(), host.broker.control() as control:
        host.check_until(is_up)
        control.switch(LOGIN, {"autotrading": False})
        code, steps = host.check()

    assert (code, of(steps, "failed")) == (1, ["algo trading"])
    assert "toolbar" in steps["algo trading"]["says"]


def test_a_terminal_that_went_away_fails_and_skips_what_needs_it(host: Host) -> None:
    with host.serving():
        host.check_until(is_up)
        host.broker.stop()
        code, steps = host.check_until(lambda found: not is_up(found))

    assert (code, of(steps, "failed"), of(steps, "skipped")) == (1, ["terminal"], SKIPPED_WITHOUT_TERMINAL)


def test_a_standing_latch_fails_whatever_the_terminal_says(host: Host) -> None:
    with host.serving():
        host.check_until(is_up)
        with host.gateway() as gateway:
            gateway.latch("alpha", 7, "drawdown reached")
        code, steps = host.check()

    assert (code, of(steps, "failed")) == (1, ["latch"])
    assert "drawdown reached (halt 7)" in steps["latch"]["says"]
    assert "accounts resume alpha" in steps["latch"]["todo"]


def test_a_wrong_token_is_told_from_a_bridge_that_is_away(host: Host) -> None:
    with host.serving():
        host.check_until(is_up)
        (host.folder / "token").write_text("another-token")
        refused = host.check()
        (host.folder / "token").write_text(TOKEN)
        path = host.folder / "bridge.toml"
        kept = path.read_text()
    path.write_text(kept)
    away = host.check()

    assert (refused[0], of(refused[1], "failed")) == (1, ["TLS and token"])
    assert "token" in refused[1]["TLS and token"]["says"]
    assert (away[0], of(away[1], "failed")) == (3, ["connection"])


def test_a_wrong_file_is_exit_code_two(host: Host) -> None:
    host.change("login", "logim")

    for name in ("serve", "check"):
        ended = subprocess.run(
            host._command(name), cwd=host.folder, capture_output=True, timeout=60, check=False
        )
        assert ended.returncode == 2
        assert b"accounts.alpha.logim: is not a field" in ended.stderr
