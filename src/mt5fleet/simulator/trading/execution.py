"""What each accepted request does to the books."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from mt5fleet.simulator.accounts.rows import ZERO, Change, Order
from mt5fleet.simulator.codes import RETCODE_TEXTS, Action, Filling, OrderState, OrderType, Retcode, TimeType
from mt5fleet.simulator.trading.case import Case
from mt5fleet.simulator.trading.closing_by import close_by
from mt5fleet.simulator.trading.fills import fill
from mt5fleet.simulator.trading.liquidity import slipped, taken_price
from mt5fleet.simulator.trading.requests import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The answer to a request and the records it changes; a refusal changes none.

    `is_numbered`: the request reached the dealer, so its answer carries a request id.
    """

    answer: Answer
    changes: tuple[Change, ...] = ()
    is_numbered: bool = True


def execute(case: Case) -> Effect:
    """Carry out a request that passed its checks.

    Raises:
        NoRateError: An amount cannot be converted to the account's currency.
    """
    return _HANDLERS[case.request.action](case)


def _deal(case: Case) -> Effect:
    order = case.market_order(case.market.books.next_ticket())
    price = _executed_price(case, order.ticket)
    rest_waits = case.filling is Filling.RETURN
    done = fill(case.market, case.terms, order, case.available, price, rest_waits=rest_waits)
    quote = case.known_quote
    code = Retcode.DONE if done.deal.volume == order.volume_initial else Retcode.DONE_PARTIAL
    answer = Answer(
        retcode=code,
        comment=RETCODE_TEXTS[code],
        deal=done.deal.ticket,
        order=order.ticket,
        volume=done.deal.volume,
        price=price,
        bid=quote.bid,
        ask=quote.ask,
    )
    return Effect(answer=answer, changes=done.changes)


def _executed_price(case: Case, ticket: int) -> Decimal:
    spec, price = case.known_spec, case.market_price
    return price if spec.execution.names_a_price else slipped(case.market, spec, case.side, price, ticket)


def _close_by(case: Case) -> Effect:
    done = close_by(
        case.market, case.terms, case.known_position, case.known_position_by, _close_by_order(case)
    )
    first = done.deal
    answer = replace(
        Answer.of(Retcode.DONE),
        deal=first.ticket,
        order=done.order.ticket,
        volume=first.volume,
        price=first.price,
        bid=case.known_quote.bid,
        ask=case.known_quote.ask,
    )
    return Effect(answer=answer, changes=done.changes)


def _close_by_order(case: Case) -> Order:
    position, opposite = case.known_position, case.known_position_by
    volume = min(position.volume, opposite.volume)
    return Order(
        ticket=case.market.books.next_ticket(),
        symbol=position.symbol,
        type=OrderType.CLOSE_BY,
        state=OrderState.STARTED,
        volume_initial=volume,
        volume_current=volume,
        magic=case.request.magic,
        position_id=position.identifier,
        position_by_id=opposite.identifier,
        comment=case.market.comment(case.request.comment),
        time_setup_ms=case.now_ms,
    )


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
        price_current=taken_price(quote, kind.side),
        price_stoplimit=case.price_or_zero(request.stoplimit) if kind.is_stop_limit else ZERO,
        sl=case.price_or_zero(request.sl),
        tp=case.price_or_zero(request.tp),
        type_time=TimeType(request.type_time),
        type_filling=_pending_filling(case),
        magic=request.magic,
        comment=case.market.comment(request.comment),
        time_setup_ms=case.now_ms,
        expires_s=case.expires_s,
    )
    answer = replace(
        Answer.of(Retcode.DONE), order=order.ticket, volume=order.volume_initial, bid=quote.bid, ask=quote.ask
    )
    return Effect(answer=answer, changes=(order,))


def _pending_filling(case: Case) -> Filling:
    # Where the client names the price of market orders, pending orders are always RETURN.
    if case.known_spec.execution.names_a_price and case.request.type_filling != Filling.BOC:
        return Filling.RETURN
    return Filling(case.request.type_filling)


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
    order = case.known_order
    changed = replace(
        order,
        price_open=case.price_or_zero(request.price),
        price_stoplimit=case.price_or_zero(request.stoplimit) if order.type.is_stop_limit else ZERO,
        sl=case.price_or_zero(request.sl),
        tp=case.price_or_zero(request.tp),
        type_time=TimeType(request.type_time),
        expires_s=case.expires_s,
    )
    return Effect(answer=replace(Answer.of(Retcode.DONE), order=changed.ticket), changes=(changed,))


def _remove(case: Case) -> Effect:
    removed = replace(case.known_order, state=OrderState.CANCELED, time_done_ms=case.now_ms)
    return Effect(answer=replace(Answer.of(Retcode.DONE), order=removed.ticket), changes=(removed,))


_Handler: TypeAlias = Callable[[Case], Effect]
_HANDLERS: dict[int, _Handler] = {
    Action.DEAL: _deal,
    Action.PENDING: _pending,
    Action.SLTP: _move_stops,
    Action.MODIFY: _modify,
    Action.REMOVE: _remove,
    Action.CLOSE_BY: _close_by,
}
