"""The files `mt5fleet init` writes: a fleet that works unedited with the simulator."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mt5fleet.domain.errors import FleetError
from mt5fleet.private_file import write_private

REDIS_URL = "redis://127.0.0.1:6379/0"
PASSWORD_BYTES = 18  # 24 characters; nobody types them
_SERVER = "Simulator-Demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultFile:
    """One file to write; `private` ones are for the owner only."""

    path: Path
    text: str = field(repr=False)
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _DemoAccount:
    name: str
    login: int
    currency: str
    password: str = field(repr=False)


class FilesExist(FleetError):
    """Files of a fleet are there already; nothing was written."""


def render_default(
    directory: Path,
    *,
    redis_url: str = REDIS_URL,
    new_password: Callable[[], str] = lambda: secrets.token_urlsafe(PASSWORD_BYTES),
) -> tuple[DefaultFile, ...]:
    """Every file of a new fleet in `directory`, with fresh passwords; nothing is written."""
    accounts = (
        _DemoAccount(name="demo-usd-1", login=5001, currency="USD", password=new_password()),
        _DemoAccount(name="demo-usd-2", login=5002, currency="USD", password=new_password()),
        _DemoAccount(name="demo-eur-1", login=5003, currency="EUR", password=new_password()),
    )
    return (
        DefaultFile(path=directory / "fleet.toml", text=_fleet(accounts, redis_url)),
        DefaultFile(path=directory / "simulator.toml", text=_simulator(accounts), private=True),
        DefaultFile(path=directory / ".gitignore", text=_GITIGNORE),
        DefaultFile(path=directory / "secrets" / "bridge.token", text=new_password() + "\n", private=True),
        *(
            DefaultFile(path=directory / _password_file(a), text=a.password + "\n", private=True)
            for a in accounts
        ),
    )


def write_default(files: tuple[DefaultFile, ...]) -> None:
    """Write every file; raises FilesExist, naming them, when one is there already, and OSError."""
    present = [str(item.path) for item in files if item.path.exists()]
    if present:
        raise FilesExist(f"{', '.join(present)}: already there; nothing was written")
    for item in files:
        item.path.parent.mkdir(parents=True, exist_ok=True)
        if item.private:
            write_private(item.path, item.text)
        else:
            item.path.write_text(item.text, encoding="utf-8")


def _fleet(accounts: tuple[_DemoAccount, ...], redis_url: str) -> str:
    return _FLEET.format(redis_url=redis_url) + "".join(_account(account) for account in accounts)


def _account(account: _DemoAccount) -> str:
    return f"""
[accounts.{account.name}]
server = "{_SERVER}"
login = {account.login}
mode = "demo"
password_file = "{_password_file(account)}"
groups = ["all"]
"""


def _simulator(accounts: tuple[_DemoAccount, ...]) -> str:
    return _SIMULATOR + "".join(
        f"""
[[accounts]]
login = {account.login}
server = "{_SERVER}"
name = "{account.name}"
currency = "{account.currency}"
balance = 10000
password = "{account.password}"
"""
        for account in accounts
    )


def _password_file(account: _DemoAccount) -> str:
    return f"secrets/{account.name}.password"


_GITIGNORE = """\
# Passwords, private keys, and what the processes remember.
secrets/
simulator.toml
state/
journal/
*.key
"""

_FLEET = """\
# What the fleet is told. Every setting has a default except the Redis address, accounts and producers' keys.
# After a change: mt5fleet accounts apply fleet.toml
# Secrets are kept elsewhere: a setting NAME_env names an environment variable, NAME_file a file beside this.

[redis]
# ${{NAME}} stands for an environment variable: "redis://:${{REDIS_PASSWORD}}@host:6379/0".
# TLS: "rediss://host:6379/0?ssl_ca_certs=/path/ca.pem".
ledger_url = "{redis_url}"
# broker_url = "redis://127.0.0.1:6379/1"  # where Celery's wake-ups go; default: the same server

[simulator]
start = true  # `python -m workers up` starts the simulated broker, too
address = "127.0.0.1:7450"
config = "simulator.toml"

[workers]
processes = 2  # more accounts at the same time: more processes, here or on other machines
slots = 8  # accounts one process works on at once
urgent_slots = 2  # kept free for closes, cancels and flattens
pool = "threads"  # threads, solo or prefork

[bridges.local]
listen = "127.0.0.1:7451"
token_file = "secrets/bridge.token"
journal_dir = "journal"  # what was sent to the terminals; keep it
visibility_lag_s = 2.0  # how long a broker may take to show what it did
# people_file = "people.toml"  # who may lift a halt and set a floor: `mt5fleet people add NAME --role risk`

# A bridge on another machine. A token is never sent there without TLS. `mt5fleet bridge config --name desk`
# prints the bridge.toml for its host.
# [bridges.desk]
# listen = "0.0.0.0:7451"
# address = "10.0.0.5:7451"  # where workers reach it
# token_file = "secrets/desk.token"  # the same on both sides
# [bridges.desk.tls.workers]  # how workers know it; cert_file and key_file where it asks for a certificate
# ca_file = "tls/ca.pem"
# server_name = "desk.example"  # the name in its certificate, where that is not the address
# [bridges.desk.tls.bridge]  # what it shows; client_ca_file makes it ask workers for a certificate
# cert_file = "tls/desk.pem"
# key_file = "tls/desk.key"

[channels.log]
kind = "log"
severity_min = "info"

# [channels.desk]
# kind = "webhook"
# url_env = "DESK_WEBHOOK"  # the address is a secret
# severity_min = "warning"

[limits]  # for every account; [accounts.NAME.limits] changes them for one
drawdown_percent_max = 20  # fall from the highest equity that halts the account and closes everything
# equity_floor = 5000  # account currency; default: half of the balance at first sight
stop_loss_mandatory = true
positions_max = 50  # open positions and resting orders
volume_lots_max = 10  # one order
spread_points_max = 500
quote_age_s_max = 30
reading_age_s_max = 10  # older equity: nothing is opened
margin_free_percent_min = 10  # of equity, left after the order

# An account. Further fields: shadow = true (check and record everything, send nothing), enabled = false
# (open nothing; its bridge goes on serving what is open), foreign = "leave" (a flatten leaves positions the
# fleet did not open), base_lots = 0.1 (what a multiplier multiplies), bridge = "NAME",
# symbols = {{ "GOLD" = "XAUUSD" }}, terminal_path = 'C:\\MT5\\alpha\\terminal64.exe', server_offset_s = 7200
# (the server's distance from UTC, where it cannot be learned from prices).
# mode = "real" means real money: it needs allow_real = true here, and `mt5fleet accounts apply --allow-real`.
"""

_SIMULATOR = """\
# A simulated broker: prices are made up from the seed, money is play money. It holds the accounts' passwords.

port = 7450
state_dir = "state/simulator"
seed = 1
"""
