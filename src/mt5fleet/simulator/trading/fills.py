"""What a fill writes into the books: the order's new state, its deal, and what becomes of the position."""

from dataclasses import dataclass, replace
from decimal import Decimal

from mt5fleet.simulator.accounts.charges import charges
from mt5fleet.simulator.accounts.rows import ZERO, Change, Deal, Order
from mt5fleet.simulator.codes import DealType, OrderState
from mt5fleet.simulator.market import Market
from mt5fleet.simulator.terms.account import AccountTerms
from mt5fleet.simulator.trading.turns import Turn, turn_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """The records of one fill; `order` and `deal` are among `changes`."""

    order: Order
    deal: Deal
    changes: tuple[Change, ...]


def fill(
    market: Market,
    terms: AccountTerms,
    order: Order,
    volume: Decimal,
    price: Decimal,
    *,
    rest_waits: bool = True,
) -> Fill:
    """Return the records of filling that volume of an order now, at that price.

    An order that is not filled whole waits as PARTIAL, or is CANCELED when its rest may not wait.

    Raises:
        NoRateError: An amount cannot be converted to the account's currency.
    """
    now_ms = market.server_ms()
    turn = turn_of(market, terms, order, volume, price, now_ms)
    done = _filled(order, volume, price, turn.position_id, now_ms, rest_waits=rest_waits)
    deal = _deal(market, terms, done, volume, price, turn, now_ms)
    return Fill(order=done, deal=deal, changes=(done, deal, *turn.changes))


def _filled(
    order: Order, volume: Decimal, price: Decimal, position_id: int, now_ms: int, *, rest_waits: bool
) -> Order:
    rest = order.volume_current - volume
    if not rest:
        state = OrderState.FILLED
    else:
        state = OrderState.PARTIAL if rest_waits else OrderState.CANCELED
    return replace(
        order,
        state=state,
        volume_current=rest if rest else ZERO,
        price_current=price,
        position_id=position_id,
        time_done_ms=now_ms if state.is_final else 0,
    )


def _deal(
    market: Market,
    terms: AccountTerms,
    order: Order,
    volume: Decimal,
    price: Decimal,
    turn: Turn,
    now_ms: int,
) -> Deal:
    costs = charges(market.specs[order.symbol], terms, entered=turn.entered, left=turn.left)
    return Deal(
        ticket=market.books.next_ticket(),
        order=order.ticket,
        symbol=order.symbol,
        type=DealType(order.type.side),
        entry=turn.entry,
        volume=volume,
        price=price,
        commission=costs.commission,
        fee=costs.fee,
        swap=turn.swap,
        profit=turn.profit,
        magic=order.magic,
        position_id=turn.position_id,
        reason=order.reason,
        comment=order.comment,
        time_ms=now_ms,
    )
