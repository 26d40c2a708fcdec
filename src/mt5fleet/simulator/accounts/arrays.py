"""Every account's equity as vectors: a filter that names the accounts near their stop-out level.

Floating point serves to find suspects only. `slack` is larger than all that rounding of single positions and
binary fractions can add up to, so no account below its level is missed; the exact decision is made elsewhere
with Decimals. One pass costs a few vector operations per symbol that moved, whatever the number of accounts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from mt5fleet.simulator.accounts.books import AccountBook, Books
from mt5fleet.simulator.accounts.money import ClosingRates, Money, NoRateError, price_worth
from mt5fleet.simulator.accounts.rows import ZERO, Change, Closed, Position
from mt5fleet.simulator.accounts.valuation import Valuation
from mt5fleet.simulator.codes import OrderType
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.quotes import Quote, QuoteBoard
from mt5fleet.simulator.terms.account import AccountTerms, LevelMode

Floats: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.int64]
_Number = TypeVar("_Number", np.float64, np.int64)

FIRST_SIZE = 64
RELATIVE_SLACK = 1e-9
"""Share of an account's money that covers the error of binary fractions, a thousand times over."""

RECOUNT_EVERY = 1_000
"""Revaluations after which the total is added up anew, so that its error cannot grow."""


@dataclass(slots=True)
class _Block:
    """Positions of one symbol held by accounts of one currency, without gaps in the vectors."""

    symbol: str
    currency: str
    slots: dict[int, int] = field(default_factory=dict)  # ticket -> slot
    tickets: list[int] = field(default_factory=list)
    places: Places = field(default_factory=lambda: np.zeros(FIRST_SIZE, np.int64))
    weights: Floats = field(default_factory=lambda: np.zeros(FIRST_SIZE))  # money per price, signed
    opened: Floats = field(default_factory=lambda: np.zeros(FIRST_SIZE))
    amounts: Floats = field(default_factory=lambda: np.zeros(0))  # by account
    basis: tuple[Quote, ClosingRates] | None = None  # None: to be valued anew

    def put(self, ticket: int, place: int, weight: float, opened: float) -> None:
        slot = self.slots.get(ticket)
        if slot is None:
            slot = self._new_slot(ticket)
        self.places[slot], self.weights[slot], self.opened[slot] = place, weight, opened
        self.basis = None

    def drop(self, ticket: int) -> None:
        slot = self.slots.pop(ticket, None)
        if slot is None:
            return
        last = self.tickets.pop()
        if last != ticket:
            end = len(self.tickets)
            self.tickets[slot], self.slots[last] = last, slot
            for vector in (self.places, self.weights, self.opened):
                vector[slot] = vector[end]
        self.basis = None

    def value(self, quote: Quote, rates: ClosingRates, accounts: int) -> Floats:
        """Return the floating profit of each account."""
        held = len(self.tickets)
        weights = self.weights[:held]
        is_long = weights > 0
        prices = np.where(is_long, float(quote.bid), float(quote.ask))
        profits = weights * (prices - self.opened[:held])
        gain = np.where(is_long, float(rates.long.gain), float(rates.short.gain))
        loss = np.where(is_long, float(rates.long.loss), float(rates.short.loss))
        profits *= np.where(profits > 0, gain, loss)
        return np.bincount(self.places[:held], weights=profits, minlength=accounts).astype(np.float64)

    def _new_slot(self, ticket: int) -> int:
        slot = self.slots[ticket] = len(self.tickets)
        self.tickets.append(ticket)
        if slot == len(self.places):
            self.places, self.weights = _doubled(self.places), _doubled(self.weights)
            self.opened = _doubled(self.opened)
        return slot


class Equities:
    """Estimates of all accounts with positions, kept up to date change by change."""

    def __init__(
        self,
        specs: Mapping[str, SymbolSpec],
        board: QuoteBoard,
        money: Money,
        valuation: Valuation,
        books: Books,
        terms: Mapping[int, AccountTerms],
    ) -> None:
        self._specs, self._board, self._money = specs, board, money
        self._valuation, self._books, self._terms = valuation, books, terms
        self._blocks: dict[tuple[str, str], _Block] = {}
        self._places: dict[int, int] = {}
        self._logins: list[int] = []
        self._cash = np.full(FIRST_SIZE, inf)  # balance, credit and swaps; infinite without positions
        self._floor = np.zeros(FIRST_SIZE)  # equity at which the stop-out begins, slack included
        self._total = np.zeros(FIRST_SIZE)
        self._stale: set[int] = set()
        self._revalued = 0
        for book in books.accounts():
            for position in book.positions.values():
                self.follow(book.login, position)

    def follow(self, login: int, change: Change) -> None:
        """Take a change of an account's records."""
        self._stale.add(login)
        match change:
            case Position():
                spec = self._specs[change.symbol]
                worth = float(change.volume * price_worth(spec))
                weight = worth if change.type is OrderType.BUY else -worth
                block = self._block(change.symbol, login)
                block.put(change.ticket, self._place(login), weight, float(change.price_open))
            case Closed():
                self._block(change.symbol, login).drop(change.ticket)

    def forget(self, book: AccountBook) -> None:
        """Take an account's positions out before its records are emptied."""
        self._stale.add(book.login)
        for position in book.positions.values():
            self._block(position.symbol, book.login).drop(position.ticket)

    def suspects(self) -> list[int]:
        """Return the logins that may be below their stop-out level at the current quotes."""
        self._refresh_accounts()
        for block in self._blocks.values():
            self._revalue(block)
        count = len(self._logins)
        found = np.flatnonzero(self._cash[:count] + self._total[:count] <= self._floor[:count])
        return [self._logins[place] for place in found]

    def _block(self, symbol: str, login: int) -> _Block:
        currency = self._terms[login].currency
        block = self._blocks.get((symbol, currency))
        if block is None:
            block = self._blocks[symbol, currency] = _Block(symbol, currency)
            block.amounts = np.zeros(len(self._total))
        return block

    def _place(self, login: int) -> int:
        place = self._places.get(login)
        if place is not None:
            return place
        place = self._places[login] = len(self._logins)
        self._logins.append(login)
        if place == len(self._cash):
            self._grow()
        return place

    def _grow(self) -> None:
        self._floor, self._total = _doubled(self._floor), _doubled(self._total)
        self._cash = np.concatenate([self._cash, np.full(len(self._cash), inf)])
        for block in self._blocks.values():
            block.amounts = _doubled(block.amounts)

    def _refresh_accounts(self) -> None:
        for login in self._stale:
            if login in self._places:
                self._refresh(self._places[login], self._books.account(login), self._terms[login])
        self._stale.clear()

    def _refresh(self, place: int, book: AccountBook, terms: AccountTerms) -> None:
        if not book.positions:
            self._cash[place] = inf
            return
        swaps = sum((held.swap for held in book.held.values()), ZERO)
        cash = float(book.balance + book.credit + swaps)
        margin = float(self._valuation.held_margin(book, terms))
        level = float(terms.stop_out_level)
        floor = margin + level if terms.stop_out_mode is LevelMode.MONEY else margin * level / 100
        cent = 10.0**-terms.currency_digits
        roundings = len(book.positions) + 2 + abs(level) / 100
        self._cash[place] = cash
        self._floor[place] = floor + roundings * cent + RELATIVE_SLACK * (abs(cash) + abs(floor))

    def _revalue(self, block: _Block) -> None:
        quote = self._board.get(block.symbol)
        try:
            rates = self._money.closing_rates(self._specs[block.symbol], block.currency)
        except NoRateError:
            return  # the exact valuation fails, too, and leaves such accounts alone
        known = block.basis
        if quote is None or (known is not None and known[0] is quote and known[1] is rates):
            return
        amounts = block.value(quote, rates, len(self._total))
        self._total += amounts - block.amounts
        block.amounts, block.basis = amounts, (quote, rates)
        self._revalued += 1
        if self._revalued % RECOUNT_EVERY == 0:
            self._total = np.sum([each.amounts for each in self._blocks.values()], axis=0)


def _doubled(vector: NDArray[_Number]) -> NDArray[_Number]:
    return np.concatenate([vector, np.zeros_like(vector)])
