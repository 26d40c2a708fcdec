"""One simulated account."""

from decimal import Decimal
from enum import StrEnum

from pydantic import Field, field_validator

from mt5fleet.simulator.terms.base import Terms


class MarginMode(StrEnum):
    """How positions of one symbol live together; the number is the vendor's."""

    NETTING = "netting"  # 0: one position per symbol
    EXCHANGE = "exchange"  # 1: as netting, margin by the exchange's amounts
    HEDGING = "hedging"  # 2: side by side

    @property
    def number(self) -> int:
        return list(MarginMode).index(self)

    @property
    def nets(self) -> bool:
        """Tell whether a symbol has one position at most."""
        return self is not MarginMode.HEDGING


class AccountMode(StrEnum):
    """What the account claims to be; the number is the vendor's."""

    DEMO = "demo"  # 0
    CONTEST = "contest"  # 1
    REAL = "real"  # 2: lets tests see whether a program fails closed; the money stays play money

    @property
    def number(self) -> int:
        return list(AccountMode).index(self)


class LevelMode(StrEnum):
    """What the margin call and stop-out levels are compared with; the number is the vendor's."""

    PERCENT = "percent"  # 0: equity in percent of margin
    MONEY = "money"  # 1: free margin in the account's currency

    @property
    def number(self) -> int:
        return list(LevelMode).index(self)


class AccountTerms(Terms):
    """One account; `balance` is the first deposit, `credit` the first credit."""

    login: int = Field(gt=0, lt=2**63)
    password: str = Field(default="", max_length=64, repr=False)
    server: str = Field(default="Simulator-Demo", max_length=63)
    name: str = Field(default="Simulated account", max_length=127)
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    currency_digits: int = Field(default=2, ge=0, le=8)
    leverage: int = Field(default=100, ge=1, le=5000)
    balance: Decimal = Field(default=Decimal(10_000), ge=0)
    credit: Decimal = Field(default=Decimal(0), ge=0)
    margin_mode: MarginMode = MarginMode.HEDGING
    mode: AccountMode = AccountMode.DEMO
    trade_allowed: bool = True  # False: investor password
    trade_expert: bool = True  # False: the server forbids programs
    autotrading: bool = True  # the terminal's toolbar button
    tradeapi_disabled: bool = False  # the terminal's option against Python
    connected: bool = True  # the terminal's link to the broker
    fifo_close: bool = False  # positions of a symbol close oldest first (10045 otherwise)
    hedge_prohibited: bool = False  # no opposite position on a hedging account (10046)
    limit_orders: int = Field(default=200, ge=0)  # 0 = none
    limit_positions: int = Field(default=0, ge=0)  # 0 = none
    requests_per_s_max: int = Field(default=0, ge=0)  # more trade requests answer 10024; 0 = none
    stop_out_mode: LevelMode = LevelMode.PERCENT
    margin_call_level: Decimal = Field(default=Decimal(50))
    stop_out_level: Decimal = Field(default=Decimal(30))

    @field_validator("server")
    @classmethod
    def _server_is_honest(cls, server: str) -> str:
        if "sim" not in server.lower():
            raise ValueError("must contain 'sim', so that nobody takes it for a real broker")
        return server
