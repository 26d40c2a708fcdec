"""Children that break the protocol or die in the middle: the caller hears the truth, the journal keeps it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from mt5fleet.bridge import supervision
from mt5fleet.domain.broker import Health, Quote
from mt5fleet.domain.errors import StaleToken, Unanswered, Unreachable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome
from tests.integration.bridge.desks import LIMITS, Office, key_of, market, odd_office, until

Story = Callable[[Office], Awaitable[None]]


def run(folder: Path, word: str, story: Story) -> None:
    async def whole() -> None:
        async with odd_office(folder, word) as office:
            await story(office)

    asyncio.run(whole())


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("writes_garbage", "answered what cannot be read"),
        ("announces_too_much", "answered what cannot be read"),
        ("says_nothing_known", "answered what cannot be read"),
        ("writes_what_is_no_entry", "answered what cannot be read"),
        ("dies_before_the_write", "ended during the call"),
        ("never_answers", "no answer within 1.0 s"),
    ],
)
def test_a_child_that_breaks_off_is_replaced_and_its_call_is_unanswered(
    tmp_path: Path, word: str, sentence: str
) -> None:
    async def story(office: Office) -> None:
        first = office.desk.pid
        with pytest.raises(Unanswered, match=sentence):
            await office.submit("one")
        assert office.journal.entries(key_of("one").text) == ()
        await until(lambda: office.desk.pid not in (None, first))
        assert (await office.submit("one")).sentence == "0 entries, 0 unfinished"

    run(tmp_path, word, story)


@pytest.mark.parametrize(
    ("word", "sends"),
    [("dies_before_the_send", 0), ("dies_after_the_send", 1), ("never_takes_what_it_asked_for", 0)],
)
def test_a_child_that_ends_after_its_write_leaves_the_attempt_unfinished_and_written_once(
    tmp_path: Path, word: str, sends: int
) -> None:
    async def story(office: Office) -> None:
        with pytest.raises(Unanswered):
            await office.submit("one")
        (entry,) = office.journal.entries(key_of("one").text)
        assert (entry.attempt, entry.outcome, entry.tombstone) == (1, None, False)
        assert office.journal.unfinished() == (entry,)
        assert office.desk.standing.open_may_be_in_terminal()
        await office.up()
        assert (await office.submit("one")).sentence == "1 entries, 1 unfinished"
        assert office.sends() == sends

    run(tmp_path, word, story)


def test_an_outcome_told_before_the_end_is_kept(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        with pytest.raises(Unanswered):
            await office.submit("one")
        await until(lambda: not office.journal.unfinished())
        (entry,) = office.journal.entries(key_of("one").text)
        assert entry.outcome is not None
        assert entry.outcome.state is OrderState.FILLED

    run(tmp_path, "dies_after_the_finish", story)


def test_what_was_told_is_in_the_journal_when_the_answer_is_passed_on(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        assert (await office.submit("one")).state is OrderState.FILLED
        assert office.journal.unfinished() == ()
        assert (office.journal.newest_deal(), office.journal.builds()) == (77, (5000,))
        (entry,) = office.journal.entries(key_of("one").text)
        assert entry.outcome is not None
        assert (office.file.commits, office.sends()) == (2, 1)  # the token, and the write ahead

    run(tmp_path, "sends", story)


def test_an_answer_said_twice_is_never_taken_for_the_next_call(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        assert (await office.submit("one")).sentence == "filled"
        with pytest.raises(Unanswered, match="cannot be read"):
            await office.submit("two")
        await office.up()
        assert (await office.submit("two")).sentence == "0 entries, 0 unfinished"

    run(tmp_path, "answers_twice", story)


@pytest.mark.parametrize("word", ["writes_for_another_key", "writes_another_attempt"])
def test_only_the_permitted_attempt_is_written(tmp_path: Path, word: str) -> None:
    async def story(office: Office) -> None:
        outcome = await office.submit("one")
        assert "not the one that was permitted" in outcome.sentence
        assert office.journal.sequence == 1  # the token
        assert office.journal.unfinished() == ()

    run(tmp_path, word, story)


def test_a_read_writes_nothing(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        quote = await office.desk.call("quote", symbol="EURUSD")
        assert isinstance(quote, Quote)
        assert "quote may send nothing" in quote.symbol
        assert office.journal.sequence == 0

    run(tmp_path, "writes_in_a_read", story)


def test_an_outcome_of_nothing_written_is_left_out_and_the_answer_passed_on(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        assert (await office.submit("one")).state is OrderState.FILLED
        assert office.journal.entries(key_of("one").text) == ()

    run(tmp_path, "finishes_what_was_never_written", story)


def test_an_open_that_the_journal_must_not_hold_is_refused_at_the_write(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        older = await office.submit("one", sequence=50)
        assert "older copy of the one that the ledger knows" in older.sentence
        other = replace(office.permit(key_of("one")), journal_id="another")
        outcome = await office.desk.call("submit", order=market(key_of("one")), permit=other)
        assert isinstance(outcome, Outcome)
        assert "with another journal" in outcome.sentence
        assert (office.journal.unfinished(), office.sends()) == ((), 0)

    run(tmp_path, "sends", story)


def test_a_repeated_attempt_is_refused_at_the_write(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        assert (await office.submit("one")).state is OrderState.FILLED
        assert "was written before" in (await office.submit("one")).sentence
        assert office.sends() == 1

    run(tmp_path, "sends", story)


def test_a_latch_that_comes_while_an_open_is_in_hand_stops_it_at_the_write(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        submit = asyncio.create_task(office.submit("one"))
        await until((tmp_path / "in-hand").exists)
        latch = asyncio.create_task(office.desk.call("latch", sequence=7, reason="drawdown"))
        await until(lambda: office.journal.latch() is not None)
        assert not latch.done()
        (tmp_path / "go").touch()
        assert "latched" in (await submit).sentence
        await latch
        assert office.sends() == 0

    run(tmp_path, "waits_before_it_writes", story)


def test_a_latch_is_not_answered_while_an_open_may_be_in_the_terminal(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        with pytest.raises(Unanswered):
            await office.submit("one")
        with pytest.raises(Unanswered, match="latched; an open sent a moment ago"):
            await office.desk.call("latch", sequence=7, reason="drawdown")
        assert office.journal.latch() is not None

    run(tmp_path, "dies_after_the_send", story)


def test_a_latch_behind_a_call_that_hangs_is_kept_and_not_answered(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        submit = asyncio.create_task(office.submit("one"))
        await until((tmp_path / "in-hand").exists)
        with pytest.raises(Unanswered, match="latched; calls ahead of it are still in hand"):
            await office.desk.call("latch", sequence=7, reason="drawdown")
        latch = office.journal.latch()
        assert latch is not None
        assert latch.sequence == 7
        with pytest.raises(Unanswered):
            await submit

    async def whole() -> None:
        limits = replace(LIMITS, queue_s=0.1, order_s=2.0)
        async with odd_office(tmp_path, "waits_before_it_writes", limits) as office:
            await story(office)

    asyncio.run(whole())


def test_an_older_token_is_refused_when_its_turn_comes(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        first = asyncio.create_task(office.submit("one", token=5))
        await until((tmp_path / "in-hand").exists)
        newer = asyncio.create_task(office.submit("two", token=6))
        await office.in_line(1)
        older = asyncio.create_task(office.submit("three", token=5))
        await office.in_line(2)
        (tmp_path / "go").touch()
        await asyncio.gather(first, newer)
        with pytest.raises(StaleToken) as refused:
            await older
        assert refused.value.newest == 6
        assert office.journal.entries(key_of("three").text) == ()

    run(tmp_path, "waits_before_it_writes", story)


def test_a_token_is_durable_before_its_answer_also_for_reads(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await office.desk.call("positions", token=9)
        assert (office.journal.newest_token(), office.file.commits) == (9, 1)
        with pytest.raises(StaleToken):
            await office.desk.call("orders", token=8)

    run(tmp_path, "decent", story)


def test_a_caller_that_leaves_does_not_interrupt_its_order(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        child = office.desk.pid
        submit = asyncio.create_task(office.submit("one"))
        await until((tmp_path / "in-hand").exists)
        submit.cancel()
        (tmp_path / "go").touch()
        await until(lambda: office.journal.newest_deal() == 77)
        (entry,) = office.journal.entries(key_of("one").text)
        assert entry.outcome is not None
        await office.desk.call("positions", token=None)
        assert (office.desk.pid, office.sends()) == (child, 1)

    run(tmp_path, "waits_before_it_writes", story)


def test_a_caller_that_leaves_in_line_is_forgotten(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        first = asyncio.create_task(office.submit("one"))
        await until((tmp_path / "in-hand").exists)
        waiting = asyncio.create_task(office.submit("two"))
        await office.in_line(1)
        waiting.cancel()
        (tmp_path / "go").touch()
        await first
        await office.desk.call("positions", token=None)
        assert office.journal.entries(key_of("two").text) == ()

    run(tmp_path, "waits_before_it_writes", story)


@pytest.mark.parametrize(
    ("word", "reason"),
    [("cannot_start", "MetaTrader5 is not installed"), ("greets_with_garbage", "at its start")],
)
def test_a_child_that_does_not_come_up_is_told_and_started_again(
    tmp_path: Path, word: str, reason: str
) -> None:
    async def whole() -> None:
        async with odd_office(tmp_path, word, replace(LIMITS, restart_s_min=0.5), waits=False) as office:
            seen: set[str] = set()
            while office.desk.pid is None:
                health = await office.desk.call("health")
                assert isinstance(health, Health)
                seen.update(health.why_not)
                await asyncio.sleep(0.01)
            assert [why_not for why_not in seen if reason in why_not]
            assert (await office.submit("one")).sentence == "0 entries, 0 unfinished"

    asyncio.run(whole())


def test_a_defect_while_a_child_is_started_does_not_end_the_account(tmp_path: Path) -> None:
    async def whole() -> None:
        async with odd_office(tmp_path, "decent", replace(LIMITS, restart_s_min=0.1)) as office:
            child, greeting = office.desk._child, office.desk._child._greeting
            child._greeting = _defective
            os.kill(child.pid or 0, signal.SIGKILL)
            await until(lambda: "the bridge failed" in child._why_not)
            child._greeting = greeting
            await office.up()
            assert (await office.submit("one")).sentence == "0 entries, 0 unfinished"

    asyncio.run(whole())


def _defective() -> NoReturn:
    raise RuntimeError("a defect of ours")


@pytest.mark.parametrize("word", ["answers_what_is_no_answer", "answers_nothing"])
def test_an_answer_that_cannot_be_read_is_none(tmp_path: Path, word: str) -> None:
    async def story(office: Office) -> None:
        with pytest.raises(Unanswered, match="cannot be read"):
            await office.submit("one")

    run(tmp_path, word, story)


def test_health_says_why_there_is_no_terminal(tmp_path: Path) -> None:
    async def story(office: Office) -> None:
        await office.desk.call("latch", sequence=3, reason="drawdown")
        with pytest.raises(Unanswered):
            await office.submit("one")
        health = await office.desk.call("health")
        assert isinstance(health, Health)
        assert (health.connected, health.trade_allowed) == (False, False)
        assert "is being restarted" in health.why_not[0]
        assert health.latch == office.journal.latch()
        assert (health.journal_id, health.journal_sequence) == (office.journal.id, office.journal.sequence)
        with pytest.raises(Unreachable, match="is being restarted"):
            await office.desk.call("positions", token=None)

    async def whole() -> None:
        async with odd_office(tmp_path, "dies_before_the_write", replace(LIMITS, restart_s_min=5)) as office:
            await story(office)

    asyncio.run(whole())


def test_stopping_lets_the_call_in_hand_end_and_turns_the_others_away(tmp_path: Path) -> None:
    async def whole() -> None:
        async with odd_office(tmp_path, "waits_before_it_writes") as office:
            first = asyncio.create_task(office.submit("one"))
            await until((tmp_path / "in-hand").exists)
            second = asyncio.create_task(office.submit("two"))
            await office.in_line(1)
            stopping = asyncio.create_task(office.desk.stop())
            await until(lambda: office.desk._child._is_stopping)
            (tmp_path / "go").touch()
            assert (await first).state is OrderState.FILLED
            with pytest.raises(Unreachable, match="is stopping"):
                await second
            await stopping
            assert office.sends() == 1

    asyncio.run(whole())


def test_more_calls_than_a_line_holds_are_turned_away(tmp_path: Path) -> None:
    async def whole() -> None:
        limits = replace(LIMITS, waiting_max=2)
        async with odd_office(tmp_path, "waits_before_it_writes", limits) as office:
            calls = [asyncio.create_task(office.submit("one"))]
            await until((tmp_path / "in-hand").exists)
            calls += [asyncio.create_task(office.submit(name)) for name in ("two", "three")]
            await office.in_line(2)
            calls.append(asyncio.create_task(office.submit("four")))
            with pytest.raises(Unreachable, match="2 calls wait already"):
                await calls[3]
            (tmp_path / "go").touch()
            await asyncio.gather(*calls[:3])

    asyncio.run(whole())


@pytest.fixture(autouse=True)
def same_command_afterwards() -> AsyncIterator[None]:
    before = supervision.COMMAND
    yield
    assert before == supervision.COMMAND
