"""Distances between prices, stops and the market.

Source: MQL5 articles, "The checks a trading robot must pass before publication in the Market" (2555), and
MQL5 Reference, "Symbol Properties": SYMBOL_TRADE_STOPS_LEVEL, SYMBOL_TRADE_FREEZE_LEVEL.
"""

from collections.abc import Iterable
from decimal import Decimal

from mt5fleet.simulator.accounts.rows import Order, Position
from mt5fleet.simulator.codes import OrderType, Retcode
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.quotes import Quote


def invalid_stops(
    spec: SymbolSpec, side: OrderType, reference: Decimal, stop_loss: Decimal, take_profit: Decimal
) -> Retcode | None:
    """Check stop and target against the price they are measured from; 0 means none."""
    loss_room = reference - stop_loss if side is OrderType.BUY else stop_loss - reference
    profit_room = take_profit - reference if side is OrderType.BUY else reference - take_profit
    for level, room in ((stop_loss, loss_room), (take_profit, profit_room)):
        if level and not (level > 0 and spec.on_price_grid(level) and _is_far_enough(spec, room)):
            return Retcode.INVALID_STOPS
    return None


def pending_price_is_wrong(spec: SymbolSpec, kind: OrderType, price: Decimal, quote: Quote) -> bool:
    """Tell whether a pending price is on the wrong side of the market or inside the stops level."""
    return not _is_far_enough(spec, _room_to_market(kind, price, quote))


def stop_limit_is_wrong(spec: SymbolSpec, kind: OrderType, price: Decimal, stop_limit: Decimal) -> bool:
    """Tell whether the limit of a stop-limit order is not behind its stop price, or too close to it."""
    if stop_limit <= 0 or not spec.on_price_grid(stop_limit):
        return True
    room = price - stop_limit if kind.side is OrderType.BUY else stop_limit - price
    return not _is_far_enough(spec, room)


def would_take(kind: OrderType, price: Decimal, quote: Quote) -> bool:
    """Tell whether a limit order would be filled at once instead of waiting in the book."""
    return kind.is_limit and _room_to_market(kind, price, quote) <= 0


def within_freeze_level(
    spec: SymbolSpec, quote: Quote, positions: Iterable[Position], order: Order | None
) -> bool:
    """Tell whether positions' stops or a pending order are too close to the market to be touched."""
    if not spec.freeze_level_points:
        return False
    rooms = [room for position in positions for room in _rooms_of_stops(position, quote)]
    if order is not None and order.type.is_pending:
        rooms.append(_room_to_market(order.type, order.price_open, quote))
    return any(room <= spec.points(spec.freeze_level_points) for room in rooms)


def _room_to_market(kind: OrderType, price: Decimal, quote: Quote) -> Decimal:
    match kind:
        case OrderType.BUY_LIMIT:
            return quote.ask - price
        case OrderType.SELL_LIMIT:
            return price - quote.bid
        case OrderType.BUY_STOP | OrderType.BUY_STOP_LIMIT:
            return price - quote.ask
        case _:
            return quote.bid - price


def _rooms_of_stops(position: Position, quote: Quote) -> list[Decimal]:
    if position.type is OrderType.BUY:
        rooms = [(position.sl, quote.bid - position.sl), (position.tp, position.tp - quote.bid)]
    else:
        rooms = [(position.sl, position.sl - quote.ask), (position.tp, quote.ask - position.tp)]
    return [room for level, room in rooms if level]


def _is_far_enough(spec: SymbolSpec, room: Decimal) -> bool:
    # A level of 0 still means "beyond the price": a stop at the price would fire at once.
    return room > 0 and room >= spec.points(spec.stops_level_points)
