"""What a bridge is told: where it listens, whom it admits, and the accounts of its host."""

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from mt5fleet.domain.account import Foreign
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.net_address import is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildConfig:
    """One account and its terminal. The password goes to the child's standard input and nowhere else.

    `refused` says why the account cannot be served, such as a password that is not there; empty: it can.
    """

    account: str
    server: str
    login: int
    mode: Mode
    password: str = field(repr=False)
    allow_real: bool = False
    foreign: Foreign = Foreign.FLATTEN
    shadow: bool = False
    terminal_path: str = ""  # empty: the module finds the terminal; the simulator needs none
    visibility_lag_s: float = 2.0
    settle_s: float = 10.0  # the order deadline: longer the child does not live without an answer
    unanswered_s: float = 60.0  # ending the child ends nothing at the broker, which may take longer than that
    quote_age_s_max: Decimal = Decimal(30)
    server_offset_s: int | None = None
    start_timeout_ms: int = 60_000  # a terminal that was closed takes that long to log in
    refused: str = ""

    @property
    def refusal(self) -> str:
        """Why no terminal is started for this account, for people; empty when one is."""
        if self.refused:
            return self.refused
        if self.mode is Mode.REAL and not self.allow_real:
            return (
                f"accounts.{self.account}.allow_real: mode is real, and this bridge was not told to trade"
                " real money on it; set allow_real = true there and start the bridge again"
            )
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeLimits:
    """Deadlines and limits of a bridge."""

    read_s: float = 5.0  # one read in the terminal
    order_s: float = 10.0  # one order, resolve or latch; the broker's own time is below it
    queue_s: float = 5.0  # waiting for the account's turn; afterwards nothing was handed over
    start_s: float = 90.0  # child process and terminal, above `start_timeout_ms`
    stop_s: float = 10.0  # for calls in flight when the bridge stops
    waiting_max: int = 64  # calls in each lane of one account's line; more means that somebody loops
    connections_max: int = 512  # workers times their threads
    request_bytes_max: int = 256 * 1024  # the largest order is some kilobytes
    calls_per_s_max: float = 200.0  # of one peer to one account; a terminal answers about half of that
    calls_burst_max: int = 400  # two seconds of it: an owner that has waited asks many things at once
    opens_per_minute_max: int = 600  # opens and modifies of one account; as many as a producer may send
    streams_max: int = 16  # streams of readings; each reads its accounts again and again
    ledger_silence_s: float = 10.0  # opens need a ledger heard of that lately: five sweeps of the guards
    last_resort_every_s: float = 1.0  # between two readings while the ledger is away
    restart_s_min: float = 0.2  # pause before a dead child is started again, doubled each time ...
    restart_s_max: float = 10.0  # ... up to this
    settled_s: float = 30.0  # a child that lived this long is healthy: pauses start small again

    def __post_init__(self) -> None:
        """Refuse limits under which nothing would ever be served."""
        for name in ("calls_per_s_max", "calls_burst_max", "opens_per_minute_max", "waiting_max"):
            if getattr(self, name) <= 0:
                raise InvalidValue(f"limits.{name}", "must be above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsServer:
    """PEM files that a bridge shows to its peers; with `client_ca_file` they must show a certificate, too."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None = None

    def __post_init__(self) -> None:
        """Refuse files that are not there."""
        for name in ("cert_file", "key_file", "client_ca_file"):
            path: Path | None = getattr(self, name)
            if path is not None and not path.is_file():
                raise InvalidValue(f"tls.{name}", f"there is no file {path}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeConfig:
    """A bridge and its accounts; `environment` is what the children see.

    Peers show `token` (None: none is asked for), a certificate of `tls.client_ca_file`, or both.
    """

    name: str
    host: str
    port: int
    token: str | None = field(repr=False)
    tls: TlsServer | None = None
    accounts: tuple[ChildConfig, ...]
    environment: dict[str, str] = field(repr=False)
    people_file: Path
    journal_dir: Path
    limits: BridgeLimits = BridgeLimits()

    def __post_init__(self) -> None:
        """Refuse a bridge that anybody could reach, and accounts named twice."""
        if self.tls is None and not is_loopback(self.host):
            raise InvalidValue(
                "listen",
                "must be a loopback address such as 127.0.0.1, or tls must be given: others could listen",
            )
        if self.token is not None and not self.token:
            raise InvalidValue("token", "must not be empty")
        if self.token is None and (self.tls is None or self.tls.client_ca_file is None):
            raise InvalidValue("token", "is required unless tls.client_ca_file is given: anybody could call")
        _refuse_twice("accounts", [account.account for account in self.accounts])
        _refuse_twice("accounts", [f"{account.login} on {account.server}" for account in self.accounts])


def _refuse_twice(field_name: str, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidValue(field_name, f"names one account twice: {', '.join(twice)}")
