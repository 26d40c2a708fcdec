"""What a simulated broker is told: accounts, symbols, prices, clock, faults; unknown keys are refused."""

import json
import tomllib
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from mt5fleet.simulator.host.fault_terms import FaultTerms
from mt5fleet.simulator.terms.account import AccountTerms
from mt5fleet.simulator.terms.base import ConfigError, Terms, sentences
from mt5fleet.simulator.terms.prices import PriceTerms, RecordedPrices
from mt5fleet.simulator.terms.symbol import SymbolTerms
from mt5fleet.simulator.terms.time import ClockTerms, ServerZoneTerms

ACCOUNTS_MAX = 5_000
"""Accounts of one broker process; more is a typing error."""

TERMINALS_MAX = 5_000


class TerminalPaths(StrEnum):
    """Which `path` an `initialize` may name."""

    ANY = "any"  # every path is a terminal of its own
    LISTED = "listed"  # only those under [[terminals]]
    EXISTING = "existing"  # only files that exist on the client's machine


class TerminalTerms(Terms):
    """A terminal that is installed: where, and the account it remembers."""

    path: str = Field(min_length=1, max_length=259)
    login: int | None = None


class SimulatorConfig(Terms):
    """One broker process."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    state_dir: Path | None = None  # None: nothing survives the process
    fsync: bool = True
    seed: int = 1
    speed: float = Field(default=1.0, gt=0, le=10_000)  # of recorded prices
    clock: ClockTerms = ClockTerms()
    server_zone: ServerZoneTerms = ServerZoneTerms()
    comment_max: int = Field(default=31, ge=0, le=31)  # brokers cut comments, some to 16
    comment_suffix: str = Field(default="", max_length=15)  # some append a word of their own
    default_prices: Literal["synthetic", "none"] = "synthetic"
    attach_login: int | None = None  # the account of initialize() without arguments
    terminal_paths: TerminalPaths = TerminalPaths.ANY
    terminals: tuple[TerminalTerms, ...] = Field(default=(), max_length=TERMINALS_MAX)
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
