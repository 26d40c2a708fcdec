"""Is the request well formed, and does what it points at exist?

Source: MQL5 Reference, "Trade Request Structure" (which fields each action needs).
"""

from mt5fleet.simulator.codes import OrderType, Retcode
from mt5fleet.simulator.instruments.symbols import (
    ORDER_CLOSE_BY_BIT,
    ORDER_LIMIT_BIT,
    ORDER_MARKET_BIT,
    ORDER_STOP_BIT,
    ORDER_STOP_LIMIT_BIT,
)
from mt5fleet.simulator.trading.case import Case

_BITS: dict[int, int] = {
    OrderType.BUY: ORDER_MARKET_BIT,
    OrderType.SELL: ORDER_MARKET_BIT,
    OrderType.BUY_LIMIT: ORDER_LIMIT_BIT,
    OrderType.SELL_LIMIT: ORDER_LIMIT_BIT,
    OrderType.BUY_STOP: ORDER_STOP_BIT,
    OrderType.SELL_STOP: ORDER_STOP_BIT,
    OrderType.BUY_STOP_LIMIT: ORDER_STOP_LIMIT_BIT,
    OrderType.SELL_STOP_LIMIT: ORDER_STOP_LIMIT_BIT,
    OrderType.CLOSE_BY: ORDER_CLOSE_BY_BIT,
}


def unknown_action(_case: Case) -> Retcode | None:
    """No such action."""
    return Retcode.INVALID


def symbol_known(case: Case) -> Retcode | None:
    """The broker must offer the symbol."""
    return None if case.spec is not None else Retcode.INVALID


def market_type(case: Case) -> Retcode | None:
    """A deal is a buy or a sell."""
    return None if case.request.type in (OrderType.BUY, OrderType.SELL) else Retcode.INVALID


def pending_type(case: Case) -> Retcode | None:
    """A pending order is one of the six kinds that wait."""
    is_pending = OrderType.BUY_LIMIT <= case.request.type <= OrderType.SELL_STOP_LIMIT
    return None if is_pending else Retcode.INVALID


def type_offered(case: Case) -> Retcode | None:
    """The symbol's order mask says which kinds of orders it takes."""
    offered = case.known_spec.order_mask & _BITS[case.request.type]
    return None if offered else Retcode.INVALID_ORDER


def names_position(case: Case) -> Retcode | None:
    """A position is named by its ticket, on netting accounts by its symbol too."""
    by_symbol = case.terms.margin_mode.nets and bool(case.request.symbol)
    return None if case.request.position or by_symbol else Retcode.INVALID


def names_order(case: Case) -> Retcode | None:
    """A pending order is named by its ticket."""
    return None if case.request.order else Retcode.INVALID


def names_both_positions(case: Case) -> Retcode | None:
    """Closing by needs order type 8 and two different positions."""
    request = case.request
    is_complete = request.type == OrderType.CLOSE_BY and request.position and request.position_by
    return None if is_complete and request.position != request.position_by else Retcode.INVALID


def position_open(case: Case) -> Retcode | None:
    """A named position must exist, and be one of the named symbol when there is a name."""
    if not case.request.position:
        return None
    if case.position is None:
        return Retcode.POSITION_CLOSED
    if case.request.symbol and case.request.symbol != case.position.symbol:
        return Retcode.INVALID
    return None


def position_held(case: Case) -> Retcode | None:
    """The symbol named must have a position."""
    return None if case.position is not None else Retcode.POSITION_CLOSED


def closing_side(case: Case) -> Retcode | None:
    """A named position is closed by the opposite side."""
    is_named = case.request.position and case.position is not None
    return Retcode.INVALID if is_named and case.known_position.type == case.request.type else None


def close_volume(case: Case) -> Retcode | None:
    """A named position cannot lose more than it has."""
    is_named = case.request.position and case.position is not None
    too_much = is_named and case.request.volume > case.known_position.volume
    return Retcode.INVALID_CLOSE_VOLUME if too_much else None


def opposites(case: Case) -> Retcode | None:
    """Positions close each other on hedging accounts only, on one symbol, with opposite sides."""
    if case.terms.margin_mode.nets:
        return Retcode.INVALID_ORDER
    if case.position_by is None:
        return Retcode.POSITION_CLOSED
    position, opposite = case.known_position, case.position_by
    fits = position.symbol == opposite.symbol and position.type is not opposite.type
    return None if fits else Retcode.INVALID


def order_active(case: Case) -> Retcode | None:
    """The order must still be active."""
    return None if case.order is not None else Retcode.INVALID_ORDER


def order_pending(case: Case) -> Retcode | None:
    """What is left of a market order may be removed, not changed."""
    return None if case.known_order.type.is_pending else Retcode.INVALID_ORDER
