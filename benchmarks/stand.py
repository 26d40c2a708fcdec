"""The processes a measurement runs on: Redis, broker, fleet or bare Celery; each ends with its block."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mt5fleet.client import FleetClient
from mt5fleet.simulator.client import BrokerControl
from mt5fleet.simulator.config import parse_config
from mt5fleet.simulator.process import dropin_folder, start_broker
from mt5fleet.testing.redis_server import running_redis

ROOT = Path(__file__).resolve().parent.parent
SERVER = "Sim-Bench"
PASSWORD = "bench-only"
SYMBOL = "EURUSD"
MID = "1.10000"
READY_S_MAX = 60
STOP_S_MAX = 30
FIRST_LOGIN = 9_001
QUIET = "--without-gossip --without-mingle --without-heartbeat --loglevel=INFO -Ofair"
RATE_MAX = 1_000_000  # signals a minute: the measurement shall not meet the producer's own limit


class NotReady(Exception):
    """A process did not come up or an order did not arrive in time."""


@dataclass(frozen=True, kw_only=True)
class Stand:
    """Addresses of what is running."""

    folder: Path
    redis_url: str
    broker: str
    accounts: int

    def orders(self) -> list[tuple[int, int, str]]:
        """Login, receipt stamp (ms UTC) and comment of every opening order at the broker."""
        with BrokerControl(self.broker) as control:
            offset_ms = control.status()["utc_offset_ms"]
            return [
                (book["login"], order["time_setup_ms"] - offset_ms, order["comment"])
                for book in control.all_truth()
                for order in book["history"]
            ]


@contextmanager
def stand(folder: Path, accounts: int) -> Iterator[Stand]:
    """A private Redis and a broker with `accounts` accounts and one quiet symbol."""
    folder.mkdir(parents=True)
    (folder / "redis").mkdir()
    terms = [
        {
            "login": FIRST_LOGIN + n,
            "password": PASSWORD,
            "server": SERVER,
            "balance": "10000000",
            "limit_orders": 0,
        }
        for n in range(accounts)
    ]
    quiet = {"source": "synthetic", "mid": MID, "spread_points": 10, "volatility_percent_day": "0.1"}
    told = {"state_dir": str(folder / "broker"), "default_prices": "none", "accounts": terms}
    config = parse_config({**told, "prices": {SYMBOL: quiet}})
    with running_redis(folder / "redis") as redis, start_broker(config) as broker:
        yield Stand(folder=folder, redis_url=redis.url, broker=broker.address, accounts=accounts)


@contextmanager
def fleet(on: Stand, workers: int, pool: str, bridge_port: int) -> Iterator[FleetClient]:
    """The fleet with `workers` processes over the stand.

    Gives a producer's client when every account is watched.
    """
    path = on.folder / "fleet.toml"
    path.write_text(_fleet_file(on, pool, bridge_port), encoding="utf-8")
    environment = {**os.environ, "MT5FLEET_FILE": str(path), "MT5FLEET_SIMULATOR": on.broker}
    key = on.folder / "bench.key"
    _command(environment, "accounts", "apply", str(path), "--yes")
    _command(environment, *f"producers add bench --accounts * --rate {RATE_MAX} --out {key}".split())
    up = f"workers attached workers up --workers {workers} --pid-file {on.folder / 'pids.json'}"
    with (
        process(up.split(), environment, on.folder / "fleet.log"),
        FleetClient(on.redis_url, "bench", key) as client,
    ):
        wait_until("the fleet is ready", lambda: _ready(environment))
        yield client


@contextmanager
def bare_celery(on: Stand, workers: int, pool: str) -> Iterator[None]:
    """Bare Celery workers, one account each, since the MetaTrader5 module holds one account per process."""
    with ExitStack() as stack:
        for number in range(workers):
            environment = bare_environment(on, number)
            slots = 4 if pool == "threads" else 1
            worker = f"celery -A benchmarks.bare_app worker -P {pool} -c {slots} -n bare{number}@%h {QUIET}"
            stack.enter_context(process(worker.split(), environment, on.folder / f"bare-{number}.log"))
        log = [on.folder / f"bare-{number}.log" for number in range(workers)]
        wait_until("bare Celery is ready", lambda: all("ready." in path.read_text() for path in log))
        yield


def bare_environment(on: Stand, number: int) -> dict[str, str]:
    """What one bare worker is told."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(dropin_folder())]),
        "MT5FLEET_SIMULATOR": on.broker,
        "BENCH_REDIS_URL": on.redis_url,
        "BENCH_ACCOUNT": json.dumps([FIRST_LOGIN + number, PASSWORD, SERVER]),
    }


@contextmanager
def process(
    arguments: list[str], environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A Python module as a process, ended with the block."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(timeout=STOP_S_MAX)
            except subprocess.TimeoutExpired:
                started.kill()


def wait_until(what: str, condition: Callable[[], bool], within_s: float = READY_S_MAX) -> None:
    """Poll until the condition holds; raises NotReady naming what did not come."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise NotReady(f"{what}: not within {within_s:g} s")
        time.sleep(0.05)


def _command(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mt5fleet.cli.main", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=READY_S_MAX,
    )
    if done.returncode:
        raise NotReady(f"mt5fleet {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def _ready(environment: dict[str, str]) -> bool:
    shown = json.loads(_command(environment, "accounts", "show", "--json"))
    return all(account["reading"] is not None for account in shown)


def _fleet_file(on: Stand, pool: str, bridge_port: int) -> str:
    secret = on.folder / "password"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    head = f"""
[redis]
ledger_url = "{on.redis_url}"
[simulator]
start = false
address = "{on.broker}"
[workers]
pool = "{pool}"
[bridges.local]
listen = "127.0.0.1:{bridge_port}"
[limits]
positions_max = 1000000
spread_points_max = 10000
quote_age_s_max = 86400
"""
    return head + "".join(
        f'\n[accounts.bench-{n}]\nserver = "{SERVER}"\nlogin = {FIRST_LOGIN + n}\nmode = "demo"\n'
        f'password_file = "password"\ngroups = ["all"]\n'
        for n in range(on.accounts)
    )
