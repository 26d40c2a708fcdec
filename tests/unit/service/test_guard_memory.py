"""What the guards remember outlives the ledger, in the bridges' journals."""

from dataclasses import replace
from decimal import Decimal

import pytest

from mt5fleet.domain.account import GuardMemory, TradingState
from mt5fleet.domain.broker import DealEntry, Reading
from mt5fleet.domain.errors import Unanswered, Unreachable, ValueRefused
from mt5fleet.domain.record import EventType
from mt5fleet.service.remember import Remember, Remembered
from mt5fleet.testing.builders import make_account, make_deal
from mt5fleet.testing.memory_journal import MemoryJournal
from tests.unit.service.crash import Fuse, Fused, Killed, every_call
from tests.unit.service.rig import Rig, Worker
from tests.unit.service.test_guard import cash


class Counting:
    """A gateway that notes checkpoints, and refuses those of some accounts."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.asked: list[str] = []
        self.refused: dict[str, Exception] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self.rig.gateway, name)

    def checkpoint(self, account: str, memory: GuardMemory) -> None:
        self.asked.append(account)
        if account in self.refused:
            raise self.refused[account]
        self.rig.gateway.checkpoint(account, memory)


def counted(rig: Rig) -> Counting:
    """Let another worker do the sweeps, through a gateway that counts."""
    gateway = Counting(rig)
    rig.worker = Worker(rig, rig.ledger, gateway)  # type: ignore[arg-type]  # a fake port
    return gateway


def memory(rig: Rig, account: str = "alpha") -> GuardMemory:
    kept = rig.ledger.account_status(account).memory
    assert kept is not None
    return kept


def kept_at_bridge(rig: Rig, account: str = "alpha") -> GuardMemory:
    kept = rig.gateway.memory(account)
    assert kept is not None
    return kept


def test_first_memory_of_an_account_is_checkpointed(rig: Rig) -> None:
    assert kept_at_bridge(rig) == memory(rig)


def test_every_worker_checkpoints_once_and_then_only_what_changed(rig: Rig) -> None:
    gateway = counted(rig)

    for amount in ("9900", "9800", "10500", "10400", "10600"):
        rig.equity(amount)

    assert len(gateway.asked) == 3  # its first sweep, and two new peaks
    assert kept_at_bridge(rig).peak_equity == memory(rig).peak_equity == Decimal(10_600)


def test_cash_flow_is_checkpointed(rig: Rig) -> None:
    rig.equity("10000")
    gateway = counted(rig)
    rig.equity("9000")
    cash(rig, "-500")

    rig.equity("8500")

    assert len(gateway.asked) == 2
    kept = kept_at_bridge(rig)
    assert (kept.cash_flow_total, kept.last_deal) == (Decimal(-500), memory(rig).last_deal)


@pytest.mark.parametrize("error", [Unanswered("late"), Unreachable("gone"), ValueRefused("memory", "odd")])
def test_failed_checkpoint_is_counted_and_tried_again_by_the_next_sweep(rig: Rig, error: Exception) -> None:
    gateway = counted(rig)
    gateway.refused["alpha"] = error
    rig.book().equity_shown = Decimal(11_000)
    reports = [rig.guard() for _ in range(3)]
    gateway.refused.clear()

    last = rig.guard()

    assert [(report.judged, report.checkpoints_failed) for report in reports] == [(1, 1)] * 3
    assert last.checkpoints_failed == 0
    assert kept_at_bridge(rig).peak_equity == Decimal(11_000)


def test_checkpoints_of_one_sweep_are_bounded_and_none_is_starved() -> None:
    names = ("a", "b", "c", "d", "e")
    rig = Rig(*(make_account(name, login=number) for number, name in enumerate(names, 1)))
    rig.guard_settings = replace(rig.guard_settings, checkpoints_max=2)
    gateway = counted(rig)
    gateway.refused["a"] = Unanswered("late")

    each = []
    for number in range(6):  # every account makes a new peak with every sweep
        for name in names:
            rig.book(name).equity_shown = Decimal(10_100 + number)
        rig.clock.advance_s(1)
        before = len(gateway.asked)
        rig.guard()
        each.append(len(gateway.asked) - before)

    assert max(each) == 2
    assert set(gateway.asked) == set(names)


def test_peak_survives_an_emptied_ledger(rig: Rig) -> None:
    rig.equity("12000")
    rig.equity("11000")
    rig.wipe()

    rig.equity("10000")

    assert memory(rig).peak_equity == Decimal(12_000)
    assert rig.events(EventType.MEMORY_RECALLED)[0]["peak_equity"] == "12000"
    assert "The peak equity of alpha was lost" not in rig.alerts()
    rig.equity("9600")
    assert rig.ledger.account_status("alpha").state is TradingState.HALTED


def test_ledger_that_counted_on_from_an_older_file_gets_its_peak_back(rig: Rig) -> None:
    before = memory(rig)
    rig.equity("12000")
    rig.equity("10000")
    went_on = replace(before, sequence=kept_at_bridge(rig).sequence + 5)

    reading = rig.gateway.readings(("alpha",))["alpha"]
    assert isinstance(reading, Reading)
    made = Remember(rig.gateway, rig.guard_settings).after("alpha", reading, went_on, epoch=2)

    assert isinstance(made, Remembered)
    assert (made.memory.peak_equity, made.memory.sequence) == (Decimal(12_000), went_on.sequence + 1)
    assert [event.type for event in made.events] == [EventType.MEMORY_RECALLED]


def test_recalled_memory_that_is_breached_at_once_halts_at_once(rig: Rig) -> None:
    rig.equity("12000")
    rig.wipe()

    rig.equity("9600")

    assert rig.ledger.account_status("alpha").state is TradingState.HALTED
    assert len(rig.events(EventType.MEMORY_RECALLED)) == 1


def test_cash_flows_since_the_checkpoint_are_accounted(rig: Rig) -> None:
    rig.equity("12000")
    rig.equity("10000")
    rig.wipe()
    book = rig.book()
    book.deals.append(make_deal(next(book._tickets), "-100", entry=DealEntry.OUT, at=rig.clock.now()))
    book.balance -= 100
    cash(rig, "-4950")

    rig.equity("4950")

    assert memory(rig).cash_flow_total == Decimal(-4950)
    assert memory(rig).peak_equity == Decimal(6_000)  # half was taken out, half of the peak stays
    assert rig.ledger.account_status("alpha").state is TradingState.ACTIVE


def test_ledger_restored_from_before_the_peak_goes_on_from_the_checkpoint(rig: Rig) -> None:
    rig.equity("10000")
    backup = rig.ledger.backup()
    rig.equity("12000")
    rig.ledger.restore(backup)

    rig.equity("9600")

    assert memory(rig).peak_equity == Decimal(12_000)
    assert rig.ledger.account_status("alpha").state is TradingState.HALTED


def test_checkpoint_that_does_not_explain_the_balance_yet_is_asked_for_again(rig: Rig) -> None:
    rig.equity("10000")
    backup = rig.ledger.backup()
    rig.equity("12000")
    rig.equity("10000")
    cash(rig, "-5000")
    rig.ledger.restore(backup)
    hidden = rig.book().deals.pop()
    rig.clock.advance_s(1)
    assert rig.guard().blind == ("alpha",)

    rig.book().deals.append(hidden)
    rig.equity("5000")

    assert memory(rig).peak_equity == Decimal(6_000)


def test_ledger_that_knows_more_than_the_checkpoint_is_believed(rig: Rig) -> None:
    gateway = counted(rig)
    gateway.refused["alpha"] = Unanswered("late")
    rig.equity("12000")
    rig.ledger.restore(rig.ledger.backup())

    rig.equity("10000")

    assert memory(rig).peak_equity == Decimal(12_000)
    assert rig.events(EventType.MEMORY_RECALLED) == []


def test_bridge_that_cannot_tell_its_checkpoint_blinds_the_account(rig: Rig) -> None:
    class Forgetful:
        down = True

        def __getattr__(self, name: str) -> object:
            return getattr(rig.gateway, name)

        def memory(self, account: str) -> GuardMemory | None:
            if self.down:
                raise Unanswered("no answer")
            return rig.gateway.memory(account)

    gateway = Forgetful()
    rig.equity("12000")
    rig.wipe()
    rig.worker = Worker(rig, rig.ledger, gateway)  # type: ignore[arg-type]  # a fake port
    reports = [rig.guard() for _ in range(2)]
    blind = rig.ledger.account_status("alpha").memory
    gateway.down = False
    rig.equity("10000")

    assert [(report.judged, report.blind) for report in reports] == [(0, ("alpha",))] * 2
    assert blind is None
    assert memory(rig).peak_equity == Decimal(12_000)


def test_deals_shown_late_after_the_loss_are_waited_for_and_the_peak_is_kept(rig: Rig) -> None:
    rig.equity("12000")
    rig.equity("10000")
    rig.wipe()
    cash(rig, "-5000")
    hidden = rig.book().deals.pop()
    rig.clock.advance_s(1)
    assert rig.guard().blind == ("alpha",)

    rig.book().deals.append(hidden)
    rig.equity("5000")

    assert memory(rig).peak_equity == Decimal(6_000)
    assert rig.ledger.account_status("alpha").state is TradingState.ACTIVE


def test_new_journal_gets_its_checkpoint_with_the_next_look(rig: Rig) -> None:
    rig.equity("12000")
    rig.book().journal = MemoryJournal("another", rig.clock.now())

    rig.clock.advance_s(rig.guard_settings.health_every_s)
    rig.guard()

    assert kept_at_bridge(rig).peak_equity == Decimal(12_000)


def test_sweep_killed_at_any_call_over_an_emptied_ledger_loses_no_peak() -> None:
    def start() -> Rig:
        rig = Rig()
        rig.equity("12000")
        rig.wipe()
        rig.book().equity_shown = Decimal(10_000)
        return rig

    def sweep(rig: Rig, fuse: Fuse) -> None:
        Worker(rig, Fused(rig.ledger, fuse), Fused(rig.gateway, fuse)).guard.run()

    for number, after in every_call(lambda fuse: sweep(start(), fuse)):
        rig = start()
        with pytest.raises(Killed):
            sweep(rig, Fuse(number, after=after))
        rig.guard()

        where = f"killed {'after' if after else 'before'} call {number}"
        assert memory(rig).peak_equity == kept_at_bridge(rig).peak_equity == Decimal(12_000), where
