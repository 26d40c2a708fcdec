"""The current quote of every symbol, and crosses that follow from two others."""

from collections import deque
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from mt5fleet.simulator.instruments.symbols import SymbolSpec

DAY_MS = 86_400_000

LOGGED_QUOTES_MAX = 10_000
"""Commanded quotes of one symbol that its history remembers; older ones look like the oldest of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What the market offers at one instant (`time_ms` in server time)."""

    bid: Decimal
    ask: Decimal
    time_ms: int

    def __post_init__(self) -> None:
        if not (self.bid > 0 and self.ask >= self.bid):
            raise ValueError(f"bid, ask: need 0 < bid <= ask, not {self.bid} and {self.ask}")


@dataclass(slots=True)
class DayRange:
    """Highest and lowest quotes of the server's day."""

    day: int
    bid_high: Decimal
    bid_low: Decimal
    ask_high: Decimal
    ask_low: Decimal

    def widen(self, quote: Quote) -> None:
        self.bid_high = max(self.bid_high, quote.bid)
        self.bid_low = min(self.bid_low, quote.bid)
        self.ask_high = max(self.ask_high, quote.ask)
        self.ask_low = min(self.ask_low, quote.ask)


class QuoteLog:
    """The quotes of a symbol that no source can tell again: the first one, and the newest ones."""

    def __init__(self) -> None:
        self.first: Quote | None = None
        self.newest: deque[Quote] = deque(maxlen=LOGGED_QUOTES_MAX)
        self.count = 0

    def add(self, quote: Quote) -> None:
        self.first = self.first or quote
        self.newest.append(quote)
        self.count += 1


class QuoteBoard:
    """The newest quote of each symbol and its range of the day.

    `version` grows with every quote: what was reckoned at the same version still holds.
    """

    def __init__(self) -> None:
        self.version = 0
        self._quotes: dict[str, Quote] = {}
        self._ranges: dict[str, DayRange] = {}
        self._logs: dict[str, QuoteLog] = {}

    @property
    def quoted_symbols(self) -> int:
        """Return how many symbols have a quote; it never falls."""
        return len(self._quotes)

    def log(self, symbol: str) -> None:
        """Remember from now on what the symbol quotes, because no source can tell it again."""
        self._logs.setdefault(symbol, QuoteLog())

    def forget_log(self, symbol: str) -> None:
        self._logs.pop(symbol, None)

    def log_of(self, symbol: str) -> "QuoteLog | None":
        """Return what is remembered of a symbol, None when nothing has to be."""
        return self._logs.get(symbol)

    def put(self, symbol: str, quote: Quote) -> None:
        self.version += 1
        self._quotes[symbol] = quote
        if symbol in self._logs:
            self._logs[symbol].add(quote)
        day = quote.time_ms // DAY_MS
        known = self._ranges.get(symbol)
        if known is None or known.day != day:
            self._ranges[symbol] = DayRange(day, quote.bid, quote.bid, quote.ask, quote.ask)
        else:
            known.widen(quote)

    def get(self, symbol: str) -> Quote | None:
        return self._quotes.get(symbol)

    def day_range(self, symbol: str) -> DayRange | None:
        return self._ranges.get(symbol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cross:
    """A symbol whose quote is the product of two legs, each taken as it is or turned over."""

    spec: SymbolSpec
    legs: tuple[str, str]
    turned: tuple[bool, bool]

    def quote(self, board: QuoteBoard) -> Quote | None:
        """Return the cross's quote, or None while a leg has none or the product is less than one tick."""
        first, second = board.get(self.legs[0]), board.get(self.legs[1])
        if first is None or second is None:
            return None
        first_bid, first_ask = _sides(first, turned=self.turned[0])
        second_bid, second_ask = _sides(second, turned=self.turned[1])
        bid = (first_bid * second_bid).quantize(self.spec.tick_size, ROUND_HALF_UP)
        ask = (first_ask * second_ask).quantize(self.spec.tick_size, ROUND_HALF_UP)
        if not bid:
            return None
        return Quote(bid=bid, ask=ask, time_ms=max(first.time_ms, second.time_ms))


def cross_of(spec: SymbolSpec, first: SymbolSpec, second: SymbolSpec) -> Cross:
    """Build the cross of two symbols that share a currency.

    Raises:
        ValueError: The two do not lead from the cross's base to its profit currency.
    """
    for base_leg, profit_leg in ((first, second), (second, first)):
        if spec.base in (base_leg.base, base_leg.profit):
            base_turned = base_leg.profit == spec.base
            middle = base_leg.base if base_turned else base_leg.profit
            profit_turned = profit_leg.base == spec.profit
            ends = (
                (profit_leg.profit, profit_leg.base)
                if profit_turned
                else (profit_leg.base, profit_leg.profit)
            )
            if ends == (middle, spec.profit):
                return Cross(
                    spec=spec, legs=(base_leg.name, profit_leg.name), turned=(base_turned, profit_turned)
                )
    raise ValueError(
        f"{spec.name}: {first.name} and {second.name} do not lead from {spec.base} to {spec.profit}"
    )


def _sides(quote: Quote, *, turned: bool) -> tuple[Decimal, Decimal]:
    if turned:
        return 1 / quote.ask, 1 / quote.bid
    return quote.bid, quote.ask
