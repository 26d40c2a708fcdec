"""Close: bring a position down to its goal, never across zero, whatever was sent before.

Source: the project's design, section 5 "The other verbs". The goal is what shall be left, so repeating asks
whether it is true already.
"""

from decimal import Decimal

from mt5fleet.adapters.mt5.absences import Absences
from mt5fleet.adapters.mt5.attempts import (
    as_known,
    close_attempt,
    earlier_in_doubt,
    is_closed,
    unsettled,
)
from mt5fleet.adapters.mt5.codes import DealEntryCode, OrderType
from mt5fleet.adapters.mt5.conversions import quote_of
from mt5fleet.adapters.mt5.evidence import Evidence, closing_outcome
from mt5fleet.adapters.mt5.goals import (
    HISTORY_FROM,
    find_position,
    journal_says,
    look_refusal,
    not_visible,
    reached,
)
from mt5fleet.adapters.mt5.netting import refusal_of_second_close
from mt5fleet.adapters.mt5.requests import Request, close_request
from mt5fleet.adapters.mt5.retcodes import Meaning
from mt5fleet.adapters.mt5.sending import Shipment, send
from mt5fleet.adapters.mt5.session import Session
from mt5fleet.adapters.mt5.shapes import AccountRow, DealRow, PositionRow, SendRow
from mt5fleet.codec import encode
from mt5fleet.domain.errors import Unreachable
from mt5fleet.domain.ids import magic_of
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CloseOrder, Outcome, Permit
from mt5fleet.domain.signal import Side
from mt5fleet.ports.journal import JournalEntry


def close(session: Session, absences: Absences, order: CloseOrder, permit: Permit) -> Outcome:
    """Close down to the goal: APPLIED when it is true already, FILLED with the closed volume when sent."""
    known = _before(session.journal.entries(permit.key), permit, full=order.remaining == 0)
    if known is not None:
        return as_known(known)
    account = session.account()
    position = find_position(session, order.ticket, order.opening_magic)
    if position is None:
        return _without_position(session, absences, order)
    volume = session.scale(position.symbol).volume(position.volume) - order.remaining
    if volume <= 0:
        return reached(f"position {position.ticket} holds no more than {order.remaining} lots")
    refused = look_refusal(session, permit, reduces=True) or _second_close(
        session, account, permit, position.symbol
    )
    return refused or send(session, permit, _shipment(session, order, position, volume, permit.key))


def _before(entries: tuple[JournalEntry, ...], permit: Permit, *, full: bool) -> Outcome | None:
    """An unsettled earlier send forbids a partial close, which could take too much; a full one cannot."""
    known = journal_says(entries, permit.attempt)
    if known is not None:
        return known
    if unsettled(entries) and (not full or is_closed(entries, permit.attempt)):
        return earlier_in_doubt(unsettled(entries))
    return None


def _second_close(session: Session, account: AccountRow, permit: Permit, symbol: str) -> Outcome | None:
    refused = refusal_of_second_close(session, account, symbol)
    if refused is not None:
        close_attempt(session.journal, permit)
    return refused


def _without_position(session: Session, absences: Absences, order: CloseOrder) -> Outcome:
    """No position: closed, never opened, or not visible yet."""
    session.require_synchronised()
    name = f"close {order.ticket or order.opening_magic}"
    deals = _deals_of(session, order)
    if deals and _still_open(session, deals):
        return not_visible("the position")
    if deals or absences.proved(name, session.clock.now(), session.breaks):
        absences.forget(name)
        return reached("nothing is open any more" if deals else "nothing was ever opened")
    return not_visible("the position")


def _deals_of(session: Session, order: CloseOrder) -> tuple[DealRow, ...]:
    """Every deal of the position, found by its ticket or by the opening's magic."""
    if order.ticket is not None:
        return tuple(session.deals_of_position(order.ticket))
    rows = session.deals(*session.window_s(HISTORY_FROM))
    opening = next(
        (row for row in rows if row.magic == order.opening_magic and row.entry == DealEntryCode.IN), None
    )
    return () if opening is None else tuple(session.deals_of_position(opening.position_id))


def _still_open(session: Session, deals: tuple[DealRow, ...]) -> bool:
    scale = session.scale(deals[0].symbol)
    signed = (scale.volume(row.volume) * (1 if row.entry == DealEntryCode.IN else -1) for row in deals)
    return sum(signed, Decimal(0)) > 0


def _shipment(
    session: Session, order: CloseOrder, position: PositionRow, volume: Decimal, key: str
) -> Shipment:
    def read_back(answer: SendRow, _judged: Meaning) -> Outcome:
        return _closed(session, position, volume, answer, magic_of(key))

    return Shipment(
        operation="close",
        asked=encode(CloseOrder, order),
        request=_request(session, position, volume, key),
        read_back=read_back,
        needs_journal=order.ticket is None or order.remaining > 0,
    )


def _request(session: Session, position: PositionRow, volume: Decimal, key: str) -> Request:
    rules, tick = session.symbol(position.symbol), session.tick(position.symbol)
    if rules is None or tick is None:
        raise Unreachable(f"the terminal has no price of {position.symbol} to close at")
    quote = quote_of(position.symbol, tick, session.scale(position.symbol), session.offset_or_zero_s())
    side = Side.SELL if position.type == OrderType.BUY else Side.BUY
    at_once = min(volume, session.scale(position.symbol).volume(rules.volume_max))  # the rest needs another
    return close_request(
        position, at_once, rules, quote.entry_price(side), magic_of(key), f"mf.close.{key[:12]}"
    )


def _closed(session: Session, position: PositionRow, volume: Decimal, answer: SendRow, magic: int) -> Outcome:
    """What was closed, from the broker's records where they show it already, else from the answer."""
    if not answer.order:
        return Outcome(
            state=OrderState.IN_DOUBT, sentence="outcome unknown: the terminal says done and gives no ticket"
        )
    shown = _shown(session, position, magic)
    scale = session.scale(position.symbol)
    done = scale.volume(answer.volume) if shown is None else shown.volume
    price = scale.price(answer.price) if shown is None else shown.price
    if done < volume and any(row.ticket == answer.order for row in session.orders()):
        sentence = f"outcome unknown: {done} of {volume} lots closed, order {answer.order} goes on"
        return Outcome(state=OrderState.IN_DOUBT, sentence=sentence, order_ticket=answer.order)
    rest = "" if done >= volume else f"; {volume - done} lots could not be closed"
    return Outcome(
        state=OrderState.FILLED if done >= volume else OrderState.CANCELED,
        sentence=f"closed {done} lots of position {position.ticket} at {price}{rest}",
        order_ticket=answer.order,
        deal_ticket=answer.deal or None,
        position_ticket=position.ticket,
        volume=done,
        price=price,
        broker_at=None if shown is None else shown.broker_at,
    )


def _shown(session: Session, position: PositionRow, magic: int) -> Outcome | None:
    try:
        deals = tuple(row for row in session.deals_of_position(position.ticket) if row.magic == magic)
    except Unreachable:
        return None
    session.see_deals(deals)
    evidence = Evidence(
        positions=(),
        resting=(),
        ended=(),
        deals=deals,
        scale=session.scale,
        offset_s=session.offset_or_zero_s(),
    )
    return closing_outcome(evidence)
