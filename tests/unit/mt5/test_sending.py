"""The last gate: what the journal refuses is not sent, and what gets a person out goes without it."""

from typing import Any

import pytest

from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.errors import JournalUnwritable, StaleToken, Unreachable
from mt5fleet.domain.latch import Latch
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome, Retry
from tests.unit.mt5 import rows
from tests.unit.mt5.desk import KEY, Desk, answer, position, resting


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.module.open = (position(),)
    made.module.resting = (resting(),)
    made.module.on_send = lambda: answer(order=9, deal=10)
    return made


def sends(desk: Desk) -> dict[str, Any]:
    """Every kind of send, by name."""
    return {
        "open": desk.submit,
        "close": lambda: desk.close(5),
        "partial close": lambda: desk.close(5, "0.05"),
        "close by key": desk.close_by_magic,
        "modify": lambda: desk.modify(5),
        "cancel": lambda: desk.cancel(8),
        "cancel by key": lambda: desk.cancel(None),
    }


NAMES = ("open", "close", "partial close", "close by key", "modify", "cancel", "cancel by key")
WITHOUT_JOURNAL = ("close", "cancel")


def prepared(desk: Desk, name: str) -> None:
    if name == "open":
        desk.module.open, desk.module.resting = (), ()


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_stops_all_but_what_names_a_ticket_and_ends_in_the_same_place(
    desk: Desk, name: str
) -> None:
    prepared(desk, name)
    desk.journal.disk_fails = True
    outcome: Outcome = sends(desk)[name]()
    if name in WITHOUT_JOURNAL:
        assert outcome.state in (OrderState.FILLED, OrderState.APPLIED)
        assert outcome.sentence.startswith("without the bridge's journal")
        assert len(desk.module.sent) == 1
    else:
        assert (outcome.state, outcome.retry) == (OrderState.NOT_SENT, Retry.AFTER_DELAY)
        assert "journal" in outcome.sentence
        assert desk.module.sent == []


def test_a_send_goes_again_once_the_disk_takes_writes(desk: Desk) -> None:
    prepared(desk, "open")
    desk.journal.disk_fails = True
    desk.submit()
    desk.journal.disk_fails = False
    assert desk.submit(attempt=2).state is OrderState.FILLED


def test_a_close_without_the_journal_never_closes_more_than_is_there(desk: Desk) -> None:
    desk.journal.disk_fails = True
    desk.module.on_send = lambda: None
    desk.module.error = (-10002, "IPC recv failed")
    assert desk.close(5).state is OrderState.IN_DOUBT
    desk.module.open = ()
    assert desk.close(5).state is OrderState.NOT_SENT  # not visible: looked for again, not sent
    assert len(desk.module.sent) == 1


def test_a_latch_raised_between_the_look_and_the_write_stops_the_open(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(desk, "open")
    latch = Latch(sequence=1, reason="drawdown", at=desk.clock.now())
    write = desk.journal.write

    def latched_first(entry: Any) -> None:
        desk.journal.set_latch(latch)
        write(entry)

    monkeypatch.setattr(desk.journal, "write", latched_first)
    outcome = desk.submit()
    assert (outcome.state, outcome.denial) == (OrderState.NOT_SENT, DenialReason.HALTED)
    assert desk.module.sent == []
    assert [entry.tombstone for entry in desk.journal.entries(KEY.text)] == [True]


@pytest.mark.parametrize("name", NAMES)
def test_a_token_that_was_overtaken_before_the_write_is_told(
    desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(desk, name)
    write = desk.journal.write

    def overtaken(entry: Any) -> None:
        desk.journal.see_token(99)
        write(entry)

    monkeypatch.setattr(desk.journal, "write", overtaken)
    with pytest.raises(StaleToken) as refused:
        sends(desk)[name]()
    assert refused.value.newest == 99
    assert desk.module.sent == []


@pytest.mark.parametrize("name", NAMES)
def test_a_terminal_that_changed_its_account_during_the_write_sends_nothing(
    desk: Desk, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(desk, name)
    write = desk.journal.write

    def logged_in_elsewhere(entry: Any) -> None:
        write(entry)
        desk.module.account = rows.account(login=1002)

    monkeypatch.setattr(desk.journal, "write", logged_in_elsewhere)
    outcome: Outcome = sends(desk)[name]()
    assert (outcome.state, outcome.retry) == (OrderState.NOT_SENT, Retry.AFTER_DELAY)
    assert "configured is 1001" in outcome.sentence
    assert desk.module.sent == []


@pytest.mark.parametrize("changes", [{"login": 1002}, {"server": "Elsewhere"}])
@pytest.mark.parametrize("name", NAMES)
def test_no_send_of_any_kind_leaves_on_another_account(
    desk: Desk, name: str, changes: dict[str, Any]
) -> None:
    desk.module.account = rows.account(**changes)
    with pytest.raises(Unreachable):
        sends(desk)[name]()
    assert desk.module.sent == []


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_mode_stops_what_may_add_risk(desk: Desk, name: str) -> None:
    prepared(desk, name)
    desk.module.account = rows.account(trade_mode=2)
    outcome: Outcome = sends(desk)[name]()
    stopped = name in ("open", "modify")
    assert (outcome.denial is DenialReason.MODE_MISMATCH) is stopped
    assert len(desk.module.sent) == (0 if stopped else 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_shadow_sends_nothing_of_any_kind(name: str) -> None:
    desk = Desk(shadow=True)
    desk.module.open, desk.module.resting = (position(),), (resting(),)
    prepared(desk, name)
    assert sends(desk)[name]().denial is DenialReason.SHADOW
    assert desk.module.sent == []


@pytest.mark.parametrize("name", NAMES)
def test_a_silent_ledger_stops_opens_only(desk: Desk, name: str) -> None:
    prepared(desk, name)
    desk.hear()
    desk.clock.advance_s(10.1)
    if name == "open":
        desk.hear = lambda: None  # type: ignore[method-assign]  # nobody asks the ledger any more
    outcome: Outcome = sends(desk)[name]()
    assert (outcome.state is OrderState.NOT_SENT) is (name == "open")


def test_an_outcome_that_the_disk_does_not_take_is_answered_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(desk, "open")

    def full(*_: object) -> None:
        raise JournalUnwritable("the disk is full")

    monkeypatch.setattr(desk.journal, "finish", full)
    assert desk.submit().state is OrderState.FILLED
    (entry,) = desk.journal.entries(KEY.text)
    assert entry.outcome is None  # the broker is asked when anybody wants to know


def test_reads_go_on_while_a_newer_token_cannot_be_kept(desk: Desk) -> None:
    desk.journal.disk_fails = True
    assert [found.ticket for found in desk.gateway.positions("a", token=50)] == [5]
    with pytest.raises(StaleToken):
        desk.gateway.positions("a", token=49)


def test_nothing_is_called_not_sent_while_its_tombstone_cannot_be_written(desk: Desk) -> None:
    prepared(desk, "open")
    desk.journal.disk_fails = True
    assert desk.resolve().state is OrderState.IN_DOUBT
    desk.journal.disk_fails = False
    assert desk.resolve().state is OrderState.NOT_SENT
