"""What the fleet was told about an account, and the account's trading state."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import InvalidValue

PERCENT_MAX = 100


class TradingState(StrEnum):
    """What an account may do."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"  # only what reduces risk
    HALTED = "HALTED"  # latched; only a named person lifts it


class Foreign(StrEnum):
    """What a flatten does with positions the fleet did not open."""

    FLATTEN = "flatten"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one account. Percentages are of the stated base; None switches a limit off.

    Defaults are those of the project's design, section 8: 20 % drawdown from peak flattens, mandatory stop-
    loss;
    an equity floor that is not set is half of the balance at first sight.
    """

    drawdown_percent_max: Decimal = Decimal(20)  # fall from peak equity that halts and flattens
    equity_floor: Decimal | None = None  # account currency; None: half of the balance at first sight
    stop_loss_mandatory: bool = True
    positions_max: int = 50  # open positions plus resting orders
    volume_lots_max: Decimal = Decimal(10)  # one order part
    spread_points_max: int = 500  # at the moment of the order
    quote_age_s_max: Decimal = Decimal(30)  # quotes of quiet symbols may be seconds apart
    reading_age_s_max: Decimal = Decimal(10)  # older equity blocks opens
    margin_free_percent_min: Decimal = Decimal(10)  # free margin left after the order, of equity

    def __post_init__(self) -> None:
        """Refuse limits that cannot work."""
        if not 0 < self.drawdown_percent_max <= PERCENT_MAX:
            raise InvalidValue("limits.drawdown_percent_max", "must be above 0 and at most 100")
        if self.equity_floor is not None and self.equity_floor < 0:
            raise InvalidValue("limits.equity_floor", "must not be negative")
        for name in (
            "positions_max",
            "volume_lots_max",
            "spread_points_max",
            "quote_age_s_max",
            "reading_age_s_max",
        ):
            if getattr(self, name) <= 0:
                raise InvalidValue(f"limits.{name}", "must be above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account.

    (broker server, login) under our name, with its bridge, mode and limits. No password is kept here.
    """

    name: str
    server: str
    login: int
    mode: Mode
    bridge: str = "local"
    shadow: bool = False
    enabled: bool = True
    foreign: Foreign = Foreign.FLATTEN
    base_lots: Decimal | None = None  # what a multiplier multiplies
    symbols: dict[str, str] = field(default_factory=dict)  # signal's symbol -> broker's symbol
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A named set of accounts; every change makes a new version."""

    name: str
    version: int
    accounts: tuple[str, ...]
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerKey:
    """A public (Ed25519) or shared (HMAC) key of a producer and how long it is good."""

    key_id: str
    algorithm: str  # "ed25519" or "hmac-sha256"
    public: str  # base64; for HMAC the name of the environment variable that holds the secret
    valid_from: datetime
    valid_until: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a producer may do; an empty tuple of names means none, ("*",) means all."""

    accounts: tuple[str, ...]
    symbols: tuple[str, ...] = ("*",)
    volume_lots_max: Decimal | None = None  # of one signal on one account; None: the account's limit
    signals_per_minute_max: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """Who may send signals, with which keys and rights."""

    name: str
    keys: tuple[ProducerKey, ...]
    rights: Rights


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardMemory:
    """What the guards remember of one account, in account currency."""

    peak_equity: Decimal
    first_balance: Decimal
    last_equity: Decimal
    last_balance: Decimal
    last_at: datetime
    cash_flow_total: (
        Decimal  # deposits minus withdrawals seen since first sight, already taken out of the peak
    )
    sequence: int
    last_deal: int = 0  # newest deal accounted for, so that a cash flow is never counted twice
    last_credit: Decimal = Decimal(0)  # lent by the broker: what comes and goes there is cash flow, too

    def forgot(self, other: "GuardMemory") -> bool:
        """Whether `other` saw a higher peak under the same deposits and withdrawals.

        Such a peak never falls, so this memory goes on from an older one, whatever its sequence: a ledger
        that came back with an older file counts on until somebody notices.
        """
        return self.cash_flow_total == other.cash_flow_total and self.peak_equity < other.peak_equity


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatus:
    """An account's state in the ledger: latch, flatten condition, memory and last reading.

    `halted_seq` > `resumed_seq` means HALTED. `flatten_due`: latched with flatten and not shown flat yet.
    """

    account: str
    state: TradingState
    reason: str
    since: datetime | None
    halted_seq: int
    resumed_seq: int
    latch_confirmed: bool
    flatten_due: bool
    flat_at: datetime | None
    flatten_rounds: int
    memory: GuardMemory | None
    journal_id: str | None
    journal_sequence: int = 0  # newest write of that journal that the ledger heard of
    journal_older: bool = False  # it was shown with fewer writes than that once: an older copy, since then
