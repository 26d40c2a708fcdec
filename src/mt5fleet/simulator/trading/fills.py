"""What a fill writes into the books: the order's end, its deal, and what becomes of the position."""

from dataclasses import dataclass, replace
from decimal import Decimal

from mt5fleet.simulator.accounts.money import rounded
from mt5fleet.simulator.accounts.rows import ZERO, Change, Closed, Deal, Order, Position
from mt5fleet.simulator.codes import DealType, Entry, Filling, OrderState, Reason
from mt5fleet.simulator.market import Market
from mt5fleet.simulator.terms.account import AccountTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """The records of one fill; `order` and `deal` are among `changes`."""

    order: Order
    deal: Deal
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a position is closed, and what the closing order says about itself."""

    reason: Reason
    comment: str
    magic: int
    filling: Filling = Filling.FOK
    asked_price: Decimal = ZERO  # the stop's level, or the price a client named


def opening_fill(market: Market, terms: AccountTerms, order: Order, position: Position) -> Fill:
    """Return the records of an order that opens `position` (its price and volume are the fill's)."""
    spec = market.specs[position.symbol]
    done = replace(
        order,
        state=OrderState.FILLED,
        volume_current=ZERO,
        position_id=position.identifier,
        time_done_ms=position.time_ms,
    )
    deal = Deal(
        ticket=market.books.next_ticket(),
        order=order.ticket,
        symbol=position.symbol,
        type=DealType(position.type),
        entry=Entry.IN,
        volume=position.volume,
        price=position.price_open,
        commission=_commission(spec.commission_per_lot, position.volume, terms),
        magic=position.magic,
        position_id=position.identifier,
        reason=position.reason,
        comment=position.comment,
        time_ms=position.time_ms,
    )
    return Fill(order=done, deal=deal, changes=(done, deal, position))


def closing_fill(
    market: Market, terms: AccountTerms, position: Position, volume: Decimal, price: Decimal, cause: Cause
) -> Fill:
    """Return the records of closing that volume of a position at that price.

    Raises:
        NoRateError: The profit cannot be converted to the account's currency.
    """
    order = _closing_order(market, position, volume, price, cause)
    deal = _closing_deal(market, terms, position, order, price)
    return Fill(order=order, deal=deal, changes=(order, deal, _rest(position, volume, order.time_done_ms)))


def _closing_order(
    market: Market, position: Position, volume: Decimal, price: Decimal, cause: Cause
) -> Order:
    now_ms = market.server_ms()
    return Order(
        ticket=market.books.next_ticket(),
        symbol=position.symbol,
        type=position.type.opposite,
        state=OrderState.FILLED,
        volume_initial=volume,
        volume_current=ZERO,
        price_open=cause.asked_price,
        price_current=price,
        type_filling=cause.filling,
        magic=cause.magic,
        position_id=position.identifier,
        reason=cause.reason,
        comment=market.comment(cause.comment),
        time_setup_ms=now_ms,
        time_done_ms=now_ms,
    )


def _closing_deal(
    market: Market, terms: AccountTerms, position: Position, order: Order, price: Decimal
) -> Deal:
    volume = order.volume_initial
    spec = market.specs[position.symbol]
    share = volume / position.volume
    return Deal(
        ticket=market.books.next_ticket(),
        order=order.ticket,
        symbol=position.symbol,
        type=DealType(order.type),
        entry=Entry.OUT,
        volume=volume,
        price=price,
        commission=_commission(spec.commission_per_lot, volume, terms),
        swap=rounded(position.swap * share, terms.currency_digits),
        profit=market.valuation.profit_at(position, price, volume, terms),
        magic=order.magic,
        position_id=position.identifier,
        reason=order.reason,
        comment=order.comment,
        time_ms=order.time_done_ms,
    )


def _rest(position: Position, volume: Decimal, now_ms: int) -> Change:
    rest = position.volume - volume
    if not rest:
        return Closed(ticket=position.ticket, symbol=position.symbol)
    swap = position.swap * rest / position.volume
    return replace(position, volume=rest, swap=swap, time_update_ms=now_ms)


def _commission(per_lot: Decimal, volume: Decimal, terms: AccountTerms) -> Decimal:
    return -rounded(per_lot * volume, terms.currency_digits) if per_lot else ZERO
