"""The module's floats, numbers and server stamps, turned into domain values and back.

A float never becomes a Decimal raw: it is first written with the digits that the instrument or currency has.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import isfinite

from mt5fleet.adapters.mt5.codes import AccountTrade, DealEntryCode, DealType, OrderType, SymbolTrade
from mt5fleet.adapters.mt5.shapes import AccountRow, DealRow, OrderRow, PositionRow, SymbolRow, TickRow
from mt5fleet.domain.broker import (
    Deal,
    DealEntry,
    Instrument,
    Mode,
    Position,
    Quote,
    Reading,
    RestingOrder,
)
from mt5fleet.domain.errors import Unreachable
from mt5fleet.domain.signal import Entry, Side

VOLUME_DIGITS_DEFAULT = 8  # balance operations name no symbol; no broker has finer lots
PRICE_DIGITS_DEFAULT = 8  # likewise
_MAGIC_SHOWN_MAX = 2**63 - 1  # what the wire carries

_SIDES = {
    OrderType.BUY: Side.BUY,
    OrderType.BUY_LIMIT: Side.BUY,
    OrderType.BUY_STOP: Side.BUY,
    OrderType.BUY_STOP_LIMIT: Side.BUY,
    OrderType.SELL: Side.SELL,
    OrderType.SELL_LIMIT: Side.SELL,
    OrderType.SELL_STOP: Side.SELL,
    OrderType.SELL_STOP_LIMIT: Side.SELL,
}
_ENTRIES = {
    OrderType.BUY: Entry.MARKET,
    OrderType.SELL: Entry.MARKET,
    OrderType.BUY_LIMIT: Entry.LIMIT,
    OrderType.SELL_LIMIT: Entry.LIMIT,
    OrderType.BUY_STOP: Entry.STOP,
    OrderType.SELL_STOP: Entry.STOP,
}
_DEAL_ENTRIES = {
    DealEntryCode.IN: DealEntry.IN,
    DealEntryCode.OUT: DealEntry.OUT,
    DealEntryCode.INOUT: DealEntry.INOUT,
    DealEntryCode.OUT_BY: DealEntry.OUT_BY,
}
_CASH = frozenset({DealType.BALANCE, DealType.CORRECTION, DealType.BONUS})
# The module itself says demo or contest; anything else is treated as real money or as unknown.
_MODES = {AccountTrade.DEMO: Mode.DEMO, AccountTrade.CONTEST: Mode.DEMO, AccountTrade.REAL: Mode.REAL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How many decimals the prices and volumes of a symbol have."""

    price_digits: int = PRICE_DIGITS_DEFAULT
    volume_digits: int = VOLUME_DIGITS_DEFAULT

    def price(self, value: float) -> Decimal:
        """A price of the module."""
        return rounded(value, self.price_digits)

    def level(self, value: float) -> Decimal | None:
        """A stop or target of the module, where 0 means none."""
        return None if value == 0 else self.price(value)

    def volume(self, value: float) -> Decimal:
        """Lots of the module."""
        return rounded(value, self.volume_digits)


def rounded(value: float, digits: int) -> Decimal:
    """The decimal number with `digits` decimals that a float stands for."""
    return Decimal(f"{value:.{digits}f}")


def scale_of(row: SymbolRow) -> Scale:
    """Digits of a symbol; those of volumes follow from the step."""
    return Scale(price_digits=row.digits, volume_digits=_decimals(row.volume_step))


def moment(server_ms: int, offset_s: int) -> datetime:
    """A stamp of the server, which is its wall clock written as if it were UTC, as the true moment."""
    return datetime.fromtimestamp(server_ms / 1000, UTC) - timedelta(seconds=offset_s)


def server_stamp_s(at: datetime, offset_s: int) -> int:
    """The server's stamp (seconds) of a moment."""
    return int(at.timestamp()) + offset_s


def side_of(order_type: int) -> Side | None:
    """Direction of an order or position type; None for close-by."""
    return _SIDES.get(OrderType(order_type)) if order_type in set(OrderType) else None


def entry_of(order_type: int) -> Entry | None:
    """How an order type enters; None for kinds that the fleet does not send."""
    return _ENTRIES.get(OrderType(order_type)) if order_type in set(OrderType) else None


def mode_of(trade_mode: int) -> Mode | None:
    """Kind of money; None when the number is none that is documented."""
    return _MODES.get(AccountTrade(trade_mode)) if trade_mode in set(AccountTrade) else None


def instrument_of(row: SymbolRow) -> Instrument:
    """Trading rules of a symbol."""
    scale = scale_of(row)
    tradable = row.trade_mode in (SymbolTrade.FULL, SymbolTrade.LONG_ONLY)
    sellable = row.trade_mode in (SymbolTrade.FULL, SymbolTrade.SHORT_ONLY)
    return Instrument(
        symbol=row.name,
        digits=row.digits,
        point=scale.price(row.point),
        tick_size=scale.price(row.trade_tick_size),
        tick_value=rounded(row.trade_tick_value_loss, 10),
        contract_size=Decimal(f"{Decimal(repr(row.trade_contract_size)).normalize():f}"),
        volume_min=scale.volume(row.volume_min),
        volume_max=scale.volume(row.volume_max),
        volume_step=scale.volume(row.volume_step),
        stops_level_points=row.trade_stops_level,
        trade_allowed_buy=tradable,
        trade_allowed_sell=sellable,
        close_only=row.trade_mode == SymbolTrade.CLOSE_ONLY,
        currency_profit=row.currency_profit,
        currency_margin=row.currency_margin,
    )


def quote_of(symbol: str, row: TickRow, scale: Scale, offset_s: int) -> Quote:
    """Best prices with the true moment of the tick."""
    return Quote(
        symbol=symbol,
        bid=scale.price(row.bid),
        ask=scale.price(row.ask),
        at=moment(row.time_msc, offset_s),
    )


def reading_of(account: str, row: AccountRow, at: datetime, positions: int, orders: int) -> Reading:
    """Money of the account; raises Unreachable when the terminal gives something that is no number."""
    amounts = (row.balance, row.equity, row.credit, row.margin, row.margin_free, row.profit)
    if not all(map(isfinite, amounts)):
        # Refused here: one account's impossible number must not spoil the answer for many accounts.
        raise Unreachable("the terminal shows balance, equity, credit, margin or profit that is not a number")
    digits = row.currency_digits
    return Reading(
        account=account,
        at=at,
        source="terminal",
        currency=row.currency,
        balance=rounded(row.balance, digits),
        equity=rounded(row.equity, digits),
        credit=rounded(row.credit, digits),
        margin=rounded(row.margin, digits),
        margin_free=rounded(row.margin_free, digits),
        profit=rounded(row.profit, digits),
        leverage=row.leverage,
        positions=positions,
        orders=orders,
    )


def magic_shown(magic: int) -> int:
    """A magic number as the fleet shows it; 0, nobody's, for one that the fleet cannot have given.

    The vendor documents it as 64 bits, here with a sign and there without; a number past what the wire
    carries must not hide the position that it marks.
    """
    return magic if 0 <= magic <= _MAGIC_SHOWN_MAX else 0


def position_of(row: PositionRow, scale: Scale, currency_digits: int, offset_s: int) -> Position:
    """An open position."""
    return Position(
        ticket=row.ticket,
        symbol=row.symbol,
        side=Side.BUY if row.type == OrderType.BUY else Side.SELL,
        volume=scale.volume(row.volume),
        price_open=scale.price(row.price_open),
        price_current=scale.price(row.price_current),
        stop_loss=scale.level(row.sl),
        take_profit=scale.level(row.tp),
        profit=rounded(row.profit, currency_digits),
        swap=rounded(row.swap, currency_digits),
        magic=magic_shown(row.magic),
        comment=row.comment,
        opened_at=moment(row.time_msc, offset_s),
    )


def resting_of(row: OrderRow, scale: Scale, offset_s: int) -> RestingOrder:
    """A resting order; kinds that the fleet does not send are shown as `other`."""
    entry = entry_of(row.type)
    return RestingOrder(
        ticket=row.ticket,
        symbol=row.symbol,
        side=side_of(row.type) or Side.BUY,
        entry="other" if entry is None else entry.value,
        volume=scale.volume(row.volume_initial),
        volume_left=scale.volume(row.volume_current),
        price=scale.price(row.price_open),
        stop_loss=scale.level(row.sl),
        take_profit=scale.level(row.tp),
        magic=magic_shown(row.magic),
        comment=row.comment,
        placed_at=moment(row.time_setup_msc, offset_s),
        expires_at=moment(row.time_expiration * 1000, offset_s) if row.time_expiration else None,
    )


def deal_of(row: DealRow, scale: Scale, currency_digits: int, offset_s: int) -> Deal:
    """An execution or a balance operation."""
    trade = row.type in (DealType.BUY, DealType.SELL)
    return Deal(
        ticket=row.ticket,
        order=row.order,
        position=row.position_id,
        symbol=row.symbol,
        side=_deal_side(row) if trade else None,
        entry=_DEAL_ENTRIES[DealEntryCode(row.entry)] if trade else _untraded(row.type),
        volume=scale.volume(row.volume),
        price=scale.price(row.price),
        profit=rounded(row.profit, currency_digits),
        swap=rounded(row.swap, currency_digits),
        commission=rounded(row.commission, currency_digits),
        fee=rounded(row.fee, currency_digits),
        magic=magic_shown(row.magic),
        reason=row.reason,
        comment=row.comment,
        at=moment(row.time_msc, offset_s),
    )


def _untraded(deal_type: int) -> DealEntry:
    if deal_type == DealType.CREDIT:
        return DealEntry.CREDIT
    return DealEntry.NONE if deal_type in _CASH else DealEntry.COST


def _deal_side(row: DealRow) -> Side:
    return Side.BUY if row.type == DealType.BUY else Side.SELL


def _decimals(step: float) -> int:
    exponent = Decimal(repr(step)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else VOLUME_DIGITS_DEFAULT
