"""What a terminal shows, as values. Every moment is aware UTC (the bridge removes the server's offset)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from mt5fleet.domain.latch import Floor, Latch
from mt5fleet.domain.signal import Side


class Mode(StrEnum):
    """Kind of money behind an account."""

    DEMO = "demo"
    REAL = "real"


class MarginMode(StrEnum):
    """How the account holds positions of one symbol."""

    HEDGING = "hedging"  # every open is a position of its own
    NETTING = "netting"  # one position per symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """State of one terminal connection.

    `mode` is None when the terminal does not say (then opens are refused).
    `why_not` names, for people, each switch or fault that prevents trading, with where to find it; empty
    when none. `latch` stands now, `lifted_sequence` is the newest that a person lifted (0: none).
    `build_before` is the terminal's build before the present one, None while it never changed.
    `offset_before_s` is the server's offset before it moved last, None while it never moved.
    `ledger_age_s` is how long ago the bridge last heard of the ledger; None: not since it started.
    `risk_people` names who can lift a halt at this bridge now.
    """

    connected: bool
    trade_allowed: bool
    why_not: tuple[str, ...]
    login: int | None
    server: str | None
    company: str | None
    mode: Mode | None
    build: int | None
    server_offset_s: int | None
    journal_id: str
    newest_token: int
    bridge_at: datetime
    version: str
    journal_sequence: int = 0
    journal_writable: bool = True
    latch: Latch | None = None
    lifted_sequence: int = 0
    floor: Floor | None = None
    ledger_age_s: float | None = None
    build_before: int | None = None
    offset_before_s: int | None = None
    shadow: bool = False
    risk_people: tuple[str, ...] = ()

    @property
    def latched(self) -> bool:
        """Whether the bridge refuses every open."""
        return self.latch is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Money of an account at `at`, in `currency`; `source` says who read it."""

    account: str
    at: datetime
    source: str
    currency: str
    balance: Decimal
    equity: Decimal
    credit: Decimal
    margin: Decimal
    margin_free: Decimal
    profit: Decimal
    leverage: int
    positions: int
    orders: int

    def age_s(self, now: datetime) -> float:
        """Seconds since the reading was taken."""
        return (now - self.at).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """Trading rules of a symbol on one account.

    `tick_value` is money of one tick of one lot in account currency (loss side).
    """

    symbol: str
    digits: int
    point: Decimal
    tick_size: Decimal
    tick_value: Decimal
    contract_size: Decimal
    volume_min: Decimal
    volume_max: Decimal
    volume_step: Decimal
    stops_level_points: int
    trade_allowed_buy: bool
    trade_allowed_sell: bool
    close_only: bool
    currency_profit: str
    currency_margin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Best prices of a symbol; `at` is when the broker made it."""

    symbol: str
    bid: Decimal
    ask: Decimal
    at: datetime

    def age_s(self, now: datetime) -> float:
        """Seconds since the broker made the quote."""
        return (now - self.at).total_seconds()

    def entry_price(self, side: Side) -> Decimal:
        """The price a market order of this side is filled at: ask for buys, bid for sells."""
        return self.ask if side is Side.BUY else self.bid


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What the broker's own dry run says of an order; nothing was sent.

    `margin` and `margin_free` are money in account currency as they would be after the order.
    """

    passed: bool
    retcode: int
    sentence: str
    margin: Decimal
    margin_free: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An open position as the broker lists it."""

    ticket: int
    symbol: str
    side: Side
    volume: Decimal
    price_open: Decimal
    price_current: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    profit: Decimal
    swap: Decimal
    magic: int
    comment: str
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingOrder:
    """A pending order as the broker lists it."""

    ticket: int
    symbol: str
    side: Side
    entry: str
    volume: Decimal
    volume_left: Decimal
    price: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    magic: int
    comment: str
    placed_at: datetime
    expires_at: datetime | None


class DealEntry(StrEnum):
    """What a deal did to its position."""

    IN = "in"
    OUT = "out"
    INOUT = "inout"
    OUT_BY = "out_by"
    NONE = "none"  # balance operations: money put in or taken out
    CREDIT = "credit"  # lent by the broker, kept beside the balance
    COST = "cost"  # charges, commissions, interest, taxes, dividends: results of trading


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One execution, or a balance operation (symbol empty, side None)."""

    ticket: int
    order: int
    position: int
    symbol: str
    side: Side | None
    entry: DealEntry
    volume: Decimal
    price: Decimal
    profit: Decimal
    swap: Decimal
    commission: Decimal
    fee: Decimal
    magic: int
    reason: int
    comment: str
    at: datetime
