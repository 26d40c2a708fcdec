"""The demo: honest when all is well, red when safeguards are gone, without processes after Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
PLANTED = ROOT / "tests" / "support" / "planted"
LAST_LINE = re.compile(
    r"^demo: signals=\d+ accounts=6 filled=(?P<filled>\d+) denied=\d+ expired=\d+ "
    r"doubled=(?P<doubled>\d+) lost=(?P<lost>\d+)$"
)
DEMO_S_MAX = 150
START_S_MAX = 60
GONE_S_MAX = 60
SIGNALS = 12  # enough for the kill to fall into running work

pytestmark = [
    pytest.mark.timeout(DEMO_S_MAX + GONE_S_MAX),
    pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and SIGINT of a group"),
]


def test_demo_ends_with_nothing_doubled_and_nothing_lost() -> None:
    done = _demo("--signals", str(SIGNALS))

    last = LAST_LINE.match(done.stdout.strip().splitlines()[-1])
    assert last is not None, done.stdout[-4000:]
    assert int(last["filled"]) > 0
    assert (last["doubled"], last["lost"], done.returncode) == ("0", "0", 0), done.stdout[-4000:]
    assert "killed worker-1" in done.stdout
    assert "denied: halted" in done.stdout


def test_demo_counts_doubled_orders_when_claim_and_asking_first_are_off() -> None:
    done = _demo("--signals", str(SIGNALS), environment={"PYTHONPATH": str(PLANTED)})

    last = LAST_LINE.match(done.stdout.strip().splitlines()[-1])
    assert last is not None, done.stdout[-4000:] + done.stderr[-2000:]
    assert int(last["doubled"]) > 0
    assert done.returncode == 1


def test_ctrl_c_leaves_no_process_behind(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    command = [sys.executable, "scripts/demo.py", "--keep", str(folder)]
    demo = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _eventually(lambda: _parts(folder) >= 5, START_S_MAX)
        started = _family(demo.pid)

        os.killpg(demo.pid, signal.SIGINT)

        assert demo.wait(timeout=GONE_S_MAX) != 0
        _eventually(lambda: not any(_alive(process) for process in started), GONE_S_MAX)
    finally:
        for process in _family(demo.pid):
            process.kill()
        demo.kill()


def _demo(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/demo.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=DEMO_S_MAX,
        check=False,
    )


def _parts(folder: Path) -> int:
    path = folder / "pids.json"
    return len(json.loads(path.read_text(encoding="utf-8"))["parts"]) if path.exists() else 0


def _family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _eventually(condition: Callable[[], bool], within_s: float) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"not within {within_s} s"
        time.sleep(0.1)
