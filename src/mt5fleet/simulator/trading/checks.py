"""Which requests a broker refuses, with which code, and in which order.

The order is the project's choice (the vendor promises none): form, permission, session, target, volume,
filling, expiration, quote, price, stops, freeze, no change, limits, margin, liquidity.
"""

from collections.abc import Callable
from typing import TypeAlias

from mt5fleet.simulator.accounts.rows import Order
from mt5fleet.simulator.codes import Action, Retcode
from mt5fleet.simulator.trading.case import Case
from mt5fleet.simulator.trading.rules import conditions, form, limits, prices

Check: TypeAlias = Callable[[Case], Retcode | None]


def refusal(case: Case) -> Retcode | None:
    """Return the first code that speaks against a request, or None when it may be executed."""
    for check in _CHECKS.get(case.request.action, _UNKNOWN):
        code = check(case)
        if code is not None:
            return code
    return None


def activation_refusal(case: Case, order: Order) -> Retcode | None:
    """Return what speaks against filling a reached order, or None; `case` is it as a market order."""
    for check in _ACTIVATION:
        if check is limits.position_count and order.position_id:
            continue  # the order's first part opened the position
        code = check(case)
        if code is not None:
            return code
    return None


_ACTIVATION: tuple[Check, ...] = (
    conditions.trade_mode,
    limits.hedging,
    limits.position_count,
    limits.margin,
)

_UNKNOWN: tuple[Check, ...] = (conditions.autotrading, form.unknown_action)

_CHECKS: dict[int, tuple[Check, ...]] = {
    Action.DEAL: (
        conditions.autotrading,
        form.symbol_known,
        form.market_type,
        form.type_offered,
        conditions.account_may_trade,
        conditions.trade_mode,
        conditions.session,
        form.position_open,
        form.closing_side,
        conditions.volume,
        form.close_volume,
        conditions.market_filling,
        prices.quoted,
        prices.market_price,
        prices.market_stops,
        prices.not_frozen,
        limits.closing_order,
        limits.fifo,
        limits.hedging,
        limits.symbol_volume,
        limits.position_count,
        limits.margin,
        conditions.liquidity,
    ),
    Action.PENDING: (
        conditions.autotrading,
        form.symbol_known,
        form.pending_type,
        form.type_offered,
        conditions.account_may_trade,
        conditions.trade_mode,
        conditions.session,
        conditions.volume,
        conditions.pending_filling,
        conditions.expiration,
        prices.quoted,
        prices.pending_price,
        prices.stops_offered,
        prices.pending_stops,
        limits.order_count,
        limits.hedging,
        limits.symbol_volume,
    ),
    Action.SLTP: (
        conditions.autotrading,
        form.names_position,
        conditions.account_may_trade,
        form.position_open,
        form.symbol_known,
        form.position_held,
        conditions.trading_enabled,
        conditions.session,
        prices.quoted,
        prices.stops_offered,
        prices.position_stops,
        prices.not_frozen,
        prices.position_changes,
    ),
    Action.MODIFY: (
        conditions.autotrading,
        form.names_order,
        conditions.account_may_trade,
        form.order_active,
        form.symbol_known,
        form.order_pending,
        conditions.trading_enabled,
        conditions.session,
        conditions.expiration,
        prices.quoted,
        prices.pending_price,
        prices.stops_offered,
        prices.pending_stops,
        prices.not_frozen,
        prices.order_changes,
    ),
    Action.REMOVE: (
        conditions.autotrading,
        form.names_order,
        conditions.account_may_trade,
        form.order_active,
        form.symbol_known,
        conditions.trading_enabled,
        conditions.session,
        prices.not_frozen,
    ),
    Action.CLOSE_BY: (
        conditions.autotrading,
        form.names_both_positions,
        conditions.account_may_trade,
        form.position_open,
        form.symbol_known,
        form.type_offered,
        form.opposites,
        conditions.trading_enabled,
        conditions.session,
        prices.quoted,
        prices.not_frozen,
        limits.fifo,
    ),
}
