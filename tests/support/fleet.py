"""A whole fleet in a folder: Redis, simulator, bridge, workers and beat as processes of their own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from mt5fleet.client import FleetClient
from mt5fleet.domain.account import Producer, ProducerKey, Rights
from mt5fleet.domain.record import SignalPhase
from mt5fleet.domain.signal import Signal
from mt5fleet.messages import SigningKey
from mt5fleet.producers_file import FILE_NAME as PRODUCERS_FILE
from mt5fleet.producers_file import save_producers
from mt5fleet.simulator.client import BrokerControl
from mt5fleet.testing.redis_server import RedisServer, running_redis
from scripts.broker_count import broker_records

ROOT = Path(__file__).resolve().parents[2]
READY = "the fleet is ready"
READY_S_MAX = 90.0  # 25 processes start on two cores
STOP_S_MAX = 60.0
POLL_S = 0.05
PASSWORD = "Pl4nted-terminal-pass"
TOKEN = "Pl4nted-bridge-token"
SERVER = "Simulator-Demo"
FIRST_LOGIN = 50_001
PRODUCER = "desk"
BID, ASK = "1.10000", "1.10010"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def eventually(what: str, condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Poll until the condition holds; fail with its name when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(POLL_S)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a test wants of its fleet; the rest is as `mt5fleet init` writes it."""

    accounts: int = 1
    workers: int = 1
    pool: str = "threads"
    slots: int = 8
    beat: bool = True
    webhook: str | None = None
    balance: int = 100_000
    limits: dict[str, object] = field(
        default_factory=lambda: {"positions_max": 2000, "quote_age_s_max": 3600}
    )
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"acct-{number:02d}" for number in range(1, self.accounts + 1))


class LocalFleet:
    """The running fleet of one test."""

    def __init__(self, folder: Path, redis: RedisServer, shape: Shape) -> None:
        self.folder, self.redis, self.shape = folder, redis, shape
        self.simulator_address = f"127.0.0.1:{free_port()}"
        self.bridge_address = f"127.0.0.1:{free_port()}"
        self.logs = folder / "logs"
        self._pid_file = folder / "pids.json"
        self._key = SigningKey.generate("k1")
        self._supervisor: subprocess.Popen[bytes] | None = None
        _write_files(self, self._key)

    @property
    def file(self) -> Path:
        return self.folder / "fleet.toml"

    @property
    def environment(self) -> dict[str, str]:
        secrets = {"ACCOUNT_PASSWORD": PASSWORD, "BRIDGE_TOKEN": TOKEN}
        own = {"MT5FLEET_FILE": str(self.file), "PYTHONPATH": str(ROOT)}
        return {**os.environ, **secrets, **own, **self.shape.environment}

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything and wait until it is ready to trade."""
        self.logs.mkdir(exist_ok=True)
        options = ["--file", str(self.file), "--logs", str(self.logs), "--pid-file", str(self._pid_file)]
        with (self.logs / "supervisor.log").open("wb") as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-m", "workers", "up", *options],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually("the fleet is ready", self._is_ready, READY_S_MAX)

    def stop(self) -> None:
        """Stop everything; whatever is still there afterwards is killed and is a failure."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        family = [supervisor, *psutil.Process(supervisor.pid).children(recursive=True)]
        supervisor.terminate()
        try:
            supervisor.wait(STOP_S_MAX)
        finally:
            left = [process for process in family[1:] if process.is_running()]
            for process in [*left, supervisor]:
                _kill(process.pid)
        assert not left, f"processes outlived the supervisor: {left}"

    def kill_supervisor(self) -> list[psutil.Process]:
        """End the supervisor without warning; gives every process that it had started."""
        supervisor, self._supervisor = self._supervisor, None
        assert supervisor is not None
        family = psutil.Process(supervisor.pid).children(recursive=True)
        supervisor.kill()
        supervisor.wait(STOP_S_MAX)
        return family

    def told(self) -> str:
        """Every log of the fleet, for a failing test's message and for looking for secrets."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(encoding='utf-8', errors='replace')}"
            for path in sorted(self.logs.glob("*.log"))
        )

    @property
    def supervisor_pid(self) -> int:
        assert self._supervisor is not None
        return self._supervisor.pid

    def pids(self) -> dict[str, int]:
        """Process id of every running part, by name."""
        parts = json.loads(self._pid_file.read_text(encoding="utf-8"))["parts"]
        return {part["name"]: part["pid"] for part in parts if part["pid"] is not None}

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal to one part; gives its process id."""
        pid = self.pids()[name]
        os.kill(pid, number)
        return pid

    def client(self) -> FleetClient:
        return FleetClient(self.redis.url, PRODUCER, self._key)

    def control(self) -> BrokerControl:
        return BrokerControl(self.simulator_address)

    def records(self) -> list[dict[str, Any]]:
        return broker_records(self.simulator_address)

    def open_signal(self, client: FleetClient, signal_id: str, accounts: Sequence[str] = ()) -> Signal:
        """A small open with a distant stop, valid for long enough that a slow machine changes nothing."""
        return client.open(
            "EURUSD",
            "buy",
            lots="0.01",
            stop_loss="1.05000",
            accounts=accounts or self.shape.names,
            valid_for_s=600,
            signal_id=signal_id,
        )

    def wait_final(self, client: FleetClient, ids: Sequence[str], seconds: float = 60.0) -> None:
        """Wait until every signal is final; fail with the ones that are not."""
        left = set(ids)

        def settled() -> bool:
            left.difference_update(
                [
                    one
                    for one in tuple(left)
                    if client.status(one).phase in (SignalPhase.FINAL, SignalPhase.REFUSED)
                ]
            )
            return not left

        try:
            eventually("every signal is final", settled, seconds)
        except AssertionError:
            states = [(one, client.status(one)) for one in sorted(left)[:3]]
            raise AssertionError(
                f"{len(left)} signals are not final: {states}\n{self.told()[-8000:]}"
            ) from None

    def _is_ready(self) -> bool:
        assert self._supervisor is not None
        assert self._supervisor.poll() is None, f"the supervisor ended:\n{self.told()}"
        return READY in (self.logs / "supervisor.log").read_text(encoding="utf-8", errors="replace")


@contextmanager
def running_fleet(folder: Path, shape: Shape) -> Iterator[LocalFleet]:
    """Bring up a fleet with its own Redis, and take everything down again."""
    (folder / "redis").mkdir()
    with running_redis(folder / "redis") as redis, LocalFleet(folder, redis, shape) as fleet:
        yield fleet


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _write_files(fleet: LocalFleet, key: SigningKey) -> None:
    (fleet.folder / "fleet.toml").write_text(_fleet_text(fleet), encoding="utf-8")
    (fleet.folder / "simulator.toml").write_text(_simulator_text(fleet), encoding="utf-8")
    stored = ProducerKey(key_id="k1", algorithm="ed25519", public=key.public, valid_from=LONG_AGO)
    rights = Rights(accounts=("*",), signals_per_minute_max=100_000)
    save_producers(
        fleet.folder / PRODUCERS_FILE, {PRODUCER: Producer(name=PRODUCER, keys=(stored,), rights=rights)}
    )


def _fleet_text(fleet: LocalFleet) -> str:
    shape = fleet.shape
    hook = f'[channels.hook]\nkind = "webhook"\nurl = "{shape.webhook}"\n' if shape.webhook else ""
    limits = "".join(f"{name} = {value}\n" for name, value in shape.limits.items())
    return f"""
[redis]
ledger_url = "{fleet.redis.url}"
[simulator]
start = true
address = "{fleet.simulator_address}"
[workers]
processes = {shape.workers}
slots = {shape.slots}
pool = "{shape.pool}"
beat = {str(shape.beat).lower()}
[bridges.local]
listen = "{fleet.bridge_address}"
token_env = "BRIDGE_TOKEN"
visibility_lag_s = 0.2
[channels.log]
kind = "log"
{hook}
[limits]
{limits}
{_accounts_text(shape)}
"""


def _accounts_text(shape: Shape) -> str:
    return "".join(
        f'[accounts.{name}]\nserver = "{SERVER}"\nlogin = {FIRST_LOGIN + index}\nmode = "demo"\n'
        f'password_env = "ACCOUNT_PASSWORD"\ngroups = ["all"]\n'
        for index, name in enumerate(shape.names)
    )


def _simulator_text(fleet: LocalFleet) -> str:
    accounts = "".join(
        f'[[accounts]]\nlogin = {FIRST_LOGIN + index}\nserver = "{SERVER}"\n'
        f'balance = {fleet.shape.balance}\npassword = "{PASSWORD}"\n'
        for index in range(fleet.shape.accounts)
    )
    prices = f'[prices.EURUSD]\nsource = "fixed"\nbid = {BID}\nask = {ASK}\n'
    return f'state_dir = "{fleet.folder / "broker"}"\nfsync = false\n{accounts}{prices}'
