"""What a rollover does to a position: it takes a swap, or is closed and opened again at a moved price."""

from dataclasses import replace
from decimal import Decimal

from mt5fleet.simulator.accounts.rows import ZERO, Change, Closed, Deal, Order, Position
from mt5fleet.simulator.codes import DealType, Entry, OrderState, OrderType, Reason
from mt5fleet.simulator.market import Market
from mt5fleet.simulator.terms.account import AccountTerms


def with_swap(position: Position, amount: Decimal) -> Position:
    """Return the position with that much more swap, in the account's currency."""
    return replace(position, swap=position.swap + amount)


def reopened(
    market: Market, terms: AccountTerms, position: Position, shift: Decimal, now_ms: int
) -> tuple[Change, ...]:
    """Return the records of a position closed at the market and opened again for tomorrow.

    `shift` is the swap as a price distance: a negative one makes the new opening price worse. The ticket is
    replaced by that of the new order, the identifier stays (MQL5 Reference, "Position Properties").

    Raises:
        NoRateError: The profit cannot be converted, or there is no quote.
    """
    price = market.valuation.closing_price(position)
    left = _order(market, position, position.type.opposite, price, now_ms)
    entered = _order(market, position, position.type, price, now_ms)
    new_price = price - shift if position.type is OrderType.BUY else price + shift
    profit = market.valuation.profit_at(position, price, position.volume, terms)
    again = replace(
        position,
        ticket=entered.ticket,
        price_open=new_price,
        swap=ZERO,
        time_update_ms=now_ms,
    )
    out = replace(_deal(market, left, Entry.OUT, price), profit=profit, swap=position.swap)
    closed = Closed(ticket=position.ticket, symbol=position.symbol)
    return (left, out, closed, entered, _deal(market, entered, Entry.IN, new_price), again)


def _order(market: Market, position: Position, side: OrderType, price: Decimal, now_ms: int) -> Order:
    return Order(
        ticket=market.books.next_ticket(),
        symbol=position.symbol,
        type=side,
        state=OrderState.FILLED,
        volume_initial=position.volume,
        volume_current=ZERO,
        price_current=price,
        magic=position.magic,
        position_id=position.identifier,
        reason=Reason.ROLLOVER,
        comment=position.comment,
        time_setup_ms=now_ms,
        time_done_ms=now_ms,
    )


def _deal(market: Market, order: Order, entry: Entry, price: Decimal) -> Deal:
    return Deal(
        ticket=market.books.next_ticket(),
        order=order.ticket,
        symbol=order.symbol,
        type=DealType(order.type),
        entry=entry,
        volume=order.volume_initial,
        price=price,
        magic=order.magic,
        position_id=order.position_id,
        reason=Reason.ROLLOVER,
        comment=order.comment,
        time_ms=order.time_done_ms,
    )
