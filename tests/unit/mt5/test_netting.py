"""Closes on netting accounts, where a second close of a symbol could turn the position round."""

from contextlib import suppress
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from mt5fleet.domain.ids import order_key
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Retry
from tests.unit.mt5 import rows
from tests.unit.mt5.desk import KEY, Desk, answer, position

ANOTHER = order_key("Simulator-1", 1001, "another", 0)
HEDGING, NETTING = 2, 0


def doubtful(desk: Desk, end: str) -> None:
    """A full close whose end nobody knows."""

    def dies() -> Any:
        raise SystemError("the process ended here")

    desk.module.open = (position(),)
    desk.module.on_send = dies if end == "no answer" else lambda: answer(retcode=10012)
    with suppress(SystemError):
        desk.close(5)
    desk.module.on_send = lambda: answer(order=9, deal=10)


@pytest.mark.parametrize("end", ["no answer", "time-out"])
def test_a_second_close_waits_until_the_first_can_come_no_more(end: str) -> None:
    desk = Desk()
    desk.module.account = rows.account(margin_mode=NETTING)
    doubtful(desk, end)
    desk.clock.advance_s(59.9)
    waits = desk.close(5, key=ANOTHER)
    assert (waits.state, waits.retry) == (OrderState.NOT_SENT, Retry.AFTER_DELAY)
    assert len(desk.module.sent) == 1
    desk.clock.advance_s(0.1)
    assert desk.close(5, key=order_key("Simulator-1", 1001, "third", 0)).state is OrderState.FILLED


@pytest.mark.parametrize("end", ["no answer", "time-out"])
def test_on_a_hedging_account_the_ticket_protects_and_nobody_waits(end: str) -> None:
    desk = Desk()
    desk.module.account = rows.account(margin_mode=HEDGING)
    doubtful(desk, end)
    assert desk.close(5, key=ANOTHER).state is OrderState.FILLED


def test_another_symbol_does_not_wait() -> None:
    desk = Desk()
    desk.module.account = rows.account(margin_mode=NETTING)
    doubtful(desk, "time-out")
    desk.module.open = (position(ticket=6, identifier=6, symbol="USDJPY"),)
    assert desk.close(6, key=ANOTHER).state is OrderState.FILLED


def test_a_doubt_that_was_settled_keeps_nobody_waiting() -> None:
    desk = Desk()
    desk.module.account = rows.account(margin_mode=NETTING)
    doubtful(desk, "time-out")
    closed = rows.deal(
        ticket=20, order=19, position_id=5, symbol="EURUSD", entry=1, volume=0.05, price=1.1, magic=KEY.magic
    )
    desk.module.done.append(closed)
    assert desk.resolve().state is OrderState.IN_DOUBT  # the broker does not show yet how the order ended
    desk.module.history_orders_get = lambda *_: (ended_order(19, left=0.0),)
    assert desk.resolve().state is OrderState.FILLED
    assert desk.close(5, key=ANOTHER).state is OrderState.FILLED


def test_a_close_that_the_broker_did_in_part_is_not_called_done() -> None:
    desk = Desk()
    doubtful(desk, "time-out")
    closed = rows.deal(
        ticket=20, order=19, position_id=5, symbol="EURUSD", entry=1, volume=0.05, price=1.1, magic=KEY.magic
    )
    desk.module.done.append(closed)
    desk.module.history_orders_get = lambda *_: (ended_order(19, left=0.05),)
    found = desk.resolve()
    assert (found.state, found.volume) == (OrderState.CANCELED, Decimal("0.05"))
    assert found.sentence.endswith("0.05 lots could not be closed")


def ended_order(ticket: int, left: float) -> object:
    """A closing order in the history, with what of it was never filled."""
    return SimpleNamespace(
        ticket=ticket,
        position_id=5,
        symbol="EURUSD",
        volume_initial=0.1,
        volume_current=left,
        magic=KEY.magic,
        time_done_msc=0,
    )
