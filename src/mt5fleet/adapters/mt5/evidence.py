"""What the broker's own records say about a magic number: the only proof of what was executed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mt5fleet.adapters.mt5.codes import BrokerOrderState, DealEntryCode
from mt5fleet.adapters.mt5.conversions import Scale, entry_of, moment, side_of
from mt5fleet.adapters.mt5.history import HistoryIndex
from mt5fleet.adapters.mt5.session import Session
from mt5fleet.adapters.mt5.shapes import DealRow, OrderRow, PositionRow
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import OpenOrder, Outcome

_ENDS = {
    BrokerOrderState.FILLED: OrderState.FILLED,
    BrokerOrderState.CANCELED: OrderState.CANCELED,
    BrokerOrderState.EXPIRED: OrderState.EXPIRED,
    BrokerOrderState.REJECTED: OrderState.REJECTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Rows that carry one magic number, with what is needed to read them."""

    positions: tuple[PositionRow, ...]
    resting: tuple[OrderRow, ...]
    ended: tuple[OrderRow, ...]
    deals: tuple[DealRow, ...]
    scale: Callable[[str], Scale]
    offset_s: int


def gather(
    session: Session, index: HistoryIndex, magic: int, since: datetime, *, fresh: bool = False
) -> Evidence:
    """Ask positions, orders, history orders and deals, a day wider than needed on both sides.

    `fresh`: the journal does not know the key, so what was read of the history before is not read again.
    """
    past = index.past(session, magic, session.window_s(since), fresh=fresh)
    return Evidence(
        positions=tuple(row for row in session.positions() if row.magic == magic),
        resting=tuple(row for row in session.orders() if row.magic == magic),
        ended=tuple(row for row in past.orders if _opens(row)),
        deals=past.deals,
        scale=session.scale,
        offset_s=session.offset_or_zero_s(),
    )


def _opens(row: OrderRow) -> bool:
    """Stops and targets leave closing orders with the opening's magic; those name another position."""
    return row.position_id in (0, row.ticket)


def fits(evidence: Evidence, order: OpenOrder) -> bool:
    """Whether everything under this magic can be the order: symbol, side, volume and entry kind."""
    orders = (*evidence.resting, *evidence.ended)
    return (
        all(_order_fits(row, order, evidence.scale(row.symbol)) for row in orders)
        and all(_trade_fits(row, order, evidence.scale(row.symbol)) for row in _entries(evidence.deals))
        and all(_trade_fits(row, order, evidence.scale(row.symbol)) for row in evidence.positions)
    )


def opening_outcome(evidence: Evidence, order: OpenOrder | None) -> Outcome | None:
    """What became of an opening order, None without a trace; `order` when it is known what was asked."""
    if evidence.resting:
        return _resting_outcome(evidence, evidence.resting[0])
    ended = sorted(evidence.ended, key=lambda row: row.state != BrokerOrderState.FILLED)
    if ended:
        return _ended_outcome(evidence, ended[0])
    filled = _entries(evidence.deals)
    if filled:
        return _traded_outcome(evidence, filled, order)
    return _position_outcome(evidence, order) if evidence.positions else None


def closing_outcome(evidence: Evidence) -> Outcome | None:
    """What a close under this magic closed, None when there is no trace."""
    exits = tuple(row for row in evidence.deals if row.entry != DealEntryCode.IN)
    if not exits:
        return None
    volume, price = _sum(evidence, exits), _mean_price(evidence, exits)
    return Outcome(
        state=OrderState.FILLED,
        sentence=f"closed {volume} lots of position {exits[0].position_id} at {price}",
        order_ticket=exits[0].order,
        deal_ticket=exits[-1].ticket,
        position_ticket=exits[0].position_id,
        volume=volume,
        price=price,
        broker_at=_moment(evidence, exits[-1].time_msc),
    )


def _resting_outcome(evidence: Evidence, row: OrderRow) -> Outcome:
    scale = evidence.scale(row.symbol)
    filled = scale.volume(row.volume_initial) - scale.volume(row.volume_current)
    price = scale.price(row.price_open)
    return Outcome(
        state=OrderState.PARTIALLY_FILLED if filled else OrderState.ACCEPTED,
        sentence=f"order {row.ticket} rests at {price}" + (f", {filled} lots filled" if filled else ""),
        order_ticket=row.ticket,
        volume=filled,
        price=price,
        broker_at=_moment(evidence, row.time_setup_msc),
    )


def _ended_outcome(evidence: Evidence, row: OrderRow) -> Outcome:
    deals = tuple(deal for deal in _entries(evidence.deals) if deal.order == row.ticket)
    scale = evidence.scale(row.symbol)
    volume = scale.volume(row.volume_initial) - scale.volume(row.volume_current)
    state = _ENDS.get(BrokerOrderState(row.state), OrderState.IN_DOUBT)
    price = _mean_price(evidence, deals) if deals else None
    return Outcome(
        state=state,
        sentence=f"order {row.ticket}: {state.lower()}, {volume} lots" + (f" at {price}" if price else ""),
        order_ticket=row.ticket,
        deal_ticket=deals[-1].ticket if deals else None,
        position_ticket=row.position_id or None,
        volume=volume,
        price=price,
        broker_at=_moment(evidence, deals[-1].time_msc if deals else row.time_done_msc),
    )


def _traded_outcome(evidence: Evidence, deals: tuple[DealRow, ...], order: OpenOrder | None) -> Outcome:
    volume, price = _sum(evidence, deals), _mean_price(evidence, deals)
    full = order is None or volume >= order.volume
    return Outcome(
        state=OrderState.FILLED if full else OrderState.IN_DOUBT,
        sentence=f"filled {volume} lots at {price}" + ("" if full else "; the rest is not known yet"),
        order_ticket=deals[-1].order,
        deal_ticket=deals[-1].ticket,
        position_ticket=deals[-1].position_id,
        volume=volume,
        price=price,
        broker_at=_moment(evidence, deals[-1].time_msc),
    )


def _position_outcome(evidence: Evidence, order: OpenOrder | None) -> Outcome:
    row = evidence.positions[0]
    scale = evidence.scale(row.symbol)
    volume, price = scale.volume(row.volume), scale.price(row.price_open)
    full = order is None or volume >= order.volume
    return Outcome(
        state=OrderState.FILLED if full else OrderState.IN_DOUBT,
        sentence=f"position {row.ticket} of {volume} lots at {price} is open; its deal is not visible yet",
        order_ticket=row.ticket,
        position_ticket=row.ticket,
        volume=volume,
        price=price,
        broker_at=_moment(evidence, row.time_msc),
    )


def _order_fits(row: OrderRow, order: OpenOrder, scale: Scale) -> bool:
    asked = (order.symbol, order.side, order.entry, order.volume)
    return (row.symbol, side_of(row.type), entry_of(row.type), scale.volume(row.volume_initial)) == asked


def _trade_fits(row: DealRow | PositionRow, order: OpenOrder, scale: Scale) -> bool:
    same = (row.symbol, side_of(row.type)) == (order.symbol, order.side)
    return same and scale.volume(row.volume) <= order.volume


def _entries(deals: Iterable[DealRow]) -> tuple[DealRow, ...]:
    return tuple(row for row in deals if row.entry == DealEntryCode.IN)


def _sum(evidence: Evidence, deals: Sequence[DealRow]) -> Decimal:
    return sum((evidence.scale(row.symbol).volume(row.volume) for row in deals), Decimal(0))


def _mean_price(evidence: Evidence, deals: Sequence[DealRow]) -> Decimal:
    scale = evidence.scale(deals[0].symbol)
    worth = sum((scale.price(row.price) * scale.volume(row.volume) for row in deals), Decimal(0))
    return (worth / _sum(evidence, deals)).quantize(Decimal(1).scaleb(-scale.price_digits))


def _moment(evidence: Evidence, server_ms: int) -> datetime | None:
    return moment(server_ms, evidence.offset_s) if server_ms else None
