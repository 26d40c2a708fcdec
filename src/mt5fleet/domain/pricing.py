"""Prices on the instrument's grid, and the distances that decide whether a level may stand."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from mt5fleet.domain.broker import Instrument, Quote
from mt5fleet.domain.signal import Entry, Open, Side


def on_tick(price: Decimal, tick_size: Decimal) -> bool:
    """Whether a price is a whole number of ticks."""
    return price % tick_size == 0


def toward(price: Decimal | None, target: Decimal, tick_size: Decimal) -> Decimal | None:
    """The price on the next tick towards `target`: a stop loses no more, a target is reached no later."""
    if price is None:
        return None
    rounding = ROUND_CEILING if target > price else ROUND_FLOOR
    return (price / tick_size).to_integral_value(rounding=rounding) * tick_size


def expected_entry(order: Open, quote: Quote) -> Decimal:
    """Where an open is expected to fill: at its own price when it rests, else at the market's."""
    if order.entry is Entry.MARKET or order.price is None:
        return quote.entry_price(order.side)
    return order.price


def level_reference(order: Open, quote: Quote) -> Decimal:
    """The price that stop and target are measured from.

    A market position is closed on the other side of the quote (a buy at the bid); a resting order's levels
    are measured from its own price. Source: MQL5 Book, "Order types and price restrictions".
    """
    if order.entry is Entry.MARKET or order.price is None:
        return quote.entry_price(order.side.opposite)
    return order.price


def level_fits(side: Side, reference: Decimal, level: Decimal, instrument: Instrument, *, gain: bool) -> bool:
    """Whether a level stands on its side of the reference and at least the broker's stops level away."""
    return signed(side, level - reference, gain=gain) > 0 and abs(level - reference) >= stops_distance(
        instrument
    )


def signed(side: Side, distance: Decimal, *, gain: bool) -> Decimal:
    """The distance, positive in the direction in which the side gains (or, without `gain`, loses)."""
    upward = (side is Side.BUY) is gain
    return distance if upward else -distance


def stops_distance(instrument: Instrument) -> Decimal:
    """The broker's smallest distance of a level from the price."""
    return instrument.stops_level_points * instrument.point


def spread_points(quote: Quote, instrument: Instrument) -> Decimal:
    """Ask minus bid, in points."""
    return (quote.ask - quote.bid) / instrument.point
