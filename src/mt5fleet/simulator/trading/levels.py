"""What price an order or the stops of a position wait for, in the terms of the watch list.

Source: MetaTrader 5 Help, "Basic Principles: Types of Orders": Buy Limit, Buy Stop and Buy Stop Limit watch
Ask, the others Bid; stop loss and take profit watch the side the position closes at.
"""

from mt5fleet.simulator.accounts.rows import Order, Position
from mt5fleet.simulator.codes import OrderState, OrderType
from mt5fleet.simulator.trading.watchlist import Level, Move

_MOVES: dict[OrderType, Move] = {
    OrderType.BUY_LIMIT: Move.ASK_FALLS,
    OrderType.SELL_LIMIT: Move.BID_RISES,
    OrderType.BUY_STOP: Move.ASK_RISES,
    OrderType.SELL_STOP: Move.BID_FALLS,
    OrderType.BUY_STOP_LIMIT: Move.ASK_RISES,
    OrderType.SELL_STOP_LIMIT: Move.BID_FALLS,
}


def order_levels(order: Order) -> tuple[Level, ...]:
    """Return the level an active order waits for; none when it takes whatever the next quote offers."""
    move = _MOVES.get(order.type)
    if move is None or (order.state is OrderState.PARTIAL and not order.type.is_limit):
        return ()
    return ((move, order.price_open),)


def stop_levels(position: Position) -> tuple[Level, ...]:
    """Return the levels of a position's stop loss and take profit; none when it has neither."""
    if position.type is OrderType.BUY:
        levels = ((Move.BID_FALLS, position.sl), (Move.BID_RISES, position.tp))
    else:
        levels = ((Move.ASK_RISES, position.sl), (Move.ASK_FALLS, position.tp))
    return tuple(level for level in levels if level[1])
