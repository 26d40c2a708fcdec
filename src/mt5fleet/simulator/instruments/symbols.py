"""What an instrument is: its specification, and the arithmetic of its grid of prices and volumes."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from mt5fleet.simulator.codes import CalcMode, Execution, SwapMode, TradeMode
from mt5fleet.simulator.terms.symbol import CommissionOn, SessionText, TripleDay, Weekday

FILLING_FOK_BIT = 1
FILLING_IOC_BIT = 2
FILLING_BOC_BIT = 4

ORDER_MARKET_BIT = 1
ORDER_LIMIT_BIT = 2
ORDER_STOP_BIT = 4
ORDER_STOP_LIMIT_BIT = 8
ORDER_SL_BIT = 16
ORDER_TP_BIT = 32
ORDER_CLOSE_BY_BIT = 64
ORDER_ALL_BITS = 127

GRID_TOLERANCE = Decimal("0.000001")
"""Share of one step within which a number that came as binary float still counts as on the grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SymbolSpec:
    """The terms a symbol is traded on; names follow `symbol_info` of the vendor."""

    name: str
    base: str  # currency bought; the margin currency of forex
    profit: str  # currency of the price
    margin: str
    digits: int
    tick_size: Decimal
    contract_size: Decimal
    volume_min_lots: Decimal = Decimal("0.01")
    volume_max_lots: Decimal = Decimal(100)
    volume_step_lots: Decimal = Decimal("0.01")
    volume_limit_lots: Decimal = Decimal(0)  # 0 = none
    tick_value: Decimal = Decimal(0)  # worth of one tick, a lot, in profit currency; 0 = by contract size
    in_market_watch: bool = True
    calc_mode: CalcMode = CalcMode.FOREX
    trade_mode: TradeMode = TradeMode.FULL
    execution: Execution = Execution.MARKET
    order_mask: int = ORDER_ALL_BITS
    filling_mask: int = FILLING_FOK_BIT | FILLING_IOC_BIT
    lenient_filling: bool = False  # takes RETURN on market orders too
    expiration_mask: int = 15
    stops_level_points: int = 0
    freeze_level_points: int = 0
    depth_lots: Decimal = Decimal(0)  # on offer at each price level; 0 = any volume
    depth_levels: int = 10
    slippage_points: int = 0  # worst slippage of market execution and of stops, seeded
    weekend_closed: bool = False
    sessions: dict[Weekday, tuple[SessionText, ...]] | None = None  # None = all day
    holidays: tuple[date, ...] = ()
    margin_initial: Decimal = Decimal(0)  # per lot in margin currency; 0 = by formula
    margin_maintenance: Decimal = Decimal(0)  # per lot in margin currency; 0 = as margin_initial
    margin_hedged: Decimal = Decimal(0)  # contract size that a hedged lot pays for
    margin_hedged_use_leg: bool = False  # hedged: the larger leg pays in full, the other nothing
    margin_rate_long: Decimal = Decimal(1)
    margin_rate_short: Decimal = Decimal(1)
    commission_per_lot: Decimal = Decimal(0)  # account currency, on the deals that commission_on names
    commission_on: CommissionOn = CommissionOn.BOTH
    fee_per_lot: Decimal = Decimal(0)  # account currency, on each deal
    swap_mode: SwapMode = SwapMode.DISABLED
    swap_long: Decimal = Decimal(0)
    swap_short: Decimal = Decimal(0)
    swap_triple_day: TripleDay = Weekday.WEDNESDAY
    description: str = ""
    path: str = ""

    @property
    def point(self) -> Decimal:
        return Decimal(1).scaleb(-self.digits)

    def at_digits(self, price: Decimal) -> Decimal:
        """Round a price to the symbol's digits."""
        return price.quantize(self.point, rounding=ROUND_HALF_UP)

    def on_price_grid(self, price: Decimal) -> bool:
        return _on_grid(price, self.tick_size)

    def on_volume_grid(self, volume_lots: Decimal) -> bool:
        return _on_grid(volume_lots, self.volume_step_lots)

    def points(self, count: int) -> Decimal:
        """Return the price distance of that many points."""
        return self.point * count


def _on_grid(number: Decimal, step: Decimal) -> bool:
    ratio = number / step
    return abs(ratio - ratio.to_integral_value()) <= GRID_TOLERANCE
