"""What the made-up broker does with an order that reached it, and what the answer says."""

from dataclasses import replace
from decimal import Decimal

from mt5fleet.domain.broker import Position, RestingOrder
from mt5fleet.domain.errors import ValueRefused
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import ModifyOrder, OpenOrder, Outcome
from mt5fleet.domain.signal import Entry, Removal
from mt5fleet.testing.fake_broker import FakeAccount
from mt5fleet.testing.fake_rules import applied, broker_trace, require_order_key


def open_order(book: FakeAccount, order: OpenOrder, part: Decimal) -> Outcome:
    """Fill or rest an open; always a new one."""
    if order.entry is not Entry.MARKET:
        resting = book.rest(order, order.price or Decimal(0))
        book.record("submit", resting, order.magic, order.volume)
    else:
        quote = book.quote(order.symbol)
        price = Decimal(0) if quote is None else quote.entry_price(order.side)
        position = book.fill(order, order.volume * part, price)
        book.record("submit", position, order.magic, position.volume)
    shown = broker_trace(book, order.magic, replace(order, volume=order.volume))
    if shown is None:
        raise ValueRefused("order", "was executed and cannot be found")
    return replace(shown, existed=False, sent_at=book.clock.now(), retcode=10009)


def close_position(book: FakeAccount, position: Position, volume: Decimal, magic: int) -> Outcome:
    """Reduce a position and count it."""
    deal = book.reduce(position, volume, magic)
    book.record("close", position, magic, volume)
    return Outcome(
        state=OrderState.FILLED,
        sentence=f"closed {volume} lots of position {position.ticket} at {deal.price}",
        retcode=10009,
        deal_ticket=deal.ticket,
        position_ticket=position.ticket,
        volume=volume,
        price=deal.price,
        broker_at=deal.at,
        sent_at=book.clock.now(),
    )


def change_levels(
    book: FakeAccount, position: Position | None, resting: RestingOrder | None, order: ModifyOrder, key: str
) -> Outcome:
    """Set the levels of a position or resting order."""
    if position is not None:
        book.positions[position.ticket] = replace(
            position,
            stop_loss=_level(position.stop_loss, order.stop_loss),
            take_profit=_level(position.take_profit, order.take_profit),
        )
        book.record("modify", position, require_order_key(key), position.volume)
    elif resting is not None:
        book.orders[resting.ticket] = replace(
            resting,
            stop_loss=_level(resting.stop_loss, order.stop_loss),
            take_profit=_level(resting.take_profit, order.take_profit),
            price=resting.price if order.price is None else order.price,
        )
        book.record("modify", resting, require_order_key(key), resting.volume)
    return applied("the levels are set", existed=False)


def cancel_order(book: FakeAccount, resting: RestingOrder, key: str) -> Outcome:
    """Take a resting order away."""
    book.end(resting, OrderState.CANCELED)
    book.record("cancel", resting, require_order_key(key), resting.volume_left)
    return applied(f"order {resting.ticket} is withdrawn", existed=False)


def _level(now: Decimal | None, wanted: Decimal | Removal | None) -> Decimal | None:
    if isinstance(wanted, Removal):
        return None
    return now if wanted is None else wanted


def levels_stand(item: Position | RestingOrder | None, order: ModifyOrder) -> bool:
    """Whether every level the order names has its value already."""
    if item is None:
        return False
    levels = _level(item.stop_loss, order.stop_loss) == item.stop_loss
    levels = levels and _level(item.take_profit, order.take_profit) == item.take_profit
    moved = isinstance(item, RestingOrder) and order.price not in (None, item.price)
    return levels and not moved


def order_of(resting: RestingOrder) -> OpenOrder:
    """The open that a resting order stands for."""
    return OpenOrder(
        symbol=resting.symbol,
        side=resting.side,
        entry=Entry(resting.entry),
        volume=resting.volume,
        price=resting.price,
        tolerance=None,
        stop_loss=resting.stop_loss,
        take_profit=resting.take_profit,
        magic=resting.magic,
        comment=resting.comment,
        created_at=resting.placed_at,
        expires_at=resting.expires_at,
    )
