"""The gateway over a scripted module on a clock that stands still, with everything around it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from mt5fleet.adapters.mt5.gateway import ModuleGateway
from mt5fleet.adapters.mt5.settings import TerminalSettings
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.ids import OrderKey, order_key
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, OpenOrder, Outcome, Permit
from mt5fleet.domain.person import Person
from mt5fleet.testing.builders import make_open_order
from mt5fleet.testing.clock import ManualClock
from mt5fleet.testing.memory_journal import MemoryJournal
from tests.unit.mt5 import rows

KEY = order_key("Simulator-1", 1001, "signal", 0)
DEPOSIT = SimpleNamespace(
    ticket=1, order=0, time_msc=0, type=2, entry=0, magic=0, position_id=0, reason=0, volume=0.0, price=0.0,
    commission=0.0, swap=0.0, profit=10_000.0, fee=0.0, symbol="", comment="",
)  # fmt: skip


SETTINGS = TerminalSettings(
    account="a",
    server="Simulator-1",
    login=1001,
    mode=Mode.DEMO,
    visibility_lag_s=2.0,
    settle_s=10.0,
    server_offset_s=0,
)


class Module:
    """A terminal that answers as a test tells it; `sent` counts what left."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.account = rows.account()
        self.terminal = rows.terminal()
        self.error = (1, "Success")
        self.on_send: Callable[[], Any] = lambda: None
        self.sent: list[dict[str, Any]] = []
        self.open: tuple[Any, ...] = ()
        self.resting: tuple[Any, ...] = ()
        self.on_check: Callable[[], Any] = lambda: None
        self.checked: list[dict[str, Any]] = []
        self.offset_s = 0
        self.done: list[Any] = [DEPOSIT]

    def last_error(self) -> tuple[int, str]:
        return self.error

    def account_info(self) -> Any:
        return self.account

    def terminal_info(self) -> Any:
        return self.terminal

    def symbols_get(self) -> Any:
        return (rows.symbol(),)

    def symbol_info(self, symbol: str) -> Any:
        return rows.symbol()

    def symbol_info_tick(self, symbol: str) -> Any:
        stamp_s = self.clock.now().timestamp() + self.offset_s
        return SimpleNamespace(time_msc=int(stamp_s * 1000), bid=1.1, ask=1.1001)

    def positions_get(self) -> Any:
        return self.open

    def orders_get(self) -> Any:
        return self.resting

    def history_orders_get(self, since: int, until: int) -> Any:
        return ()

    def history_deals_get(self, *window: int, ticket: int = 0, position: int = 0) -> Any:
        if position:
            return tuple(row for row in self.done if row.position_id == position)
        return tuple(row for row in self.done if ticket in (0, row.ticket))

    def order_check(self, request: dict[str, Any]) -> Any:
        self.checked.append(request)
        return self.on_check()

    def order_send(self, request: dict[str, Any]) -> Any:
        self.sent.append(request)
        return self.on_send()


class Desk:
    """The gateway with everything around it."""

    def __init__(self, people: dict[str, Person] | None = None, **changes: Any) -> None:
        self.clock = ManualClock()
        self.module = Module(self.clock)
        self.journal = MemoryJournal("j-1", self.clock.now() - timedelta(days=1))
        self.settings = replace(SETTINGS, **changes)
        module: Any = self.module
        self.gateway = ModuleGateway(module, self.settings, self.journal, self.clock, lambda: people or {})

    def permit(self, attempt: int = 1, key: OrderKey = KEY) -> Permit:
        now = self.clock.now()
        return Permit(
            key=key.text,
            attempt=attempt,
            token=1,
            not_after=now + timedelta(seconds=5),
            sent_at=now,
            journal_id=self.journal.id,
            journal_sequence=self.journal.sequence,
        )

    def hear(self) -> None:
        """A word from the ledger."""
        self.gateway.readings((), ledger_at=self.clock.now())

    def submit(self, attempt: int = 1, **changes: Any) -> Outcome:
        self.hear()
        return self.gateway.submit("a", self.order(), replace(self.permit(attempt), **changes))

    def order(self) -> OpenOrder:
        return make_open_order(
            stop_loss=None, magic=KEY.magic, comment=KEY.comment, created_at=self.clock.now()
        )

    def close(self, ticket: int, remaining: str = "0", key: OrderKey = KEY) -> Outcome:
        order = CloseOrder(opening_key=None, opening_magic=None, ticket=ticket, remaining=Decimal(remaining))
        return self.gateway.close("a", order, self.permit(key=key))

    def close_by_magic(self) -> Outcome:
        order = CloseOrder(opening_key=KEY.text, opening_magic=KEY.magic, ticket=None, remaining=Decimal(0))
        return self.gateway.close("a", order, self.permit())

    def modify(self, ticket: int) -> Outcome:
        order = ModifyOrder(
            opening_key=None,
            opening_magic=None,
            ticket=ticket,
            stop_loss=Decimal("1.05"),
            take_profit=None,
            price=None,
        )
        return self.gateway.modify("a", order, self.permit())

    def cancel(self, ticket: int | None) -> Outcome:
        magic = KEY.magic if ticket is None else None
        order = CancelOrder(opening_key=None, opening_magic=magic, ticket=ticket)
        return self.gateway.cancel("a", order, self.permit())

    def resolve(self, attempt: int = 1) -> Outcome:
        return self.gateway.resolve("a", KEY.text, KEY.magic, attempt, 1, self.clock.now())

    def lose(self) -> None:
        """Send an order whose outcome the broker's answer does not tell."""
        self.module.on_send = lambda: answer(retcode=10011)
        assert self.submit().state is OrderState.IN_DOUBT


def answer(**changes: Any) -> Any:
    fields = {"retcode": 10009, "deal": 0, "order": 0, "volume": 0.1, "price": 1.1001, "comment": ""}
    return SimpleNamespace(**{**fields, **changes})


def position(**changes: Any) -> Any:
    fields = {
        "ticket": 5,
        "identifier": 5,
        "time_msc": 0,
        "type": 0,
        "magic": KEY.magic,
        "volume": 0.1,
        "price_open": 1.1,
        "price_current": 1.1,
        "profit": 0.0,
        "swap": 0.0,
        "sl": 0.0,
        "tp": 0.0,
        "symbol": "EURUSD",
        "comment": "",
    }
    return SimpleNamespace(**{**fields, **changes})


def resting(**changes: Any) -> Any:
    fields = {
        "ticket": 8,
        "time_setup_msc": 0,
        "time_done_msc": 0,
        "time_expiration": 0,
        "type": 2,
        "type_time": 0,
        "state": 1,
        "magic": KEY.magic,
        "position_id": 0,
        "volume_initial": 0.1,
        "volume_current": 0.1,
        "price_open": 1.09,
        "sl": 0.0,
        "tp": 0.0,
        "symbol": "EURUSD",
        "comment": "",
    }
    return SimpleNamespace(**{**fields, **changes})
