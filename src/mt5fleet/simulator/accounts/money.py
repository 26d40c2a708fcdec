"""Profit, margin and the conversion between currencies, through the quotes of real symbols.

Sources: MetaTrader 5 Help, "Margin Calculation: Retail Forex, Futures" and MQL5 Reference, "Symbol
Properties" (ENUM_SYMBOL_CALC_MODE) and "Order Properties"; tick values of a EUR account on EURUSD (0.91615 =
1 / ask for profit, 0.91628 = 1 / bid for loss) show which side of the quote pays.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from mt5fleet.simulator.codes import CalcMode, OrderType
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.quotes import Quote, QuoteBoard

RATE_DIGITS = 12
"""Decimals of a margin rate: so few that sums of volume * rate are exact in 28 digits, no cent lost."""

_CURRENCY_DIGITS_MAX = 8
_GRAINS = tuple(Decimal(1).scaleb(-digits) for digits in range(_CURRENCY_DIGITS_MAX + 1))
_RATE_GRAIN = Decimal(1).scaleb(-RATE_DIGITS)
_ONE = Decimal(1)

_SURE = Context(prec=24)
"""Of 28 digits the last are wrong where a quotient was multiplied; half a cent must stay half a cent."""

_DIVIDED_BY_LEVERAGE = frozenset({CalcMode.FOREX, CalcMode.CFD_LEVERAGE})
_VALUED_BY_TICK = frozenset({CalcMode.FUTURES, CalcMode.EXCHANGE_FUTURES})


class NoRateError(Exception):
    """There is no quote that turns one currency into the other."""


@dataclass(frozen=True, slots=True)
class Step:
    """One exchange on the way: sell the symbol's base for its profit currency, or the other way round."""

    symbol: str
    forward: bool  # True: from base to profit currency


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """What one unit of profit brings and one unit of loss costs in another currency, at these quotes."""

    gain: Decimal
    loss: Decimal
    quotes: tuple[Quote, ...]

    def of(self, amount: Decimal) -> Decimal:
        """Convert a profit (positive) or a loss (negative), unrounded."""
        return amount * (self.gain if amount > 0 else self.loss)


@dataclass(frozen=True, slots=True, eq=False)
class ClosingRates:
    """The rates for closing a bought and a sold position; they differ where the symbol itself converts."""

    base: Rates
    long: Rates
    short: Rates


_SAME = Rates(_ONE, _ONE, ())
_ALL_SAME = ClosingRates(_SAME, _SAME, _SAME)


class Money:
    """Values amounts in an account's currency."""

    def __init__(self, specs: Iterable[SymbolSpec], board: QuoteBoard) -> None:
        self._board = board
        # Only symbols whose base is a currency of its own exchange money; an index named in USD does not.
        self._exchanges = [spec for spec in specs if spec.base != spec.profit]
        self._routes: dict[tuple[str, str], tuple[Step, ...]] = {}
        self._routed_at = 0  # symbols that had a quote when the routes were found
        self._rates: dict[tuple[str, str], tuple[int, Rates]] = {}  # with the board's version
        self._closing: dict[tuple[str, str], ClosingRates] = {}

    def rates(self, currency: str, wanted: str) -> Rates:
        """Return the rates now; the same object for as long as the quotes behind it stand.

        Raises:
            NoRateError: No symbol, or no quote yet, links the two.
        """
        if currency == wanted:
            return _SAME
        version = self._board.version
        known = self._rates.get((currency, wanted))
        if known is not None and known[0] == version:
            return known[1]
        route = self._route(currency, wanted)
        stands = known is not None and self._stands(known[1], route)
        rates = known[1] if known is not None and stands else self._fresh_rates(route)
        self._rates[currency, wanted] = (version, rates)
        return rates

    def closing_rates(self, spec: SymbolSpec, wanted: str) -> ClosingRates:
        """Return the rates at which profit of a symbol is converted now, the same object while they stand.

        Raises:
            NoRateError: No symbol, or no quote yet, links the two currencies.
        """
        if spec.profit == wanted:
            return _ALL_SAME
        base = self.rates(spec.profit, wanted)
        known = self._closing.get((spec.name, wanted))
        if known is not None and known.base is base:
            return known
        fresh = self._fresh_closing_rates(spec, wanted, base)
        self._closing[spec.name, wanted] = fresh
        return fresh

    def received(self, amount: Decimal, currency: str, wanted: str) -> Decimal:
        """Convert an amount of profit (positive) or loss (negative) to the wanted currency, unrounded.

        A profit is sold at the side the account gets, a loss is bought at the side it must pay.

        Raises:
            NoRateError: No symbol, or no quote yet, links the two.
        """
        return self.rates(currency, wanted).of(amount)

    def margin_rate(self, currency: str, wanted: str, side: OrderType) -> Decimal:
        """Return the rate for margin, to 12 decimals: Ask for buys, Bid for sells.

        Raises:
            NoRateError: No symbol, or no quote yet, links the two.
        """
        rate = _ONE
        for step in self._route(currency, wanted):
            quote = self._quote(step.symbol)
            price = quote.ask if side.side is OrderType.BUY else quote.bid
            rate = rate * price if step.forward else rate / price
        return rate.quantize(_RATE_GRAIN)

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

        Where the symbol itself converts (USDJPY to dollars), its closing price is the rate for gains and
        losses alike: so do all 128 such closings of the vendor's Strategy Tester.

        Raises:
            NoRateError: The profit currency cannot be converted.
        """
        move = closed - opened if side is OrderType.BUY else opened - closed
        amount = move * volume * price_worth(spec)
        if spec.profit == wanted:
            return amount
        route = self._route(spec.profit, wanted)
        if any(step.symbol == spec.name for step in route):
            return self._rates_at(route, spec.name, closed).of(amount)
        return self.received(amount, spec.profit, wanted)

    def _stands(self, rates: Rates, route: tuple[Step, ...]) -> bool:
        if len(route) != len(rates.quotes):
            return False
        return all(
            self._board.get(step.symbol) is quote for step, quote in zip(route, rates.quotes, strict=True)
        )

    def _fresh_closing_rates(self, spec: SymbolSpec, wanted: str, base: Rates) -> ClosingRates:
        route = self._route(spec.profit, wanted)
        if all(step.symbol != spec.name for step in route):
            return ClosingRates(base, base, base)
        quote = self._quote(spec.name)
        long, short = (self._rates_at(route, spec.name, price) for price in (quote.bid, quote.ask))
        return ClosingRates(base, long, short)

    def _rates_at(self, route: tuple[Step, ...], symbol: str, price: Decimal) -> Rates:
        """Return the rates of a route on which one symbol has this price for both sides."""
        gain = loss = _ONE
        for step in route:
            quote = self._quote(step.symbol)
            bid, ask = (price, price) if step.symbol == symbol else (quote.bid, quote.ask)
            gain *= bid if step.forward else 1 / ask
            loss *= ask if step.forward else 1 / bid
        return Rates(gain, loss, ())

    def _fresh_rates(self, route: tuple[Step, ...]) -> Rates:
        gain = loss = _ONE
        quotes = tuple(self._quote(step.symbol) for step in route)
        for step, quote in zip(route, quotes, strict=True):
            gain *= quote.bid if step.forward else 1 / quote.ask
            loss *= quote.ask if step.forward else 1 / quote.bid
        return Rates(gain, loss, quotes)

    def _quote(self, symbol: str) -> Quote:
        quote = self._board.get(symbol)
        if quote is None:
            raise NoRateError(f"{symbol}: no quote yet, needed for a conversion")
        return quote

    def _route(self, currency: str, wanted: str) -> tuple[Step, ...]:
        key = (currency, wanted)
        if self._routed_at != self._board.quoted_symbols:
            # A shorter way may have its first quote now; a restarted broker would take it, too.
            self._routes.clear()
            self._routed_at = self._board.quoted_symbols
        if key not in self._routes:
            self._routes[key] = self._quoted_route(currency, wanted)
        return self._routes[key]

    def _quoted_route(self, currency: str, wanted: str) -> tuple[Step, ...]:
        """Return the shortest way whose symbols all have a quote."""
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
    return _SURE.plus(amount).quantize(_GRAINS[digits], rounding=ROUND_HALF_UP)


def price_worth(spec: SymbolSpec) -> Decimal:
    """Return what a lot gains in profit currency when the price rises by 1.

    Futures are worth their tick value for each tick; everything else, indices too, its contract size.
    """
    if spec.tick_value and spec.calc_mode in _VALUED_BY_TICK:
        return spec.tick_value / spec.tick_size
    return spec.contract_size


def lot_margin(spec: SymbolSpec, price: Decimal, leverage: int, *, maintained: bool = False) -> Decimal:
    """Return the margin of one lot in the symbol's margin currency, before the side's margin rate.

    An initial margin named by the symbol replaces the formula of its calculation mode; only forex and
    leveraged contracts divide it by the leverage. `maintained` asks for what an open position is charged:
    the maintenance margin, where the symbol names one.
    """
    fixed = spec.margin_maintenance if maintained and spec.margin_maintenance else spec.margin_initial
    if fixed:
        return _fixed_margin(spec, fixed, leverage)
    return _formula_margin(spec, spec.contract_size, price, leverage)


def hedged_lot_margin(spec: SymbolSpec, price: Decimal, leverage: int) -> Decimal:
    """Return the margin of one hedged lot (one bought and one sold) in the symbol's margin currency.

    `margin_hedged` is an amount of money when the symbol names an initial margin, a contract size otherwise.
    """
    if spec.margin_initial:
        return _fixed_margin(spec, spec.margin_hedged, leverage)
    return _formula_margin(spec, spec.margin_hedged, price, leverage)


def side_rate(spec: SymbolSpec, side: OrderType) -> Decimal:
    """Return the symbol's margin rate of that side."""
    return spec.margin_rate_long if side.side is OrderType.BUY else spec.margin_rate_short


def _fixed_margin(spec: SymbolSpec, amount: Decimal, leverage: int) -> Decimal:
    return amount / leverage if spec.calc_mode in _DIVIDED_BY_LEVERAGE else amount


def _formula_margin(spec: SymbolSpec, contract_size: Decimal, price: Decimal, leverage: int) -> Decimal:
    match spec.calc_mode:
        case CalcMode.FOREX:
            return contract_size / leverage
        case CalcMode.FOREX_NO_LEVERAGE:
            return contract_size
        case CalcMode.CFD_LEVERAGE:
            return contract_size * price / leverage
        case CalcMode.CFD_INDEX:
            return contract_size * price * _tick_ratio(spec)
        case CalcMode.FUTURES | CalcMode.EXCHANGE_FUTURES:
            return Decimal(0)  # only the initial margin counts
        case CalcMode.CFD | CalcMode.EXCHANGE_STOCKS | CalcMode.EXCHANGE_STOCKS_MOEX:
            return contract_size * price


def _tick_ratio(spec: SymbolSpec) -> Decimal:
    return spec.tick_value / spec.tick_size if spec.tick_value else _ONE
