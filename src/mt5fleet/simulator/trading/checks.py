"""Which requests a broker refuses, with which code, and in which order.

The order is the project's choice (the vendor promises none): form, permission, session, target, volume,
filling, expiration, quote, price, stops, freeze, no change, limits, margin.
Sources: MQL5 Reference, "Structure of a Trade Request", "Trade Server Return Codes", "Order Properties".
"""

from collections.abc import Callable
from typing import TypeAlias

from mt5fleet.simulator.accounts.money import NoRateError
from mt5fleet.simulator.codes import (
    Action,
    Execution,
    Filling,
    OrderType,
    Retcode,
    TimeType,
    TradeMode,
)
from mt5fleet.simulator.instruments.symbols import (
    FILLING_BOC_BIT,
    FILLING_FOK_BIT,
    FILLING_IOC_BIT,
    SymbolSpec,
)
from mt5fleet.simulator.prices.quotes import DAY_MS
from mt5fleet.simulator.trading.case import Case
from mt5fleet.simulator.trading.stops import invalid_stops, pending_price_is_wrong, within_freeze_level

Check: TypeAlias = Callable[[Case], Retcode | None]

_WEEKEND = (5, 6)  # weekday numbers with Monday as 0
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday


def refusal(case: Case) -> Retcode | None:
    """Return the first code that speaks against a request, or None when it may be executed."""
    for check in (*_PERMISSION, *_CHECKS.get(case.request.action, (_unknown_action,))):
        code = check(case)
        if code is not None:
            return code
    return None


def pending_is_affordable(case: Case) -> bool:
    """Tell whether a triggered pending order still finds its margin."""
    return _margin(case) is None


def _autotrading(case: Case) -> Retcode | None:
    if not case.terms.autotrading:
        return Retcode.CLIENT_DISABLES_AT
    if not case.terms.trade_expert:
        return Retcode.SERVER_DISABLES_AT
    if not case.terms.connected:
        return Retcode.CONNECTION
    return None


def _account_may_trade(case: Case) -> Retcode | None:
    return None if case.terms.trade_allowed else Retcode.TRADE_DISABLED


def _unknown_action(case: Case) -> Retcode | None:
    # CLOSE_BY is known but not offered: the symbols' order_mode lacks its bit.
    return Retcode.INVALID_ORDER if case.request.action == Action.CLOSE_BY else Retcode.INVALID


def _symbol_known(case: Case) -> Retcode | None:
    return None if case.spec is not None else Retcode.INVALID


def _market_type(case: Case) -> Retcode | None:
    return None if case.request.type in (OrderType.BUY, OrderType.SELL) else Retcode.INVALID


def _pending_type(case: Case) -> Retcode | None:
    if not OrderType.BUY_LIMIT <= case.request.type <= OrderType.SELL_STOP_LIMIT:
        return Retcode.INVALID
    is_stop_limit = case.request.type >= OrderType.BUY_STOP_LIMIT
    return Retcode.INVALID_ORDER if is_stop_limit and not case.known_spec.order_mask & 8 else None


def _needs_position(case: Case) -> Retcode | None:
    return None if case.request.position else Retcode.INVALID


def _needs_order(case: Case) -> Retcode | None:
    return None if case.request.order else Retcode.INVALID


def _trade_mode(case: Case) -> Retcode | None:
    mode = case.known_spec.trade_mode
    if mode is TradeMode.DISABLED:
        return Retcode.TRADE_DISABLED
    if case.is_close or mode is TradeMode.FULL:
        return None
    if mode is TradeMode.CLOSE_ONLY:
        return Retcode.CLOSE_ONLY
    side = OrderType(case.request.type).side
    if mode is TradeMode.LONG_ONLY and side is OrderType.SELL:
        return Retcode.LONG_ONLY
    if mode is TradeMode.SHORT_ONLY and side is OrderType.BUY:
        return Retcode.SHORT_ONLY
    return None


def _session(case: Case) -> Retcode | None:
    weekday = (case.now_ms // DAY_MS + _EPOCH_WEEKDAY) % 7
    is_closed = case.known_spec.weekend_closed and weekday in _WEEKEND
    return Retcode.MARKET_CLOSED if is_closed else None


def _position_open(case: Case) -> Retcode | None:
    if not case.request.position:
        return None
    if case.position is None:
        return Retcode.POSITION_CLOSED
    if case.request.symbol and case.request.symbol != case.position.symbol:
        return Retcode.INVALID
    return None


def _closing_side(case: Case) -> Retcode | None:
    if case.position is not None and case.position.type == case.request.type:
        return Retcode.INVALID
    return None


def _order_active(case: Case) -> Retcode | None:
    return None if case.order is not None else Retcode.INVALID_ORDER


def _volume(case: Case) -> Retcode | None:
    spec, volume = case.known_spec, case.request.volume
    fits = spec.volume_min_lots <= volume <= spec.volume_max_lots and spec.on_volume_grid(volume)
    return None if fits else Retcode.INVALID_VOLUME


def _close_volume(case: Case) -> Retcode | None:
    if case.position is not None and case.request.volume > case.position.volume:
        return Retcode.INVALID_CLOSE_VOLUME
    return None


def _market_filling(case: Case) -> Retcode | None:
    spec = case.known_spec
    if spec.execution.names_a_price:
        return None  # market orders are always FOK there, the field need not be set
    allowed = _FILLING_BITS.get(case.request.type_filling, 0) & spec.filling_mask
    returns = case.request.type_filling == Filling.RETURN and _takes_return(spec)
    return None if allowed or returns else Retcode.INVALID_FILL


def _takes_return(spec: SymbolSpec) -> bool:
    return spec.lenient_filling and spec.execution in (Execution.MARKET, Execution.EXCHANGE)


def _pending_filling(case: Case) -> Retcode | None:
    spec, filling = case.known_spec, case.request.type_filling
    if spec.execution.names_a_price or filling == Filling.RETURN or spec.lenient_filling:
        return None
    takes_boc = filling == Filling.BOC and spec.filling_mask & FILLING_BOC_BIT
    return None if takes_boc and OrderType(case.request.type).is_limit else Retcode.INVALID_FILL


_FILLING_BITS: dict[int, int] = {Filling.FOK: FILLING_FOK_BIT, Filling.IOC: FILLING_IOC_BIT}


def _expiration(case: Case) -> Retcode | None:
    request, mask = case.request, case.known_spec.expiration_mask
    if request.type_time not in list(TimeType) or not mask & (1 << request.type_time):
        return Retcode.INVALID_EXPIRATION
    is_dated = request.type_time in (TimeType.SPECIFIED, TimeType.SPECIFIED_DAY)
    if is_dated and case.expires_s * 1000 <= case.now_ms:
        return Retcode.INVALID_EXPIRATION
    return None


def _quoted(case: Case) -> Retcode | None:
    return None if case.quote is not None else Retcode.PRICE_OFF


def _market_price(case: Case) -> Retcode | None:
    spec, request = case.known_spec, case.request
    if not spec.execution.names_a_price:
        return None
    if request.price <= 0 or not spec.on_price_grid(request.price):
        return Retcode.INVALID_PRICE
    off = abs(request.price - case.market_price)
    return Retcode.REQUOTE if off > spec.points(request.deviation) else None


def _pending_price(case: Case) -> Retcode | None:
    spec, price = case.known_spec, case.request.price
    if price <= 0 or not spec.on_price_grid(price):
        return Retcode.INVALID_PRICE
    wrong = pending_price_is_wrong(spec, case.pending_type, price, case.known_quote)
    return Retcode.INVALID_PRICE if wrong else None


def _market_stops(case: Case) -> Retcode | None:
    if case.is_close:
        return None  # a close carries no stops of its own
    quote, side = case.known_quote, case.side
    reference = quote.bid if side is OrderType.BUY else quote.ask
    return invalid_stops(case.known_spec, side, reference, case.request.sl, case.request.tp)


def _pending_stops(case: Case) -> Retcode | None:
    side = case.pending_type.side
    return invalid_stops(case.known_spec, side, case.request.price, case.request.sl, case.request.tp)


def _position_stops(case: Case) -> Retcode | None:
    position, quote = case.known_position, case.known_quote
    reference = quote.bid if position.type is OrderType.BUY else quote.ask
    return invalid_stops(case.known_spec, position.type, reference, case.request.sl, case.request.tp)


def _not_frozen(case: Case) -> Retcode | None:
    frozen = case.quote is not None and within_freeze_level(
        case.known_spec, case.quote, case.position, case.order
    )
    return Retcode.FROZEN if frozen else None


def _position_changes(case: Case) -> Retcode | None:
    position = case.known_position
    same = (case.request.sl, case.request.tp) == (position.sl, position.tp)
    return Retcode.NO_CHANGES if same else None


def _order_changes(case: Case) -> Retcode | None:
    order, request = case.known_order, case.request
    wanted = (request.price, request.sl, request.tp, request.type_time, case.expires_s)
    standing = (order.price_open, order.sl, order.tp, order.type_time, order.expires_s)
    return Retcode.NO_CHANGES if wanted == standing else None


def _order_limit(case: Case) -> Retcode | None:
    limit = case.terms.limit_orders
    return Retcode.LIMIT_ORDERS if limit and len(case.book.orders) >= limit else None


def _position_limit(case: Case) -> Retcode | None:
    limit = case.terms.limit_positions
    return Retcode.LIMIT_POSITIONS if limit and len(case.book.positions) >= limit else None


def _volume_limit(case: Case) -> Retcode | None:
    limit = case.known_spec.volume_limit_lots
    if not limit or case.is_close:
        return None
    return Retcode.LIMIT_VOLUME if case.side_volume() + case.request.volume > limit else None


def _margin(case: Case) -> Retcode | None:
    if case.is_close:
        return None
    try:
        worth = case.market.valuation.worth(case.book, case.terms, case.opened_position())
    except NoRateError:
        return Retcode.PRICE_OFF
    return None if worth.margin_free >= 0 else Retcode.NO_MONEY


def _open_limits(case: Case) -> Retcode | None:
    return None if case.is_close else _position_limit(case)


_PERMISSION: tuple[Check, ...] = (_autotrading,)

_CHECKS: dict[int, tuple[Check, ...]] = {
    Action.DEAL: (
        *(_symbol_known, _market_type, _account_may_trade, _trade_mode, _session),
        *(_position_open, _closing_side, _volume, _close_volume, _market_filling),
        *(_quoted, _market_price, _market_stops, _not_frozen, _volume_limit, _open_limits, _margin),
    ),
    Action.PENDING: (
        *(_symbol_known, _pending_type, _account_may_trade, _trade_mode, _session),
        *(_volume, _pending_filling, _expiration),
        *(_quoted, _pending_price, _pending_stops, _order_limit, _volume_limit),
    ),
    Action.SLTP: (
        *(_needs_position, _account_may_trade, _position_open, _symbol_known, _session),
        *(_quoted, _position_stops, _not_frozen, _position_changes),
    ),
    Action.MODIFY: (
        *(_needs_order, _account_may_trade, _order_active, _symbol_known, _session, _expiration),
        *(_quoted, _pending_price, _pending_stops, _not_frozen, _order_changes),
    ),
    Action.REMOVE: (
        *(_needs_order, _account_may_trade, _order_active, _symbol_known, _session, _not_frozen),
    ),
}
