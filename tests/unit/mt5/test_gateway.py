"""The gateway over a scripted module on a clock that stands still: moments and rare answers, exactly."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from mt5fleet.domain.errors import Unanswered, Unreachable, ValueRefused
from mt5fleet.domain.lifecycle import OrderState
from tests.unit.mt5 import rows
from tests.unit.mt5.desk import DEPOSIT, KEY, SETTINGS, Desk, answer, position, resting


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_absence_counts_only_after_the_terminals_own_time_and_in_two_looks(desk: Desk) -> None:
    desk.lose()
    seen = []
    for wait_s in (9.9, 0.1, 1.9, 0.1):
        desk.clock.advance_s(wait_s)
        seen.append(desk.resolve().state)
    assert seen == [OrderState.IN_DOUBT, OrderState.IN_DOUBT, OrderState.IN_DOUBT, OrderState.NOT_SENT]


def never_returns() -> Any:
    raise SystemError("the process ended here")


def times_out() -> Any:
    return answer(retcode=10012)


def loses_the_broker() -> Any:
    return answer(retcode=10031)


def says_nothing() -> Any:
    """The module's pipe broke: the terminal may have ended in the send, and the broker goes on."""
    return None


BROKER_WAS_NOT_HEARD = [never_returns, times_out, loses_the_broker, says_nothing]


@pytest.mark.parametrize("end", BROKER_WAS_NOT_HEARD)
def test_send_that_the_broker_did_not_answer_may_still_come_for_a_minute(desk: Desk, end: Any) -> None:
    desk.module.on_send, desk.module.error = end, (-10002, "IPC recv failed")
    with suppress(SystemError):
        desk.submit()
    seen = []
    for wait_s in (14.0, 45.9, 0.1, 2.0):
        desk.clock.advance_s(wait_s)
        seen.append(desk.resolve().state)
    assert seen == [OrderState.IN_DOUBT, OrderState.IN_DOUBT, OrderState.IN_DOUBT, OrderState.NOT_SENT]


@pytest.mark.parametrize("end", BROKER_WAS_NOT_HEARD)
def test_a_latch_is_not_confirmed_while_such_a_send_may_still_come(desk: Desk, end: Any) -> None:
    desk.module.on_send, desk.module.error = end, (-10002, "IPC recv failed")
    with suppress(SystemError):
        desk.submit()
    desk.clock.advance_s(59)
    with pytest.raises(Unanswered, match="may still be in the terminal"):
        desk.gateway.latch("a", 1, "drawdown")
    desk.clock.advance_s(1)
    desk.gateway.latch("a", 1, "drawdown")


@pytest.mark.parametrize(("remaining", "state"), [("0", OrderState.NOT_SENT), ("0.05", OrderState.IN_DOUBT)])
def test_full_close_that_nobody_waited_for_is_tried_again_soon_and_a_partial_one_late(
    desk: Desk, remaining: str, state: OrderState
) -> None:
    desk.module.open = (position(magic=7),)
    desk.module.on_send = never_returns
    with suppress(SystemError):
        desk.close(5, remaining)
    desk.clock.advance_s(10)
    assert desk.resolve().state is OrderState.IN_DOUBT
    desk.clock.advance_s(2)
    assert desk.resolve().state is state


def test_one_late_look_alone_proves_nothing(desk: Desk) -> None:
    desk.lose()
    desk.clock.advance_s(3600)
    assert desk.resolve().state is OrderState.IN_DOUBT
    desk.clock.advance_s(2)
    assert desk.resolve().state is OrderState.NOT_SENT


def test_a_session_lost_between_two_looks_starts_the_proof_again(desk: Desk) -> None:
    desk.lose()
    desk.clock.advance_s(20)
    desk.resolve()
    desk.module.terminal = rows.terminal(connected=False)
    with pytest.raises(Unreachable):
        desk.resolve()
    desk.module.terminal = rows.terminal()
    desk.clock.advance_s(5)
    assert desk.resolve().state is OrderState.IN_DOUBT
    desk.clock.advance_s(2)
    assert desk.resolve().state is OrderState.NOT_SENT


def test_what_the_journal_never_saw_needs_no_wait_when_it_is_older_than_the_signal(desk: Desk) -> None:
    assert desk.resolve().state is OrderState.NOT_SENT
    assert desk.submit().state is OrderState.NOT_SENT
    assert desk.module.sent == []


def test_a_journal_younger_than_the_signal_proves_nothing_alone(desk: Desk) -> None:
    since = desk.clock.now() - timedelta(days=2)
    assert desk.gateway.resolve("a", KEY.text, KEY.magic, 1, 1, since).state is OrderState.IN_DOUBT
    desk.clock.advance_s(2)
    assert desk.gateway.resolve("a", KEY.text, KEY.magic, 1, 1, since).state is OrderState.NOT_SENT


def test_an_attempt_in_doubt_is_sent_once_however_often_it_is_asked_for(desk: Desk) -> None:
    desk.lose()
    assert [desk.submit(attempt).state for attempt in (1, 2, 1, 3)] == [OrderState.IN_DOUBT] * 4
    assert len(desk.module.sent) == 1


def test_a_doubt_is_not_called_unreachable_when_the_terminal_is_away(desk: Desk) -> None:
    desk.lose()
    desk.module.terminal = rows.terminal(connected=False)
    assert desk.submit().state is OrderState.IN_DOUBT


def test_a_write_that_took_too_long_sends_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    write = desk.journal.write
    monkeypatch.setattr(desk.journal, "write", lambda entry: (write(entry), desk.clock.advance_s(6)))
    assert desk.submit().state is OrderState.NOT_SENT
    assert desk.module.sent == []
    assert desk.submit().state is OrderState.NOT_SENT


def test_a_success_without_a_ticket_is_no_success(desk: Desk) -> None:
    desk.module.on_send = lambda: answer(order=0)
    assert desk.submit().state is OrderState.IN_DOUBT


def test_a_success_whose_deal_is_not_visible_yet_is_filled_from_the_answer(desk: Desk) -> None:
    desk.module.on_send = lambda: answer(order=7, deal=8)
    outcome = desk.submit()
    assert (outcome.state, outcome.order_ticket, outcome.deal_ticket) == (OrderState.FILLED, 7, 8)
    assert (outcome.volume, outcome.price) == (Decimal("0.10"), Decimal("1.10010"))


def test_a_part_filled_order_whose_rest_is_gone_is_canceled_with_its_volume(desk: Desk) -> None:
    desk.module.on_send = lambda: answer(retcode=10010, order=7, deal=8, volume=0.04)
    outcome = desk.submit()
    assert (outcome.state, outcome.volume) == (OrderState.CANCELED, Decimal("0.04"))


@pytest.mark.parametrize("code", [10011, 10012, 10031, 10099])
def test_an_answer_that_proves_nothing_is_in_doubt(desk: Desk, code: int) -> None:
    desk.module.on_send = lambda: answer(retcode=code)
    outcome = desk.submit()
    assert (outcome.state, outcome.retcode) == (OrderState.IN_DOUBT, code)


def test_a_close_that_was_only_taken_is_in_doubt(desk: Desk) -> None:
    desk.module.open = (position(),)
    desk.module.on_send = lambda: answer(retcode=10008, order=9, volume=0.0)
    assert desk.close(5).state is OrderState.IN_DOUBT


def test_a_close_whose_order_still_rests_is_no_absence(desk: Desk) -> None:
    """Called not sent, a close to half would be sent again while the first one still comes."""
    desk.module.open = (position(volume=1.0),)
    desk.module.on_send = lambda: answer(retcode=10008, order=9, volume=0.0)
    assert desk.close(5, "0.5").state is OrderState.IN_DOUBT
    desk.module.resting = (resting(ticket=9, type=1, position_id=5),)

    for _ in range(6):
        desk.clock.advance_s(SETTINGS.unanswered_s)
        found = desk.resolve()

        assert (found.state, found.order_ticket) == (OrderState.IN_DOUBT, 9)


@pytest.mark.parametrize(
    ("waiting", "state"),
    [((9,), OrderState.IN_DOUBT), ((), OrderState.CANCELED), ((8,), OrderState.CANCELED)],
)
def test_a_close_in_part_has_ended_when_its_order_rests_no_more(
    desk: Desk, waiting: tuple[int, ...], state: OrderState
) -> None:
    desk.module.open = (position(volume=1.0),)
    desk.module.resting = tuple(resting(ticket=ticket) for ticket in waiting)
    desk.module.on_send = lambda: answer(retcode=10010, order=9, deal=10, volume=0.2)

    assert desk.close(5).state is state


def test_a_close_that_is_done_in_part_and_goes_on_is_no_absence(desk: Desk) -> None:
    desk.module.open = (position(volume=1.0),)
    desk.module.on_send = lambda: answer(retcode=10012)
    assert desk.close(5, "0.5").state is OrderState.IN_DOUBT
    desk.module.open = (position(volume=0.8),)
    part = rows.deal(
        ticket=20, order=9, position_id=5, symbol="EURUSD", entry=1, volume=0.2, price=1.1, magic=KEY.magic
    )
    desk.module.done.append(part)

    for _ in range(6):
        desk.clock.advance_s(SETTINGS.unanswered_s)
        assert desk.resolve().state is OrderState.IN_DOUBT


def test_a_close_never_asks_for_more_than_is_there(desk: Desk) -> None:
    desk.module.open = (position(volume=0.03),)
    desk.module.on_send = lambda: answer(order=9, deal=10, volume=0.03)
    assert desk.close(5).volume == Decimal("0.03")
    (request,) = desk.module.sent
    assert (request["position"], request["type"], request["volume"]) == (5, 1, 0.03)


def test_a_list_without_positions_is_refused_while_margin_is_in_use(desk: Desk) -> None:
    desk.module.account = rows.account(margin=100.0)
    with pytest.raises(Unreachable, match="margin is in use"):
        desk.gateway.positions("a")


def test_a_history_that_does_not_explain_the_balance_is_not_believed(desk: Desk) -> None:
    desk.module.account = rows.account(balance=10_000.01)
    with pytest.raises(Unreachable, match="not caught up"):
        desk.gateway.positions("a")


def test_a_credit_is_not_part_of_the_balance(desk: Desk) -> None:
    desk.module.done.append(SimpleNamespace(**{**vars(DEPOSIT), "ticket": 2, "type": 3, "profit": 500.0}))
    assert desk.gateway.positions("a") == ()


@pytest.mark.parametrize("changes", [{"login": 1002}, {"server": "Simulator-2"}])
def test_a_terminal_of_another_account_is_not_used(desk: Desk, changes: dict[str, Any]) -> None:
    desk.module.account = rows.account(**changes)
    with pytest.raises(Unreachable, match="configured is 1001 on Simulator-1"):
        desk.submit()
    assert not desk.gateway.health("a").connected
    assert desk.module.sent == []


def test_a_latch_is_confirmed_once_no_fresh_open_can_be_in_the_terminal(desk: Desk) -> None:
    class Killed(Exception):
        pass

    def killed() -> Any:
        raise Killed

    desk.module.on_send = killed
    with pytest.raises(Killed):
        desk.submit()
    with pytest.raises(Unanswered):
        desk.gateway.latch("a", 1, "drawdown")
    assert desk.gateway.health("a").latched
    desk.clock.advance_s(59.9)
    with pytest.raises(Unanswered):
        desk.gateway.latch("a", 1, "drawdown")
    desk.clock.advance_s(0.1)
    desk.gateway.latch("a", 1, "drawdown")


def test_keys_that_are_none_are_refused(desk: Desk) -> None:
    with pytest.raises(ValueRefused, match=r"permit\.key"):
        desk.gateway.resolve("a", "flatten-1", 1, 1, 1, desk.clock.now())
