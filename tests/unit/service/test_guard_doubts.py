"""What the guards do while something is forgotten, shown late or not answered."""

import threading
from dataclasses import replace
from datetime import datetime

from mt5fleet.domain.account import TradingState
from mt5fleet.domain.broker import DealEntry, Reading
from mt5fleet.domain.errors import Unreachable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.testing.builders import make_account, make_deal
from mt5fleet.testing.memory_journal import MemoryJournal
from tests.unit.service.rig import Rig, Worker
from tests.unit.service.test_guard import breach, cash

S = OrderState


def test_balance_counted_by_time_is_told(rig: Rig) -> None:
    rig.book().balance -= 100
    for _ in range(12):
        rig.clock.advance_s(1)
        rig.guard()

    assert rig.alerts().count("The balance of alpha is not explained by its deals") == 1


def test_withdrawal_shown_late_after_an_outage_breaches_nothing(rig: Rig) -> None:
    """The wait for the deals begins when the balance was seen to change, not at the last good reading."""
    rig.book().connected = False
    rig.clock.advance_s(600)
    rig.guard()
    rig.book().connected = True
    cash(rig, "-2500")
    hidden = rig.book().deals.pop()
    assert rig.guard().blind == ("alpha",)

    rig.book().deals.append(hidden)
    rig.clock.advance_s(2)

    assert rig.guard().blind == ()
    assert rig.ledger.account_status("alpha").state is TradingState.ACTIVE


def test_peak_lost_with_ledger_and_journal_is_told(rig: Rig) -> None:
    rig.execute()
    deal = make_deal(next(rig.book()._tickets), "0", entry=DealEntry.OUT, at=rig.clock.now())
    rig.book().deals.append(replace(deal, magic=next(iter(rig.book().positions.values())).magic))
    rig.ledger.wipe()
    rig.tell()
    rig.book().journal = MemoryJournal("another", rig.clock.now())

    rig.guard()

    assert "The peak equity of alpha was lost" in rig.alerts()


def test_account_seen_for_the_first_time_has_lost_no_peak(rig: Rig) -> None:
    assert rig.alerts() == []


def test_wiped_ledger_opens_nothing_before_latch_and_reading_were_seen(rig: Rig) -> None:
    class Mute:
        def __getattr__(self, name: str) -> object:
            return getattr(rig.gateway, name)

        def health(self, account: str) -> object:
            raise Unreachable("no bridge")

    rig.ledger.wipe()
    rig.tell()
    worker = Worker(rig, rig.ledger, Mute())  # type: ignore[arg-type]  # a fake port

    assert worker.guard.run().blind == ("alpha",)
    assert rig.execute().state is S.RECEIVED

    rig.guard()
    rig.clock.advance_s(3)
    rig.drain()
    assert rig.states() == [S.FILLED]


def test_bridge_that_forgot_a_halt_is_latched_again(rig: Rig) -> None:
    breach(rig)
    rig.book().journal = MemoryJournal("another", rig.clock.now())

    rig.clock.advance_s(rig.guard_settings.health_every_s)
    rig.guard()

    assert rig.book().journal.latch() is not None


def test_bridge_that_gives_no_reading_is_not_asked_for_each_account() -> None:
    rig = Rig(make_account("alpha", login=1), make_account("beta", login=2))
    asked: list[str] = []

    class Silent:
        def __getattr__(self, name: str) -> object:
            return getattr(rig.gateway, name)

        def readings(self, accounts: tuple[str, ...], ledger_at: datetime) -> dict[str, Reading | str]:
            return dict.fromkeys(accounts, "no answer")

        def health(self, account: str) -> object:
            asked.append(account)
            raise Unreachable("no answer")

    Worker(rig, rig.ledger, Silent()).guard.run()  # type: ignore[arg-type]  # a fake port

    assert asked == []


def test_flatten_that_cannot_read_the_account_is_told(rig: Rig) -> None:
    breach(rig)
    rig.book().synchronised = False
    rig.drain()
    assert not any("not shown flat" in title for title in rig.alerts())

    for _ in range(3):
        rig.clock.advance_s(16)
        rig.drain()

    assert rig.alerts().count("alpha is halted and not shown flat") == 1


def test_positions_are_closed_while_resting_orders_cannot_be_read(rig: Rig) -> None:
    class NoOrders:
        down = True

        def __getattr__(self, name: str) -> object:
            return getattr(rig.gateway, name)

        def orders(self, account: str, token: int | None = None) -> object:
            if self.down:
                raise Unreachable("not caught up")
            return rig.gateway.orders(account, token)

    gateway = NoOrders()
    rig.worker = Worker(rig, rig.ledger, gateway)  # type: ignore[arg-type]  # a fake port
    breach(rig)

    rig.drain()
    assert rig.book().positions == {}
    assert rig.ledger.account_status("alpha").flatten_due

    gateway.down = False
    rig.clock.advance_s(6)
    rig.drain()
    assert not rig.ledger.account_status("alpha").flatten_due


def test_bridge_that_hangs_delays_no_other_bridges_guards() -> None:
    healthy = make_account("alpha", login=1)
    rig = Rig(healthy, replace(make_account("beta", login=2), bridge="hung"))
    rig.guard_settings = replace(rig.guard_settings, wait_s=0.2)
    answer, asked = threading.Event(), list[tuple[str, ...]]()

    class Hanging:
        def __getattr__(self, name: str) -> object:
            return getattr(rig.gateway, name)

        def readings(self, accounts: tuple[str, ...], ledger_at: datetime) -> dict[str, Reading | str]:
            asked.append(accounts)
            if "beta" in accounts:
                answer.wait(30)
            return rig.gateway.readings(accounts, ledger_at)

    rig.worker = Worker(rig, rig.ledger, Hanging())  # type: ignore[arg-type]  # a fake port
    reports = [rig.guard() for _ in range(3)]
    answer.set()

    assert [(report.judged, report.late_bridges) for report in reports] == [(1, ("hung",))] * 3
    assert asked.count(("beta",)) == 1


def test_silence_is_told_once_by_all_workers_and_again_when_it_comes_back(rig: Rig) -> None:
    workers = [rig.worker, Worker(rig, rig.ledger, rig.gateway)]
    told = []
    for _ in range(2):
        rig.book().connected = False
        for _ in range(12):
            rig.clock.advance_s(1)
            for worker in workers:
                worker.guard.run()
        rig.book().connected = True
        rig.guard()
        told.append(sum(pending.count for pending in rig.ledger.pending(9)))

    assert told == [1, 2]
