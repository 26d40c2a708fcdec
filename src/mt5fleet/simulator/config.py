"""What a simulated broker is told: accounts, symbols, prices, faults; every unknown key is refused."""

import json
import tomllib
from decimal import Decimal
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mt5fleet.simulator.codes import CalcMode, Execution, TradeMode
from mt5fleet.simulator.faults import FaultTerms

ACCOUNTS_MAX = 5_000
"""Accounts of one broker process; more is a typing error."""

OFFSET_HOURS_MAX = 14
"""No time zone is further from UTC."""


class ConfigError(Exception):
    """The configuration is wrong; the text names each field and its rule."""


class MarginMode(StrEnum):
    """How positions of one symbol live together."""

    HEDGING = "hedging"  # side by side
    NETTING = "netting"  # one per symbol; refused, not built yet


class AccountMode(StrEnum):
    """What the account claims to be; the number is the vendor's."""

    DEMO = "demo"  # 0
    CONTEST = "contest"  # 1
    REAL = "real"  # 2: lets tests see whether a program fails closed; the money stays play money

    @property
    def number(self) -> int:
        return list(AccountMode).index(self)


class _Terms(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AccountTerms(_Terms):
    """One account; `balance` is the first deposit."""

    login: int = Field(gt=0, lt=2**63)
    password: str = Field(default="", max_length=64, repr=False)
    server: str = Field(default="Simulator-Demo", max_length=63)
    name: str = Field(default="Simulated account", max_length=127)
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    currency_digits: int = Field(default=2, ge=0, le=8)
    leverage: int = Field(default=100, ge=1, le=5000)
    balance: Decimal = Field(default=Decimal(10_000), ge=0)
    margin_mode: MarginMode = MarginMode.HEDGING
    mode: AccountMode = AccountMode.DEMO
    trade_allowed: bool = True  # False: investor password
    trade_expert: bool = True  # False: the server forbids programs
    autotrading: bool = True  # the terminal's toolbar button
    tradeapi_disabled: bool = False  # the terminal's option against Python
    connected: bool = True  # the terminal's link to the broker
    limit_orders: int = Field(default=200, ge=0)
    limit_positions: int = Field(default=0, ge=0)  # 0 = none
    margin_call_percent: Decimal = Field(default=Decimal(50), ge=0)
    stop_out_percent: Decimal = Field(default=Decimal(30), ge=0)

    @field_validator("server")
    @classmethod
    def _server_is_honest(cls, server: str) -> str:
        if "sim" not in server.lower():
            raise ValueError("must contain 'sim', so that nobody takes it for a real broker")
        return server

    @field_validator("margin_mode")
    @classmethod
    def _margin_mode_is_built(cls, mode: MarginMode) -> MarginMode:
        if mode is not MarginMode.HEDGING:
            raise ValueError(f"'{mode}' is not simulated yet; use 'hedging'")
        return mode


class SymbolTerms(_Terms):
    """What differs from a built-in symbol, or a new symbol (then base, profit and digits are needed)."""

    name: str = Field(min_length=1, max_length=31)
    like: str | None = None  # start from this built-in symbol, e.g. for a suffix
    base: str | None = None
    profit: str | None = None
    margin: str | None = None
    digits: int | None = Field(default=None, ge=0, le=8)
    tick_size: Decimal | None = Field(default=None, gt=0)
    contract_size: Decimal | None = Field(default=None, gt=0)
    volume_min_lots: Decimal | None = Field(default=None, gt=0)
    volume_max_lots: Decimal | None = Field(default=None, gt=0)
    volume_step_lots: Decimal | None = Field(default=None, gt=0)
    volume_limit_lots: Decimal | None = Field(default=None, ge=0)
    calc_mode: CalcMode | None = None
    trade_mode: TradeMode | None = None
    execution: Execution | None = None
    filling_mask: int | None = Field(default=None, ge=0, le=7)
    lenient_filling: bool | None = None
    expiration_mask: int | None = Field(default=None, ge=0, le=15)
    stops_level_points: int | None = Field(default=None, ge=0)
    freeze_level_points: int | None = Field(default=None, ge=0)
    margin_initial: Decimal | None = Field(default=None, ge=0)
    margin_hedged: Decimal | None = Field(default=None, ge=0)
    commission_per_lot: Decimal | None = Field(default=None, ge=0)
    weekend_closed: bool | None = None
    description: str | None = None


class RecordedPrices(_Terms):
    """Recorded ticks, told again from now on and in a loop."""

    source: Literal["recorded"]
    file: Path
    start_s: float = Field(default=0, ge=0)  # skip this much of the recording
    max_gap_s: float = Field(default=10, gt=0)  # longer pauses are cut to this
    speed: float | None = Field(default=None, gt=0)  # None: the broker's


class SyntheticPrices(_Terms):
    """A seeded random walk."""

    source: Literal["synthetic"]
    mid: Decimal | None = Field(default=None, gt=0)
    spread_points: int | None = Field(default=None, ge=0)
    volatility_percent_day: Decimal | None = Field(default=None, ge=0, le=100)
    interval_ms: int = Field(default=500, ge=10)


class CrossPrices(_Terms):
    """The quote that follows from two other symbols."""

    source: Literal["cross"]
    of: tuple[str, str]


class FixedPrices(_Terms):
    """A quote that changes only by command."""

    source: Literal["fixed"]
    bid: Decimal = Field(gt=0)
    ask: Decimal = Field(gt=0)

    @model_validator(mode="after")
    def _sides_are_in_order(self) -> Self:
        if self.ask < self.bid:
            raise ValueError("ask must not be below bid")
        return self


class NoPrices(_Terms):
    """No quotes until one is set by command."""

    source: Literal["none"]


PriceTerms = Annotated[
    RecordedPrices | SyntheticPrices | CrossPrices | FixedPrices | NoPrices, Field(discriminator="source")
]


class SimulatorConfig(_Terms):
    """One broker process."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    state_dir: Path | None = None  # None: nothing survives the process
    fsync: bool = True
    seed: int = 1
    speed: float = Field(default=1.0, gt=0, le=10_000)
    utc_offset_hours: float = Field(default=2, ge=-OFFSET_HOURS_MAX, le=OFFSET_HOURS_MAX)
    comment_max: int = Field(default=31, ge=0, le=31)  # brokers cut comments, some to 16
    default_prices: Literal["synthetic", "none"] = "synthetic"
    attach_login: int | None = None  # the account of initialize() without arguments
    accounts: tuple[AccountTerms, ...] = Field(default=(), max_length=ACCOUNTS_MAX)
    symbols: tuple[SymbolTerms, ...] = ()
    prices: dict[str, PriceTerms] = Field(default_factory=dict)
    faults: tuple[FaultTerms, ...] = ()

    @field_validator("host")
    @classmethod
    def _host_is_loopback(cls, host: str) -> str:
        if host != "localhost" and not ip_address(host).is_loopback:
            raise ValueError("must be a loopback address: the control operations ask for no password")
        return host

    @model_validator(mode="after")
    def _logins_are_unique(self) -> Self:
        logins = [account.login for account in self.accounts]
        if len(set(logins)) != len(logins):
            raise ValueError("accounts: each login may appear once, whatever its server")
        if self.attach_login is not None and self.attach_login not in logins:
            raise ValueError("attach_login: no account has this login")
        return self


def load_config(path: Path) -> SimulatorConfig:
    """Read a TOML file (or JSON, by its suffix); relative paths in it start from its folder.

    Raises:
        ConfigError: The file is not readable, or a field breaks its rule.
    """
    try:
        text = path.read_text(encoding="utf-8")
        entries = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    return _resolved(parse_config(entries), path.parent)


def parse_config(entries: dict[str, object]) -> SimulatorConfig:
    """Validate plain values.

    Raises:
        ConfigError: A field breaks its rule.
    """
    try:
        return SimulatorConfig.model_validate(entries)
    except ValidationError as error:
        raise ConfigError(sentences(error)) from error


def _resolved(config: SimulatorConfig, folder: Path) -> SimulatorConfig:
    prices = {
        symbol: terms.model_copy(update={"file": folder / terms.file})
        if isinstance(terms, RecordedPrices)
        else terms
        for symbol, terms in config.prices.items()
    }
    state_dir = None if config.state_dir is None else folder / config.state_dir
    return config.model_copy(update={"prices": prices, "state_dir": state_dir})


def sentences(error: ValidationError) -> str:
    """Return each broken rule with its field, without the values: a password may be among them."""
    problems = [
        f"{'.'.join(str(part) for part in problem['loc']) or 'config'}: {problem['msg']}"
        for problem in error.errors(include_input=False, include_url=False)
    ]
    return "; ".join(problems)
