"""What the operators told the fleet: `fleet.toml`, read and checked as a whole.

Secrets are named here (environment variable or file) and read only where they are used.
Paths are relative to the file.
"""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import ErrorDetails

from mt5fleet.domain.account import Account, Foreign, Limits
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import FleetError, InvalidValue
from mt5fleet.domain.lease import LOG
from mt5fleet.domain.record import Severity
from mt5fleet.domain.signal import ID_CHARS_MAX
from mt5fleet.secret_source import SecretSource, fill_references

FILE_NAME = "fleet.toml"
FILE_ENV = "MT5FLEET_FILE"
LOCAL_BRIDGE = "local"  # the bridge that needs no section

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
_ADDRESS = r"^[A-Za-z0-9.\[\]:-]+:[0-9]{1,5}$"
_ENV = r"^[A-Za-z_][A-Za-z0-9_]*$"


class FleetFileInvalid(FleetError):
    """The file breaks rules; the text has one line per field: what is wrong with it."""

    def __init__(self, path: Path, problems: tuple[str, ...]) -> None:
        """Keep every problem, so that one reading shows them all."""
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))
        self.problems = problems


def _beside(value: object, info: ValidationInfo) -> object:
    folder = (info.context or {}).get("folder")
    return folder / value if isinstance(value, str | Path) and isinstance(folder, Path) else value


Name = Annotated[str, StringConstraints(pattern=_NAME, max_length=ID_CHARS_MAX)]
Address = Annotated[str, StringConstraints(pattern=_ADDRESS, max_length=255)]
EnvName = Annotated[str, StringConstraints(pattern=_ENV, max_length=128)]
BesideFile = Annotated[Path, BeforeValidator(_beside)]


class _Terms(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RedisTerms(_Terms):
    """Addresses of the two stores, which may be one server; `${NAME}` stands for an environment variable."""

    ledger_url: Annotated[str, Field(repr=False, min_length=1)]
    broker_url: Annotated[str | None, Field(repr=False, min_length=1)] = None  # None: the ledger's


class LimitsTerms(_Terms):
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


class AccountTerms(_Terms):
    """One account: where it is, what it may do, where its password is kept."""

    server: Annotated[str, StringConstraints(min_length=1, max_length=63)]
    login: Annotated[int, Field(gt=0, lt=2**63)]
    mode: Mode
    shadow: bool = False
    enabled: bool = True
    bridge: Name = LOCAL_BRIDGE
    terminal_path: BesideFile | None = None
    password_env: EnvName | None = None
    password_file: BesideFile | None = None
    groups: tuple[Name, ...] = ()
    base_lots: Annotated[Decimal, Field(gt=0)] | None = None
    symbols: dict[str, str] = {}
    foreign: Foreign = Foreign.FLATTEN
    limits: LimitsTerms = LimitsTerms()

    @model_validator(mode="after")
    def _password_has_one_place(self) -> Self:
        if self.password_env is not None and self.password_file is not None:
            raise ValueError("give password_env or password_file, not both")
        return self

    @property
    def password(self) -> SecretSource | None:
        """Where the terminal's password is kept; None when the terminal is already logged in."""
        if self.password_env is None and self.password_file is None:
            return None
        return SecretSource(field="password", env=self.password_env, file=self.password_file)


class BridgeTerms(_Terms):
    """The process beside the terminals of one host. Loopback unless told otherwise."""

    listen: Address = "127.0.0.1:7451"
    address: Address | None = None  # where workers reach it; None: where it listens
    token_env: EnvName | None = None
    token_file: BesideFile | None = None
    journal_dir: Annotated[BesideFile, Field(validate_default=True)] = Path("journal")
    # How long a broker may take to show what it did; absence within this time proves nothing.
    visibility_lag_s: Annotated[float, Field(gt=0, le=60)] = 2.0

    @model_validator(mode="after")
    def _token_has_one_place(self) -> Self:
        if self.token_env is not None and self.token_file is not None:
            raise ValueError("give token_env or token_file, not both")
        return self

    @property
    def reached_at(self) -> str:
        """The address workers connect to."""
        return self.listen if self.address is None else self.address

    @property
    def token(self) -> SecretSource | None:
        """Where the token is kept; None when the bridge makes one beside its journal."""
        if self.token_env is None and self.token_file is None:
            return None
        return SecretSource(field="token", env=self.token_env, file=self.token_file)


class ChannelTerms(_Terms):
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
        if self.url_env is None and self.url_file is None:
            return None
        return SecretSource(field="url", env=self.url_env, file=self.url_file)


class SimulatorTerms(_Terms):
    """The broker to trade against."""

    start: bool = False  # whether `python -m workers up` starts it
    address: Address = "127.0.0.1:7450"
    config: Annotated[BesideFile, Field(validate_default=True)] = Path("simulator.toml")


class WorkersTerms(_Terms):
    """What `python -m workers up` starts on one machine."""

    processes: Annotated[int, Field(ge=1, le=64)] = 2
    slots: Annotated[int, Field(ge=1, le=64)] = 8  # accounts a process works on at once
    urgent_slots: Annotated[int, Field(ge=1, le=64)] = 2  # kept free for closes, cancels and flattens
    pool: Literal["threads", "solo", "prefork"] = "threads"
    beat: bool = True


class FleetFile(_Terms):
    """The whole file. `path` is where it was read from."""

    path: Path
    redis: RedisTerms
    accounts: dict[Name, AccountTerms]
    limits: LimitsTerms = LimitsTerms()
    bridges: dict[Name, BridgeTerms] = {}
    channels: dict[Name, ChannelTerms] = {"log": ChannelTerms(kind="log")}
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


def load(path: Path) -> FleetFile:
    """Read and check the file; raises FleetFileInvalid with one line per wrong field."""
    entries = _entries(path)
    try:
        read = FleetFile.model_validate({**entries, "path": path}, context={"folder": path.parent})
    except ValidationError as error:
        raise FleetFileInvalid(path, tuple(_sentences(error))) from None
    problems = [*_crossed(read), *_limit_problems(read)]
    if problems:
        raise FleetFileInvalid(path, tuple(problems))
    return read


def _entries(path: Path) -> dict[str, object]:
    try:
        # Decimal, since a float would already have rounded a limit.
        entries = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise FleetFileInvalid(
            path, (f"cannot be read ({type(error).__name__}); `mt5fleet init DIR` writes one",)
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FleetFileInvalid(path, (f"is not TOML: {error}",)) from None
    if "path" in entries:
        raise FleetFileInvalid(path, ("path: is not a field of this file",))
    return entries


def _sentences(error: ValidationError) -> list[str]:
    """One line per finding; inputs are left out, since a password may stand in the wrong place."""
    return [
        ".".join(str(step) for step in found["loc"] if step != "[key]") + ": " + _rule(found)
        for found in error.errors(include_input=False, include_url=False)
    ]


def _rule(found: ErrorDetails) -> str:
    rules = {"missing": "is required", "extra_forbidden": "is not a field of this file"}
    return rules.get(found["type"], found["msg"].removeprefix("Value error, "))


def _crossed(read: FleetFile) -> list[str]:
    """Rules that concern more than one field."""
    problems = [] if read.accounts else ["accounts: needs at least one account"]
    owner: dict[tuple[str, int], str] = {}
    for name, terms in read.accounts.items():
        first = owner.setdefault((terms.server, terms.login), name)
        if first != name:
            problems.append(f"accounts.{name}.login: is the same account as accounts.{first}")
        if terms.bridge != LOCAL_BRIDGE and terms.bridge not in read.bridges:
            problems.append(f"accounts.{name}.bridge: there is no section bridges.{terms.bridge}")
        if name == LOG:
            problems.append(f"accounts.{name}: this name is kept for the signal log")
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
