"""Is there a price, is the asked one possible, and are stops far enough from it?

Sources: MQL5 Reference, "Trade Server Return Codes" and "Symbol Properties" (stops and freeze level), and
MetaTrader 5 Help, "Basic Principles: Types of Orders" (stop-limit: the limit lies behind the stop price).
"""

from mt5fleet.simulator.codes import Action, Execution, Filling, OrderType, Retcode
from mt5fleet.simulator.instruments.symbols import ORDER_SL_BIT, ORDER_TP_BIT
from mt5fleet.simulator.trading.case import Case
from mt5fleet.simulator.trading.liquidity import taken_price
from mt5fleet.simulator.trading.stops import (
    invalid_stops,
    pending_price_is_wrong,
    stop_limit_is_wrong,
    within_freeze_level,
    would_take,
)


def quoted(case: Case) -> Retcode | None:
    """Nothing is traded without a quote."""
    return None if case.quote is not None else Retcode.PRICE_OFF


def market_price(case: Case) -> Retcode | None:
    """Where the client names the price, it may be off by the deviation: else a requote (instant) or 10020."""
    spec, request = case.known_spec, case.request
    if not spec.execution.names_a_price:
        return None
    if request.price <= 0 or not spec.on_price_grid(request.price):
        return Retcode.INVALID_PRICE
    if abs(request.price - case.market_price) <= spec.points(request.deviation):
        return None
    return Retcode.REQUOTE if spec.execution is Execution.INSTANT else Retcode.PRICE_CHANGED


def pending_price(case: Case) -> Retcode | None:
    """A pending price lies on its side of the market, far enough away; a book-or-cancel must not take."""
    spec, kind, price, quote = case.known_spec, case.pending_type, case.request.price, case.known_quote
    if price <= 0 or not spec.on_price_grid(price):
        return Retcode.INVALID_PRICE
    if _is_book_or_cancel(case) and would_take(kind, price, quote):
        return Retcode.REJECT
    if pending_price_is_wrong(spec, kind, price, quote):
        return Retcode.INVALID_PRICE
    wrong = kind.is_stop_limit and stop_limit_is_wrong(spec, kind, price, case.request.stoplimit)
    return Retcode.INVALID_PRICE if wrong else None


def _is_book_or_cancel(case: Case) -> bool:
    return case.request.action == Action.PENDING and case.request.type_filling == Filling.BOC


def stops_offered(case: Case) -> Retcode | None:
    """The symbol's order mask says whether it takes a stop loss and a take profit."""
    request, mask = case.request, case.known_spec.order_mask
    refused = (request.sl and not mask & ORDER_SL_BIT) or (request.tp and not mask & ORDER_TP_BIT)
    return Retcode.INVALID_STOPS if refused else None


def market_stops(case: Case) -> Retcode | None:
    """Stops of a market order are measured from the price it would be closed at."""
    request = case.request
    if case.is_close or not (request.sl or request.tp):
        return None  # a close carries no stops of its own
    reference = taken_price(case.known_quote, case.side.opposite)
    return stops_offered(case) or invalid_stops(case.known_spec, case.side, reference, request.sl, request.tp)


def pending_stops(case: Case) -> Retcode | None:
    """Stops of a pending order are measured from the price it will be filled at."""
    request, kind = case.request, case.pending_type
    reference = request.stoplimit if kind.is_stop_limit else request.price
    return invalid_stops(case.known_spec, kind.side, reference, request.sl, request.tp)


def position_stops(case: Case) -> Retcode | None:
    """A position's stops are measured from the price it would be closed at."""
    side: OrderType = case.known_position.type
    reference = taken_price(case.known_quote, side.opposite)
    return invalid_stops(case.known_spec, side, reference, case.request.sl, case.request.tp)


def not_frozen(case: Case) -> Retcode | None:
    """Close to the market nothing is closed, moved or deleted; opening and adding is free."""
    spec, quote = case.known_spec, case.quote
    if not spec.freeze_level_points or quote is None:
        return None
    touched = case.position if case.is_close or case.request.action != Action.DEAL else None
    positions = [held for held in (touched, case.position_by) if held is not None]
    frozen = within_freeze_level(spec, quote, positions, case.order)
    return Retcode.FROZEN if frozen else None


def position_changes(case: Case) -> Retcode | None:
    """The same stops again change nothing."""
    position = case.known_position
    wanted = (case.price_or_zero(case.request.sl), case.price_or_zero(case.request.tp))
    return Retcode.NO_CHANGES if wanted == (position.sl, position.tp) else None


def order_changes(case: Case) -> Retcode | None:
    """The same values again change nothing."""
    order, request = case.known_order, case.request
    wanted = (request.price, request.sl, request.tp, request.type_time, case.expires_s)
    standing = (order.price_open, order.sl, order.tp, order.type_time, order.expires_s)
    same_limit = not order.type.is_stop_limit or request.stoplimit == order.price_stoplimit
    return Retcode.NO_CHANGES if wanted == standing and same_limit else None
