"""What an account is worth now: floating profit, margin with hedged volume, equity and level.

Totals are remembered per account and symbol: margin until its positions change, floating profit until a
quote behind it changes, too. The sums themselves stay exact Decimals.

Source: MetaTrader 5 Help, "Margin Calculation: Retail Forex, Futures" (hedged positions, larger leg, fixed
margin, margin rates).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.accounts.holdings import Exposure, FloatingTotal, Holding, Leg, holdings_of
from mt5fleet.simulator.accounts.money import (
    ClosingRates,
    Money,
    NoRateError,
    hedged_lot_margin,
    lot_margin,
    price_worth,
    rounded,
    side_rate,
)
from mt5fleet.simulator.accounts.rows import ZERO, Position
from mt5fleet.simulator.codes import OrderType
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.quotes import Quote, QuoteBoard
from mt5fleet.simulator.terms.account import AccountTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """An account's money at one instant, in its currency."""

    balance: Decimal
    credit: Decimal
    profit: Decimal
    margin: Decimal

    @property
    def equity(self) -> Decimal:
        return self.balance + self.credit + self.profit

    @property
    def margin_free(self) -> Decimal:
        return self.equity - self.margin

    @property
    def margin_level_percent(self) -> Decimal:
        """Return equity in percent of margin, 0 when there is no margin, as the vendor does."""
        return self.equity / self.margin * 100 if self.margin else ZERO


@dataclass(frozen=True, slots=True)
class Prospect:
    """A position that may be opened."""

    symbol: str
    type: OrderType
    volume: Decimal
    price_open: Decimal
    rate_margin: Decimal


class Valuation:
    """Values positions and accounts at the current quotes."""

    def __init__(self, specs: dict[str, SymbolSpec], board: QuoteBoard, money: Money) -> None:
        self._specs = specs
        self._board = board
        self._money = money

    def worth(self, book: AccountBook, terms: AccountTerms, extra: Exposure | None = None) -> Worth:
        """Value an account; `extra` (a position, say) counts as if it were open too, at no profit yet.

        Raises:
            NoRateError: A position cannot be valued: no quote.
        """
        profit = margin = ZERO
        for held in book.held.values():
            profit += self._floating(held, terms)
            margin += self._symbol_margin(held, terms)
        if extra is not None:
            margin += self._added_margin(book.held.get(extra.symbol), extra, terms)
        return Worth(
            balance=book.balance,
            credit=book.credit,
            profit=profit,
            margin=rounded(margin, terms.currency_digits),
        )

    def worth_of(
        self, positions: Iterable[Position], balance: Decimal, credit: Decimal, terms: AccountTerms
    ) -> Worth:
        """Value a set of positions as if an account held exactly them.

        Raises:
            NoRateError: A position cannot be valued: no quote.
        """
        held = holdings_of({position.ticket: position for position in positions})
        profit = sum((self._floating(holding, terms) for holding in held.values()), ZERO)
        margin = rounded(self._margin(held, terms), terms.currency_digits)
        return Worth(balance=balance, credit=credit, profit=profit, margin=margin)

    def floating(self, position: Position, terms: AccountTerms) -> Decimal:
        """Return a position's profit and swap if it were closed now."""
        return self.position_profit(position, terms) + position.swap

    def position_profit(self, position: Position, terms: AccountTerms) -> Decimal:
        price = self.closing_price(position)
        return self.profit_at(position, price, position.volume, terms)

    def profit_at(self, position: Position, price: Decimal, volume: Decimal, terms: AccountTerms) -> Decimal:
        """Return the rounded profit of closing that volume at that price."""
        spec = self._specs[position.symbol]
        profit = self._money.profit(spec, position.type, volume, position.price_open, price, terms.currency)
        return rounded(profit, terms.currency_digits)

    def closing_price(self, position: Position) -> Decimal:
        quote = self._quote(position.symbol)
        return quote.bid if position.type is OrderType.BUY else quote.ask

    def margin(self, positions: Iterable[Position], terms: AccountTerms) -> Decimal:
        """Return the margin of a set of positions, hedged volume at the hedged rate."""
        held = holdings_of({position.ticket: position for position in positions})
        return rounded(self._margin(held, terms), terms.currency_digits)

    def held_margin(self, book: AccountBook, terms: AccountTerms) -> Decimal:
        """Return the unrounded margin of an account's positions."""
        return self._margin(book.held, terms)

    def order_margin(
        self, spec: SymbolSpec, side: OrderType, volume: Decimal, price: Decimal, terms: AccountTerms
    ) -> Decimal:
        """Return the margin one new order would need, whatever is open.

        Raises:
            NoRateError: The margin currency cannot be converted.
        """
        rate = self._money.margin_rate(spec.margin, terms.currency, side) * side_rate(spec, side)
        return rounded(lot_margin(spec, price, terms.leverage) * volume * rate, terms.currency_digits)

    # --- floating profit ---

    def _floating(self, held: Holding, terms: AccountTerms) -> Decimal:
        known = held.floating
        if known is not None and known.version == self._board.version and not known.late:
            return known.amount + held.swap
        spec = self._specs[held.symbol]
        quote, rates = self.basis(held.symbol, terms)
        if known is None or known.quote is not quote or known.rates is not rates:
            amount = sum((_profit(row, spec, quote, rates, terms) for row in held.positions.values()), ZERO)
            known = held.floating = FloatingTotal(quote, rates, self._board.version, amount)
        for sign, position in known.late:
            known.amount += sign * _profit(position, spec, quote, rates, terms)
        known.late.clear()
        known.version = self._board.version
        return known.amount + held.swap

    def basis(self, symbol: str, terms: AccountTerms) -> tuple[Quote, ClosingRates]:
        """Return the quote and the conversion a position of the symbol is valued with now.

        Raises:
            NoRateError: There is no quote of the symbol, or none for the conversion.
        """
        return self._quote(symbol), self._money.closing_rates(self._specs[symbol], terms.currency)

    def profits(self, held: Holding, terms: AccountTerms) -> Iterator[tuple[Position, Decimal, Decimal]]:
        """Yield each position of a symbol with its closing price and its profit now, without swap.

        Raises:
            NoRateError: The positions cannot be valued: no quote.
        """
        spec = self._specs[held.symbol]
        quote, rates = self.basis(held.symbol, terms)
        for position in held.positions.values():
            price = quote.bid if position.type is OrderType.BUY else quote.ask
            yield position, price, _profit(position, spec, quote, rates, terms)

    def _quote(self, symbol: str) -> Quote:
        quote = self._board.get(symbol)
        if quote is None:
            raise NoRateError(f"{symbol}: no quote yet")
        return quote

    # --- margin ---

    def _margin(self, held: dict[str, Holding], terms: AccountTerms) -> Decimal:
        return sum((self._symbol_margin(holding, terms) for holding in held.values()), ZERO)

    def _symbol_margin(self, held: Holding, terms: AccountTerms) -> Decimal:
        if held.margin is None:
            spec = self._specs[held.symbol]
            held.margin = _legs_margin(spec, held.long, held.short, terms, maintained=True)
        return held.margin

    def _added_margin(self, held: Holding | None, extra: Exposure, terms: AccountTerms) -> Decimal:
        """Return what a new position adds: the initial margin, where it differs from the maintained one."""
        spec = self._specs[extra.symbol]
        long, short = (held.long, held.short) if held is not None else (Leg(), Leg())
        added = Leg()
        added.add(extra, 1)
        if extra.type is OrderType.BUY:
            after = _legs_margin(spec, long.plus(added), short, terms, maintained=False)
        else:
            after = _legs_margin(spec, long, short.plus(added), terms, maintained=False)
        if held is not None and not spec.margin_maintenance:
            return after - self._symbol_margin(held, terms)
        return after - _legs_margin(spec, long, short, terms, maintained=False)


def _profit(
    position: Position, spec: SymbolSpec, quote: Quote, rates: ClosingRates, terms: AccountTerms
) -> Decimal:
    if position.type is OrderType.BUY:
        amount = rates.long.of((quote.bid - position.price_open) * position.volume * price_worth(spec))
    else:
        amount = rates.short.of((position.price_open - quote.ask) * position.volume * price_worth(spec))
    return rounded(amount, terms.currency_digits)


def _legs_margin(
    spec: SymbolSpec, long: Leg, short: Leg, terms: AccountTerms, *, maintained: bool
) -> Decimal:
    """Return the unrounded margin of a symbol's bought and sold volume together."""
    if spec.margin_hedged_use_leg:
        return max(
            _leg_margin(spec, leg, leg.volume, side, terms, maintained=maintained)
            for leg, side in ((long, OrderType.BUY), (short, OrderType.SELL))
        )
    hedged = min(long.volume, short.volume)
    larger, side = (long, OrderType.BUY) if long.volume >= short.volume else (short, OrderType.SELL)
    uncovered = _leg_margin(spec, larger, larger.volume - hedged, side, terms, maintained=maintained)
    return uncovered + _hedged_margin(spec, long.plus(short), hedged, terms) if hedged else uncovered


def _leg_margin(
    spec: SymbolSpec, leg: Leg, volume: Decimal, side: OrderType, terms: AccountTerms, *, maintained: bool
) -> Decimal:
    lot = lot_margin(spec, leg.mean_price, terms.leverage, maintained=maintained)
    return lot * leg.mean_rate * side_rate(spec, side) * volume


def _hedged_margin(spec: SymbolSpec, both: Leg, volume: Decimal, terms: AccountTerms) -> Decimal:
    # The hedged volume pays the mean of both sides: of prices, of conversion and of margin rates.
    lot = hedged_lot_margin(spec, both.mean_price, terms.leverage)
    return lot * both.mean_rate * (spec.margin_rate_long + spec.margin_rate_short) / 2 * volume
