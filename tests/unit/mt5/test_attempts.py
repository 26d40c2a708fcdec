from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mt5fleet.adapters.mt5.absences import Absences
from mt5fleet.adapters.mt5.attempts import is_closed, settled, unsettled
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome
from mt5fleet.ports.journal import JournalEntry
from mt5fleet.testing.builders import make_entry

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def entry(attempt: int, state: OrderState | None, *, tombstone: bool = False) -> JournalEntry:
    outcome = None if state is None else Outcome(state=state, sentence="s")
    return replace(make_entry(attempt, written_at=NOW), outcome=outcome, tombstone=tombstone)


def test_a_fill_settles_the_key_whatever_other_attempts_say() -> None:
    entries = (entry(1, OrderState.NOT_SENT), entry(2, OrderState.FILLED), entry(3, OrderState.NOT_SENT))
    found = settled(entries)
    assert found is not None
    assert found.state is OrderState.FILLED


def test_not_sent_and_in_doubt_settle_nothing() -> None:
    assert settled((entry(1, OrderState.NOT_SENT), entry(2, OrderState.IN_DOUBT))) is None


def test_attempts_without_a_certain_end_are_unsettled_until_buried() -> None:
    entries = (entry(1, None), entry(2, OrderState.IN_DOUBT), entry(3, None, tombstone=True))
    assert [found.attempt for found in unsettled(entries)] == [1, 2]


def test_an_attempt_is_closed_when_it_or_a_later_one_was_written() -> None:
    entries = (entry(2, OrderState.NOT_SENT),)
    assert is_closed(entries, 1)
    assert is_closed(entries, 2)
    assert not is_closed(entries, 3)


def test_absence_is_proved_by_two_looks_a_lag_apart() -> None:
    absences = Absences(lag_s=2.0)
    assert not absences.proved("k", NOW, breaks=0)
    assert not absences.proved("k", NOW + timedelta(seconds=1.9), breaks=0)
    assert absences.proved("k", NOW + timedelta(seconds=2.0), breaks=0)


def test_absence_before_a_lost_session_proves_nothing() -> None:
    absences = Absences(lag_s=2.0)
    absences.proved("k", NOW, breaks=0)
    assert not absences.proved("k", NOW + timedelta(seconds=5), breaks=1)
    assert absences.proved("k", NOW + timedelta(seconds=7), breaks=1)


def test_what_was_found_starts_again() -> None:
    absences = Absences(lag_s=2.0)
    absences.proved("k", NOW, breaks=0)
    absences.forget("k")
    assert not absences.proved("k", NOW + timedelta(seconds=5), breaks=0)
