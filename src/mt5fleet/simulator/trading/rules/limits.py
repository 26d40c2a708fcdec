"""Does the account still allow it: orders, positions, volume, order of closing, hedging, money?

Sources: MQL5 Reference, "Account Properties" (ACCOUNT_LIMIT_ORDERS, ACCOUNT_FIFO_CLOSE), "Symbol Properties"
(SYMBOL_VOLUME_LIMIT) and "Trade Server Return Codes" (10039, 10045, 10046).
"""

from collections.abc import Iterable
from decimal import Decimal

from mt5fleet.simulator.accounts.money import NoRateError
from mt5fleet.simulator.accounts.rows import ZERO, Position
from mt5fleet.simulator.codes import Action, Retcode
from mt5fleet.simulator.trading.case import Case
from mt5fleet.simulator.trading.foresight import worth_after


def closing_order(case: Case) -> Retcode | None:
    """What is left of an order that closes a position keeps others from closing it."""
    if not case.is_close or case.terms.margin_mode.nets:
        return None
    identifier = case.known_position.identifier
    closing = any(
        order.position_id == identifier and order.ticket != identifier for order in case.book.partial.values()
    )
    return Retcode.CLOSE_ORDER_EXIST if closing else None


def fifo(case: Case) -> Retcode | None:
    """Under the FIFO rule a symbol's oldest position closes first; by another, the oldest of each side."""
    if not case.terms.fifo_close or case.position is None or case.terms.margin_mode.nets:
        return None
    on_symbol = case.book.positions_on(case.position.symbol)
    if case.request.action == Action.DEAL:
        in_turn = _oldest(on_symbol) is case.position
    else:
        sides = [[held for held in on_symbol if held.type is side] for side in {p.type for p in on_symbol}]
        oldest = [_oldest(side) for side in sides]
        in_turn = case.position in oldest and case.position_by in oldest
    return None if in_turn else Retcode.FIFO_CLOSE


def _oldest(positions: Iterable[Position]) -> Position:
    return min(positions, key=lambda position: (position.time_ms, position.ticket))


def hedging(case: Case) -> Retcode | None:
    """Where hedging is prohibited, nothing may open against an open position."""
    if not case.terms.hedge_prohibited or case.is_close or case.terms.margin_mode.nets:
        return None
    side = case.side
    against = any(held.type is not side for held in case.book.positions_on(case.known_spec.name))
    return Retcode.HEDGE_PROHIBITED if against else None


def order_count(case: Case) -> Retcode | None:
    """The account may hold so many active orders."""
    limit = case.terms.limit_orders
    return Retcode.LIMIT_ORDERS if limit and len(case.book.orders) >= limit else None


def position_count(case: Case) -> Retcode | None:
    """On netting accounts a symbol that has its position needs no other."""
    limit = case.terms.limit_positions
    is_full = limit and len(case.book.positions) >= limit
    if not is_full or case.is_close or case.position is not None:
        return None
    return Retcode.LIMIT_POSITIONS


def symbol_volume(case: Case) -> Retcode | None:
    """The volume open and waiting on one side of a symbol is limited."""
    limit = case.known_spec.volume_limit_lots
    if not limit or case.is_close:
        return None
    return Retcode.LIMIT_VOLUME if _side_volume(case) > limit else None


def _side_volume(case: Case) -> Decimal:
    symbol, side = case.known_spec.name, case.side
    held = ZERO
    for position in case.book.positions_on(symbol):
        if position.type is side:
            held += position.volume
        elif case.terms.margin_mode.nets:
            held -= position.volume  # what would be bought back first
    waiting = [o for o in case.book.orders.values() if o.symbol == symbol and o.type.side is side]
    return held + sum((order.volume_current for order in waiting), case.request.volume)


def margin(case: Case) -> Retcode | None:
    """What remains after the deal must carry its margin."""
    if case.is_close:
        return None
    try:
        worth = worth_after(case)
    except NoRateError:
        return Retcode.PRICE_OFF
    return None if worth.margin_free >= 0 else Retcode.NO_MONEY
