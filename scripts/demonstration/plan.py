"""The demo's fleet: accounts, prices, and the files that describe them."""

import os
import secrets
import socket
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PRICES = ROOT / "examples" / "prices"
MESSAGES = ROOT / "examples" / "signals" / "telegram_fx_2017_2019.jsonl"
GROUP = "all"
PRODUCER = "desk"
SERVER = "Simulator-Demo"
SHOCK_SYMBOL = "BTCUSD"  # no message names it, so only the guarded account holds it
RECORDED = {
    "EURUSD": "eurusd_2025-09-24_29.csv.gz",
    "GBPUSD": "gbpusd_2025-09-25_29.csv.gz",
    "XAUUSD": "xauusd_2014-05-08.csv.gz",
    "US30": "us30_2023-06-28_29.csv.gz",
}
REPLAY_SPEED = 4  # a recording of a quiet night shows some movement within a minute


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoAccount:
    """One simulated account and what is special about it."""

    name: str
    login: int
    currency: str
    balance: int = 10_000
    positions_max: int = 300
    drawdown_percent_max: Decimal = Decimal(20)
    shadow: bool = False
    remark: str = ""


ACCOUNTS = (
    DemoAccount(name="alpha", login=7_001, currency="USD"),
    DemoAccount(name="bravo", login=7_002, currency="USD"),
    DemoAccount(name="charlie", login=7_003, currency="EUR"),
    DemoAccount(name="delta", login=7_004, currency="GBP"),
    DemoAccount(name="echo", login=7_005, currency="USD", positions_max=30, remark="at most 30 positions"),
    DemoAccount(
        name="careful",
        login=7_006,
        currency="USD",
        drawdown_percent_max=Decimal(5),
        remark="halts at 5 % drawdown",
    ),
)
GUARDED = ACCOUNTS[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoFiles:
    """Where the demo's files are."""

    folder: Path
    fleet: Path
    key: Path
    submitted: Path
    simulator_address: str
    redis_url: str

    def environment(self) -> dict[str, str]:
        """What every command of the demo is started with."""
        return {**os.environ, "MT5FLEET_FILE": str(self.fleet), "COLUMNS": "120"}


def write_files(folder: Path, redis_url: str, webhook_url: str) -> DemoFiles:
    """Write fleet.toml, simulator.toml and the secrets beside them."""
    simulator, bridge = free_port(), free_port()
    passwords = {account.name: secrets.token_urlsafe(12) for account in ACCOUNTS}
    (folder / "secrets").mkdir()
    for name, password in {**passwords, "bridge": secrets.token_urlsafe(24)}.items():
        path = folder / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(password + "\n", encoding="utf-8")
    (folder / "simulator.toml").write_text(_simulator(simulator, passwords), encoding="utf-8")
    (folder / "fleet.toml").write_text(_fleet(redis_url, simulator, bridge, webhook_url), encoding="utf-8")
    return DemoFiles(
        folder=folder,
        fleet=folder / "fleet.toml",
        key=folder / f"{PRODUCER}.key",
        submitted=folder / "submitted.jsonl",
        simulator_address=f"127.0.0.1:{simulator}",
        redis_url=redis_url,
    )


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _fleet(redis_url: str, simulator: int, bridge: int, webhook_url: str) -> str:
    head = f"""
[redis]
ledger_url = "{redis_url}"

[simulator]
start = true
address = "127.0.0.1:{simulator}"
config = "simulator.toml"

[workers]
processes = 2

[bridges.local]
listen = "127.0.0.1:{bridge}"
token_file = "secrets/bridge"

[channels.log]
kind = "log"

[channels.desk]
kind = "webhook"
url = "{webhook_url}"
severity_min = "warning"

[limits]
spread_points_max = 10000
quote_age_s_max = 60
"""
    return head + "".join(_account(account) for account in ACCOUNTS)


def _account(account: DemoAccount) -> str:
    return f"""
[accounts.{account.name}]
server = "{SERVER}"
login = {account.login}
mode = "demo"
password_file = "secrets/{account.name}"
groups = ["{GROUP}"]
[accounts.{account.name}.limits]
positions_max = {account.positions_max}
drawdown_percent_max = {account.drawdown_percent_max}
"""


def _simulator(port: int, passwords: dict[str, str]) -> str:
    head = f'port = {port}\nstate_dir = "simulator"\nseed = 7\nspeed = {REPLAY_SPEED}\n'
    accounts = "".join(
        f'\n[[accounts]]\nlogin = {a.login}\nserver = "{SERVER}"\nname = "{a.name}"\n'
        f'currency = "{a.currency}"\nbalance = {a.balance}\npassword = "{passwords[a.name]}"\n'
        for a in ACCOUNTS
    )
    recorded = "".join(
        f'\n[prices.{symbol}]\nsource = "recorded"\nfile = "{(PRICES / file).as_posix()}"\n'
        for symbol, file in RECORDED.items()
    )
    cross = '\n[prices.EURGBP]\nsource = "cross"\nof = ["EURUSD", "GBPUSD"]\n'
    return head + accounts + recorded + cross
