"""The child's journal speaks with a real one behind the bridge's gate; both must say the same."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from mt5fleet.adapters.bridge.conversion import to_message
from mt5fleet.adapters.bridge.protocol.bridge_pb2 import Outcome as OutcomeMessage
from mt5fleet.adapters.bridge.protocol.child_pb2 import FromChild, JournalBury, JournalDone, JournalFinish
from mt5fleet.adapters.sqlite.journal import JournalFile, SqliteJournal, journal_path
from mt5fleet.bridge.child_journal import ChildJournal
from mt5fleet.bridge.journal_frames import Errand, JournalCounter, view_of
from mt5fleet.domain.errors import InvariantBroken, JournalUnwritable, Latched, StaleToken
from mt5fleet.domain.latch import Latch
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome, Permit
from mt5fleet.ports.journal import JournalEntry
from mt5fleet.testing.builders import ORDER_KEY, make_entry
from mt5fleet.testing.clock import ManualClock

KEY = ORDER_KEY
NOW = datetime(2026, 1, 5, 12, 0, 0, 123456, tzinfo=UTC)
FILLED = Outcome(state=OrderState.FILLED, sentence="filled", order_ticket=7, broker_at=NOW)
LATCH = Latch(sequence=4, reason="drawdown", at=NOW, local=True)
entry = partial(make_entry, written_at=NOW)  # to the microsecond


class Both:
    """The child's journal and the bridge's, with a call in hand between them."""

    def __init__(self, folder: Path) -> None:
        self.file = JournalFile(journal_path(folder), ManualClock(NOW), lambda: "id-1")
        self.kept: SqliteJournal = self.file.account("Sim-1", 1001)
        self.child = ChildJournal(self._ask, self._tell)
        self.call()

    def call(self, operation: str = "submit", key: str = KEY, attempt: int = 1, token: int = 3) -> None:
        """The next call, as the bridge hands it over."""
        permit = Permit(
            key=key,
            attempt=attempt,
            token=token,
            not_after=NOW + timedelta(seconds=5),
            sent_at=NOW,
            journal_id=self.kept.id,
            journal_sequence=self.kept.sequence,
        )
        self.take(Errand(operation=operation, key=key, permit=permit))

    def take(self, errand: Errand) -> None:
        self.counter = JournalCounter("alpha", self.kept, errand)
        entries = self.kept.entries(errand.key) if errand.key else ()
        self.child.look(view_of(self.kept, NOW, errand.key, entries))

    def settle(self) -> None:
        asyncio.run(self.counter.settle())

    def _ask(self, frame: FromChild) -> JournalDone:
        done = self._serve(frame)
        assert done is not None
        return done

    def _tell(self, frame: FromChild) -> None:
        assert self._serve(frame) is None

    def _serve(self, frame: FromChild) -> JournalDone | None:
        return asyncio.run(self.counter.take(FromChild.FromString(frame.SerializeToString())))


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    made = Both(tmp_path)
    yield made
    made.file.close()


def test_the_child_sees_what_the_journal_says(both: Both) -> None:
    both.kept.write(entry())
    both.kept.finish(KEY, 1, FILLED)
    both.kept.write(entry(2, operation="close"))
    both.kept.see_deal(70)
    both.kept.see_build(5000)
    both.kept.set_latch(LATCH)
    both.call(attempt=3)
    child, kept = both.child, both.kept
    assert (child.id, child.created_at, child.sequence) == (kept.id, kept.created_at, kept.sequence)
    assert (child.newest_token(), child.newest_deal()) == (3, 70)
    assert (child.latch(), child.builds()) == (LATCH, (5000,))
    assert child.entries(KEY) == kept.entries(KEY)
    assert child.unfinished() == kept.unfinished()


def test_what_comes_no_more_is_not_told_again_and_again(both: Both) -> None:
    both.kept.write(replace(entry(key="c" * 64), written_at=NOW - timedelta(hours=2)))
    both.kept.write(entry(key="d" * 64))
    both.call()
    assert [found.key for found in both.child.unfinished()] == ["d" * 64]


def test_a_write_is_in_the_journal_when_the_child_goes_on(both: Both) -> None:
    both.child.write(entry())
    assert both.kept.entries(KEY) == (entry(),) == both.child.entries(KEY)
    assert both.child.sequence == both.kept.sequence == 1


def test_a_tombstone_is_in_the_journal_when_the_child_goes_on(both: Both) -> None:
    both.child.bury(KEY, 1)
    assert both.kept.entries(KEY)[0].tombstone
    assert both.child.entries(KEY)[0].tombstone
    both.call(attempt=2)
    both.child.write(entry(2))
    both.child.bury(KEY, 2)
    assert both.child.entries(KEY)[1].tombstone


def test_an_outcome_is_in_the_journal_before_the_answer_is(both: Both) -> None:
    both.child.write(entry())
    both.child.finish(KEY, 1, FILLED)
    both.settle()
    assert both.kept.entries(KEY)[0].outcome == FILLED == both.child.entries(KEY)[0].outcome
    assert both.kept.unfinished() == ()


def test_deals_and_builds_are_told_once(both: Both) -> None:
    for _ in range(2):
        both.child.see_deal(70)
        both.child.see_build(5000)
        both.child.see_build(5100)
        both.child.see_deal(60)
    both.settle()
    assert (both.kept.newest_deal(), both.child.newest_deal()) == (70, 70)
    assert both.kept.builds() == both.child.builds()


@pytest.mark.parametrize(
    ("spoil", "written", "refusal"),
    [
        (lambda both: both.kept.see_token(9), entry(), StaleToken),
        (lambda both: both.kept.set_latch(LATCH), entry(), Latched),
        (lambda both: both.kept.write(entry()), entry(), InvariantBroken),
        (lambda both: None, entry(2), InvariantBroken),
        (lambda both: None, entry(operation="close"), InvariantBroken),
        (lambda both: None, entry(token=4), InvariantBroken),
        (lambda both: both.file.close(), entry(), JournalUnwritable),
    ],
    ids=["older token", "latch", "repeated", "other attempt", "other operation", "other token", "no disk"],
)
def test_the_last_gate_refuses_in_the_childs_words(
    both: Both,
    spoil: Callable[[Both], None],
    written: JournalEntry,
    refusal: type[Exception],
) -> None:
    spoil(both)
    with pytest.raises(refusal):
        both.child.write(written)
    assert written not in both.child.entries(KEY)


def test_the_refusals_carry_what_the_caller_needs(both: Both) -> None:
    both.kept.see_token(9)
    with pytest.raises(StaleToken) as stale:
        both.child.write(entry())
    assert stale.value.newest == 9
    both.kept.set_latch(LATCH)
    both.call(token=9)
    with pytest.raises(Latched) as latched:
        both.child.write(entry(token=9))
    assert latched.value.reason == "drawdown"


def test_another_order_than_the_calls_own_is_neither_read_nor_written(both: Both) -> None:
    other = "b" * 64
    for asked in (
        lambda: both.child.entries(other),
        lambda: both.child.write(entry(key=other)),
        lambda: both.child.bury(other, 1),
        lambda: both.child.finish(other, 1, FILLED),
    ):
        with pytest.raises(InvariantBroken):
            asked()


def test_the_bridge_lets_no_other_order_than_the_calls_own_be_changed(both: Both) -> None:
    other = "b" * 64
    both.kept.write(entry(key=other))
    refused = both._ask(FromChild(bury=JournalBury(key=other, attempt=1)))
    assert "not the one of this call" in refused.broken
    outcome = to_message(FILLED, OutcomeMessage)
    both._tell(FromChild(finish=JournalFinish(key=other, attempt=1, outcome=outcome)))
    both.settle()
    assert both.kept.entries(other) == (entry(key=other),)


@pytest.mark.parametrize("errand", [Errand(operation="resolve", key=KEY), Errand(operation="quote")])
def test_a_call_without_a_permit_sends_nothing(both: Both, errand: Errand) -> None:
    both.take(errand)
    with pytest.raises(InvariantBroken):
        both.child.write(entry())
    assert both.kept.sequence == 0


def test_a_resolve_buries_its_own_order(both: Both) -> None:
    both.take(Errand(operation="resolve", key=KEY))
    both.child.bury(KEY, 1)
    assert both.kept.entries(KEY)[0].tombstone


@pytest.mark.parametrize(
    "changes", [{"journal_id": "another"}, {"journal_id": None}, {"journal_sequence": 1}]
)
def test_an_open_is_not_written_into_a_journal_that_the_ledger_does_not_know(
    both: Both, changes: dict[str, object]
) -> None:
    both.call()
    permit = both.counter._errand.permit
    assert permit is not None
    both.take(Errand(operation="submit", key=KEY, permit=replace(permit, **changes)))  # type: ignore[arg-type]  # a table
    with pytest.raises(JournalUnwritable):
        both.child.write(entry())
    both.take(Errand(operation="close", key=KEY, permit=replace(permit, **changes)))  # type: ignore[arg-type]  # a table
    both.child.write(entry(operation="close"))


def test_a_token_that_the_disk_refused_counts_in_the_child(both: Both) -> None:
    both.child.see_token(8)
    with pytest.raises(StaleToken):
        both.child.see_token(7)
    both.call(token=8)
    assert both.child.newest_token() == 8


def test_what_the_disk_does_not_take_holds_no_answer_up(both: Both) -> None:
    both.child.write(entry())
    both.file.close()
    both.child.finish(KEY, 1, FILLED)
    both.settle()
