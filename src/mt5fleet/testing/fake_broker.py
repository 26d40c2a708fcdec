"""One account at a made-up broker: books that tests fill and read. It never deduplicates."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import count

from mt5fleet.domain.broker import (
    Deal,
    DealEntry,
    Instrument,
    Mode,
    Position,
    Quote,
    Reading,
    RestingOrder,
)
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import OpenOrder
from mt5fleet.domain.signal import Side
from mt5fleet.ports.clock import Clock
from mt5fleet.testing.memory_journal import MemoryJournal

CENT = Decimal("0.01")


def fake_instrument(symbol: str, digits: int = 5) -> Instrument:
    """A usual currency pair: lots of 100000 from 0.01 to 100, one tick of one lot is worth 1."""
    point = Decimal(1).scaleb(-digits)
    return Instrument(
        symbol=symbol,
        digits=digits,
        point=point,
        tick_size=point,
        tick_value=Decimal(1),
        contract_size=Decimal(100_000),
        volume_min=CENT,
        volume_max=Decimal(100),
        volume_step=CENT,
        stops_level_points=0,
        trade_allowed_buy=True,
        trade_allowed_sell=True,
        close_only=False,
        currency_profit="USD",
        currency_margin="USD",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """One thing the broker did because somebody sent it; counted by tests to find doubles."""

    account: str
    operation: str  # submit, close, modify, cancel
    magic: int
    symbol: str
    side: Side
    volume: Decimal
    ticket: int
    at: datetime


@dataclass(slots=True, kw_only=True)
class FakeAccount:
    """Books of one account. Money is simple on purpose: profit is distance in ticks times tick value."""

    name: str
    clock: Clock
    journal: MemoryJournal
    server: str = "Simulator-Demo"
    login: int = 1
    mode: Mode | None = Mode.DEMO
    configured_mode: Mode = Mode.DEMO
    allow_real: bool = False
    shadow: bool = False
    company: str = "mt5fleet simulator"
    build: int = 5000
    why_not: tuple[str, ...] = ()  # switches that are off, as the terminal names them
    balance: Decimal = Decimal(10_000)
    equity_shown: Decimal | None = None  # set by tests that speak of equity only
    connected: bool = True
    synchronised: bool = True
    instruments: dict[str, Instrument] = field(default_factory=dict)
    quotes: dict[str, tuple[Decimal, Decimal, datetime | None]] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    orders: dict[int, RestingOrder] = field(default_factory=dict)
    ended: list[tuple[OrderState, RestingOrder]] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    executed: list[Executed] = field(default_factory=list)
    _tickets: Iterator[int] = field(default_factory=lambda: count(1001))

    def quote(self, symbol: str) -> Quote | None:
        """The quote set last; one set without a moment is always fresh."""
        if symbol not in self.quotes:
            return None
        bid, ask, at = self.quotes[symbol]
        return Quote(symbol=symbol, bid=bid, ask=ask, at=self.clock.now() if at is None else at)

    def reading(self) -> Reading:
        """Money now; equity as shown by a test, else from the open positions."""
        profit = sum((self.valued(position).profit for position in self.positions.values()), Decimal(0))
        equity = self.balance + profit if self.equity_shown is None else self.equity_shown
        margin = sum((position.volume * 1000 for position in self.positions.values()), Decimal(0))
        return Reading(
            account=self.name,
            at=self.clock.now(),
            source="fake",
            currency="USD",
            balance=self.balance,
            equity=equity,
            credit=Decimal(0),
            margin=margin,
            margin_free=equity - margin,
            profit=equity - self.balance,
            leverage=100,
            positions=len(self.positions),
            orders=len(self.orders),
        )

    def fill(self, order: OpenOrder, volume: Decimal, price: Decimal, ticket: int | None = None) -> Position:
        """Open a position; always a new one."""
        ticket = next(self._tickets) if ticket is None else ticket
        position = Position(
            ticket=ticket,
            symbol=order.symbol,
            side=order.side,
            volume=volume,
            price_open=price,
            price_current=price,
            stop_loss=order.stop_loss,
            take_profit=order.take_profit,
            profit=Decimal(0),
            swap=Decimal(0),
            magic=order.magic,
            comment=order.comment,
            opened_at=self.clock.now(),
        )
        self.positions[ticket] = position
        self._deal(position, DealEntry.IN, order.side, volume, price, order.magic, Decimal(0))
        return position

    def rest(self, order: OpenOrder, price: Decimal) -> RestingOrder:
        """Leave an order resting; always a new one."""
        resting = RestingOrder(
            ticket=next(self._tickets),
            symbol=order.symbol,
            side=order.side,
            entry=order.entry.value,
            volume=order.volume,
            volume_left=order.volume,
            price=price,
            stop_loss=order.stop_loss,
            take_profit=order.take_profit,
            magic=order.magic,
            comment=order.comment,
            placed_at=self.clock.now(),
            expires_at=order.expires_at,
        )
        self.orders[resting.ticket] = resting
        return resting

    def reduce(self, position: Position, volume: Decimal, magic: int) -> Deal:
        """Close part or all of a position at the market."""
        quote = self.quote(position.symbol)
        price = position.price_open if quote is None else quote.entry_price(position.side.opposite)
        profit = self._profit(position, price) * volume / position.volume
        self.balance += profit.quantize(CENT)
        left = position.volume - volume
        if left > 0:
            self.positions[position.ticket] = replace(position, volume=left)
        else:
            del self.positions[position.ticket]
        return self._deal(position, DealEntry.OUT, position.side.opposite, volume, price, magic, profit)

    def end(self, resting: RestingOrder, state: OrderState) -> None:
        """Move a resting order into the history."""
        del self.orders[resting.ticket]
        self.ended.append((state, resting))

    def expire(self) -> None:
        """End the resting orders whose time is over."""
        for resting in list(self.orders.values()):
            if resting.expires_at is not None and resting.expires_at <= self.clock.now():
                self.end(resting, OrderState.EXPIRED)

    def valued(self, position: Position) -> Position:
        """The position with its present price and profit."""
        quote = self.quote(position.symbol)
        price = position.price_open if quote is None else quote.entry_price(position.side.opposite)
        return replace(position, price_current=price, profit=self._profit(position, price))

    def record(self, operation: str, item: Position | RestingOrder, magic: int, volume: Decimal) -> None:
        """Count one executed operation."""
        self.executed.append(
            Executed(
                account=self.name,
                operation=operation,
                magic=magic,
                symbol=item.symbol,
                side=item.side,
                volume=volume,
                ticket=item.ticket,
                at=self.clock.now(),
            )
        )

    def _profit(self, position: Position, price: Decimal) -> Decimal:
        rules = self.instruments[position.symbol]
        distance = price - position.price_open if position.side is Side.BUY else position.price_open - price
        return distance / rules.tick_size * rules.tick_value * position.volume

    def _deal(
        self,
        position: Position,
        entry: DealEntry,
        side: Side,
        volume: Decimal,
        price: Decimal,
        magic: int,
        profit: Decimal,
    ) -> Deal:
        deal = Deal(
            ticket=next(self._tickets),
            order=position.ticket,
            position=position.ticket,
            symbol=position.symbol,
            side=side,
            entry=entry,
            volume=volume,
            price=price,
            profit=profit,
            swap=Decimal(0),
            commission=Decimal(0),
            fee=Decimal(0),
            magic=magic,
            reason=3,
            comment=position.comment,
            at=self.clock.now(),
        )
        self.deals.append(deal)
        return deal
