"""Closing a position by an opposite one: one order, and two deals that name each other's position.

The first deal closes the named position at the opening price of the other and books the whole profit; the
second closes the other at its own opening price, so it books none. Source of the two OUT_BY deals: MQL5
Reference, "Deal Properties" (DEAL_ENTRY_OUT_BY); which of them bears the profit is the project's choice.
"""

from dataclasses import replace

from mt5fleet.simulator.accounts.charges import charges
from mt5fleet.simulator.accounts.rows import ZERO, Deal, Order, Position
from mt5fleet.simulator.codes import DealType, Entry, OrderState
from mt5fleet.simulator.market import Market
from mt5fleet.simulator.terms.account import AccountTerms
from mt5fleet.simulator.trading.fills import Fill
from mt5fleet.simulator.trading.turns import Turn, left_turn


def close_by(
    market: Market, terms: AccountTerms, position: Position, opposite: Position, order: Order
) -> Fill:
    """Return the records of two positions that close each other; the larger one keeps the rest.

    Raises:
        NoRateError: The profit cannot be converted to the account's currency.
    """
    now_ms, volume, price = market.server_ms(), order.volume_initial, opposite.price_open
    done = replace(
        order, state=OrderState.FILLED, volume_current=ZERO, price_current=price, time_done_ms=now_ms
    )
    turns = [left_turn(market, terms, held, volume, price, now_ms) for held in (position, opposite)]
    deals = [
        _deal(market, terms, done, held, turn) for held, turn in zip((position, opposite), turns, strict=True)
    ]
    return Fill(order=done, deal=deals[0], changes=(done, *deals, *turns[0].changes, *turns[1].changes))


def _deal(market: Market, terms: AccountTerms, order: Order, held: Position, turn: Turn) -> Deal:
    costs = charges(market.specs[held.symbol], terms, left=turn.left)
    return Deal(
        ticket=market.books.next_ticket(),
        order=order.ticket,
        symbol=held.symbol,
        type=DealType(held.type.opposite),
        entry=Entry.OUT_BY,
        volume=turn.left,
        price=order.price_current,
        commission=costs.commission,
        fee=costs.fee,
        swap=turn.swap,
        profit=turn.profit,
        magic=order.magic,
        position_id=held.identifier,
        reason=order.reason,
        comment=order.comment,
        time_ms=order.time_done_ms,
    )
