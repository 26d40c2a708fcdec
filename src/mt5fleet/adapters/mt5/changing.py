"""Modify and cancel: absolute levels, and resting orders taken away; repeating asks whether it is true.

Source: the project's design, section 5 "The other verbs".
"""

from decimal import Decimal

from mt5fleet.adapters.mt5.absences import Absences
from mt5fleet.adapters.mt5.attempts import as_known, earlier_in_doubt, is_closed, unsettled
from mt5fleet.adapters.mt5.goals import (
    ended_state,
    find_order,
    find_position,
    journal_says,
    look_refusal,
    not_visible,
    reached,
)
from mt5fleet.adapters.mt5.requests import Request, change_request, levels_request, remove_request
from mt5fleet.adapters.mt5.retcodes import Meaning
from mt5fleet.adapters.mt5.sending import Shipment, send
from mt5fleet.adapters.mt5.session import Session
from mt5fleet.adapters.mt5.shapes import OrderRow, PositionRow, SendRow
from mt5fleet.codec import encode
from mt5fleet.domain.errors import InvariantBroken
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CancelOrder, ModifyOrder, Outcome, Permit
from mt5fleet.domain.signal import Removal


def modify(session: Session, absences: Absences, order: ModifyOrder, permit: Permit) -> Outcome:
    """Set stop, target or entry price; APPLIED also when they stand already."""
    entries = session.journal.entries(permit.key)
    known = journal_says(entries, permit.attempt)
    if known is not None:
        return as_known(known)
    session.account()
    position = find_position(session, order.ticket, order.opening_magic)
    resting = None if position else find_order(session, order.ticket, order.opening_magic)
    if position is None and resting is None:
        return _nothing_to_modify(session, absences, order)
    if modify_stands(session, order, position, resting):
        return reached("the levels stand already")
    if is_closed(entries, permit.attempt):
        return earlier_in_doubt(unsettled(entries))
    request = _modify_request(session, order, position, resting)
    shipment = Shipment(
        operation="modify", asked=encode(ModifyOrder, order), request=request, read_back=_modified
    )
    return look_refusal(session, permit, reduces=False) or send(session, permit, shipment)


def cancel(session: Session, absences: Absences, order: CancelOrder, permit: Permit) -> Outcome:
    """Take a resting order away; APPLIED also when it is gone already."""
    entries = session.journal.entries(permit.key)
    known = journal_says(entries, permit.attempt)
    if known is not None:
        return as_known(known)
    session.account()
    resting = find_order(session, order.ticket, order.opening_magic)
    if resting is None:
        return _nothing_to_cancel(session, absences, order)
    if is_closed(entries, permit.attempt):
        return earlier_in_doubt(unsettled(entries))
    shipment = Shipment(
        operation="cancel",
        asked=encode(CancelOrder, order),
        request=remove_request(resting.ticket),
        read_back=_canceled,
        needs_journal=order.ticket is None,
    )
    return look_refusal(session, permit, reduces=True) or send(session, permit, shipment)


def modify_stands(
    session: Session, order: ModifyOrder, position: PositionRow | None, resting: OrderRow | None
) -> bool:
    """Whether every level the order names has its value already."""
    row = position or resting
    if row is None:
        return False
    stop_loss, take_profit = _levels(session, order, row)
    scale = session.scale(row.symbol)
    levels = (stop_loss, take_profit) == (scale.level(row.sl), scale.level(row.tp))
    moved = resting is not None and order.price not in (None, scale.price(resting.price_open))
    return levels and not moved


def _levels(
    session: Session, order: ModifyOrder, row: PositionRow | OrderRow
) -> tuple[Decimal | None, Decimal | None]:
    """Stop and target as they shall be: kept, replaced or removed."""
    scale = session.scale(row.symbol)
    return _level(scale.level(row.sl), order.stop_loss), _level(scale.level(row.tp), order.take_profit)


def _level(now: Decimal | None, wanted: Decimal | Removal | None) -> Decimal | None:
    if isinstance(wanted, Removal):
        return None
    return now if wanted is None else wanted


def _modify_request(
    session: Session, order: ModifyOrder, position: PositionRow | None, resting: OrderRow | None
) -> Request:
    if position is not None:
        return levels_request(position, *_levels(session, order, position))
    if resting is None:
        raise InvariantBroken("a modify has neither a position nor a resting order")
    price = session.scale(resting.symbol).price(resting.price_open) if order.price is None else order.price
    return change_request(resting, price, *_levels(session, order, resting))


def _nothing_to_modify(session: Session, absences: Absences, order: ModifyOrder) -> Outcome:
    session.require_synchronised()
    name = f"modify {order.ticket or order.opening_magic}"
    if not absences.proved(name, session.clock.now(), session.breaks):
        return not_visible("what is to be modified")
    absences.forget(name)
    return Outcome(
        state=OrderState.REJECTED, sentence="rejected: there is no position and no resting order to modify"
    )


def _nothing_to_cancel(session: Session, absences: Absences, order: CancelOrder) -> Outcome:
    session.require_synchronised()
    name = f"cancel {order.ticket or order.opening_magic}"
    ended = ended_state(session, order.ticket, order.opening_magic)
    if ended is None and not absences.proved(name, session.clock.now(), session.breaks):
        return not_visible("the resting order")
    absences.forget(name)
    return reached(f"the order rests no more: {ended.name.lower()}" if ended else "no such order rests")


def _modified(_answer: SendRow, _judged: Meaning) -> Outcome:
    return Outcome(state=OrderState.APPLIED, sentence="the levels are set")


def _canceled(answer: SendRow, _judged: Meaning) -> Outcome:
    return Outcome(
        state=OrderState.APPLIED,
        sentence=f"order {answer.order} is withdrawn",
        order_ticket=answer.order or None,
    )
