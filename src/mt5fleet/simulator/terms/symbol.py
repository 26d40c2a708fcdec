"""What a simulated symbol may differ in from a built-in one."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field

from mt5fleet.simulator.codes import CalcMode, Execution, SwapMode, TradeMode
from mt5fleet.simulator.terms.base import Terms

SESSIONS_PER_DAY_MAX = 10
HOLIDAYS_MAX = 1_000

SessionText = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
"""From and to in server time, e.g. "00:05-23:55"; "00:00-24:00" is the whole day."""


class Weekday(StrEnum):
    """Days of the server's week; the number is the vendor's (Sunday 0)."""

    SUNDAY = "sunday"
    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"

    @property
    def number(self) -> int:
        return list(Weekday).index(self)


NEVER: Final = "never"
TripleDay: TypeAlias = Weekday | Literal["never"]
"""The day whose night counts three times; "never" (the vendor's 7): every night of the week counts once."""


class CommissionOn(StrEnum):
    """Which deals of a position pay commission."""

    BOTH = "both"
    ENTRY = "entry"
    EXIT = "exit"


class SymbolTerms(Terms):
    """What differs from a built-in symbol, or a new symbol (then base, profit and digits are needed)."""

    name: str = Field(min_length=1, max_length=31)
    like: str | None = None  # start from this built-in symbol, e.g. for a suffix
    description: str | None = None
    base: str | None = None
    profit: str | None = None
    margin: str | None = None
    digits: int | None = Field(default=None, ge=0, le=8)
    tick_size: Decimal | None = Field(default=None, gt=0)
    tick_value: Decimal | None = Field(default=None, gt=0)  # futures and indices: worth of one tick, a lot
    contract_size: Decimal | None = Field(default=None, gt=0)
    volume_min_lots: Decimal | None = Field(default=None, gt=0)
    volume_max_lots: Decimal | None = Field(default=None, gt=0)
    volume_step_lots: Decimal | None = Field(default=None, gt=0)
    volume_limit_lots: Decimal | None = Field(default=None, ge=0)
    in_market_watch: bool | None = None
    # --- how it is traded ---
    calc_mode: CalcMode | None = None
    trade_mode: TradeMode | None = None
    execution: Execution | None = None
    order_mask: int | None = Field(default=None, ge=0, le=127)
    filling_mask: int | None = Field(default=None, ge=0, le=7)
    lenient_filling: bool | None = None
    expiration_mask: int | None = Field(default=None, ge=0, le=15)
    stops_level_points: int | None = Field(default=None, ge=0)
    freeze_level_points: int | None = Field(default=None, ge=0)
    depth_lots: Decimal | None = Field(default=None, gt=0)  # on offer at each price level; unset = any volume
    depth_levels: int | None = Field(default=None, ge=1, le=32)
    slippage_points: int | None = Field(default=None, ge=0, le=100_000)  # worst, market execution and stops
    # --- when it is traded, in server time ---
    weekend_closed: bool | None = None
    sessions: (
        dict[Weekday, Annotated[tuple[SessionText, ...], Field(max_length=SESSIONS_PER_DAY_MAX)]] | None
    ) = None
    holidays: Annotated[tuple[date, ...], Field(max_length=HOLIDAYS_MAX)] | None = None
    # --- what it costs ---
    margin_initial: Decimal | None = Field(default=None, ge=0)
    margin_maintenance: Decimal | None = Field(default=None, ge=0)
    margin_hedged: Decimal | None = Field(default=None, ge=0)
    margin_hedged_use_leg: bool | None = None
    margin_rate_long: Decimal | None = Field(default=None, ge=0)
    margin_rate_short: Decimal | None = Field(default=None, ge=0)
    commission_per_lot: Decimal | None = Field(default=None, ge=0)
    commission_on: CommissionOn | None = None
    fee_per_lot: Decimal | None = Field(default=None, ge=0)
    swap_mode: SwapMode | None = None
    swap_long: Decimal | None = None
    swap_short: Decimal | None = None
    swap_triple_day: TripleDay | None = None
