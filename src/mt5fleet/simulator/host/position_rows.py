"""Open positions as `positions_get` shows them, made anew only where a quote or a position changed."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.accounts.holdings import Holding, ShownRows
from mt5fleet.simulator.accounts.valuation import Valuation
from mt5fleet.simulator.host.selection import chosen
from mt5fleet.simulator.host.wire_rows import position_row
from mt5fleet.simulator.terms.account import AccountTerms

Parameters: TypeAlias = Mapping[str, Any]


def position_rows(
    valuation: Valuation, book: AccountBook, terms: AccountTerms, parameters: Parameters
) -> list[list[Any]]:
    """Return the rows that a call asks for, oldest position first; the rows may not be changed.

    Raises:
        NoRateError: A position that is asked for cannot be valued.
    """
    rows: dict[str, Mapping[int, list[Any]]] = {}
    shown = []
    for position in chosen(book.positions, parameters):
        symbol = position.symbol
        if symbol not in rows:
            rows[symbol] = _rows_of(valuation, book.held[symbol], terms)
        shown.append(rows[symbol][position.ticket])
    return shown


def _rows_of(valuation: Valuation, held: Holding, terms: AccountTerms) -> Mapping[int, list[Any]]:
    quote, rates = valuation.basis(held.symbol, terms)
    known = held.shown
    if known is not None and known.quote is quote and known.rates is rates:
        return known.rows
    rows = {
        position.ticket: position_row(position, price, profit)
        for position, price, profit in valuation.profits(held, terms)
    }
    held.shown = ShownRows(quote, rates, rows)
    return rows
