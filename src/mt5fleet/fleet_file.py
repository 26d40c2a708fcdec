"""What the operators told the fleet: `fleet.toml`, read and checked as a whole.

Secrets are named here (environment variable or file) and read only where they are used.
Paths are relative to the file.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mt5fleet.bridge_terms import BridgeTls, HostTerms, TerminalTerms, WorkersTls, twice_problems
from mt5fleet.domain.account import Account, Limits
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.lease import LOG
from mt5fleet.domain.record import Severity
from mt5fleet.net_address import host_and_port, is_loopback
from mt5fleet.secret_source import SecretSource, fill_references, references
from mt5fleet.toml_file import (
    Address,
    BesideFile,
    EnvName,
    FileInvalid,
    Name,
    Terms,
    read_toml,
    secret_source,
)

FILE_NAME = "fleet.toml"
FILE_ENV = "MT5FLEET_FILE"
LOCAL_BRIDGE = "local"  # the bridge that needs no section


class FleetFileInvalid(FileInvalid):
    """`fleet.toml`, or a file that commands keep beside it, breaks rules."""


class RedisTerms(Terms):
    """Addresses of the two stores, which may be one server; `${NAME}` stands for an environment variable."""

    ledger_url: Annotated[str, Field(repr=False, min_length=1)]
    broker_url: Annotated[str | None, Field(repr=False, min_length=1)] = None  # None: the ledger's


class LimitsTerms(Terms):
    """Limits as written, meant as in `mt5fleet.domain.account.Limits`; what is left out keeps its default."""

    drawdown_percent_max: Decimal | None = None
    equity_floor: Decimal | None = None
    stop_loss_mandatory: bool | None = None
    positions_max: int | None = None
    volume_lots_max: Decimal | None = None
    spread_points_max: int | None = None
    quote_age_s_max: Decimal | None = None
    reading_age_s_max: Decimal | None = None
    margin_free_percent_min: Decimal | None = None

    def over(self, base: Limits) -> Limits:
        """These limits, with `base` where nothing is written; raises InvalidValue."""
        written = {name: getattr(self, name) for name in self.model_fields_set}
        kept = {name: getattr(base, name) for name in type(self).model_fields if name not in written}
        return Limits(**kept, **written)


class AccountTerms(TerminalTerms):
    """One account: where it is, what it may do, where its password is kept."""

    enabled: bool = True
    bridge: Name = LOCAL_BRIDGE
    groups: tuple[Name, ...] = ()
    base_lots: Annotated[Decimal, Field(gt=0)] | None = None
    symbols: dict[str, str] = Field(default_factory=dict)
    limits: LimitsTerms = LimitsTerms()


class TlsTerms(Terms):
    """Certificates of both sides; each side needs its own files only."""

    bridge: BridgeTls | None = None
    workers: WorkersTls | None = None


class BridgeTerms(HostTerms):
    """The process beside the terminals of one host, and how workers reach it."""

    address: Address | None = None  # where workers reach it; None: where it listens
    tls: TlsTerms = TlsTerms()

    @property
    def reached_at(self) -> str:
        """The address workers connect to."""
        return self.listen if self.address is None else self.address

    @property
    def is_far(self) -> bool:
        """Whether it stands on another machine, as far as the address tells."""
        return not is_loopback(host_and_port(self.reached_at)[0])

    @property
    def wants_token(self) -> bool:
        """Whether peers show a token; where certificates are asked for, only when one is told."""
        if self.token is not None:
            return True
        if self.tls.bridge is not None:
            return self.tls.bridge.client_ca_file is None
        return self.tls.workers is None or self.tls.workers.cert_file is None

    def problems(self) -> list[str]:
        """Rules that concern more than one field: nothing secret travels in the clear."""
        return [
            *self.listen_problems(self.tls.bridge),
            *self._reach_problems(),
            *self._pair_problems(self.tls.bridge, self.tls.workers),
        ]

    def _reach_problems(self) -> list[str]:
        if not self.is_far:
            return []
        field = "listen" if self.address is None else "address"
        if self.tls.workers is None:
            return [
                f"{field}: is not on this machine, where a token is never sent without TLS; give tls.workers"
            ]
        if self.address is not None and self.token is None and self.wants_token:
            # A bridge that is told no token makes one that its own host alone knows.
            return [
                "token_file: is required, or token_env, or tls.workers.cert_file: the bridge stands elsewhere"
            ]
        return []

    def _pair_problems(self, bridge: BridgeTls | None, workers: WorkersTls | None) -> list[str]:
        if bridge is None and workers is not None and self.address is None:
            return ["tls.bridge: is required beside tls.workers: the bridge listens here"]
        if bridge is None:
            return []
        if workers is None:
            return ["tls.workers: is required beside tls.bridge: workers must know the bridge"]
        if bridge.client_ca_file is not None and workers.cert_file is None:
            return ["tls.workers.cert_file: is required: tls.bridge.client_ca_file asks workers for one"]
        return []


class ChannelTerms(Terms):
    """One way to tell people."""

    kind: Literal["log", "webhook"]
    url: Annotated[str | None, Field(repr=False, min_length=1)] = None
    url_env: EnvName | None = None
    url_file: BesideFile | None = None
    severity_min: Severity = Severity.INFO

    @model_validator(mode="after")
    def _webhook_has_one_address(self) -> Self:
        given = [name for name in ("url", "url_env", "url_file") if getattr(self, name) is not None]
        if self.kind == "webhook" and len(given) != 1:
            raise ValueError("a webhook needs exactly one of url, url_env, url_file")
        if self.kind == "log" and given:
            raise ValueError("the log has no address")
        return self

    @property
    def address(self) -> SecretSource | None:
        """Where the address is kept, when it is not written in the file itself."""
        return secret_source("url", self.url_env, self.url_file)


class SimulatorTerms(Terms):
    """The broker to trade against."""

    start: bool = False  # whether `python -m workers up` starts it
    address: Address = "127.0.0.1:7450"
    config: Annotated[BesideFile, Field(validate_default=True)] = Path("simulator.toml")


class WorkersTerms(Terms):
    """What `python -m workers up` starts on one machine."""

    processes: Annotated[int, Field(ge=1, le=64)] = 2
    slots: Annotated[int, Field(ge=1, le=64)] = 8  # accounts a process works on at once
    urgent_slots: Annotated[int, Field(ge=1, le=64)] = 2  # kept free for closes, cancels and flattens
    pool: Literal["threads", "solo", "prefork"] = "threads"
    beat: bool = True


class FleetFile(Terms):
    """The whole file. `path` is where it was read from."""

    path: Path
    redis: RedisTerms
    accounts: dict[Name, AccountTerms]
    limits: LimitsTerms = LimitsTerms()
    bridges: dict[Name, BridgeTerms] = Field(default_factory=dict)
    channels: dict[Name, ChannelTerms] = Field(default_factory=lambda: {"log": ChannelTerms(kind="log")})
    simulator: SimulatorTerms | None = None
    workers: WorkersTerms = WorkersTerms()

    @property
    def folder(self) -> Path:
        """Where the file lies; paths in it are relative to it."""
        return self.path.parent

    def ledger_url(self, environ: Mapping[str, str]) -> str:
        """The ledger's address, possibly with a password; raises InvalidValue naming a missing variable."""
        return fill_references("redis.ledger_url", self.redis.ledger_url, environ)

    def broker_url(self, environ: Mapping[str, str]) -> str:
        """The broker's address, possibly with a password; raises InvalidValue naming a missing variable."""
        if self.redis.broker_url is None:
            return self.ledger_url(environ)
        return fill_references("redis.broker_url", self.redis.broker_url, environ)

    def every_bridge(self) -> dict[str, BridgeTerms]:
        """Every bridge by name, the one that needs no section included."""
        local = BridgeTerms.model_validate({}, context={"folder": self.folder})
        return {LOCAL_BRIDGE: local, **self.bridges}

    def secret_variables(self) -> frozenset[str]:
        """Environment variables that hold something secret."""
        sources = [
            *(account.password for account in self.accounts.values()),
            *(bridge.token for bridge in self.bridges.values()),
            *(channel.address for channel in self.channels.values()),
        ]
        named = {source.env for source in sources if source is not None and source.env is not None}
        urls = (self.redis.ledger_url, self.redis.broker_url or "")
        return frozenset(named.union(*(references(url) for url in urls)))

    def to_accounts(self) -> tuple[Account, ...]:
        """The accounts as the ledger keeps them, by name."""
        return tuple(self._account(name, terms) for name, terms in sorted(self.accounts.items()))

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Every group with its accounts."""
        names = sorted({group for terms in self.accounts.values() for group in terms.groups})
        return {
            name: tuple(sorted(a for a, terms in self.accounts.items() if name in terms.groups))
            for name in names
        }

    def _account(self, name: str, terms: AccountTerms) -> Account:
        return Account(
            name=name,
            server=terms.server,
            login=terms.login,
            mode=terms.mode,
            bridge=terms.bridge,
            shadow=terms.shadow,
            enabled=terms.enabled,
            foreign=terms.foreign,
            base_lots=terms.base_lots,
            symbols=dict(terms.symbols),
            limits=terms.limits.over(self.limits.over(Limits())),
        )


def load(path: Path, *, beside: bool = True) -> FleetFile:
    """Read and check the file; raises FleetFileInvalid with one line per wrong field.

    Without `beside` paths stay as they are written, for a copy that goes to another machine.
    """
    read = read_toml(
        path, FleetFile, error=FleetFileInvalid, missing="`mt5fleet init DIR` writes one", beside=beside
    )
    problems = [*_crossed(read), *_limit_problems(read)]
    if problems:
        raise FleetFileInvalid(path, tuple(problems))
    return read


def _crossed(read: FleetFile) -> list[str]:
    """Rules that concern more than one field."""
    problems = [] if read.accounts else ["accounts: needs at least one account"]
    problems += twice_problems(read.accounts)
    for name, terms in read.accounts.items():
        if terms.bridge != LOCAL_BRIDGE and terms.bridge not in read.bridges:
            problems.append(f"accounts.{name}.bridge: there is no section bridges.{terms.bridge}")
        if name == LOG:
            problems.append(f"accounts.{name}: this name is kept for the signal log")
    for name, bridge in read.bridges.items():
        problems += [f"bridges.{name}.{problem}" for problem in bridge.problems()]
    return problems


def _limit_problems(read: FleetFile) -> list[str]:
    try:
        base = read.limits.over(Limits())
    except InvalidValue as error:
        return [str(error)]
    problems = []
    for name, terms in read.accounts.items():
        try:
            terms.limits.over(base)
        except InvalidValue as error:
            problems.append(f"accounts.{name}.{error}")
    return problems
