"""Submit: ask first, look once more, send at most once.

Source: the project's design, section 5 "Write-ahead" and "The key, and asking first".
"""

from mt5fleet.adapters.mt5.attempts import (
    as_known,
    close_attempt,
    closed_for_ever,
    earlier_in_doubt,
    is_closed,
    note_outcome,
    settled,
    unsettled,
)
from mt5fleet.adapters.mt5.codes import Filling
from mt5fleet.adapters.mt5.context import CallContext
from mt5fleet.adapters.mt5.conversions import Scale, quote_of
from mt5fleet.adapters.mt5.evidence import Evidence, fits, gather, opening_outcome
from mt5fleet.adapters.mt5.history import HistoryIndex
from mt5fleet.adapters.mt5.lastlook import (
    Look,
    refusal_of_any,
    refusal_of_market,
    refusal_of_mode,
    refusal_of_open,
)
from mt5fleet.adapters.mt5.requests import Request, filling_for_deal, market_request, resting_request
from mt5fleet.adapters.mt5.retcodes import Meaning
from mt5fleet.adapters.mt5.sending import Shipment, send
from mt5fleet.adapters.mt5.session import Session
from mt5fleet.adapters.mt5.shapes import SendRow, SymbolRow
from mt5fleet.codec import encode
from mt5fleet.domain.broker import Quote
from mt5fleet.domain.errors import Unreachable
from mt5fleet.domain.latch import Binding
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import OpenOrder, Outcome, Permit, Retry
from mt5fleet.domain.signal import Entry
from mt5fleet.ports.journal import JournalEntry


def submit(
    session: Session, index: HistoryIndex, order: OpenOrder, permit: Permit, context: CallContext
) -> Outcome:
    """Open once: the true outcome when the key is known to broker or journal, else one send."""
    entries = session.journal.entries(permit.key)
    try:
        session.require_synchronised()
        known = at_broker(session, index, order, entries, fresh=permit.attempt == 1 and not entries)
    except Unreachable:
        if unsettled(entries):
            return earlier_in_doubt(unsettled(entries))
        raise
    known = known or _in_journal(entries, permit.attempt)
    if known is not None:
        return as_known(known)
    rules, quote = session.symbol(order.symbol), _quote(session, order.symbol)
    refused = _last_look(session, order, permit, context, quote)
    if refused is not None:
        close_attempt(session.journal, permit)
        return refused
    if rules is None or quote is None:
        raise Unreachable(f"the terminal stopped to know {order.symbol}")
    return send(session, permit, _shipment(session, order, rules, quote))


def at_broker(
    session: Session,
    index: HistoryIndex,
    order: OpenOrder,
    entries: tuple[JournalEntry, ...],
    *,
    fresh: bool,
) -> Outcome | None:
    """What the broker's records say about the order's magic; a foreign hit is in doubt."""
    evidence = gather(session, index, order.magic, order.created_at, fresh=fresh)
    if not entries and not fits(evidence, order):
        return Outcome(
            state=OrderState.IN_DOUBT,
            sentence="key clash: the broker shows another order under this order's magic number",
        )
    found = opening_outcome(evidence, order)
    if found is None or (found.state is OrderState.REJECTED and not unsettled(entries)):
        return None  # a refused order in the history was not executed and its attempt is closed
    _settle(session, entries, found)
    return found


def _settle(session: Session, entries: tuple[JournalEntry, ...], found: Outcome) -> None:
    for entry in unsettled(entries):
        note_outcome(session.journal, entry.key, entry.attempt, found)


def _in_journal(entries: tuple[JournalEntry, ...], attempt: int) -> Outcome | None:
    known = settled(entries)
    if known is not None:
        return known
    if unsettled(entries):
        return earlier_in_doubt(unsettled(entries))
    return closed_for_ever() if is_closed(entries, attempt) else None


def _quote(session: Session, symbol: str) -> Quote | None:
    tick = session.tick(symbol)
    if tick is None:
        return None
    return quote_of(symbol, tick, session.scale(symbol), session.known_offset_s())


def _last_look(
    session: Session, order: OpenOrder, permit: Permit, context: CallContext, quote: Quote | None
) -> Outcome | None:
    look = Look(
        settings=session.settings,
        account=session.account(),
        terminal=session.terminal(),
        permit=permit,
        now=session.clock.now(),
    )
    journal = session.journal
    binding = Binding(journal_id=journal.id, sequence=journal.sequence, created_at=journal.created_at)
    return (
        refusal_of_any(look)
        or refusal_of_mode(look)
        or refusal_of_open(look, context, binding=binding, latch=journal.latch())
        or refusal_of_market(order, quote, session.settings, look.now)
    )


def _shipment(session: Session, order: OpenOrder, rules: SymbolRow, quote: Quote) -> Shipment:
    rest_goes_on = order.entry is not Entry.MARKET or filling_for_deal(rules) is Filling.RETURN

    def read_back(answer: SendRow, judged: Meaning) -> Outcome:
        return _opened(session, order, answer, judged, rest_goes_on=rest_goes_on)

    return Shipment(
        operation="submit",
        asked=encode(OpenOrder, order),
        request=open_request(session, order, rules, quote),
        read_back=read_back,
    )


def open_request(session: Session, order: OpenOrder, rules: SymbolRow, quote: Quote) -> Request:
    """What the module is asked to open."""
    if order.entry is Entry.MARKET:
        return market_request(order, rules, quote)
    return resting_request(order, rules, session.known_offset_s())


def _opened(
    session: Session, order: OpenOrder, answer: SendRow, judged: Meaning, *, rest_goes_on: bool
) -> Outcome:
    """What was opened, from the broker's records where they show it already, else from the answer."""
    if not answer.order:
        return Outcome(
            state=OrderState.IN_DOUBT, sentence="outcome unknown: the terminal says done and gives no ticket"
        )
    shown = _shown(session, order, answer)
    if shown is not None and shown.state not in (OrderState.IN_DOUBT, OrderState.REJECTED):
        return shown
    return _from_answer(order, answer, judged, session.scale(order.symbol), rest_goes_on=rest_goes_on)


def _shown(session: Session, order: OpenOrder, answer: SendRow) -> Outcome | None:
    """The fill as the broker lists it; None when it cannot be read now."""
    if order.entry is not Entry.MARKET:
        return None
    try:
        deals = tuple(row for row in session.deals_of_position(answer.order) if row.magic == order.magic)
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
    return opening_outcome(evidence, order)


def _from_answer(
    order: OpenOrder, answer: SendRow, judged: Meaning, scale: Scale, *, rest_goes_on: bool
) -> Outcome:
    volume, price = scale.volume(answer.volume), scale.price(answer.price)
    if order.entry is not Entry.MARKET and judged.outcome is not OrderState.PARTIALLY_FILLED:
        return Outcome(
            state=OrderState.ACCEPTED,
            sentence=f"order {answer.order} rests at {order.price}",
            order_ticket=answer.order,
            price=order.price,
        )
    state = _answer_state(judged, full=volume >= order.volume, rest_goes_on=rest_goes_on)
    return Outcome(
        state=state,
        sentence=f"order {answer.order}: {volume} of {order.volume} lots filled at {price}",
        order_ticket=answer.order,
        deal_ticket=answer.deal or None,
        position_ticket=answer.order if volume else None,
        volume=volume,
        price=price if volume else None,
        retry=Retry.NEVER,
    )


def _answer_state(judged: Meaning, *, full: bool, rest_goes_on: bool) -> OrderState:
    if judged.outcome is OrderState.ACCEPTED:
        return OrderState.ACCEPTED
    if full:
        return OrderState.FILLED
    return OrderState.PARTIALLY_FILLED if rest_goes_on else OrderState.CANCELED
