"""What stands for an account at its bridge: latch, guards' memory, floor and journal."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.errors import StaleLatch, ValueRefused
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CloseOrder, Outcome
from tests.contract.gateway.people import (
    OPERATOR,
    OPERATOR_KEY,
    RISK,
    STRANGER_KEY,
    floor_of,
    resume_of,
)
from tests.contract.gateway.rigs import ACCOUNT, LOGIN, Rig, key_of, market, permit

DAY_S = 86_400
LAST_NUMBER = 2**63 - 1  # what the wire and the journal can just hold
MEMORY = GuardMemory(
    peak_equity=Decimal("10250.40"),
    first_balance=Decimal(10_000),
    last_equity=Decimal("10100.10"),
    last_balance=Decimal("10100.00"),
    last_at=datetime(2026, 7, 1, 12, 0, 0, 250_000, tzinfo=UTC),
    cash_flow_total=Decimal("-50.00"),
    sequence=7,
    last_deal=4711,
    last_credit=Decimal("1.50"),
)


def opened(rig: Rig, name: str, token: int = 1) -> Outcome:
    key = key_of(name)
    return rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, token=token))


def test_a_latch_shows_its_halt_in_the_health(rig: Rig) -> None:
    assert not rig.gateway.health(ACCOUNT).latched
    rig.gateway.latch(ACCOUNT, 3, "drawdown 20.1 percent")
    latch = rig.gateway.health(ACCOUNT).latch
    assert latch is not None
    assert (latch.sequence, latch.reason, latch.local) == (3, "drawdown 20.1 percent", False)


def test_a_higher_halt_replaces_the_latch_and_a_lower_one_does_not(rig: Rig) -> None:
    for sequence in (3, 5, 4):
        rig.gateway.latch(ACCOUNT, sequence, f"halt {sequence}")
    latch = rig.gateway.health(ACCOUNT).latch
    assert latch is not None
    assert (latch.sequence, latch.reason) == (5, "halt 5")


def test_a_halt_that_no_other_could_follow_latches_under_another_number(rig: Rig) -> None:
    with pytest.raises(ValueRefused, match=r"latch\.sequence"):
        rig.gateway.latch(ACCOUNT, LAST_NUMBER, "drawdown")
    latch = rig.gateway.health(ACCOUNT).latch
    assert latch is not None
    assert (latch.local, latch.sequence < LAST_NUMBER) == (True, True)
    assert opened(rig, "absurd-halt").denial is DenialReason.HALTED


def test_a_token_that_no_other_could_follow_is_refused_and_locks_nobody_out(rig: Rig) -> None:
    with pytest.raises(ValueRefused, match="token"):
        rig.gateway.positions(ACCOUNT, LAST_NUMBER)
    with pytest.raises(ValueRefused, match="token"):
        opened(rig, "absurd-token", token=LAST_NUMBER)
    assert opened(rig, "ordinary-token", token=1).state is OrderState.FILLED


def test_a_checkpoint_that_no_other_could_follow_is_refused(rig: Rig) -> None:
    with pytest.raises(ValueRefused, match=r"memory\.sequence"):
        rig.gateway.checkpoint(ACCOUNT, replace(MEMORY, sequence=LAST_NUMBER))
    rig.gateway.checkpoint(ACCOUNT, MEMORY)
    assert rig.gateway.memory(ACCOUNT) == MEMORY


def test_a_latch_outlives_a_ledger_that_forgot_it(rig: Rig) -> None:
    """After a failover nobody mentions the halt: new tokens, no journal, word from the ledger as ever."""
    rig.gateway.latch(ACCOUNT, 3, "drawdown")
    forgotten = key_of("forgotten")
    unbound = replace(permit(rig, forgotten, token=900), journal_id=None)
    refused = [
        opened(rig, "new-token", token=800),
        rig.gateway.submit(ACCOUNT, market(rig, forgotten), unbound),
        opened(rig, "later", token=1000),
    ]
    assert {(outcome.state, outcome.denial) for outcome in refused} == {
        (OrderState.NOT_SENT, DenialReason.HALTED)
    }
    assert rig.gateway.positions(ACCOUNT) == ()
    assert rig.gateway.health(ACCOUNT).latched


def test_a_latch_survives_a_restart(rig: Rig) -> None:
    rig.gateway.latch(ACCOUNT, 3, "drawdown")
    rig.restart()
    assert rig.gateway.health(ACCOUNT).latched
    assert opened(rig, "restarted").denial is DenialReason.HALTED


def test_a_signed_resume_lifts_the_latch_and_opens_go_again(rig: Rig) -> None:
    rig.gateway.latch(ACCOUNT, 3, "drawdown")
    rig.gateway.unlatch(ACCOUNT, resume_of(rig.clock, 3))
    health = rig.gateway.health(ACCOUNT)
    assert (health.latch, health.lifted_sequence) == (None, 3)
    assert opened(rig, "resumed").state is OrderState.FILLED


def test_a_repeated_resume_changes_nothing(rig: Rig) -> None:
    rig.gateway.latch(ACCOUNT, 3, "drawdown")
    record = resume_of(rig.clock, 3)
    for _ in range(2):
        rig.gateway.unlatch(ACCOUNT, record)
    assert rig.gateway.health(ACCOUNT).lifted_sequence == 3


REFUSED: dict[str, Callable[[Rig], str]] = {
    "wrong key": lambda rig: resume_of(rig.clock, 3, key=replace(STRANGER_KEY, key_id="rita-1")),
    "unknown key": lambda rig: resume_of(rig.clock, 3, key=STRANGER_KEY),
    "operator": lambda rig: resume_of(rig.clock, 3, person=OPERATOR, key=OPERATOR_KEY),
    "operator's key": lambda rig: resume_of(rig.clock, 3, person=RISK, key=OPERATOR_KEY),
    "nobody": lambda rig: resume_of(rig.clock, 3, person="mallory", key=STRANGER_KEY),
    "lower halt": lambda rig: resume_of(rig.clock, 2),
    "higher halt": lambda rig: resume_of(rig.clock, 4),
    "old": lambda rig: resume_of(rig.clock, 3, age_s=DAY_S + 60),
    "from the future": lambda rig: resume_of(rig.clock, 3, age_s=-3600),
    "another account": lambda rig: resume_of(rig.clock, 3, login=LOGIN + 1),
    "altered": lambda rig: resume_of(rig.clock, 4).replace('"sequence":"4"', '"sequence":"3"'),
    "floor": lambda rig: floor_of(rig.clock, "5000"),
    "no record": lambda rig: "{}",
}


@pytest.mark.parametrize("record", REFUSED.values(), ids=REFUSED.keys())
def test_a_resume_that_does_not_fit_is_refused_and_the_latch_stands(
    rig: Rig, record: Callable[[Rig], str]
) -> None:
    rig.gateway.latch(ACCOUNT, 3, "drawdown")
    with pytest.raises(ValueRefused):
        rig.gateway.unlatch(ACCOUNT, record(rig))
    assert rig.gateway.health(ACCOUNT).latched
    assert opened(rig, "refused").denial is DenialReason.HALTED


def test_an_old_resume_does_not_lift_a_newer_latch(rig: Rig) -> None:
    rig.gateway.latch(ACCOUNT, 3, "drawdown")
    record = resume_of(rig.clock, 3)
    rig.gateway.unlatch(ACCOUNT, record)
    rig.gateway.latch(ACCOUNT, 4, "drawdown again")
    with pytest.raises(ValueRefused):
        rig.gateway.unlatch(ACCOUNT, record)
    assert rig.gateway.health(ACCOUNT).latched


def test_a_resume_without_any_latch_is_refused(rig: Rig) -> None:
    with pytest.raises(ValueRefused):
        rig.gateway.unlatch(ACCOUNT, resume_of(rig.clock, 1))


@pytest.mark.parametrize("sequence", [2, 3])
def test_a_halt_that_was_lifted_is_told_and_never_ignored(rig: Rig, sequence: int) -> None:
    rig.gateway.latch(ACCOUNT, 3, "drawdown")
    rig.gateway.unlatch(ACCOUNT, resume_of(rig.clock, 3))
    with pytest.raises(StaleLatch) as told:
        rig.gateway.latch(ACCOUNT, sequence, "drawdown again")
    assert told.value.lifted == 3
    rig.gateway.latch(ACCOUNT, told.value.lifted + 1, "drawdown again")
    assert opened(rig, "renumbered").denial is DenialReason.HALTED


def test_what_was_lifted_survives_a_restart(rig: Rig) -> None:
    rig.gateway.latch(ACCOUNT, 3, "drawdown")
    rig.gateway.unlatch(ACCOUNT, resume_of(rig.clock, 3))
    rig.restart()
    assert not rig.gateway.health(ACCOUNT).latched
    with pytest.raises(StaleLatch):
        rig.gateway.latch(ACCOUNT, 3, "drawdown")


def test_a_halted_account_closes(rig: Rig) -> None:
    opened(rig, "to-close")
    (position,) = rig.gateway.positions(ACCOUNT)
    rig.gateway.latch(ACCOUNT, 3, "drawdown")
    order = CloseOrder(opening_key=None, opening_magic=None, ticket=position.ticket, remaining=Decimal(0))
    unheard = permit(rig, key_of("flatten"), heard=False)
    assert rig.gateway.close(ACCOUNT, order, unheard).state is OrderState.FILLED


def test_there_is_no_memory_before_the_first_checkpoint(rig: Rig) -> None:
    assert rig.gateway.memory(ACCOUNT) is None


def test_a_checkpoint_is_kept_to_the_last_digit_and_survives_a_restart(rig: Rig) -> None:
    rig.gateway.checkpoint(ACCOUNT, MEMORY)
    rig.restart()
    assert rig.gateway.memory(ACCOUNT) == MEMORY


def test_only_a_newer_checkpoint_replaces_the_kept_one(rig: Rig) -> None:
    older = replace(MEMORY, sequence=6, peak_equity=Decimal(1))
    same = replace(MEMORY, peak_equity=Decimal(2))
    newer = replace(MEMORY, sequence=8, peak_equity=Decimal(10_300))
    for memory in (MEMORY, older, same):
        rig.gateway.checkpoint(ACCOUNT, memory)
    assert rig.gateway.memory(ACCOUNT) == MEMORY
    rig.gateway.checkpoint(ACCOUNT, newer)
    assert rig.gateway.memory(ACCOUNT) == newer


def test_a_checkpoint_that_forgot_a_peak_replaces_nothing_whatever_its_number(rig: Rig) -> None:
    forgot = replace(MEMORY, sequence=MEMORY.sequence + 9, peak_equity=MEMORY.peak_equity - 1)
    after_a_withdrawal = replace(forgot, cash_flow_total=MEMORY.cash_flow_total - 1)
    for memory in (MEMORY, forgot):
        rig.gateway.checkpoint(ACCOUNT, memory)
    assert rig.gateway.memory(ACCOUNT) == MEMORY
    rig.gateway.checkpoint(ACCOUNT, after_a_withdrawal)
    assert rig.gateway.memory(ACCOUNT) == after_a_withdrawal


def test_a_signed_floor_is_kept_and_survives_a_restart(rig: Rig) -> None:
    assert rig.gateway.health(ACCOUNT).floor is None
    rig.gateway.floor(ACCOUNT, floor_of(rig.clock, "5000.50"))
    rig.restart()
    floor = rig.gateway.health(ACCOUNT).floor
    assert floor is not None
    assert (floor.equity, floor.readings, floor.person) == (Decimal("5000.50"), 3, RISK)


def test_a_newer_floor_replaces_the_kept_one_and_an_older_one_is_refused(rig: Rig) -> None:
    older, kept = floor_of(rig.clock, "4000", age_s=60), floor_of(rig.clock, "5000", age_s=30)
    rig.gateway.floor(ACCOUNT, kept)
    rig.gateway.floor(ACCOUNT, kept)
    with pytest.raises(ValueRefused):
        rig.gateway.floor(ACCOUNT, older)
    rig.gateway.floor(ACCOUNT, floor_of(rig.clock, "6000"))
    floor = rig.gateway.health(ACCOUNT).floor
    assert floor is not None
    assert floor.equity == Decimal(6000)


FLOORS: dict[str, Callable[[Rig], str]] = {
    "wrong key": lambda rig: floor_of(rig.clock, "1", key=replace(STRANGER_KEY, key_id="rita-1")),
    "operator": lambda rig: floor_of(rig.clock, "1", person=OPERATOR, key=OPERATOR_KEY),
    "old": lambda rig: floor_of(rig.clock, "1", age_s=DAY_S + 60),
    "another account": lambda rig: floor_of(rig.clock, "1", login=LOGIN + 1),
    "resume": lambda rig: resume_of(rig.clock, 1),
}


@pytest.mark.parametrize("record", FLOORS.values(), ids=FLOORS.keys())
def test_a_floor_that_nobody_may_set_is_refused(rig: Rig, record: Callable[[Rig], str]) -> None:
    with pytest.raises(ValueRefused):
        rig.gateway.floor(ACCOUNT, record(rig))
    assert rig.gateway.health(ACCOUNT).floor is None


def test_the_journal_is_shown_at_first_sight_and_stays_the_same(rig: Rig) -> None:
    first = rig.gateway.bind(ACCOUNT, None, 0)
    opened(rig, "bound")
    rig.restart()
    again = rig.gateway.bind(ACCOUNT, first.journal_id, first.sequence)
    assert (again.journal_id, again.created_at) == (first.journal_id, first.created_at)
    assert again.sequence > first.sequence
    health = rig.gateway.health(ACCOUNT)
    assert (health.journal_id, health.journal_sequence) == (again.journal_id, again.sequence)
    assert health.journal_writable


def test_another_journal_and_an_older_copy_are_refused(rig: Rig) -> None:
    bound = rig.gateway.bind(ACCOUNT, None, 0)
    with pytest.raises(ValueRefused) as other:
        rig.gateway.bind(ACCOUNT, "another", 0)
    with pytest.raises(ValueRefused) as older:
        rig.gateway.bind(ACCOUNT, bound.journal_id, bound.sequence + 1000)
    assert (other.value.field, older.value.field) == ("journal_id", "sequence")
