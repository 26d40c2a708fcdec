"""What an account is worth now: floating profit, margin with hedged volume, equity and level."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.accounts.money import Money, NoRateError, lot_margin, rounded
from mt5fleet.simulator.accounts.rows import ZERO, Position
from mt5fleet.simulator.codes import OrderType
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.quotes import QuoteBoard
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


class Valuation:
    """Values positions and accounts at the current quotes."""

    def __init__(self, specs: dict[str, SymbolSpec], board: QuoteBoard, money: Money) -> None:
        self._specs = specs
        self._board = board
        self._money = money

    def worth(self, book: AccountBook, terms: AccountTerms, extra: Position | None = None) -> Worth:
        """Value an account; `extra` counts as if it were open too, at no profit yet.

        Raises:
            NoRateError: A position cannot be valued: no quote.
        """
        positions = list(book.positions.values())
        profit = sum((self.floating(position, terms) for position in positions), ZERO)
        margin = self.margin([*positions, extra] if extra else positions, terms)
        return Worth(balance=book.balance, credit=book.credit, profit=profit, margin=margin)

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
        quote = self._board.get(position.symbol)
        if quote is None:
            raise NoRateError(f"{position.symbol}: no quote yet")
        return quote.bid if position.type is OrderType.BUY else quote.ask

    def margin(self, positions: Iterable[Position], terms: AccountTerms) -> Decimal:
        """Return the margin of a set of positions, hedged volume at the hedged rate."""
        by_symbol: dict[str, list[Position]] = {}
        for position in positions:
            by_symbol.setdefault(position.symbol, []).append(position)
        total = sum((self._symbol_margin(held, terms) for held in by_symbol.values()), ZERO)
        return rounded(total, terms.currency_digits)

    def order_margin(
        self, spec: SymbolSpec, side: OrderType, volume: Decimal, price: Decimal, terms: AccountTerms
    ) -> Decimal:
        """Return the margin one new order would need, whatever is open.

        Raises:
            NoRateError: The margin currency cannot be converted.
        """
        rate = self._money.margin_rate(spec.margin, terms.currency, side)
        margin = lot_margin(spec, spec.contract_size, price, terms.leverage) * volume * rate
        return rounded(margin, terms.currency_digits)

    def _symbol_margin(self, held: list[Position], terms: AccountTerms) -> Decimal:
        spec = self._specs[held[0].symbol]
        long = _Leg.of(position for position in held if position.type is OrderType.BUY)
        short = _Leg.of(position for position in held if position.type is OrderType.SELL)
        hedged = min(long.volume, short.volume)
        larger = long if long.volume >= short.volume else short
        both = _Leg.of(held)
        full = lot_margin(spec, spec.contract_size, larger.price, terms.leverage) * larger.rate
        paired = lot_margin(spec, spec.margin_hedged, both.price, terms.leverage) * both.rate
        return full * (larger.volume - hedged) + paired * hedged


@dataclass(frozen=True, slots=True)
class _Leg:
    """Positions of one side together: volume, and price and margin rate weighted by it."""

    volume: Decimal
    price: Decimal
    rate: Decimal

    @classmethod
    def of(cls, positions: Iterable[Position]) -> "_Leg":
        held = list(positions)
        volume = sum((position.volume for position in held), ZERO)
        if not volume:
            return cls(ZERO, ZERO, ZERO)
        price = sum((position.price_open * position.volume for position in held), ZERO) / volume
        rate = sum((position.rate_margin * position.volume for position in held), ZERO) / volume
        return cls(volume, price, rate)
