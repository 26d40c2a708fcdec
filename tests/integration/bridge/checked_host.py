"""A bridge's host: a folder with nothing but the bridge's own file, and the commands run there."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway
from mt5fleet.people_file import save_people
from mt5fleet.simulator.process import BrokerProcess
from tests.contract.gateway.people import PEOPLE
from tests.contract.gateway.rigs import EVENTUALLY_S_MAX, LOGIN, PASSWORD, SERVER

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
        process = subprocess.Popen(self.command("serve", "--port-file", "port"), cwd=self.folder)
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
        command = self.command("check", "--json", *options)
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

    def command(self, name: str, *options: str) -> list[str]:
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
