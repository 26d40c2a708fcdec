"""Money that comes from outside: deals without an order."""

from decimal import Decimal

from mt5fleet.simulator.accounts.rows import Deal, Transaction
from mt5fleet.simulator.codes import DealType
from mt5fleet.simulator.market import Market


def cash_deal(market: Market, amount: Decimal, comment: str, kind: DealType = DealType.BALANCE) -> Deal:
    """Return the deal that books an amount, negative when it is taken out."""
    return Deal(
        ticket=market.books.next_ticket(),
        type=kind,
        profit=amount,
        comment=market.comment(comment),
        time_ms=market.server_ms(),
    )


def first_deposits(market: Market, login: int) -> tuple[Transaction, ...]:
    """Return what an account begins with: its balance, and its credit."""
    terms = market.terms[login]
    deals = []
    if terms.balance:
        deals.append(cash_deal(market, terms.balance, "deposit"))
    if terms.credit:
        deals.append(cash_deal(market, terms.credit, "credit", DealType.CREDIT))
    now_ms = market.server_ms()
    return tuple(Transaction(login=login, time_ms=now_ms, changes=(deal,)) for deal in deals)
