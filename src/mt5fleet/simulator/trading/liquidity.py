"""What an order finds in the market: how much at the best price, and how far the price slips.

An order takes what one quote offers at its best price (`depth_lots` of the symbol); deeper levels are only
shown, and every quote offers anew. Slippage is against the client, at most `slippage_points`, and a pure
function of the seed and the order's ticket. Targets and limit orders never slip.
"""

from decimal import ROUND_FLOOR, Decimal
from random import Random

from mt5fleet.simulator.codes import OrderType
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.market import Market
from mt5fleet.simulator.prices.quotes import Quote


def available_lots(spec: SymbolSpec, wanted: Decimal, liquidity_lots: Decimal | None = None) -> Decimal:
    """Return how much of a volume can be filled at this quote, on the volume's grid.

    A symbol with a depth offers one step of volume at least; `liquidity_lots` replaces it, and may be 0.
    """
    step = spec.volume_step_lots
    offered = max(spec.depth_lots, step) if liquidity_lots is None else liquidity_lots
    is_unlimited = liquidity_lots is None and not spec.depth_lots
    if is_unlimited or offered >= wanted:
        return wanted
    return ((offered / step).to_integral_value(ROUND_FLOOR) * step).quantize(step)


def taken_price(quote: Quote, side: OrderType) -> Decimal:
    """Return what an order of that side pays or gets: Ask for buys, Bid for sells."""
    return quote.ask if side is OrderType.BUY else quote.bid


def slipped(market: Market, spec: SymbolSpec, side: OrderType, price: Decimal, ticket: int) -> Decimal:
    """Return the price after this order's slippage, which is never in the client's favour."""
    if not spec.slippage_points:
        return price
    chance = Random(f"{market.seed}/slippage/{ticket}")
    distance = spec.points(chance.randint(0, spec.slippage_points))
    slid = price + distance if side is OrderType.BUY else price - distance
    return max(slid, spec.tick_size)
