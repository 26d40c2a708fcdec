"""What one fill does to the account's position: opens, adds, reduces, closes or turns it round.

Hedging: an order opens a position of its own, or closes the one it names. Netting: a symbol has one
position; the same side adds at the weighted price, the opposite one reduces, closes, or reverses in one
INOUT deal, after which the position has the reversing order's ticket and its old identifier.
Source: MQL5 Reference, "Position Properties" (POSITION_TICKET, POSITION_IDENTIFIER) and MetaTrader 5 Help,
"Basic Principles: Netting system".
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from mt5fleet.simulator.accounts.charges import swap_moved
from mt5fleet.simulator.accounts.money import RATE_DIGITS
from mt5fleet.simulator.accounts.rows import ZERO, Change, Closed, Order, Position
from mt5fleet.simulator.codes import Entry, OrderType
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.market import Market
from mt5fleet.simulator.terms.account import AccountTerms

MEAN_PRICE_DIGITS = 8
"""Digits a weighted price keeps beyond the symbol's, so that added positions lose no cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What becomes of a position: the deal's part of it, and the position's new record."""

    entry: Entry
    position_id: int
    changes: tuple[Change, ...]
    entered: Decimal = ZERO  # lots that open or add
    left: Decimal = ZERO  # lots that close
    profit: Decimal = ZERO
    swap: Decimal = ZERO


def turn_of(
    market: Market, terms: AccountTerms, order: Order, volume: Decimal, price: Decimal, now_ms: int
) -> Turn:
    """Return what filling that volume of an order does to the position it meets.

    Raises:
        NoRateError: An amount cannot be converted to the account's currency.
    """
    position = met_position(market, terms, order)
    if position is None:
        return _opened(market, terms, order, volume, price, now_ms)
    if position.type is order.type.side:
        return _added(market, terms, position, order, volume, price, now_ms)
    if volume <= position.volume:
        return left_turn(market, terms, position, volume, price, now_ms)
    return _reversed(market, terms, position, order, volume, price, now_ms)


def met_position(market: Market, terms: AccountTerms, order: Order) -> Position | None:
    """Return the position that a fill of this order changes, None when it opens one."""
    book = market.books.account(terms.login)
    if terms.margin_mode.nets:
        return next(iter(book.positions_on(order.symbol)), None)
    # An order that is filled in parts fills the position that its first part opened.
    return book.position_of(order.position_id or order.ticket)


def new_position(
    market: Market, terms: AccountTerms, order: Order, volume: Decimal, price: Decimal, now_ms: int
) -> Position:
    """Return the position that an order opens; it bears the order's ticket.

    Raises:
        NoRateError: The margin or the profit currency cannot be converted.
    """
    return Position(
        ticket=order.ticket,
        identifier=order.ticket,
        symbol=order.symbol,
        type=order.type.side,
        volume=volume,
        price_open=price,
        rate_margin=new_margin_rate(market, terms, market.specs[order.symbol], order.type.side),
        sl=order.sl,
        tp=order.tp,
        magic=order.magic,
        reason=order.reason,
        comment=order.comment,
        time_ms=now_ms,
        time_update_ms=now_ms,
    )


def left_turn(
    market: Market, terms: AccountTerms, position: Position, volume: Decimal, price: Decimal, now_ms: int
) -> Turn:
    """Return the turn of a position that loses that volume, all of it or a part.

    Raises:
        NoRateError: The profit cannot be converted to the account's currency.
    """
    swap = swap_moved(position, volume, terms)
    rest = position.volume - volume
    change: Change = Closed(ticket=position.ticket, symbol=position.symbol)
    if rest:
        change = replace(position, volume=rest, swap=position.swap - swap, time_update_ms=now_ms)
    return Turn(
        entry=Entry.OUT,
        position_id=position.identifier,
        changes=(change,),
        left=volume,
        profit=market.valuation.profit_at(position, price, volume, terms),
        swap=swap,
    )


def _opened(
    market: Market, terms: AccountTerms, order: Order, volume: Decimal, price: Decimal, now_ms: int
) -> Turn:
    position = new_position(market, terms, order, volume, price, now_ms)
    return Turn(entry=Entry.IN, position_id=position.identifier, changes=(position,), entered=volume)


def _added(
    market: Market,
    terms: AccountTerms,
    position: Position,
    order: Order,
    volume: Decimal,
    price: Decimal,
    now_ms: int,
) -> Turn:
    spec = market.specs[order.symbol]
    total = position.volume + volume
    rate = new_margin_rate(market, terms, spec, position.type)
    mean = (position.price_open * position.volume + price * volume) / total
    grown = replace(
        position,
        volume=total,
        price_open=round(mean, spec.digits + MEAN_PRICE_DIGITS),
        rate_margin=round((position.rate_margin * position.volume + rate * volume) / total, RATE_DIGITS),
        time_update_ms=now_ms,
    )
    return Turn(
        entry=Entry.IN,
        position_id=position.identifier,
        changes=(_with_stops_of(order, grown),),
        entered=volume,
    )


def _with_stops_of(order: Order, position: Position) -> Position:
    """The newest order's stops hold, what it leaves out stays; further parts of one order change nothing."""
    is_first_part = order.volume_current == order.volume_initial
    if not is_first_part or order.ticket == position.identifier:
        return position
    return replace(position, sl=order.sl or position.sl, tp=order.tp or position.tp)


def _reversed(
    market: Market,
    terms: AccountTerms,
    position: Position,
    order: Order,
    volume: Decimal,
    price: Decimal,
    now_ms: int,
) -> Turn:
    closed = left_turn(market, terms, position, position.volume, price, now_ms)
    rest = volume - position.volume
    turned = replace(new_position(market, terms, order, rest, price, now_ms), identifier=position.identifier)
    # A position that was turned by a part of the same order keeps its ticket.
    gone = () if turned.ticket == position.ticket else closed.changes
    return replace(closed, entry=Entry.INOUT, changes=(*gone, turned), entered=rest)


def new_margin_rate(market: Market, terms: AccountTerms, spec: SymbolSpec, side: OrderType) -> Decimal:
    """Return the rate at which a position opened now turns its margin into the account's currency.

    Raises:
        NoRateError: The margin or the profit currency cannot be converted.
    """
    rate = market.money.margin_rate(spec.margin, terms.currency, side)
    # A position that could never be valued must not be opened.
    market.money.received(Decimal(1), spec.profit, terms.currency)
    return rate
