"""A private Redis for tests and the demo: own port, own directory, dead when its owner is done with it."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mt5fleet.adapters.process_group import own_group

#: An explicit server binary; wins over everything else.
SERVER_ENV = "MT5FLEET_REDIS_SERVER"
#: Where scripts/bootstrap.py records the binary it found, inside the virtual environment.
RECORD_NAME = "redis-server-path"
START_S_MAX = 20.0  # loading the append-only file of a long test takes a few seconds
STOP_S_MAX = 10.0  # a killed process is gone at once, except on a machine that swaps
PING_S_MAX = 1.0
POLL_S = 0.02
PORT_ATTEMPTS_MAX = 5  # somebody may take the port between our look and the server's bind
LOG_CHARS_MAX = 2_000
PORT_TAKEN = re.compile(r"address already in use|could not create server tcp", re.IGNORECASE)


class RedisServerMissingError(RuntimeError):
    """No redis-server or valkey-server on this machine; nothing was started."""


class RedisServerFailedError(RuntimeError):
    """The server ended or did not answer in time; it has been killed."""


class PortTakenError(RedisServerFailedError):
    """Another process listens on the port."""


def find_redis_server() -> Path:
    """Return the binary named by the environment, recorded by the bootstrap, or found on PATH.

    Raises:
        RedisServerMissingError: none of the three names an existing file.
    """
    named = os.environ.get(SERVER_ENV)
    if named:
        return _existing(Path(named), SERVER_ENV)
    record = Path(sys.prefix) / RECORD_NAME
    if record.is_file():
        recorded = Path(record.read_text(encoding="utf-8").strip())
        if recorded.is_file():
            return recorded
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise RedisServerMissingError(f"no redis-server: run `make setup`, or set {SERVER_ENV} to its path")


class RedisServer:
    """One server process at a time, on one port and one directory; survives its own kills."""

    def __init__(self, binary: Path, directory: Path, port: int, arguments: Sequence[str]) -> None:
        self.port = port
        self.directory = directory
        self._log = directory / "redis.log"
        self._command = [str(binary), *_base_arguments(directory, port), *arguments]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process id of the running server.

        Raises:
            RedisServerFailedError: it is not running.
        """
        if self._process is None:
            raise RedisServerFailedError(f"the server on port {self.port} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the server and return once it answers PING; does nothing when it runs.

        Raises:
            PortTakenError: somebody else has the port.
            RedisServerFailedError: no answer within START_S_MAX.
        """
        if self._process is not None and self._process.poll() is None:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, **own_group()
            )
        try:
            self._wait_until_ready(self._process)
        except BaseException:  # not even Ctrl-C may leave a server behind
            self.kill()
            raise

    def kill(self) -> None:
        """End the server without warning, as a power cut would; what was not on disk is gone."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(timeout=STOP_S_MAX)

    def restart(self) -> None:
        """Kill and start again on the same port and directory; the append-only file is read back."""
        self.kill()
        self.start()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise self._start_failure(f"ended with code {process.returncode}")
            if self._serves(process.pid):
                return
            time.sleep(POLL_S)
        raise self._start_failure(f"gave no answer within {START_S_MAX:g} s")

    def _serves(self, pid: int) -> bool:
        """Whether our own process answers; another server on this port is not ours."""
        once = Retry(NoBackoff(), 0)  # the loop around this is the retry
        client = redis.Redis(
            port=self.port, retry=once, socket_timeout=PING_S_MAX, socket_connect_timeout=PING_S_MAX
        )
        try:
            return bool(client.ping()) and client.info("server").get("process_id") == pid
        except redis.RedisError:  # not listening yet, or still loading: the caller asks again
            return False
        finally:
            client.close()

    def _start_failure(self, what: str) -> RedisServerFailedError:
        last = self._log.read_text(encoding="utf-8", errors="replace")[-LOG_CHARS_MAX:]
        kind = PortTakenError if PORT_TAKEN.search(last) else RedisServerFailedError
        return kind(f"the server on port {self.port} {what}: {last}")


@contextmanager
def running_redis(
    directory: Path, *, appendonly: bool = True, port: int | None = None, extra: Sequence[str] = ()
) -> Iterator[RedisServer]:
    """Run a server that only this machine can reach, and kill it on the way out, whatever happened.

    Args:
        directory: where it keeps its files and log; must exist.
        appendonly: keep an append-only file, synced every second; without it a kill forgets everything.
        port: a fixed port; None takes a free one.
        extra: further server arguments, such as ("--maxmemory", "64mb").

    Raises:
        RedisServerMissingError: no server on this machine.
        RedisServerFailedError: it did not start.
    """
    arguments = ["--appendonly", "yes" if appendonly else "no", *extra]
    server = _started(find_redis_server(), directory, port, arguments)
    try:
        yield server
    finally:
        server.kill()


def _started(binary: Path, directory: Path, port: int | None, arguments: Sequence[str]) -> RedisServer:
    attempts = PORT_ATTEMPTS_MAX if port is None else 1
    for attempt in range(1, attempts + 1):
        server = RedisServer(binary, directory, _free_port() if port is None else port, arguments)
        try:
            server.start()
        except PortTakenError:
            if attempt == attempts:
                raise
        else:
            return server
    raise RedisServerFailedError(f"no free port in {attempts} attempts")


def _existing(path: Path, source: str) -> Path:
    if not path.is_file():
        raise RedisServerMissingError(f"{source} names {path}, which is no file")
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _base_arguments(directory: Path, port: int) -> list[str]:
    return [
        *("--port", str(port), "--bind", "127.0.0.1"),
        *("--dir", str(directory), "--daemonize", "no"),
        *("--appendfsync", "everysec", "--save", ""),
        *("--maxmemory-policy", "noeviction"),
    ]
