"""What each accepted request does to the books."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from mt5fleet.simulator.accounts.rows import ZERO, Change, Order
from mt5fleet.simulator.codes import Action, Filling, OrderState, OrderType, Reason, Retcode, TimeType
from mt5fleet.simulator.trading.case import Case
from mt5fleet.simulator.trading.fills import Cause, Fill, closing_fill, opening_fill
from mt5fleet.simulator.trading.requests import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The answer to a request and the records it changes; a refusal changes none.

    `is_numbered`: the request reached the dealer, so its answer carries a request id.
    """

    answer: Answer
    changes: tuple[Change, ...] = ()
    is_numbered: bool = False


def execute(case: Case) -> Effect:
    """Carry out a request that passed its checks.

    Raises:
        NoRateError: An amount cannot be converted to the account's currency.
    """
    return replace(_HANDLERS[Action(case.request.action)](case), is_numbered=True)


def _deal(case: Case) -> Effect:
    fill = _close(case) if case.is_close else _open(case)
    quote = case.known_quote
    answer = replace(
        Answer.of(Retcode.DONE),
        deal=fill.deal.ticket,
        order=fill.order.ticket,
        volume=fill.deal.volume,
        price=fill.deal.price,
        bid=quote.bid,
        ask=quote.ask,
    )
    return Effect(answer=answer, changes=fill.changes)


def _open(case: Case) -> Fill:
    ticket = case.market.books.next_ticket()
    position = replace(case.opened_position(), ticket=ticket, identifier=ticket)
    order = Order(
        ticket=ticket,
        symbol=position.symbol,
        type=position.type,
        state=OrderState.STARTED,
        volume_initial=position.volume,
        volume_current=position.volume,
        price_open=_asked_price(case),
        price_current=position.price_open,
        sl=position.sl,
        tp=position.tp,
        type_filling=Filling(case.request.type_filling),
        magic=position.magic,
        comment=position.comment,
        time_setup_ms=case.now_ms,
    )
    return opening_fill(case.market, case.terms, order, position)


def _close(case: Case) -> Fill:
    cause = Cause(
        reason=Reason.EXPERT,
        comment=case.request.comment,
        magic=case.request.magic,
        filling=Filling(case.request.type_filling),
        asked_price=_asked_price(case),
    )
    return closing_fill(case.market, case.terms, case.known_position, case.volume, case.market_price, cause)


def _pending(case: Case) -> Effect:
    request, quote = case.request, case.known_quote
    kind = OrderType(request.type)
    order = Order(
        ticket=case.market.books.next_ticket(),
        symbol=case.known_spec.name,
        type=kind,
        state=OrderState.PLACED,
        volume_initial=case.volume,
        volume_current=case.volume,
        price_open=case.price_or_zero(request.price),
        price_current=quote.ask if kind.side is OrderType.BUY else quote.bid,
        sl=case.price_or_zero(request.sl),
        tp=case.price_or_zero(request.tp),
        type_time=TimeType(request.type_time),
        type_filling=Filling(request.type_filling),
        magic=request.magic,
        comment=case.market.comment(request.comment),
        time_setup_ms=case.now_ms,
        expires_s=case.expires_s,
    )
    answer = replace(
        Answer.of(Retcode.DONE), order=order.ticket, volume=order.volume_initial, bid=quote.bid, ask=quote.ask
    )
    return Effect(answer=answer, changes=(order,))


def _move_stops(case: Case) -> Effect:
    moved = replace(
        case.known_position,
        sl=case.price_or_zero(case.request.sl),
        tp=case.price_or_zero(case.request.tp),
        time_update_ms=case.now_ms,
    )
    return Effect(answer=Answer.of(Retcode.DONE), changes=(moved,))


def _modify(case: Case) -> Effect:
    request = case.request
    changed = replace(
        case.known_order,
        price_open=case.price_or_zero(request.price),
        sl=case.price_or_zero(request.sl),
        tp=case.price_or_zero(request.tp),
        type_time=TimeType(request.type_time),
        expires_s=case.expires_s,
    )
    return Effect(answer=replace(Answer.of(Retcode.DONE), order=changed.ticket), changes=(changed,))


def _remove(case: Case) -> Effect:
    removed = replace(case.known_order, state=OrderState.CANCELED, time_done_ms=case.now_ms)
    return Effect(answer=replace(Answer.of(Retcode.DONE), order=removed.ticket), changes=(removed,))


def _asked_price(case: Case) -> Decimal:
    # Under market execution the price of a market order is ignored and recorded as 0.
    if not case.known_spec.execution.names_a_price:
        return ZERO
    return case.price_or_zero(case.request.price)


_Handler: TypeAlias = Callable[[Case], Effect]
_HANDLERS: dict[Action, _Handler] = {
    Action.DEAL: _deal,
    Action.PENDING: _pending,
    Action.SLTP: _move_stops,
    Action.MODIFY: _modify,
    Action.REMOVE: _remove,
}
