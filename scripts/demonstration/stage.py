"""Starts and ends what the demo runs on: Redis, the fleet, and a small web server that takes the alerts."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import redis

from demonstration.plan import ROOT, DemoFiles
from mt5fleet.testing.redis_server import running_redis

STOP_S_MAX = 40  # workers finish what they hold, then the rest ends
COMMAND_S_MAX = 60
WAIT_STEP_S = 0.1


class DemoFailed(Exception):
    """The demo cannot go on; the text says why."""


@contextmanager
def redis_url(folder: Path) -> Iterator[tuple[str, str]]:
    """The address of a Redis to use, and what it is.

    REDIS_URL when given (it must be empty), else a private server.
    """
    given = os.environ.get("REDIS_URL")
    if given:
        if redis.Redis.from_url(given).dbsize():
            raise DemoFailed("REDIS_URL: the database is not empty; the demo needs an empty one")
        yield given, "given by REDIS_URL"
        return
    directory = folder / "redis"
    directory.mkdir()
    with running_redis(directory) as server:
        yield server.url, f"pid={server.pid}"


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, object]]]]:
    """A local web server and the alerts it has received."""
    received: list[dict[str, object]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: the demo shows what arrived."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/alerts", received
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def fleet(files: DemoFiles, workers: int) -> Iterator["Fleet"]:
    """The whole fleet, started as its operators start it; gone when the block ends, however it ends."""
    log = (files.folder / "fleet.log").open("w", encoding="utf-8")
    command = [sys.executable, "-m", "workers", "attached", "workers", "up", "--workers", str(workers)]
    command += ["--pid-file", str(files.folder / "pids.json"), "--logs", str(files.folder / "logs")]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=files.environment(),
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        yield Fleet(files, process)
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


class Fleet:
    """The running fleet as the demo sees it."""

    def __init__(self, files: DemoFiles, process: subprocess.Popen[bytes]) -> None:
        self._pids = files.folder / "pids.json"
        self._files = files
        self._process = process

    def parts(self) -> list[dict[str, object]]:
        """Name, role and pid of every part."""
        if self._process.poll() is not None:
            tail = (self._files.folder / "fleet.log").read_text(encoding="utf-8")[-2000:]
            raise DemoFailed(f"the fleet ended by itself:\n{tail}")
        if not self._pids.exists():
            return []
        return list(json.loads(self._pids.read_text(encoding="utf-8"))["parts"])

    def pid_of(self, name: str) -> int:
        """The process id of one part."""
        return next(int(str(part["pid"])) for part in self.parts() if part["name"] == name)


def command(files: DemoFiles, *arguments: str) -> str:
    """Run one `mt5fleet` command as a user would; gives its output."""
    done = subprocess.run(
        [sys.executable, "-m", "mt5fleet.cli.main", *arguments],
        cwd=ROOT,
        env=files.environment(),
        capture_output=True,
        text=True,
        timeout=COMMAND_S_MAX,
        check=False,
    )
    if done.returncode != 0:
        raise DemoFailed(
            f"mt5fleet {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def eventually(what: str, condition: Callable[[], bool], within_s: float) -> None:
    """Wait until the condition holds; raises DemoFailed naming what did not come."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise DemoFailed(f"{what}: not within {within_s:g} s")
        time.sleep(WAIT_STEP_S)
