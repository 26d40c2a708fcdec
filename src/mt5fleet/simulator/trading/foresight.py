"""What an account would be worth after a request: the totals that a check of it answers."""

from dataclasses import replace

from mt5fleet.simulator.accounts.charges import charges
from mt5fleet.simulator.accounts.rows import Closed, Position
from mt5fleet.simulator.accounts.valuation import Prospect, Worth
from mt5fleet.simulator.codes import Action
from mt5fleet.simulator.trading.case import Case
from mt5fleet.simulator.trading.turns import Turn, left_turn, new_margin_rate, turn_of


def worth_after(case: Case) -> Worth:
    """Return the account's money as if the request had been carried out; what opens has no profit yet.

    Raises:
        NoRateError: An amount cannot be converted to the account's currency.
    """
    match case.request.action:
        case Action.DEAL if case.is_close or _turns_round(case):
            return _after_turns(case, _turn(case))
        case Action.DEAL:
            return _after_opening(case)
        case Action.CLOSE_BY:
            return _after_turns(case, *_close_by_turns(case))
        case _:
            return case.market.valuation.worth(case.book, case.terms)


def _turns_round(case: Case) -> bool:
    return case.position is not None and case.position.type is not case.side


def _turn(case: Case) -> Turn:
    order, price = case.market_order(), case.market_price
    return turn_of(case.market, case.terms, order, case.volume, price, case.now_ms)


def _close_by_turns(case: Case) -> tuple[Turn, Turn]:
    held, opposite = case.known_position, case.known_position_by
    volume, price = min(held.volume, opposite.volume), opposite.price_open
    first, second = (
        left_turn(case.market, case.terms, position, volume, price, case.now_ms)
        for position in (held, opposite)
    )
    return first, second


def _after_opening(case: Case) -> Worth:
    spec, side = case.known_spec, case.side
    rate = new_margin_rate(case.market, case.terms, spec, side)
    prospect = Prospect(spec.name, side, case.volume, case.market_price, rate)
    worth = case.market.valuation.worth(case.book, case.terms, prospect)
    if not (spec.commission_per_lot or spec.fee_per_lot):
        return worth
    costs = charges(spec, case.terms, entered=case.volume)
    return replace(worth, balance=worth.balance + costs.commission + costs.fee)


def _after_turns(case: Case, *turns: Turn) -> Worth:
    positions, balance = dict(case.book.positions), case.book.balance
    for turn in turns:
        costs = charges(case.known_spec, case.terms, entered=turn.entered, left=turn.left)
        balance += turn.profit + turn.swap + costs.commission + costs.fee
        for change in turn.changes:
            if isinstance(change, Closed):
                positions.pop(change.ticket, None)
            elif isinstance(change, Position):
                positions[change.ticket] = change
    return case.market.valuation.worth_of(positions.values(), balance, case.book.credit, case.terms)
