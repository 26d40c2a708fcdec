"""What a terminal lists may be closed, even while its history is incomplete."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mt5fleet.adapters.mt5.gateway import ModuleGateway
from mt5fleet.adapters.mt5.settings import TerminalSettings
from mt5fleet.adapters.mt5.shapes import Module
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import Unreachable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CloseOrder, Permit
from mt5fleet.testing.clock import ManualClock
from mt5fleet.testing.memory_journal import MemoryJournal
from tests.unit.mt5 import rows

POSITION = SimpleNamespace(
    ticket=7,
    identifier=7,
    symbol="EURUSD",
    type=0,
    volume=150.0,
    price_open=1.1,
    price_current=1.1,
    sl=0.0,
    tp=0.0,
    profit=0.0,
    swap=0.0,
    magic=1,
    comment="",
    time_msc=0,
)


class Terminal:
    """A terminal whose deals do not add up to its balance: not caught up with its broker."""

    def __init__(self, *positions: Any) -> None:
        self.listed = positions
        self.sent: list[dict[str, Any]] = []

    def account_info(self) -> Any:
        return rows.account()

    def terminal_info(self) -> Any:
        return rows.terminal()

    def positions_get(self) -> Any:
        return self.listed

    def orders_get(self) -> Any:
        return ()

    def history_deals_get(self, *_: int, **__: int) -> Any:
        return ()

    def symbol_info(self, _: str) -> Any:
        return rows.symbol()

    def symbol_info_tick(self, _: str) -> Any:
        return SimpleNamespace(bid=1.1, ask=1.1001, time_msc=0)

    def order_send(self, request: dict[str, Any]) -> Any:
        self.sent.append(request)
        return SimpleNamespace(
            retcode=10009, order=9, deal=9, volume=request["volume"], price=1.1, comment=""
        )


def gateway_to(terminal: Terminal, clock: ManualClock) -> ModuleGateway:
    settings = TerminalSettings(
        account="alpha", server="Simulator-1", login=1001, mode=Mode.DEMO, server_offset_s=0
    )
    journal = MemoryJournal("j", clock.now())
    return ModuleGateway(cast("Module", terminal), settings, journal, clock)


def test_listed_position_is_shown_while_the_history_is_incomplete() -> None:
    gateway = gateway_to(Terminal(POSITION), ManualClock())

    assert [position.ticket for position in gateway.positions("alpha")] == [7]


def test_empty_list_is_no_evidence_while_the_history_is_incomplete() -> None:
    gateway = gateway_to(Terminal(), ManualClock())

    with pytest.raises(Unreachable, match="not caught up"):
        gateway.positions("alpha")
    with pytest.raises(Unreachable, match="not caught up"):
        gateway.orders("alpha")


def test_position_above_the_largest_lot_is_closed_piece_by_piece() -> None:
    terminal, clock = Terminal(POSITION), ManualClock()
    order = CloseOrder(opening_key=None, opening_magic=None, ticket=7, remaining=Decimal(0))
    now = clock.now()
    permit = Permit(
        key="a" * 64,
        attempt=1,
        token=1,
        not_after=datetime(2999, 1, 1, tzinfo=UTC),
        sent_at=now,
        journal_id="j",
    )

    outcome = gateway_to(terminal, clock).close("alpha", order, permit)

    assert [request["volume"] for request in terminal.sent] == [100.0]
    assert (outcome.state, outcome.volume) == (OrderState.CANCELED, Decimal("100.00"))
    assert "50.00 lots could not be closed" in outcome.sentence
