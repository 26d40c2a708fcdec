"""The end of the server's day: each open position is charged or paid its swap, once a day.

Sources: MQL5 Reference, "Symbol Properties" (ENUM_SYMBOL_SWAP_MODE, SYMBOL_SWAP_ROLLOVER3DAYS) and
MetaTrader 5 Help, "Swaps". Deals of the vendor's Strategy Tester show the rest: each booking is rounded by
itself, the night after the triple day counts three times, those after Saturday and Sunday do not count.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import TypeAlias

from mt5fleet.simulator.accounts.money import NoRateError, price_worth, rounded
from mt5fleet.simulator.accounts.rows import ZERO, Change, Position, Transaction
from mt5fleet.simulator.codes import OrderType, SwapMode
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.market import MS_PER_S, Market
from mt5fleet.simulator.prices.quotes import DAY_MS
from mt5fleet.simulator.terms.account import AccountTerms
from mt5fleet.simulator.terms.symbol import NEVER
from mt5fleet.simulator.trading.reopening import reopened, with_swap

DAYS_OF_YEAR = 360
"""The banker's year by which the vendor divides a yearly interest."""

TRIPLE = 3
_EPOCH_WEEKDAY = 4  # 1970-01-01 was a Thursday; Sunday is 0
_WEEKEND = (0, 6)

CommitDay: TypeAlias = Callable[[int, tuple[Transaction, ...]], None]


class Rollover:
    """Books every server day that has ended, in order and each exactly once.

    A day is booked in one record, so that a crash leaves it booked for all accounts or for none.
    """

    def __init__(self, market: Market, commit: CommitDay, booked_day: int | None) -> None:
        self._market = market
        self._commit = commit
        self._booked_day = booked_day
        self._looked_s = 0

    def elapsed(self, server_ms: int) -> None:
        """Book the days that have ended by this server time.

        A day on which a swap cannot be converted, for want of a quote, waits with all that follow it.
        """
        ended = server_ms // DAY_MS - 1
        if self._booked_day is not None and ended <= self._booked_day:
            return  # a clock that was set back books no day twice
        if server_ms // MS_PER_S == self._looked_s:
            return
        self._looked_s = server_ms // MS_PER_S
        if self._booked_day is None or not self._anything_is_open():
            self._book(ended, ())  # in one step: a clock may have been moved by years
            return
        for day in range(self._booked_day + 1, ended + 1):
            try:
                transactions = tuple(self._transactions(day))
            except NoRateError:
                return
            self._book(day, transactions)

    def _anything_is_open(self) -> bool:
        return any(book.positions for book in self._market.books.accounts())

    def _book(self, day: int, transactions: tuple[Transaction, ...]) -> None:
        self._commit(day, transactions)
        self._booked_day = day

    def _transactions(self, day: int) -> Iterator[Transaction]:
        for book in self._market.books.accounts():
            terms = self._market.terms[book.login]
            changes: list[Change] = []
            for position in book.positions.values():
                if position.time_ms // DAY_MS <= day:
                    changes += self._rolled(position, terms, day)
            if changes:
                yield Transaction(login=book.login, time_ms=(day + 1) * DAY_MS, changes=tuple(changes))

    def _rolled(self, position: Position, terms: AccountTerms, day: int) -> tuple[Change, ...]:
        spec = self._market.specs[position.symbol]
        nights = nights_of(spec, day)
        rate = spec.swap_long if position.type is OrderType.BUY else spec.swap_short
        if not nights or not rate or spec.swap_mode is SwapMode.DISABLED:
            return ()
        if spec.swap_mode in (SwapMode.REOPEN_CURRENT, SwapMode.REOPEN_BID):
            return reopened(self._market, terms, position, spec.point * rate * nights, (day + 1) * DAY_MS)
        amount = self._lot_swap(position, spec, terms, rate) * position.volume * nights
        booked = rounded(amount, terms.currency_digits)
        return (with_swap(position, booked),) if booked else ()

    def _lot_swap(self, position: Position, spec: SymbolSpec, terms: AccountTerms, rate: Decimal) -> Decimal:
        """Return one night's swap of one lot in the account's currency."""
        match spec.swap_mode:
            case SwapMode.POINTS:
                amount, currency = rate * spec.point * price_worth(spec), spec.profit
            case SwapMode.CURRENCY_SYMBOL:
                amount, currency = rate, spec.base
            case SwapMode.CURRENCY_MARGIN:
                amount, currency = rate, spec.margin
            case SwapMode.CURRENCY_DEPOSIT:
                return rate
            case SwapMode.INTEREST_CURRENT:
                price = self._market.valuation.closing_price(position)
                amount, currency = _interest(spec, rate, price), spec.profit
            case SwapMode.INTEREST_OPEN:
                amount, currency = _interest(spec, rate, position.price_open), spec.profit
            case _:
                return ZERO
        return self._market.money.received(amount, currency, terms.currency)


def nights_of(spec: SymbolSpec, day: int) -> int:
    """Return how often the night after a server day (days since 1970-01-01) counts."""
    weekday = (day + _EPOCH_WEEKDAY) % 7
    if spec.swap_triple_day == NEVER:
        return 1
    if weekday == spec.swap_triple_day.number:
        return TRIPLE
    return 0 if weekday in _WEEKEND else 1


def _interest(spec: SymbolSpec, percent_a_year: Decimal, price: Decimal) -> Decimal:
    return price * price_worth(spec) * percent_a_year / 100 / DAYS_OF_YEAR
