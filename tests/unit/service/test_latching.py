"""A halt is known to ledger and bridge under one number, whatever one of them has forgotten."""

import threading
from typing import Any

import pytest

from mt5fleet.domain.account import AccountStatus, TradingState
from mt5fleet.domain.broker import Health
from mt5fleet.domain.errors import Unreachable, ValueRefused
from mt5fleet.domain.latch import Latch
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.record import Epoch, EventType
from mt5fleet.service.latching import Latching
from mt5fleet.testing.builders import make_account
from mt5fleet.testing.memory_journal import MemoryJournal
from tests.unit.service.crash import Fuse, Fused, Killed, every_call
from tests.unit.service.rig import DeafGateway, Rig, Worker
from tests.unit.service.test_bridge_watch import Watched
from tests.unit.service.test_guard import breach

S = OrderState
YEAR_2030_US = 1_893_456_000_000_000  # a bridge's clock that is ahead


def status(rig: Rig) -> AccountStatus:
    return rig.ledger.account_status("alpha")


def look(rig: Rig) -> None:
    """Let the next look at the bridge's health be due, and sweep."""
    rig.clock.advance_s(rig.guard_settings.health_every_s)
    rig.guard()


def one_number(rig: Rig) -> int:
    """The halt's number, which ledger and bridge must agree on."""
    latch, halt = rig.book().journal.latch(), status(rig)
    assert latch is not None
    assert (halt.state, halt.latch_confirmed) == (TradingState.HALTED, True)
    assert latch.sequence == halt.halted_seq
    return latch.sequence


def latch_at_bridge(rig: Rig, sequence: int, *, local: bool, reason: str = "equity floor") -> None:
    latch = Latch(sequence=sequence, reason=reason, at=rig.clock.now(), local=local)
    rig.book().journal.set_latch(latch)


def test_latch_that_the_ledger_does_not_know_keeps_number_and_reason(rig: Rig) -> None:
    latch_at_bridge(rig, YEAR_2030_US, local=False)

    look(rig)

    assert (one_number(rig), status(rig).reason) == (YEAR_2030_US, "equity floor")
    assert rig.events(EventType.HALTED)[0]["by"] == "bridge"
    assert "alpha was halted by its bridge" not in rig.alerts()


def test_latch_of_the_last_resort_says_so(rig: Rig) -> None:
    latch_at_bridge(rig, YEAR_2030_US, local=True)

    look(rig)
    look(rig)

    one_number(rig)
    said = "the bridge halted it while the ledger was away: equity floor"
    assert status(rig).reason == said
    assert [event["reason"] for event in rig.events(EventType.HALTED)] == [said]
    assert rig.alerts().count("alpha was halted by its bridge") == 1
    assert rig.alerts().count("alpha halted") == 1
    assert rig.waker.urgent[-1] == ("alpha",)


def test_latch_raised_while_the_bridge_was_out_of_reach_is_copied_by_the_sweep_that_reaches_it(
    rig: Rig,
) -> None:
    rig.guard()
    rig.book().connected = False
    rig.clock.advance_s(1)
    rig.guard()
    latch_at_bridge(rig, YEAR_2030_US, local=True)
    rig.book().connected = True

    rig.guard()

    assert one_number(rig) == YEAR_2030_US


def test_bridges_latch_without_a_reason_halts_all_the_same(rig: Rig) -> None:
    latch_at_bridge(rig, 7, local=False, reason="")

    look(rig)

    one_number(rig)
    assert status(rig).reason == "the bridge tells no reason"


def test_last_resort_on_an_account_that_the_ledger_had_halted_ends_under_one_number(rig: Rig) -> None:
    """The bridge was away when the ledger halted, and the ledger when the bridge did."""
    rig.ledger.halt("alpha", "by hand", events=(), alert=None)
    latch_at_bridge(rig, YEAR_2030_US, local=True)

    look(rig)

    assert one_number(rig) == YEAR_2030_US + 1
    assert status(rig).reason == "by hand"
    assert rig.alerts().count("alpha was halted by its bridge") == 1


def test_halt_whose_number_was_lifted_at_the_bridge_stays_and_is_latched_anew(rig: Rig) -> None:
    breach(rig)
    before = status(rig).halted_seq
    rig.book().journal.lift_latch(before, "a signed record")

    look(rig)

    assert one_number(rig) > before
    assert rig.events(EventType.HALT_RENUMBERED)[0]["before"] == str(before)
    assert rig.alerts().count("alpha stays halted") == 1
    assert rig.execute("S2").state is S.DENIED


def test_halt_that_was_lifted_before_it_reached_the_bridge_is_never_taken_as_confirmed(rig: Rig) -> None:
    rig.book().journal.lift_latch(YEAR_2030_US, "a signed record")

    breach(rig)

    assert one_number(rig) == YEAR_2030_US + 1


def test_bridge_that_refuses_every_number_leaves_the_halt_pending_not_lifted(rig: Rig) -> None:
    class Refusing:
        def __getattr__(self, name: str) -> object:
            return getattr(rig.gateway, name)

        def latch(self, account: str, sequence: int, reason: str) -> None:
            rig.book().journal.lift_latch(sequence, "a signed record")
            rig.gateway.latch(account, sequence, reason)

    rig.worker = Worker(rig, rig.ledger, Refusing())  # type: ignore[arg-type]  # a fake port

    breach(rig)

    assert (status(rig).state, status(rig).latch_confirmed) == (TradingState.HALTED, False)
    assert "alpha halted" not in rig.alerts()


def test_flatten_goes_on_under_the_new_number(rig: Rig) -> None:
    rig.execute()
    rig.ledger.halt("alpha", "by hand", events=(), alert=None)
    rig.book().journal.lift_latch(status(rig).halted_seq, "a signed record")

    rig.drain()

    number = one_number(rig)
    assert rig.book().positions == {}
    assert not status(rig).flatten_due
    assert f"flat:alpha:{number}" in [one.alert.dedupe for one in rig.ledger.pending(9)]


def test_missing_latch_at_the_bridge_lifts_nothing(rig: Rig) -> None:
    breach(rig)
    rig.book().journal = MemoryJournal("another", rig.clock.now())

    look(rig)

    one_number(rig)


def test_account_that_is_not_halted_is_latched_by_nobody(rig: Rig) -> None:
    rig.ledger.halt("alpha", "by hand", events=(), alert=None)
    guard = rig.ledger._account("alpha").guard
    guard.resumed_seq = guard.halted_seq

    Latching(rig.ledger, rig.gateway, told_max=9).confirm(status(rig))

    assert rig.book().journal.latch() is None


def test_latch_that_the_bridge_forgot_and_did_not_take_again_is_tried_by_the_next_sweep(rig: Rig) -> None:
    gateway = DeafGateway(rig, down=False)
    breach(rig)
    rig.book().journal = MemoryJournal("another", rig.clock.now())
    gateway.down = True
    look(rig)
    assert "Halt pending on alpha" in rig.alerts()
    gateway.down = False

    rig.clock.advance_s(1)
    rig.guard()

    one_number(rig)


def test_ledger_emptied_after_a_sweep_began_is_halted_by_that_sweep(rig: Rig) -> None:
    class EmptiedOnce:
        left = 1

        def __getattr__(self, name: str) -> object:
            return getattr(rig.ledger, name)

        def epoch(self) -> Epoch:
            epoch = rig.ledger.epoch()
            if self.left:
                self.left = 0
                rig.wipe()
            return epoch

    ledger = EmptiedOnce()
    ledger.left = 0
    rig.worker = Worker(rig, ledger, rig.gateway)  # type: ignore[arg-type]  # a fake port
    latch_at_bridge(rig, YEAR_2030_US, local=False)
    for _ in range(3):  # copied, confirmed, and looked at as confirmed: no look is due now
        rig.guard()
    ledger.left = 1

    rig.guard()

    assert one_number(rig) == YEAR_2030_US


def test_emptied_ledger_is_halted_again_by_the_next_sweep_before_any_open(rig: Rig) -> None:
    breach(rig)
    rig.drain()
    before = one_number(rig)
    rig.wipe()
    assert status(rig).state is TradingState.ACTIVE
    early = rig.execute("early")

    rig.guard()
    rig.settle_all(steps=2)

    assert early.state in (S.RECEIVED, S.DENIED)
    assert one_number(rig) >= before
    assert (rig.states("early"), rig.execute("late").state) == ([S.DENIED], S.DENIED)
    assert rig.sent() == 1  # the one from before the halt


def test_ledger_restored_to_before_the_halt_is_halted_again_by_the_next_sweep(rig: Rig) -> None:
    """The looks of a former epoch count for nothing: no need to wait for the next one to be due."""
    rig.execute("first")
    backup = rig.ledger.backup()
    rig.book().equity_shown = rig.book().balance / 2
    rig.clock.advance_s(1)
    rig.guard()
    assert status(rig).state is TradingState.HALTED
    rig.book().equity_shown = rig.book().balance
    rig.ledger.restore(backup)

    rig.guard()

    one_number(rig)
    assert rig.execute("late").state is S.DENIED


def test_bridge_that_cannot_tell_its_latch_blinds_the_restored_ledger(rig: Rig) -> None:
    class Mute:
        def __getattr__(self, name: str) -> object:
            return getattr(rig.gateway, name)

        def health(self, account: str) -> object:
            raise Unreachable("no bridge")

    rig.worker = Worker(rig, rig.ledger, Mute())  # type: ignore[arg-type]  # a fake port
    rig.ledger.restore(rig.ledger.backup())

    assert rig.guard().blind == ("alpha",)


def test_sweep_killed_at_any_call_over_an_emptied_ledger_loses_no_halt() -> None:
    def start() -> Rig:
        rig = Rig()
        breach(rig)
        rig.wipe()
        return rig

    def sweep(rig: Rig, fuse: Fuse) -> None:
        Worker(rig, Fused(rig.ledger, fuse), Fused(rig.gateway, fuse)).guard.run()

    calls = 0
    for number, after in every_call(lambda fuse: sweep(start(), fuse)):
        rig = start()
        with pytest.raises(Killed):
            sweep(rig, Fuse(number, after=after))
        order = rig.execute("early")
        rig.guard()
        calls += 1

        where = f"killed {'after' if after else 'before'} call {number}"
        assert one_number(rig), where
        assert (order.state in (S.RECEIVED, S.DENIED), rig.sent()) == (True, 1), where
        assert len(rig.events(EventType.HALTED)) == 1, where

    assert calls > 15


def test_sweeps_of_many_workers_at_once_make_one_halt_of_a_lifted_number() -> None:
    rig = Rig()
    breach(rig)
    rig.book().journal.lift_latch(status(rig).halted_seq, "a signed record")
    workers = [Worker(rig, rig.ledger, rig.gateway) for _ in range(4)]
    together, failed = threading.Barrier(len(workers)), list[BaseException]()

    def sweep(worker: Any) -> None:
        try:
            together.wait(10)
            worker.guard.run()
        except BaseException as error:  # noqa: BLE001 - shown by the test, whatever it is
            failed.append(error)

    threads = [threading.Thread(target=sweep, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    rig.guard()

    assert failed == []
    one_number(rig)
    assert len(rig.events(EventType.HALT_RENUMBERED)) == 1


def test_bridge_that_refuses_the_number_of_one_halt_keeps_nobody_from_guarding_and_closing(
    rig: Rig,
) -> None:
    class Strict(Watched):
        def latch(self, account: str, sequence: int, reason: str) -> None:
            raise ValueRefused("latch.sequence", "is ten years ahead of the bridge")

    rig.worker = Worker(rig, rig.ledger, Strict(rig))  # type: ignore[arg-type]  # a fake port
    breach(rig)

    assert rig.guard().unconfirmed == ("alpha",)
    rig.drain()

    assert "Halt pending on alpha" in rig.alerts()
    assert rig.sent("close") == 1


def test_health_that_a_bridge_cannot_make_blinds_one_account_only() -> None:
    rig = Rig(make_account("alpha", login=1), make_account("beta", login=2))

    class Broken(Watched):
        def health(self, account: str) -> Health:
            if account == "alpha":
                raise ValueRefused("floor", "cannot be read")
            return super().health(account)

    rig.worker = Worker(rig, rig.ledger, Broken(rig))  # type: ignore[arg-type]  # a fake port

    report = rig.guard()

    assert (report.blind, report.judged) == (("alpha",), 1)
