"""A broker on a clock that stands still, with fixed quotes, and short words for what tests do to it."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mt5fleet.simulator.accounts.rows import Deal, Position
from mt5fleet.simulator.broker import Broker
from mt5fleet.simulator.clock import SteppedClock
from mt5fleet.simulator.codes import Action, Filling, OrderType, Retcode
from mt5fleet.simulator.config import parse_config
from mt5fleet.simulator.host.journal import FileJournal, Journal
from mt5fleet.simulator.trading.requests import Answer

START_MS = 1_800_000_000_000
"""A Friday, 08:00 UTC."""

LOGIN = 1001

QUOTES = {
    "EURUSD": ("1.10000", "1.10010"),
    "GBPUSD": ("1.30000", "1.30020"),
    "USDJPY": ("150.000", "150.010"),
    "EURGBP": ("0.84600", "0.84620"),
    "XAUUSD": ("2000.00", "2000.30"),
}


class Desk:
    """One account's trader, and hands on the market."""

    def __init__(self, broker: Broker, clock: SteppedClock) -> None:
        self.broker = broker
        self.clock = clock
        self.login = LOGIN

    @property
    def book(self) -> Any:
        return self.broker.market.books.account(self.login)

    def send(self, action: Action, **fields: Any) -> Answer:
        return self.broker.order_send(self.login, {"action": int(action), **fields})

    def market(self, side: OrderType, volume: float = 1.0, symbol: str = "EURUSD", **fields: Any) -> Answer:
        wanted = {"type_filling": int(Filling.IOC), **fields}
        return self.send(Action.DEAL, symbol=symbol, type=int(side), volume=volume, **wanted)

    def opened(self, side: OrderType = OrderType.BUY, volume: float = 1.0, **fields: Any) -> int:
        """Open a position and return its ticket."""
        answer = self.market(side, volume, **fields)
        assert answer.retcode is Retcode.DONE, answer
        return answer.order

    def close(self, ticket: int, volume: float = 1.0, **fields: Any) -> Answer:
        position = self.book.positions.get(ticket)
        side = position.type.opposite if position else OrderType.SELL
        symbol = position.symbol if position else "EURUSD"
        return self.market(side, volume, symbol, position=ticket, **fields)

    def pending(self, kind: OrderType, price: float, volume: float = 1.0, **fields: Any) -> Answer:
        wanted = {"symbol": "EURUSD", "type_filling": int(Filling.RETURN), **fields}
        return self.send(Action.PENDING, type=int(kind), price=price, volume=volume, **wanted)

    def placed(self, kind: OrderType, price: float, **fields: Any) -> int:
        answer = self.pending(kind, price, **fields)
        assert answer.retcode is Retcode.DONE, answer
        return answer.order

    def close_by(self, ticket: int, other: int, **fields: Any) -> Answer:
        wanted = {"type": int(OrderType.CLOSE_BY), **fields}
        return self.send(Action.CLOSE_BY, position=ticket, position_by=other, **wanted)

    @property
    def only_position(self) -> Position:
        (position,) = self.book.positions.values()
        return position

    @property
    def last_deal(self) -> Deal:
        return list(self.book.deals.values())[-1]

    def quote(self, bid: str, ask: str, symbol: str = "EURUSD") -> None:
        self.broker.set_quote(symbol, Decimal(bid), Decimal(ask))

    def step_ms(self, duration_ms: int) -> None:
        self.clock.step_ms(duration_ms)
        self.broker.advance()


def fixed_prices(**others: tuple[str, str]) -> dict[str, Any]:
    quotes = QUOTES | others
    return {name: {"source": "fixed", "bid": bid, "ask": ask} for name, (bid, ask) in quotes.items()}


def build_desk(
    account: dict[str, Any] | None = None,
    *,
    journal: Journal | None = None,
    past: Iterable[dict[str, Any]] = (),
    clock: SteppedClock | None = None,
    checked: bool = True,
    **broker: Any,
) -> Desk:
    """Build a desk; `account` and `broker` change the configuration, `journal` and `past` its memory."""
    entries = {
        "default_prices": "none",
        "server_zone": {"plus_hours": 2},
        "accounts": [{"login": LOGIN, "balance": "100000", **(account or {})}],
        "prices": fixed_prices(),
    }
    clock = clock or SteppedClock(START_MS)
    config = parse_config(entries | broker)
    return Desk(Broker(config, clock=clock, journal=journal, past=past, checked=checked), clock)


@pytest.fixture
def make_desk() -> Callable[..., Desk]:
    return build_desk


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    return make_desk()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[FileJournal]:
    with FileJournal(tmp_path / "broker.journal", fsync=False) as journal:
        list(journal.replay())
        yield journal
