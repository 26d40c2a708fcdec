"""Domain orders as the dictionaries that `order_send` takes: floats and ints exactly where it wants them.

Source: MQL5 reference "MqlTradeRequest"; argument checks of the MetaTrader5 package 5.0.6231.
"""

from decimal import ROUND_FLOOR, Decimal

from mt5fleet.adapters.mt5.codes import (
    Action,
    Execution,
    ExpirationBit,
    Filling,
    FillingBit,
    OrderType,
    TimeType,
)
from mt5fleet.adapters.mt5.conversions import Scale, server_stamp_s
from mt5fleet.adapters.mt5.shapes import OrderRow, PositionRow, SymbolRow
from mt5fleet.domain.broker import Quote
from mt5fleet.domain.errors import ValueRefused
from mt5fleet.domain.ids import COMMENT_CHARS_MAX
from mt5fleet.domain.order import OpenOrder
from mt5fleet.domain.signal import Entry, Side

Request = dict[str, float | int | str]

DEVIATION_POINTS_DEFAULT = (
    20  # slippage allowed where the order states no tolerance (request and instant only)
)
DEVIATION_POINTS_MAX = 100_000  # wider is a typing error

_TYPES = {
    (Side.BUY, Entry.MARKET): OrderType.BUY,
    (Side.SELL, Entry.MARKET): OrderType.SELL,
    (Side.BUY, Entry.LIMIT): OrderType.BUY_LIMIT,
    (Side.SELL, Entry.LIMIT): OrderType.SELL_LIMIT,
    (Side.BUY, Entry.STOP): OrderType.BUY_STOP,
    (Side.SELL, Entry.STOP): OrderType.SELL_STOP,
}


def market_request(order: OpenOrder, rules: SymbolRow, quote: Quote) -> Request:
    """A market open at the present quote."""
    return {
        "action": int(Action.DEAL),
        "symbol": order.symbol,
        "volume": float(order.volume),
        "type": int(_TYPES[order.side, Entry.MARKET]),
        "price": float(quote.entry_price(order.side)),
        "sl": float(order.stop_loss or 0),
        "tp": float(order.take_profit or 0),
        "deviation": _deviation(order, rules, quote),
        "magic": order.magic,
        "comment": checked_comment(order.comment),
        "type_filling": int(filling_for_deal(rules)),
    }


def resting_request(order: OpenOrder, rules: SymbolRow, offset_s: int) -> Request:
    """A limit or stop order; brokers take RETURN for these whatever the symbol's mask says."""
    if order.price is None:
        raise ValueRefused("order.price", "is required for a resting order")
    return {
        "action": int(Action.PENDING),
        "symbol": order.symbol,
        "volume": float(order.volume),
        "type": int(_TYPES[order.side, order.entry]),
        "price": float(order.price),
        "sl": float(order.stop_loss or 0),
        "tp": float(order.take_profit or 0),
        "magic": order.magic,
        "comment": checked_comment(order.comment),
        "type_filling": int(Filling.RETURN),
        **_lifetime(order, rules, offset_s),
    }


def close_request(
    position: PositionRow, volume: Decimal, rules: SymbolRow, price: Decimal, magic: int, comment: str
) -> Request:
    """The opposite deal that carries the position's ticket, so that it can only reduce."""
    opposite = OrderType.SELL if position.type == OrderType.BUY else OrderType.BUY
    return {
        "action": int(Action.DEAL),
        "position": position.ticket,
        "symbol": position.symbol,
        "volume": float(volume),
        "type": int(opposite),
        "price": float(price),
        "deviation": DEVIATION_POINTS_MAX,  # getting out matters more than the price
        "magic": magic,
        "comment": checked_comment(comment),
        "type_filling": int(filling_for_deal(rules)),
    }


def levels_request(position: PositionRow, stop_loss: Decimal | None, take_profit: Decimal | None) -> Request:
    """Both levels of a position, which the broker replaces together."""
    return {
        "action": int(Action.SLTP),
        "position": position.ticket,
        "symbol": position.symbol,
        "sl": float(stop_loss or 0),
        "tp": float(take_profit or 0),
    }


def change_request(
    order: OrderRow, price: Decimal, stop_loss: Decimal | None, take_profit: Decimal | None
) -> Request:
    """Price and levels of a resting order; its lifetime stays."""
    return {
        "action": int(Action.MODIFY),
        "order": order.ticket,
        "symbol": order.symbol,
        "price": float(price),
        "sl": float(stop_loss or 0),
        "tp": float(take_profit or 0),
        "type_time": order.type_time,
        "expiration": order.time_expiration,
    }


def remove_request(ticket: int) -> Request:
    """Take a resting order away."""
    return {"action": int(Action.REMOVE), "order": ticket}


def filling_for_deal(rules: SymbolRow) -> Filling:
    """How a market deal may be filled here: all or nothing where allowed, so that nothing is half done.

    Source: MQL5 reference "Order filling"; request and instant execution take FOK always.
    """
    if rules.trade_exemode in (Execution.REQUEST, Execution.INSTANT) or rules.filling_mode & FillingBit.FOK:
        return Filling.FOK
    return Filling.IOC if rules.filling_mode & FillingBit.IOC else Filling.RETURN


def checked_comment(comment: str) -> str:
    """The comment, when the module will take it; longer or stranger ones fail without a word."""
    if len(comment) > COMMENT_CHARS_MAX or not comment.isascii() or not comment.isprintable():
        raise ValueRefused("order.comment", f"needs at most {COMMENT_CHARS_MAX} printable ASCII characters")
    return comment


def on_volume_step(volume: Decimal, rules: SymbolRow, scale: Scale) -> bool:
    """Whether a volume lies on the symbol's step."""
    return volume % scale.volume(rules.volume_step) == 0


def _deviation(order: OpenOrder, rules: SymbolRow, quote: Quote) -> int:
    """Points the fill may be worse than the price sent: what is left of the order's tolerance."""
    if order.tolerance is None or order.price is None:
        return DEVIATION_POINTS_DEFAULT
    now = quote.entry_price(order.side)
    worse_by = now - order.price if order.side is Side.BUY else order.price - now
    left = (order.tolerance - worse_by) / Decimal(1).scaleb(-rules.digits)
    return max(0, min(int(left.to_integral_value(ROUND_FLOOR)), DEVIATION_POINTS_MAX))


def _lifetime(order: OpenOrder, rules: SymbolRow, offset_s: int) -> Request:
    """The broker's expiration where the symbol allows one; else until cancelled, and the fleet cancels."""
    if order.expires_at is not None and rules.expiration_mode & ExpirationBit.SPECIFIED:
        stamp_s = server_stamp_s(order.expires_at, offset_s)
        return {"type_time": int(TimeType.SPECIFIED), "expiration": stamp_s}
    until_cancelled = rules.expiration_mode & ExpirationBit.GTC
    return {"type_time": int(TimeType.GTC if until_cancelled else TimeType.DAY), "expiration": 0}
