"""Profit, margin and the conversion between currencies, through the quotes of real symbols.

Sources: MetaTrader 5 Help, "Margin Calculation: Retail Forex, Futures" and MQL5 Reference, "Order
Properties"; tick values of a EUR account on EURUSD (0.91615 = 1 / ask for profit, 0.91628 = 1 / bid for
loss) show which side of the quote pays.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from mt5fleet.simulator.codes import CalcMode, OrderType
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.quotes import Quote, QuoteBoard


class NoRateError(Exception):
    """There is no quote that turns one currency into the other."""


@dataclass(frozen=True, slots=True)
class Step:
    """One exchange on the way: sell the symbol's base for its profit currency, or the other way round."""

    symbol: str
    forward: bool  # True: from base to profit currency


class Money:
    """Values amounts in an account's currency."""

    def __init__(self, specs: Iterable[SymbolSpec], board: QuoteBoard) -> None:
        self._board = board
        # Only symbols whose base is a currency of its own exchange money; an index named in USD does not.
        self._exchanges = [spec for spec in specs if spec.base != spec.profit]
        self._routes: dict[tuple[str, str], tuple[Step, ...]] = {}

    def received(self, amount: Decimal, currency: str, wanted: str) -> Decimal:
        """Convert an amount of profit (positive) or loss (negative) to the wanted currency, unrounded.

        A profit is sold at the side the account gets, a loss is bought at the side it must pay.

        Raises:
            NoRateError: No symbol, or no quote yet, links the two.
        """
        for step in self._route(currency, wanted):
            amount *= self._rate(step, worse=amount > 0)
        return amount

    def margin_rate(self, currency: str, wanted: str, side: OrderType) -> Decimal:
        """Return the rate for margin: Ask for buys, Bid for sells.

        Raises:
            NoRateError: No symbol, or no quote yet, links the two.
        """
        rate = Decimal(1)
        for step in self._route(currency, wanted):
            quote = self._quote(step.symbol)
            price = quote.ask if side.side is OrderType.BUY else quote.bid
            rate = rate * price if step.forward else rate / price
        return rate

    def profit(
        self,
        spec: SymbolSpec,
        side: OrderType,
        volume: Decimal,
        opened: Decimal,
        closed: Decimal,
        wanted: str,
    ) -> Decimal:
        """Return the unrounded profit of a position in the wanted currency.

        Raises:
            NoRateError: The profit currency cannot be converted.
        """
        move = closed - opened if side is OrderType.BUY else opened - closed
        return self.received(move * volume * spec.contract_size, spec.profit, wanted)

    def _rate(self, step: Step, *, worse: bool) -> Decimal:
        quote = self._quote(step.symbol)
        if step.forward:
            return quote.bid if worse else quote.ask
        return 1 / quote.ask if worse else 1 / quote.bid

    def _quote(self, symbol: str) -> Quote:
        quote = self._board.get(symbol)
        if quote is None:
            raise NoRateError(f"{symbol}: no quote yet, needed for a conversion")
        return quote

    def _route(self, currency: str, wanted: str) -> tuple[Step, ...]:
        key = (currency, wanted)
        if key not in self._routes:
            self._routes[key] = self._quoted_route(currency, wanted)
        return self._routes[key]

    def _quoted_route(self, currency: str, wanted: str) -> tuple[Step, ...]:
        """Return the shortest way whose symbols all have a quote, which they keep from then on."""
        routes = self._all_routes(currency, wanted)
        for route in routes:
            if all(self._board.get(step.symbol) is not None for step in route):
                return route
        if not routes:
            raise NoRateError(f"no symbols lead from {currency} to {wanted}")
        unquoted = ", ".join(step.symbol for step in routes[0])
        raise NoRateError(f"no quote yet for {unquoted}, needed from {currency} to {wanted}")

    def _all_routes(self, currency: str, wanted: str) -> list[tuple[Step, ...]]:
        if currency == wanted:
            return [()]
        first_steps = self._steps_from(currency)
        direct = [(step,) for reached, step in first_steps if reached == wanted]
        through = [
            (step, second)
            for middle, step in first_steps
            for reached, second in self._steps_from(middle)
            if reached == wanted
        ]
        return [*direct, *through]

    def _steps_from(self, currency: str) -> list[tuple[str, Step]]:
        forward = [(spec.profit, Step(spec.name, True)) for spec in self._exchanges if spec.base == currency]
        back = [(spec.base, Step(spec.name, False)) for spec in self._exchanges if spec.profit == currency]
        return forward + back


def rounded(amount: Decimal, digits: int) -> Decimal:
    """Round an amount to the currency's digits, half away from zero, as the vendor's tester does."""
    return amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)


def lot_margin(spec: SymbolSpec, contract_size: Decimal, price: Decimal, leverage: int) -> Decimal:
    """Return the margin of one lot in the symbol's margin currency."""
    if spec.margin_initial:
        return spec.margin_initial * contract_size / spec.contract_size
    match spec.calc_mode:
        case CalcMode.FOREX:
            return contract_size / leverage
        case CalcMode.FOREX_NO_LEVERAGE:
            return contract_size
        case CalcMode.CFD_LEVERAGE:
            return contract_size * price / leverage
        case CalcMode.CFD:
            return contract_size * price
