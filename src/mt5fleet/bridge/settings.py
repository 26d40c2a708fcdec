"""What a bridge is told: where it listens, and the accounts of its host."""

from dataclasses import dataclass, field
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path

from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import InvalidValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildConfig:
    """One account and its terminal. The password goes to the child's standard input and nowhere else."""

    account: str
    server: str
    login: int
    mode: Mode
    password: str = field(repr=False)
    journal_dir: Path
    shadow: bool = False
    terminal_path: str = ""  # empty: the module finds the terminal; the simulator needs none
    visibility_lag_s: float = 2.0
    settle_s: float = 10.0  # the order deadline: longer the child does not live without an answer
    unanswered_s: float = 60.0  # ending the child ends nothing at the broker, which may take longer than that
    quote_age_s_max: Decimal = Decimal(30)
    server_offset_s: int | None = None
    start_timeout_ms: int = 60_000  # a terminal that was closed takes that long to log in


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeLimits:
    """Deadlines and limits of a bridge."""

    read_s: float = 5.0  # one read in the terminal
    order_s: float = 10.0  # one order, resolve or latch; the broker's own time is below it
    queue_s: float = 5.0  # waiting for the account's turn; afterwards nothing was handed over
    start_s: float = 90.0  # child process and terminal, above `start_timeout_ms`
    stop_s: float = 10.0  # for calls in flight when the bridge stops
    waiting_max: int = 64  # calls in line for one account; more means that somebody loops
    connections_max: int = 512  # workers times their threads
    request_bytes_max: int = 256 * 1024  # the largest order is some kilobytes
    restart_s_min: float = 0.2  # pause before a dead child is started again, doubled each time ...
    restart_s_max: float = 10.0  # ... up to this
    settled_s: float = 30.0  # a child that lived this long is healthy: pauses start small again


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeConfig:
    """A bridge and its accounts. `listen` must be loopback; `environment` is what the children see."""

    name: str
    host: str
    port: int
    token: str = field(repr=False)
    accounts: tuple[ChildConfig, ...]
    environment: dict[str, str] = field(repr=False)
    limits: BridgeLimits = BridgeLimits()

    def __post_init__(self) -> None:
        """Refuse addresses that other machines can reach, empty tokens and accounts named twice."""
        if not _is_loopback(self.host):
            raise InvalidValue(
                f"bridges.{self.name}.listen",
                "must be a loopback address such as 127.0.0.1: there is no TLS yet",
            )
        if not self.token:
            raise InvalidValue(f"bridges.{self.name}.token", "must not be empty")
        names = [account.account for account in self.accounts]
        if len(set(names)) != len(names):
            raise InvalidValue("accounts", "names one account twice")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
