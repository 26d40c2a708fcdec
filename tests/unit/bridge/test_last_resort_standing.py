"""The last resort over what really stands for an account: signed floor, latch, journal."""

from datetime import timedelta
from decimal import Decimal

import pytest

from mt5fleet.adapters.mt5.standing import Standing
from mt5fleet.domain.person import Person, PersonKey, Role
from mt5fleet.messages import FloorRecord, ResumeRecord, SigningKey, sign_record
from mt5fleet.testing.builders import START
from mt5fleet.testing.memory_journal import MemoryJournal
from tests.unit.bridge.last_resort_bench import CONFIG, Bench

KEY = SigningKey.generate("risk-1")
PUBLIC = PersonKey(key_id="risk-1", public=KEY.public, valid_from=START - timedelta(days=1))


class StandingBench(Bench):
    """The bench with a journal in memory behind the real Standing; a person has signed a floor."""

    def __init__(self) -> None:
        super().__init__(away=False)
        self.people = {"ruth": Person(name="ruth", role=Role.RISK, keys=(PUBLIC,))}
        self.journal = MemoryJournal("journal-1", START)
        self.standing = Standing(
            self.journal,
            server=CONFIG.server,
            login=CONFIG.login,
            people=lambda: self.people,
            clock=self.clock,
            unanswered_s=CONFIG.unanswered_s,
        )
        self.desk.journal = self.journal  # type: ignore[assignment]  # the same port, with more behind it
        self.desk.standing = self.standing  # type: ignore[assignment]  # see above
        self.standing.floor(self.signed("9000"))
        self.clock.advance_s(11)
        self.look()

    def signed(self, equity: str) -> str:
        at = self.clock.now()
        record = FloorRecord(
            server=CONFIG.server,
            login=CONFIG.login,
            equity=Decimal(equity),
            readings=3,
            person="ruth",
            at=at,
        )
        return sign_record(record, KEY)

    def resumed(self) -> str:
        latch = self.journal.latch()
        assert latch is not None
        record = ResumeRecord(
            server=CONFIG.server,
            login=CONFIG.login,
            sequence=latch.sequence,
            reason="looked at it",
            person="ruth",
            at=self.clock.now(),
        )
        return sign_record(record, KEY)


@pytest.fixture
def bench() -> StandingBench:
    return StandingBench()


def test_signed_floor_latches_locally_and_closes(bench: StandingBench) -> None:
    bench.look(3)
    latch = bench.journal.latch()
    assert latch is not None
    assert latch.local
    assert "floor 9000" in latch.reason
    assert bench.desk.positions == []


def test_floor_outlives_the_key_that_signed_it(bench: StandingBench) -> None:
    bench.people.clear()
    bench.look(3)
    assert bench.desk.positions == []


def test_lifted_latch_that_meets_the_floor_again_gets_a_higher_sequence(bench: StandingBench) -> None:
    bench.look(3)
    bench.standing.unlatch(bench.resumed())
    lifted = bench.journal.lifted_sequence()
    bench.look(3)
    latch = bench.journal.latch()
    assert latch is not None
    assert latch.sequence > lifted


def test_full_disk_latches_in_memory_and_closes_all_the_same(bench: StandingBench) -> None:
    bench.journal.disk_fails = True
    bench.look(4)
    latch = bench.journal.latch()
    assert latch is not None
    assert latch.local
    assert bench.desk.positions == []
