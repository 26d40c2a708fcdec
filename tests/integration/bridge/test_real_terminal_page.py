"""The commands of docs/real-terminal.md, as they stand there, with the simulator in the terminal's place."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import pytest

from mt5fleet.simulator.config import parse_config
from mt5fleet.simulator.process import start_broker
from tests.support.fleet import free_port

pytestmark = [
    pytest.mark.skipif(shutil.which("openssl") is None, reason="the page makes certificates with openssl"),
    pytest.mark.timeout(240),
]

PAGE = Path(__file__).resolve().parents[3] / "docs" / "real-terminal.md"
CHECK_S_MAX = 60
PASSWORD = "demo-pass"
SHELL_S_MAX = 60


def blocks(language: str) -> list[str]:
    """Code blocks of one language, in their order."""
    return re.findall(
        rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def the_block(language: str, word: str) -> str:
    (found,) = [block for block in blocks(language) if word in block]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Somebody who follows the page, with this machine in the place of all others."""

    folder: Path
    port: int

    @property
    def fleet(self) -> Path:
        return self.folder / "my-fleet"

    @property
    def host(self) -> Path:
        return self.folder / "host"

    def written(self, text: str) -> str:
        """Names and numbers of the reader in the place of the page's."""
        mine = {"win1.lan": "localhost", "7451": str(self.port), "YourBroker-Demo": "Simulator-Demo"}
        for theirs, ours in mine.items():
            text = text.replace(theirs, ours)
        return text

    def shell(self, *commands: str) -> None:
        script = "set -e\n" + "".join(self.written(command) for command in commands)
        subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=_environment(),
            check=True,
            timeout=SHELL_S_MAX,
            capture_output=True,
        )

    def check(self) -> tuple[int, dict[str, object]]:
        command = self.written(the_block("sh", "bridge check")).split()
        asked = subprocess.run(
            [sys.executable, "-m", "mt5fleet.cli.main", *command[1:], "--json"],
            cwd=self.fleet,
            capture_output=True,
            check=False,
            timeout=CHECK_S_MAX,
        )
        return asked.returncode, json.loads(asked.stdout)


def _environment() -> dict[str, str]:
    commands = Path(sys.executable).parent  # where `mt5fleet` is, as in the reader's virtual environment
    return {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture
def walk(tmp_path: Path) -> Walk:
    """Steps 1 to 3: everything is written, and nothing runs."""
    walk = Walk(folder=tmp_path, port=free_port())
    walk.shell("mt5fleet init my-fleet\n")
    (walk.fleet / "fleet.toml").write_text(walk.written(fleet_file(walk.fleet / "fleet.toml")))
    walk.shell(the_block("sh", "token_urlsafe"), the_block("sh", "openssl"), the_block("sh", "bridge config"))
    return walk


def fleet_file(made: Path) -> str:
    """A new fleet's file, without what the page takes out, with what it adds."""
    text = made.read_text(encoding="utf-8")
    text = re.sub(
        r"^\[(simulator|bridges\.local|accounts\.[^]]*)\]\n(?:(?!\[).*\n?)*", "", text, flags=re.MULTILINE
    )
    return f"{text}\n{the_block('toml', 'tls.workers')}"


def carry(walk: Walk, simulator: str) -> None:
    """What step 3 says to carry over, the password, and the simulator for want of a terminal."""
    for name in ("bridge.toml", "people.toml", "secrets/win1.token"):
        _copy(walk.fleet / name, walk.host / name)
    for name in ("ca.crt", "win1.crt", "win1.key"):
        _copy(walk.fleet / "ca" / name, walk.host / "tls" / name)
    (walk.host / "secrets" / "alpha.password").write_text(PASSWORD)
    with (walk.host / "bridge.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[simulator]\naddress = "{simulator}"\n')


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


@contextmanager
def served(walk: Walk) -> Iterator[None]:
    command = [sys.executable, "-m", "mt5fleet.cli.main", "bridge", "serve", "--config", "bridge.toml"]
    with Popen(command, cwd=walk.host) as bridge:
        try:
            yield
        finally:
            bridge.terminate()


def shown_on_page() -> list[tuple[str, str]]:
    """Step and result of each line of the page's expected output."""
    table = the_block("text", "dry order").splitlines()
    rows = [[cell.strip() for cell in line.split("│")] for line in table if "│" in line]
    return [(row[0], row[1]) for row in rows]


def test_reader_who_follows_the_page_sees_the_output_it_shows(walk: Walk, tmp_path: Path) -> None:
    told = {
        "state_dir": str(tmp_path / "broker"),
        "accounts": [{"login": 12345678, "password": PASSWORD, "server": "Simulator-Demo"}],
    }
    with start_broker(parse_config(told)) as broker:
        carry(walk, broker.address)
        with served(walk):
            code, report = _checked_until_green(walk)

    steps = [*report["steps"], *report["accounts"]["alpha"]]  # type: ignore[misc, index] # JSON of the command
    assert code == 0
    assert [(step["name"], step["result"]) for step in steps] == shown_on_page()


def _checked_until_green(walk: Walk) -> tuple[int, dict[str, object]]:
    """The terminal takes its time; the last answer when it never becomes green."""
    deadline = time.monotonic() + CHECK_S_MAX
    while True:
        code, report = walk.check()
        if code == 0 or time.monotonic() > deadline:
            return code, report
        time.sleep(0.5)


def test_what_the_page_makes_is_for_its_owner_only(walk: Walk) -> None:
    private = [*walk.fleet.glob("secrets/**/*"), *walk.fleet.glob("tls/*.key"), *walk.fleet.glob("ca/*.key")]

    open_to_others = [path.name for path in private if path.is_file() and path.stat().st_mode & 0o077]

    assert len(private) >= 4
    assert open_to_others == []


def test_lines_for_wine_reach_the_file_of_the_bridge(walk: Walk) -> None:
    wine = tomllib.loads(the_block("toml", "Z:"))
    text = (walk.fleet / "fleet.toml").read_text(encoding="utf-8")
    windows = tomllib.loads(the_block("toml", "tls.workers"))["accounts"]["alpha"]["terminal_path"]
    text = text.replace(windows, wine["accounts"]["alpha"]["terminal_path"])
    journal = f"journal_dir = '{wine['bridges']['win1']['journal_dir']}'"
    text = text.replace("[bridges.win1]", f"[bridges.win1]\n{journal}")
    (walk.fleet / "fleet.toml").write_text(text, encoding="utf-8")

    walk.shell("cd my-fleet\nmt5fleet bridge config --fleet fleet.toml --name win1 > bridge.toml\n")

    told = tomllib.loads((walk.fleet / "bridge.toml").read_text(encoding="utf-8"))
    assert told["bridge"]["journal_dir"] == r"Z:\var\lib\mt5fleet\journal"
    assert told["accounts"]["alpha"]["terminal_path"] == r"C:\terminal\terminal64.exe"
