"""May this be traded now, in this volume, in this way?

Sources: MQL5 Reference, "Symbol Properties" (trade mode, filling, expiration), "Order Properties" (filling:
Book or Cancel only for limit and stop-limit orders), and "Account Properties" (switches).
"""

from mt5fleet.simulator.codes import Filling, OrderType, Retcode, TimeType, TradeMode
from mt5fleet.simulator.instruments.symbols import FILLING_BOC_BIT, FILLING_FOK_BIT, FILLING_IOC_BIT
from mt5fleet.simulator.market import MS_PER_S
from mt5fleet.simulator.trading.case import Case

_FILLING_BITS: dict[int, int] = {Filling.FOK: FILLING_FOK_BIT, Filling.IOC: FILLING_IOC_BIT}
_FILLINGS = frozenset(Filling)
_TIME_TYPES = frozenset(TimeType)
_DATED = (TimeType.SPECIFIED, TimeType.SPECIFIED_DAY)


def autotrading(case: Case) -> Retcode | None:
    """The switches of terminal and server, and the link between them."""
    if not case.terms.autotrading:
        return Retcode.CLIENT_DISABLES_AT
    if not case.terms.trade_expert:
        return Retcode.SERVER_DISABLES_AT
    if not case.terms.connected:
        return Retcode.CONNECTION
    return None


def account_may_trade(case: Case) -> Retcode | None:
    """An investor password only looks."""
    return None if case.terms.trade_allowed else Retcode.TRADE_DISABLED


def trading_enabled(case: Case) -> Retcode | None:
    """A symbol that is not traded is not touched either."""
    return Retcode.TRADE_DISABLED if case.known_spec.trade_mode is TradeMode.DISABLED else None


def trade_mode(case: Case) -> Retcode | None:
    """The symbol may be open for one side only, or for closing only."""
    mode = case.known_spec.trade_mode
    if mode is TradeMode.FULL:
        return None
    if mode is TradeMode.DISABLED:
        return Retcode.TRADE_DISABLED
    if case.is_close:
        return None
    if mode is TradeMode.CLOSE_ONLY:
        return Retcode.CLOSE_ONLY
    if mode is TradeMode.LONG_ONLY:
        return Retcode.LONG_ONLY if case.side is OrderType.SELL else None
    return Retcode.SHORT_ONLY if case.side is OrderType.BUY else None


def session(case: Case) -> Retcode | None:
    """The symbol must be in a trading session."""
    return None if case.market.is_open(case.known_spec.name, case.now_ms) else Retcode.MARKET_CLOSED


def volume(case: Case) -> Retcode | None:
    """Volumes lie between minimum and maximum, on the step."""
    spec, lots = case.known_spec, case.request.volume
    fits = spec.volume_min_lots <= lots <= spec.volume_max_lots and spec.on_volume_grid(lots)
    return None if fits else Retcode.INVALID_VOLUME


def market_filling(case: Case) -> Retcode | None:
    """Market orders take the bits of the mask; where the client names a price they are FOK in any case."""
    spec, filling = case.known_spec, case.request.type_filling
    if spec.execution.names_a_price:
        return None
    allowed = _FILLING_BITS.get(filling, 0) & spec.filling_mask
    returns = filling == Filling.RETURN and spec.lenient_filling
    return None if allowed or returns else Retcode.INVALID_FILL


def pending_filling(case: Case) -> Retcode | None:
    """Pending orders are RETURN, limits also BOC where the mask has it; lenient symbols take any."""
    spec, filling = case.known_spec, case.request.type_filling
    if filling not in _FILLINGS:
        return Retcode.INVALID_FILL
    if filling == Filling.BOC:
        is_passive = case.pending_type.is_limit or case.pending_type.is_stop_limit
        return None if spec.filling_mask & FILLING_BOC_BIT and is_passive else Retcode.INVALID_FILL
    free = spec.execution.names_a_price or spec.lenient_filling or filling == Filling.RETURN
    return None if free else Retcode.INVALID_FILL


def liquidity(case: Case) -> Retcode | None:
    """An order that must be filled whole is refused when the quote offers less; any other needs something."""
    available = case.available
    enough = available >= case.volume if case.filling is Filling.FOK else available > 0
    return None if enough else Retcode.REJECT


def expiration(case: Case) -> Retcode | None:
    """The symbol's mask says which life times it takes; a date must lie ahead."""
    time_type, mask = case.request.type_time, case.known_spec.expiration_mask
    if time_type not in _TIME_TYPES or not mask & (1 << time_type):
        return Retcode.INVALID_EXPIRATION
    is_past = time_type in _DATED and case.expires_s * MS_PER_S <= case.now_ms
    return Retcode.INVALID_EXPIRATION if is_past else None
