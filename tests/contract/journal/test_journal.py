"""The journal port: what is written stands, what must not be written is refused, after a restart too."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.errors import InvariantBroken, Latched, StaleLatch, StaleToken
from mt5fleet.domain.latch import Latch
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome
from mt5fleet.ports.journal import Journal
from mt5fleet.testing.builders import ORDER_KEY, make_entry
from mt5fleet.testing.clock import ManualClock

Reopen = Callable[[], Journal]

KEY, OTHER_KEY = ORDER_KEY, "b" * 64
NOW = ManualClock().now()
FILLED = Outcome(state=OrderState.FILLED, sentence="filled", order_ticket=7)
MEMORY = GuardMemory(
    peak_equity=Decimal("10100.55"),
    first_balance=Decimal(10_000),
    last_equity=Decimal("10050.10"),
    last_balance=Decimal(10_000),
    last_at=NOW,
    cash_flow_total=Decimal(0),
    sequence=3,
    last_deal=77,
    last_credit=Decimal("5.00"),
)


def latch(sequence: int, reason: str = "drawdown", *, local: bool = False) -> Latch:
    return Latch(sequence=sequence, reason=reason, at=NOW, local=local)


def test_an_attempt_is_written_once_and_survives(reopen: Reopen) -> None:
    reopen().write(make_entry())
    with pytest.raises(InvariantBroken, match="attempt 1 of order aaaaaaaaaaaa was written before"):
        reopen().write(make_entry())
    assert reopen().entries(KEY) == (make_entry(),)
    assert reopen().entries(OTHER_KEY) == ()


def test_an_attempt_of_an_older_token_is_refused_at_the_last_gate(reopen: Reopen) -> None:
    reopen().see_token(4)
    with pytest.raises(StaleToken) as refused:
        reopen().write(make_entry(token=3))
    assert refused.value.newest == 4
    assert reopen().entries(KEY) == ()
    assert reopen().unfinished() == ()


def test_an_attempt_of_a_newer_token_makes_older_ones_stale(reopen: Reopen) -> None:
    reopen().write(make_entry(token=9))
    assert reopen().newest_token() == 9
    with pytest.raises(StaleToken):
        reopen().write(make_entry(attempt=2, token=8))


@pytest.mark.parametrize("operation", ["close", "modify", "cancel"])
def test_under_a_latch_only_opens_are_refused(reopen: Reopen, operation: str) -> None:
    reopen().set_latch(latch(1, "drawdown 20 percent"))
    with pytest.raises(Latched, match="drawdown 20 percent"):
        reopen().write(make_entry())
    reopen().write(make_entry(operation=operation))
    assert [found.operation for found in reopen().entries(KEY)] == [operation]


def test_a_lifted_latch_lets_opens_be_written_again(reopen: Reopen) -> None:
    reopen().set_latch(latch(1))
    reopen().lift_latch(1, "signed record")
    reopen().write(make_entry())
    assert [found.attempt for found in reopen().entries(KEY)] == [1]


def test_an_outcome_is_kept_with_its_attempt(reopen: Reopen) -> None:
    journal = reopen()
    journal.write(make_entry(1))
    journal.write(make_entry(2))
    journal.finish(KEY, 2, FILLED)
    assert [found.outcome for found in reopen().entries(KEY)] == [None, FILLED]


def test_an_outcome_may_be_replaced_by_a_truer_one(reopen: Reopen) -> None:
    reopen().write(make_entry())
    reopen().finish(KEY, 1, Outcome(state=OrderState.IN_DOUBT, sentence="outcome unknown"))
    reopen().finish(KEY, 1, FILLED)
    assert [found.outcome for found in reopen().entries(KEY)] == [FILLED]


def test_an_attempt_that_was_never_written_cannot_be_finished(reopen: Reopen) -> None:
    with pytest.raises(InvariantBroken, match="never written"):
        reopen().finish(KEY, 1, FILLED)
    assert reopen().entries(KEY) == ()


def test_a_tombstone_stands_for_attempts_that_were_never_written_too(reopen: Reopen) -> None:
    journal = reopen()
    journal.write(make_entry(1))
    journal.bury(KEY, 1)
    journal.bury(KEY, 2)
    journal.bury(KEY, 2)
    first, second = reopen().entries(KEY)
    assert (first.tombstone, first.operation) == (True, "submit")
    assert (second.tombstone, second.attempt) == (True, 2)
    with pytest.raises(InvariantBroken):
        reopen().write(make_entry(2))


def test_only_attempts_without_an_end_are_unfinished_and_the_oldest_is_first(reopen: Reopen) -> None:
    journal = reopen()
    clock = ManualClock()
    for attempt in (3, 4, 1, 2):
        clock.advance_s(1)
        journal.write(replace(make_entry(attempt), written_at=clock.now()))
    journal.finish(KEY, 1, FILLED)
    journal.bury(KEY, 2)
    assert [found.attempt for found in journal.unfinished()] == [3, 4]
    assert [found.attempt for found in reopen().unfinished()] == [3, 4]


def test_an_attempt_in_doubt_stays_unfinished_until_it_is_settled_or_buried(reopen: Reopen) -> None:
    doubt = Outcome(state=OrderState.IN_DOUBT, sentence="outcome unknown")
    journal = reopen()
    for attempt in (1, 2, 3):
        journal.write(make_entry(attempt))
        journal.finish(KEY, attempt, doubt)
    journal.finish(KEY, 1, FILLED)
    journal.bury(KEY, 2)
    journal.finish(KEY, 2, doubt)
    for found in (journal.unfinished(), reopen().unfinished()):
        assert [(kept.attempt, kept.outcome) for kept in found] == [(3, doubt)]


def test_the_newest_thousand_unfinished_attempts_are_known(reopen: Reopen) -> None:
    journal, clock = reopen(), ManualClock()
    for attempt in range(1, 1003):
        clock.advance_s(1)
        journal.write(replace(make_entry(attempt), written_at=clock.now()))
    for found in (journal.unfinished(), reopen().unfinished()):
        assert [kept.attempt for kept in found] == list(range(3, 1003))
    assert len(reopen().entries(KEY)) == 1002


def test_tokens_only_grow(reopen: Reopen) -> None:
    journal = reopen()
    assert journal.newest_token() == 0
    journal.see_token(5)
    journal.see_token(5)
    with pytest.raises(StaleToken) as refused:
        reopen().see_token(4)
    assert refused.value.newest == 5
    assert reopen().newest_token() == 5


def test_a_latch_stands_until_a_newer_one(reopen: Reopen) -> None:
    assert reopen().latch() is None
    reopen().set_latch(latch(2, "drawdown", local=True))
    reopen().set_latch(latch(2, "the same again"))
    reopen().set_latch(latch(1, "older"))
    assert reopen().latch() == latch(2, "drawdown", local=True)
    reopen().set_latch(latch(3, "newer"))
    assert reopen().latch() == latch(3, "newer")


def test_a_lifted_sequence_and_those_below_it_never_latch_again(reopen: Reopen) -> None:
    reopen().set_latch(latch(5))
    reopen().lift_latch(5, "signed record")
    assert (reopen().latch(), reopen().lifted_sequence()) == (None, 5)
    for sequence in (5, 4):
        with pytest.raises(StaleLatch) as refused:
            reopen().set_latch(latch(sequence))
        assert refused.value.lifted == 5
    reopen().set_latch(latch(6))
    assert reopen().latch() == latch(6)


def test_lifting_an_older_latch_leaves_a_newer_one(reopen: Reopen) -> None:
    reopen().set_latch(latch(5))
    reopen().lift_latch(4, "signed record")
    assert (reopen().latch(), reopen().lifted_sequence()) == (latch(5), 4)


def test_lifting_twice_changes_nothing(reopen: Reopen) -> None:
    reopen().set_latch(latch(5))
    reopen().lift_latch(5, "signed record")
    once = reopen().sequence
    reopen().lift_latch(5, "signed record")
    reopen().lift_latch(2, "an older one")
    assert (reopen().sequence, reopen().lifted_sequence()) == (once, 5)


def test_a_newer_checkpoint_replaces_an_older_one_only(reopen: Reopen) -> None:
    assert reopen().memory() is None
    reopen().set_memory(MEMORY)
    reopen().set_memory(replace(MEMORY, peak_equity=Decimal(1)))
    reopen().set_memory(replace(MEMORY, sequence=2))
    assert reopen().memory() == MEMORY
    newer = replace(MEMORY, sequence=4, peak_equity=Decimal("10200.00"))
    reopen().set_memory(newer)
    assert reopen().memory() == newer


def test_the_floor_is_kept_as_it_was_signed(reopen: Reopen) -> None:
    assert reopen().floor() is None
    reopen().set_floor('{"equity": "5000"}')
    reopen().set_floor('{"equity": "6000"}')
    assert reopen().floor() == '{"equity": "6000"}'


def test_the_newest_deal_only_grows(reopen: Reopen) -> None:
    reopen().see_deal(10)
    reopen().see_deal(9)
    assert reopen().newest_deal() == 10


def test_the_last_two_builds_are_kept(reopen: Reopen) -> None:
    assert reopen().builds() == ()
    for build in (5200, 5200, 5320, 5401, 5401):
        reopen().see_build(build)
    assert reopen().builds() == (5320, 5401)


def test_identity_and_age_stay(reopen: Reopen) -> None:
    first = reopen()
    identity = (first.id, first.created_at)
    second = reopen()
    assert (second.id, second.created_at) == identity
    assert second.created_at == NOW


def test_the_sequence_grows_by_durable_writes_only(reopen: Reopen) -> None:
    durable: tuple[Callable[[Journal], None], ...] = (
        lambda journal: journal.see_token(3),
        lambda journal: journal.write(make_entry()),
        lambda journal: journal.bury(KEY, 2),
        lambda journal: journal.set_latch(latch(1)),
        lambda journal: journal.lift_latch(1, "signed record"),
        lambda journal: journal.set_memory(MEMORY),
        lambda journal: journal.set_floor("record"),
    )
    others: tuple[Callable[[Journal], None], ...] = (
        lambda journal: journal.see_token(3),
        lambda journal: journal.finish(KEY, 1, FILLED),
        lambda journal: journal.see_deal(4),
        lambda journal: journal.see_build(5000),
    )
    for number, change in enumerate(durable, start=1):
        change(reopen())
        assert reopen().sequence == number
    for change in others:
        change(reopen())
    assert reopen().sequence == len(durable)


def test_a_refused_write_does_not_count(reopen: Reopen) -> None:
    reopen().write(make_entry())
    before = reopen().sequence
    for refused in (make_entry(), make_entry(2, token=1)):
        with pytest.raises((InvariantBroken, StaleToken)):
            reopen().write(refused)
    assert (reopen().sequence, reopen().writable) == (before, True)
