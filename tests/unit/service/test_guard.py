from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from mt5fleet.domain.account import Foreign, Limits, TradingState
from mt5fleet.domain.broker import DealEntry, Reading
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.record import EventType
from mt5fleet.domain.signal import Entry
from mt5fleet.testing.builders import make_account, make_deal, make_open
from mt5fleet.testing.fake_gateway import Fault
from tests.unit.service.crash import Fuse, Fused, Killed
from tests.unit.service.rig import DeafGateway, Rig, Worker

S = OrderState


def equity(rig: Rig, amount: str) -> TradingState:
    """What a sweep makes of this equity."""
    rig.book().equity_shown = Decimal(amount)
    rig.clock.advance_s(1)
    rig.guard()
    return rig.ledger.account_status("alpha").state


def cash(rig: Rig, amount: str) -> None:
    """A deposit or withdrawal at the broker."""
    book = rig.book()
    book.deals.append(make_deal(next(book._tickets), amount, at=rig.clock.now()))
    book.balance += Decimal(amount)
    if book.equity_shown is not None:
        book.equity_shown += Decimal(amount)


@pytest.mark.parametrize(
    ("low", "state"),
    [("9600.01", TradingState.ACTIVE), ("9600", TradingState.HALTED), ("9599", TradingState.HALTED)],
)
def test_drawdown_is_measured_from_the_peak_and_breaches_when_reached(
    rig: Rig, low: str, state: TradingState
) -> None:
    assert equity(rig, "10000") is TradingState.ACTIVE
    assert equity(rig, "12000") is TradingState.ACTIVE

    assert equity(rig, low) is state


def test_peak_outlives_the_workers(rig: Rig) -> None:
    equity(rig, "12000")
    rig.worker = Worker(rig, rig.ledger, rig.gateway)

    assert equity(rig, "9600") is TradingState.HALTED


def test_floor_is_half_of_the_first_balance_until_set(rig: Rig) -> None:
    rig.change(replace(rig.accounts[0], limits=Limits(drawdown_percent_max=Decimal(100))))
    assert equity(rig, "5000.01") is TradingState.ACTIVE

    assert equity(rig, "5000") is TradingState.HALTED
    assert "equity floor reached" in rig.ledger.account_status("alpha").reason


def test_withdrawal_triggers_nothing_also_below_the_peak(rig: Rig) -> None:
    equity(rig, "8500")
    cash(rig, "-2500")

    assert equity(rig, "6000") is TradingState.ACTIVE

    memory = rig.ledger.account_status("alpha").memory
    assert memory is not None
    assert memory.cash_flow_total == Decimal(-2500)


def test_deposit_hides_no_drawdown(rig: Rig) -> None:
    equity(rig, "8500")
    cash(rig, "8500")
    assert equity(rig, "17000") is TradingState.ACTIVE

    assert equity(rig, "16000") is TradingState.HALTED


def test_closed_loss_is_no_withdrawal(rig: Rig) -> None:
    book = rig.book()
    book.deals.append(make_deal(next(rig.book()._tickets), "-2000", entry=DealEntry.OUT, at=rig.clock.now()))
    book.balance -= 2000

    assert equity(rig, "8000") is TradingState.HALTED


def test_deposit_that_a_reading_does_not_show_yet_breaches_nothing(rig: Rig) -> None:
    """Deals are read after the reading: the newer deal belongs to the next one."""
    book = rig.book()
    book.deals.append(make_deal(next(rig.book()._tickets), "-1", entry=DealEntry.OUT, at=rig.clock.now()))
    book.balance -= 1
    book.deals.append(make_deal(next(rig.book()._tickets), "5000", at=rig.clock.now()))

    assert equity(rig, "9999") is TradingState.ACTIVE

    book.balance += 5000
    assert equity(rig, "14999") is TradingState.ACTIVE
    memory = rig.ledger.account_status("alpha").memory
    assert memory is not None
    assert memory.cash_flow_total == 5000


def test_unexplained_balance_is_blind_first_and_counted_by_time_later(rig: Rig) -> None:
    rig.book().balance -= 2500
    rig.book().equity_shown = Decimal(7500)
    rig.clock.advance_s(1)
    assert rig.guard().blind == ("alpha",)

    rig.clock.advance_s(10)
    assert rig.guard().blind == ()
    assert rig.ledger.account_status("alpha").state is TradingState.HALTED


@pytest.mark.parametrize("value", ["NaN", "Infinity", "0", "-5"])
def test_impossible_equity_closes_nothing_and_alerts(rig: Rig, value: str) -> None:
    rig.execute()
    rig.book().equity_shown = Decimal(value)

    for _ in range(12):
        rig.clock.advance_s(1)
        assert rig.guard().blind == ("alpha",)

    assert rig.ledger.account_status("alpha").state is TradingState.ACTIVE
    assert rig.sent("close") == 0
    assert rig.alerts() == ["No valid reading of alpha"]
    assert len(rig.events(EventType.GUARD_BLIND)) == 1


def test_impossible_equity_holds_opens_back(rig: Rig) -> None:
    rig.book().equity_shown = Decimal("NaN")

    assert rig.execute().state is S.RECEIVED


def test_stale_reading_is_blind(rig: Rig) -> None:
    old = rig.book().reading()

    class Stale:
        def __getattr__(self, name: str) -> object:
            return getattr(rig.gateway, name)

        def readings(self, accounts: tuple[str, ...], ledger_at: datetime) -> dict[str, Reading | str]:
            return dict.fromkeys(accounts, old)

    rig.clock.advance_s(11)
    worker = Worker(rig, rig.ledger, Stale())  # type: ignore[arg-type]  # a fake port

    assert worker.guard.run().blind == ("alpha",)


def test_bridge_out_of_reach_blinds_only_its_accounts() -> None:
    rig = Rig(make_account("alpha", login=1), make_account("beta", login=2))
    rig.book("alpha").connected = False

    report = rig.guard()

    assert (report.judged, report.blind) == (1, ("alpha",))


def test_late_sweep_is_dropped_and_counted(rig: Rig) -> None:
    due = rig.clock.now() - timedelta(seconds=rig.guard_settings.late_s + 1)

    report = rig.worker.guard.run(due)

    assert (report.dropped, report.judged) == (True, 0)


def breach(rig: Rig) -> None:
    rig.execute()
    rig.book().balance = Decimal(7000)
    rig.book().deals.append(
        make_deal(next(rig.book()._tickets), "-3000", entry=DealEntry.OUT, at=rig.clock.now())
    )
    rig.clock.advance_s(1)
    rig.guard()


def test_breach_latches_ledger_and_bridge_and_wakes_the_flatten(rig: Rig) -> None:
    breach(rig)

    status = rig.ledger.account_status("alpha")
    assert (status.state, status.latch_confirmed, status.flatten_due) == (TradingState.HALTED, True, True)
    assert rig.book().journal.latch() is not None
    assert rig.waker.urgent[-1] == ("alpha",)
    assert "alpha halted" in rig.alerts()
    assert rig.events(EventType.GUARD_BREACHED)[0]["limit"] == "drawdown from peak equity"


def test_repeated_breach_is_one_incident(rig: Rig) -> None:
    breach(rig)
    for _ in range(5):
        rig.clock.advance_s(1)
        rig.guard()

    assert rig.alerts().count("alpha halted") == 1
    assert len(rig.events(EventType.GUARD_BREACHED)) == 1


def test_halt_is_pending_while_the_bridge_is_silent_and_announced_after(rig: Rig) -> None:
    gateway = DeafGateway(rig, down=True)
    breach(rig)
    assert rig.guard().unconfirmed == ("alpha",)
    assert "alpha halted" not in rig.alerts()
    assert rig.alerts().count("Halt pending on alpha") == 1

    gateway.down = False
    rig.guard()
    assert "alpha halted" in rig.alerts()


def test_latch_that_only_the_bridge_knows_is_copied(rig: Rig) -> None:
    rig.gateway.latch("alpha", 1, "before the ledger was lost")
    rig.clock.advance_s(10)

    rig.guard()

    status = rig.ledger.account_status("alpha")
    assert (status.state, status.latch_confirmed) == (TradingState.HALTED, True)


def test_halted_account_is_flattened_and_its_next_signal_denied(rig: Rig) -> None:
    breach(rig)

    rig.drain()

    assert not rig.book().positions
    assert rig.ledger.account_status("alpha").flatten_due is False
    assert "alpha is flat" in rig.alerts()
    order = rig.execute("S2")
    assert (order.state, order.reason) == (S.DENIED, "halted")


def test_three_positions_with_a_rejected_and_a_lost_close_end_flat_in_one_incident(rig: Rig) -> None:
    for number in range(2):
        rig.execute(f"P{number}", make_open(lots="0.01"))
    breach(rig)
    rig.gateway.script("alpha", Fault.REJECT, Fault.LOST_AFTER)

    rig.drain()

    assert not rig.book().positions
    steps = rig.events(EventType.FLATTEN_STEP)
    assert [step["state"] for step in steps] == ["REJECTED", "IN_DOUBT", "FILLED", "FILLED"]
    assert rig.sent("close") == 3
    assert rig.alerts().count("alpha is flat") == rig.alerts().count("alpha halted") == 1


def test_flatten_withdraws_resting_orders_first(rig: Rig) -> None:
    limit = make_open(entry=Entry.LIMIT, price="1.09500", stop_loss="1.09000", take_profit="1.10500")
    rig.execute("L1", limit)
    breach(rig)

    rig.drain()

    assert [item.operation for item in rig.gateway.executed][-2:] == ["cancel", "close"]


def test_worst_loss_is_closed_first(rig: Rig) -> None:
    rig.execute("P0", make_open(lots="0.01"))
    rig.execute("P1", make_open(lots="0.05"))
    rig.gateway.set_quote("alpha", "EURUSD", Decimal("1.09500"), Decimal("1.09510"))
    rig.ledger.halt("alpha", "test", events=(), alert=None)

    rig.drain()

    closes = [item.volume for item in rig.gateway.executed if item.operation == "close"]
    assert closes == [Decimal("0.05"), Decimal("0.01")]


def test_failed_read_closes_nothing(rig: Rig) -> None:
    breach(rig)
    rig.book().synchronised = False

    report = rig.drain()

    assert rig.sent("close") == 0
    assert report.waiting
    assert rig.ledger.account_status("alpha").flatten_due


def test_broker_that_refuses_every_close_is_told_and_tried_again(rig: Rig) -> None:
    breach(rig)
    rig.gateway.script("alpha", *[Fault.REJECT] * 6)
    for _ in range(3):
        rig.drain()
        rig.clock.advance_s(2)

    assert "alpha is halted and not flat" in rig.alerts()
    assert not rig.book().positions


def test_what_appears_on_a_halted_account_is_closed_again(rig: Rig) -> None:
    breach(rig)
    kept = next(iter(rig.book().positions.values()))
    rig.drain()
    book = rig.book()
    book.positions[9] = replace(kept, ticket=9)

    rig.clock.advance_s(1)
    rig.guard()
    assert "alpha is halted and not flat any more" in rig.alerts()
    assert rig.waker.urgent[-1] == ("alpha",)

    rig.drain()
    assert not book.positions


@pytest.mark.parametrize(("foreign", "left"), [(Foreign.FLATTEN, 0), (Foreign.LEAVE, 1)])
def test_foreign_positions_follow_the_accounts_setting(foreign: Foreign, left: int) -> None:
    rig = Rig(replace(make_account(), foreign=foreign))
    rig.execute()
    ours = next(iter(rig.book().positions.values()))
    rig.book().positions[9] = replace(ours, ticket=9, magic=7)
    rig.ledger.halt("alpha", "test", events=(), alert=None)

    rig.drain()

    assert len(rig.book().positions) == left
    assert not rig.ledger.account_status("alpha").flatten_due


def test_halt_between_begin_and_send_lets_nothing_leave(rig: Rig) -> None:
    class HaltsBeforeSend:
        def __getattr__(self, name: str) -> object:
            return getattr(rig.gateway, name)

        def submit(self, *args: object) -> object:
            rig.ledger.halt("alpha", "test", events=(), alert=None)
            rig.gateway.latch("alpha", 1, "test")
            return rig.gateway.submit(*args)  # type: ignore[arg-type]  # passed on as they came

    rig.worker = Worker(rig, rig.ledger, HaltsBeforeSend())  # type: ignore[arg-type]  # a fake port

    order = rig.execute()

    assert (order.state, order.reason, rig.sent()) == (S.DENIED, "halted", 0)


def test_shadow_account_is_latched_and_nothing_is_sent(rig: Rig) -> None:
    rig.execute()
    rig.change(replace(rig.accounts[0], shadow=True))
    rig.ledger.halt("alpha", "test", events=(), alert=None)

    rig.guard()
    rig.drain()

    assert rig.sent("close") == 0


def test_killed_flatten_is_taken_up_without_a_second_close(rig: Rig) -> None:
    for number in range(1, 40):
        rig = Rig()
        breach(rig)
        fuse = Fuse(number, after=True)
        worker = Worker(rig, Fused(rig.ledger, fuse), Fused(rig.gateway, fuse))
        try:
            worker.drain.run("alpha", "first")
        except Killed:
            rig.clock.advance_s(8)
        rig.drain()

        assert (rig.sent("close"), len(rig.book().positions)) == (1, 0), number
        assert not rig.ledger.account_status("alpha").flatten_due, number
