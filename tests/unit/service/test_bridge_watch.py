"""What the sweep tells a bridge and hears from it: the ledger's clock, journals, changes at terminals."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from mt5fleet.domain.broker import Health, Reading
from mt5fleet.domain.errors import LedgerUnavailable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import OpenOrder, Outcome, Permit
from mt5fleet.domain.record import EventType
from mt5fleet.service.journals import Journals
from mt5fleet.service.telling import Notices
from mt5fleet.testing.builders import make_account, make_close, make_health
from mt5fleet.testing.memory_journal import MemoryJournal
from tests.unit.service.rig import Rig, Worker

S = OrderState


class Watched:
    """A gateway whose readings take a second and whose healths may show something else."""

    def __init__(self, rig: Rig, **shown: Any) -> None:
        self.rig = rig
        self.shown = shown
        self.told: list[datetime | None] = []
        self.permits: list[Permit] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self.rig.gateway, name)

    def readings(self, accounts: tuple[str, ...], ledger_at: datetime) -> dict[str, Reading | str]:
        self.told.append(ledger_at)
        self.rig.clock.advance_s(1)
        return self.rig.gateway.readings(accounts, ledger_at)

    def health(self, account: str) -> Health:
        return replace(self.rig.gateway.health(account), **self.shown)

    def submit(self, account: str, order: OpenOrder, permit: Permit) -> Outcome:
        self.permits.append(permit)
        return self.rig.gateway.submit(account, order, permit)


def watched(rig: Rig, **shown: Any) -> Watched:
    gateway = Watched(rig, **shown)
    rig.worker = Worker(rig, rig.ledger, gateway)  # type: ignore[arg-type]  # a fake port
    return gateway


def test_bridge_hears_of_the_ledger_with_every_sweep() -> None:
    rig = Rig(contact_required=True)
    assert rig.execute("S1").state is S.FILLED

    rig.clock.advance_s(11)
    assert rig.execute("S2").state is S.NOT_SENT

    rig.guard()
    rig.clock.advance_s(3)
    rig.drain()
    assert rig.states("S2") == [S.FILLED]


def test_ledger_is_asked_anew_for_every_batch() -> None:
    rig = Rig(make_account("alpha", login=1), make_account("beta", login=2))
    rig.guard_settings = replace(rig.guard_settings, batch_accounts=1)
    gateway, start = watched(rig), rig.clock.now()

    report = rig.guard()

    assert [(told - start).total_seconds() for told in gateway.told if told is not None] == [0, 1]
    assert report.judged == 2


def test_reading_that_took_longer_than_it_may_be_old_is_blind(rig: Rig) -> None:
    """Its age is taken from the ledger's clock when the answer is there, not when it was asked for."""
    old = replace(rig.book().reading(), at=rig.clock.now())

    class Slow(Watched):
        def readings(self, accounts: tuple[str, ...], ledger_at: datetime) -> dict[str, Reading | str]:
            rig.clock.advance_s(11)
            return dict.fromkeys(accounts, old)

    rig.worker = Worker(rig, rig.ledger, Slow(rig))  # type: ignore[arg-type]  # a fake port

    assert rig.guard().blind == ("alpha",)


def test_sweep_without_the_ledger_tells_the_bridge_nothing(rig: Rig) -> None:
    gateway = watched(rig)

    class Away:
        calls = 0

        def __getattr__(self, name: str) -> object:
            return getattr(rig.ledger, name)

        def now(self) -> datetime:
            self.calls += 1
            if self.calls > allowed:
                raise LedgerUnavailable("no answer")
            return rig.ledger.now()

    for allowed in (0, 1):  # noqa: B007 - read by the ledger above
        worker = Worker(rig, Away(), gateway)  # type: ignore[arg-type]  # fake ports
        with pytest.raises(LedgerUnavailable):
            worker.guard.run()

    assert gateway.told == []


def test_sweep_binds_the_journal_and_keeps_its_writes(rig: Rig) -> None:
    rig.execute()
    rig.clock.advance_s(rig.guard_settings.health_every_s)

    rig.guard()

    status, journal = rig.ledger.account_status("alpha"), rig.book().journal
    assert (status.journal_id, status.journal_older) == (journal.id, False)
    assert 0 < status.journal_sequence <= journal.sequence


def test_permit_names_the_journal_and_the_newest_write_that_the_ledger_heard_of(rig: Rig) -> None:
    rig.execute("S1")
    rig.clock.advance_s(rig.guard_settings.health_every_s)
    rig.guard()
    known = rig.ledger.account_status("alpha").journal_sequence
    gateway = watched(rig)

    rig.execute("S2")

    [permit] = gateway.permits
    assert (permit.journal_id, permit.journal_sequence) == (rig.book().journal.id, known)
    assert known > 0


def older_copy(rig: Rig) -> MemoryJournal:
    """The same journal as it was when it was made."""
    rig.clock.advance_s(rig.guard_settings.health_every_s)
    rig.guard()
    return MemoryJournal(rig.book().journal.id, rig.book().journal.created_at)


def another_journal(rig: Rig) -> MemoryJournal:
    return MemoryJournal("another", rig.clock.now())


@pytest.mark.parametrize(("made", "fault"), [(older_copy, "older"), (another_journal, "another")])
def test_journal_that_is_not_the_bound_one_blocks_opens_and_is_told_once(
    rig: Rig, made: Any, fault: str
) -> None:
    rig.execute("S1")
    rig.book().journal = made(rig)

    rig.clock.advance_s(3)
    order = rig.execute("S2")
    for worker in (rig.worker, Worker(rig, rig.ledger, rig.gateway)):
        rig.clock.advance_s(rig.guard_settings.health_every_s)
        worker.guard.run()
        worker.drain.run("alpha", "worker")

    assert (order.state, rig.sent()) == (S.RECEIVED, 1)
    assert "named person" in rig.events(EventType.ORDER_WAITING)[0]["why"]
    assert [event["fault"] for event in rig.events(EventType.JOURNAL_FAULT)] == [fault]
    told = [one for one in rig.ledger.pending(99) if one.alert.title.startswith("The journal of alpha")]
    assert [one.count for one in told] == [1]


def test_older_copy_is_not_believed_when_its_own_writes_have_caught_up(rig: Rig) -> None:
    rig.execute("S1")
    copy = rig.book().journal = older_copy(rig)
    rig.clock.advance_s(rig.guard_settings.health_every_s)
    rig.guard()
    known = rig.ledger.account_status("alpha").journal_sequence
    for token in range(known):
        copy.see_token(rig.ledger._now_us() + token)

    rig.clock.advance_s(3)

    assert copy.sequence > known
    assert rig.execute("S2").state is S.RECEIVED


def test_closes_go_on_with_a_journal_that_is_not_the_bound_one(rig: Rig) -> None:
    rig.execute("S1")
    rig.book().journal = another_journal(rig)
    rig.clock.advance_s(3)

    rig.execute("C1", make_close())

    assert rig.book().positions == {}


def test_journal_that_takes_no_writes_is_told_once_per_fault(rig: Rig) -> None:
    watched(rig)

    def looked(peak: str, *, fails: bool) -> None:
        """A new peak wants a checkpoint."""
        rig.book().journal.disk_fails = fails
        rig.equity(peak)
        for _ in range(2):
            rig.clock.advance_s(rig.guard_settings.health_every_s)
            rig.guard()

    looked("10100", fails=True)
    looked("10200", fails=False)
    looked("10300", fails=True)

    assert [event["fault"] for event in rig.events(EventType.JOURNAL_FAULT)] == ["unwritable"] * 2


def test_write_that_another_worker_heard_of_first_makes_no_older_copy(rig: Rig) -> None:
    journals = Journals(rig.ledger, Notices(rig.ledger, told_max=9, events_looked_at=9))
    before = rig.ledger.account_status("alpha")
    assert before.journal_id is not None
    health = replace(
        make_health(), journal_id=before.journal_id, journal_sequence=before.journal_sequence + 1
    )
    rig.ledger.bind_journal("alpha", before.journal_id, before.journal_sequence + 9)

    assert journals.why_not(before, health) == ""
    assert not rig.ledger.account_status("alpha").journal_older


@pytest.mark.parametrize(
    ("shown", "title"),
    [
        ({"build_before": 4999}, "The terminal of alpha has another build"),
        (
            {"offset_before_s": 7200, "server_offset_s": 10_800},
            "The terminal of alpha has another server offset",
        ),
    ],
)
def test_change_at_the_terminal_is_told_once_by_all_workers(
    rig: Rig, shown: dict[str, int], title: str
) -> None:
    for _ in range(2):
        watched(rig, **shown)
        for _ in range(2):
            rig.clock.advance_s(rig.guard_settings.health_every_s)
            rig.guard()

    [event] = rig.events(EventType.TERMINAL_CHANGED)
    assert set(event) == {"what", "before", "now"}
    assert [one.count for one in rig.ledger.pending(99) if one.alert.title == title] == [1]


def test_next_change_at_the_terminal_is_told_again(rig: Rig) -> None:
    gateway = watched(rig, build_before=4998, build=4999)
    rig.guard()
    rig.clock.advance_s(rig.guard_settings.health_every_s)
    gateway.shown = {"build_before": 4999, "build": 5000}

    rig.guard()

    assert [event["now"] for event in rig.events(EventType.TERMINAL_CHANGED)] == ["4999", "5000"]


def test_terminal_that_is_away_has_not_changed(rig: Rig) -> None:
    watched(rig, build_before=4999, build=None, offset_before_s=7200, server_offset_s=None)

    rig.guard()

    assert rig.events(EventType.TERMINAL_CHANGED) == []


def test_terminal_that_shows_what_it_showed_before_has_not_changed(rig: Rig) -> None:
    watched(rig, build_before=5000, build=5000, offset_before_s=7200, server_offset_s=7200)

    rig.guard()

    assert rig.events(EventType.TERMINAL_CHANGED) == []


def test_ledger_is_asked_once_whether_another_worker_told_it(rig: Rig) -> None:
    class Counted:
        asked = 0

        def __getattr__(self, name: str) -> object:
            return getattr(rig.ledger, name)

        def account_events(self, account: str, limit: int) -> object:
            self.asked += 1
            return rig.ledger.account_events(account, limit)

    ledger = Counted()
    rig.worker = Worker(rig, ledger, watched(rig, build_before=4999))  # type: ignore[arg-type]  # fake ports
    for _ in range(3):
        rig.clock.advance_s(rig.guard_settings.health_every_s)
        rig.guard()

    assert ledger.asked == 1


def test_notice_that_the_ledger_did_not_take_is_told_by_the_next_look(rig: Rig) -> None:
    watched(rig, build_before=4999)

    class Away:
        down = True

        def __getattr__(self, name: str) -> object:
            return getattr(rig.ledger, name)

        def raise_alert(self, *args: Any) -> None:
            if self.down:
                raise LedgerUnavailable("no answer")
            rig.ledger.raise_alert(*args)

    ledger = Away()
    worker = Worker(rig, ledger, watched(rig, build_before=4999))  # type: ignore[arg-type]  # fake ports
    with pytest.raises(LedgerUnavailable):
        worker.guard.run()
    ledger.down = False

    worker.guard.run()

    assert rig.alerts() == ["The terminal of alpha has another build"]
