"""What stands for an account, over the journal in memory; the records' own rules are tested beside them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from mt5fleet.adapters.mt5.gateway import nobody
from mt5fleet.adapters.mt5.standing import Standing
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import StaleLatch, Unanswered, ValueRefused
from mt5fleet.domain.person import Person, PersonKey, Role
from mt5fleet.messages import Algorithm, FloorRecord, ResumeRecord, SigningKey, sign_record
from mt5fleet.testing.builders import make_entry, make_health, make_memory
from mt5fleet.testing.clock import ManualClock
from mt5fleet.testing.memory_journal import MemoryJournal

KEY = SigningKey(key_id="rita-1", algorithm=Algorithm.ED25519, private=bytes(range(32)))


class Bench:
    """A standing over a journal in memory, and a risk person."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.journal = MemoryJournal("j-1", self.clock.now() - timedelta(days=1))
        valid_from = self.clock.now() - timedelta(days=30)
        key = PersonKey(key_id=KEY.key_id, public=KEY.public, valid_from=valid_from)
        self.people = {"rita": Person(name="rita", role=Role.RISK, keys=(key,))}
        self.standing = Standing(
            self.journal,
            server="Simulator-1",
            login=1001,
            people=lambda: self.people,
            clock=self.clock,
            unanswered_s=60.0,
        )

    def resume(self, sequence: int) -> str:
        record = ResumeRecord(
            server="Simulator-1",
            login=1001,
            sequence=sequence,
            reason="looked into it",
            person="rita",
            at=self.clock.now(),
        )
        return sign_record(record, KEY)

    def floor(self, equity: str) -> str:
        record = FloorRecord(
            server="Simulator-1",
            login=1001,
            equity=Decimal(equity),
            readings=3,
            person="rita",
            at=self.clock.now(),
        )
        return sign_record(record, KEY)

    def hand_over(self, operation: str) -> None:
        """Something is sent and nobody hears of it again."""
        self.journal.write(make_entry(operation=operation, written_at=self.clock.now()))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_local_latch_is_numbered_by_the_clock_and_says_that_it_is_local(bench: Bench) -> None:
    latch = bench.standing.latch_locally("floor reached")
    assert latch.sequence == int(bench.clock.now().timestamp() * 1_000_000)
    assert (latch.local, latch.reason) == (True, "floor reached")
    assert bench.journal.latch() == latch


def test_a_local_latch_goes_above_what_was_lifted_also_when_the_clock_is_behind(bench: Bench) -> None:
    ahead = int(bench.clock.now().timestamp() * 1_000_000) + 5_000_000
    bench.standing.latch(ahead, "drawdown")
    bench.standing.unlatch(bench.resume(ahead))
    assert bench.standing.latch_locally("floor reached").sequence == ahead + 1


def test_a_standing_latch_is_not_replaced_by_a_local_one(bench: Bench) -> None:
    bench.standing.latch(3, "drawdown")
    assert bench.standing.latch_locally("floor reached").sequence == 3
    assert bench.journal.lifted_sequence() == 0


def test_a_local_latch_is_lifted_by_a_record_that_names_it(bench: Bench) -> None:
    latch = bench.standing.latch_locally("floor reached")
    bench.standing.unlatch(bench.resume(latch.sequence))
    assert bench.journal.latch() is None
    with pytest.raises(StaleLatch):
        bench.standing.latch(latch.sequence, "drawdown")


@pytest.mark.parametrize(
    ("operation", "age_s", "waits"),
    [("submit", 59.9, True), ("submit", 60.0, False), ("close", 0.0, False), ("cancel", 0.0, False)],
)
def test_a_latch_is_confirmed_once_no_open_can_come_any_more(
    bench: Bench, operation: str, age_s: float, waits: bool
) -> None:
    bench.hand_over(operation)
    bench.clock.advance_s(age_s)
    assert bench.standing.open_may_be_in_terminal() is waits
    if waits:
        with pytest.raises(Unanswered):
            bench.standing.latch(1, "drawdown")
    else:
        bench.standing.latch(1, "drawdown")
    assert bench.journal.latch() is not None


def test_a_latch_can_be_kept_before_anybody_waits(bench: Bench) -> None:
    bench.hand_over("submit")
    bench.standing.keep_latch(1, "drawdown")
    assert bench.journal.latch() is not None


def test_a_latch_that_the_disk_refused_counts_and_is_not_confirmed(bench: Bench) -> None:
    bench.journal.disk_fails = True
    with pytest.raises(Unanswered, match="may not be kept"):
        bench.standing.latch(1, "drawdown")
    assert bench.journal.latch() is not None


def test_whatever_else_the_disk_refuses_is_not_answered_as_done(bench: Bench) -> None:
    bench.standing.latch(1, "drawdown")
    bench.journal.disk_fails = True
    calls: tuple[Any, ...] = (
        lambda: bench.standing.unlatch(bench.resume(1)),
        lambda: bench.standing.floor(bench.floor("5000")),
        lambda: bench.standing.checkpoint(make_memory()),
    )
    for call in calls:
        with pytest.raises(Unanswered):
            call()
    assert bench.journal.latch() is not None


def test_a_key_that_was_revoked_since_lifts_nothing(bench: Bench) -> None:
    bench.standing.latch(1, "drawdown")
    record = bench.resume(1)
    bench.people.clear()
    with pytest.raises(ValueRefused):
        bench.standing.unlatch(record)
    assert bench.journal.latch() is not None


def test_the_signed_record_is_kept_with_what_it_lifted(bench: Bench) -> None:
    bench.standing.latch(1, "drawdown")
    record = bench.resume(1)
    bench.standing.unlatch(record)
    assert bench.journal.records == [(1, record)]


def test_a_floor_outlives_the_key_that_signed_it(bench: Bench) -> None:
    bench.standing.floor(bench.floor("5000"))
    bench.people.clear()
    floor = bench.standing.kept_floor()
    assert floor is not None
    assert floor.equity == Decimal(5000)


def test_a_floor_signed_at_the_same_moment_is_not_newer(bench: Bench) -> None:
    bench.standing.floor(bench.floor("5000"))
    with pytest.raises(ValueRefused, match=r"record\.at"):
        bench.standing.floor(bench.floor("4000"))


def test_the_health_is_dressed_with_what_stands(bench: Bench) -> None:
    bench.standing.latch(3, "drawdown")
    bench.standing.unlatch(bench.resume(3))
    bench.standing.latch(4, "drawdown")
    bench.standing.floor(bench.floor("5000"))
    bench.journal.see_token(8)
    health = bench.standing.dress(make_health(), ledger_age_s=1.5)
    assert health.latch is not None
    assert (health.latch.sequence, health.lifted_sequence, health.ledger_age_s) == (4, 3, 1.5)
    assert (health.journal_id, health.journal_sequence) == ("j-1", bench.journal.sequence)
    assert (health.newest_token, health.journal_writable) == (8, True)
    assert (health.floor, health.risk_people) == (bench.standing.kept_floor(), ("rita",))
    assert health.mode is Mode.DEMO


def test_nobody_lifts_anything_where_no_people_are_told() -> None:
    assert nobody() == {}
