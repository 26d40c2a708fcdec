"""One account's positions of one symbol, with the exact sums that margin and floating profit are made of.

Invariant: the sums equal those of the positions held. Volumes, prices and margin rates have few enough
digits that sums and differences are exact, so the order of changes never shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from mt5fleet.simulator.accounts.money import ClosingRates
from mt5fleet.simulator.accounts.rows import ZERO, Position
from mt5fleet.simulator.codes import OrderType
from mt5fleet.simulator.prices.quotes import Quote

LATE_MAX = 64
"""Changes kept for a remembered total; more than this are cheaper to add up anew."""


class Exposure(Protocol):
    """What margin is reckoned from; every position is one."""

    @property
    def symbol(self) -> str: ...
    @property
    def type(self) -> OrderType: ...
    @property
    def volume(self) -> Decimal: ...
    @property
    def price_open(self) -> Decimal: ...
    @property
    def rate_margin(self) -> Decimal: ...


@dataclass(slots=True)
class Leg:
    """All positions of one side together."""

    volume: Decimal = ZERO
    cost: Decimal = ZERO  # sum of opening price * volume
    rate: Decimal = ZERO  # sum of margin rate * volume

    def add(self, exposure: Exposure, sign: int) -> None:
        volume = exposure.volume * sign
        self.volume += volume
        self.cost += exposure.price_open * volume
        self.rate += exposure.rate_margin * volume
        if not self.volume:
            self.cost = self.rate = ZERO  # an empty leg remembers no digit that was rounded

    def plus(self, other: "Leg") -> "Leg":
        return Leg(self.volume + other.volume, self.cost + other.cost, self.rate + other.rate)

    @property
    def mean_price(self) -> Decimal:
        return self.cost / self.volume if self.volume else ZERO

    @property
    def mean_rate(self) -> Decimal:
        return self.rate / self.volume if self.volume else ZERO


@dataclass(slots=True)
class FloatingTotal:
    """A sum of floating profits, without swap, that holds while its quotes do."""

    quote: Quote
    rates: ClosingRates
    version: int  # of the quote board, when the quotes were last looked at
    amount: Decimal
    late: list[tuple[int, Position]] = field(default_factory=list)  # came (1) or went (-1) since


@dataclass(frozen=True, slots=True)
class ShownRows:
    """The rows of a terminal's list, by ticket, at these quotes; nobody may change them."""

    quote: Quote
    rates: ClosingRates
    rows: Mapping[int, list[Any]]


@dataclass(slots=True)
class Holding:
    """The positions of one symbol.

    `floating` and `margin` are what the valuation remembers of them, `shown` what a terminal was shown.
    """

    symbol: str
    positions: dict[int, Position] = field(default_factory=dict)
    long: Leg = field(default_factory=Leg)
    short: Leg = field(default_factory=Leg)
    swap: Decimal = ZERO
    floating: FloatingTotal | None = None
    margin: Decimal | None = None
    shown: ShownRows | None = None

    def put(self, position: Position) -> None:
        """Take a new position, or the new row of one already held."""
        self._remove(self.positions.get(position.ticket))
        self.positions[position.ticket] = position
        self._count(position, 1)

    def drop(self, ticket: int) -> None:
        """Let a position go; nothing happens when it is not held."""
        self._remove(self.positions.pop(ticket, None))

    def _remove(self, position: Position | None) -> None:
        if position is not None:
            self._count(position, -1)

    def _count(self, position: Position, sign: int) -> None:
        (self.long if position.type is OrderType.BUY else self.short).add(position, sign)
        self.swap += position.swap * sign
        self.margin = self.shown = None
        if self.floating is None:
            return
        self.floating.late.append((sign, position))
        if len(self.floating.late) > LATE_MAX:
            self.floating = None


def holdings_of(positions: dict[int, Position]) -> dict[str, Holding]:
    """Sort positions by symbol."""
    held: dict[str, Holding] = {}
    for position in positions.values():
        held.setdefault(position.symbol, Holding(position.symbol)).put(position)
    return held
