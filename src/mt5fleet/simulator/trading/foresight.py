"""What an account would be worth after a request: the totals that a check of it answers."""

from mt5fleet.simulator.accounts.valuation import Worth
from mt5fleet.simulator.codes import Action
from mt5fleet.simulator.trading.case import Case


def worth_after(case: Case) -> Worth:
    """Return the account's money as if the request had been carried out.

    Raises:
        NoRateError: An amount cannot be converted to the account's currency.
    """
    opens = case.request.action == Action.DEAL and not case.is_close
    return case.market.valuation.worth(case.book, case.terms, case.opened_position() if opens else None)
