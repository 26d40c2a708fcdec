"""The bridge's own guard: when it watches, what it believes, in which order it acts, and when it stops."""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from mt5fleet.adapters.mt5.contact import LedgerContact
from mt5fleet.bridge.last_resort import LastResort
from mt5fleet.domain.broker import Reading
from mt5fleet.domain.errors import JournalUnwritable, Unanswered, Unreachable
from mt5fleet.domain.latch import Latch
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import TEXT_CHARS_MAX
from mt5fleet.testing.builders import START, make_reading
from mt5fleet.testing.clock import ManualClock
from tests.unit.bridge.last_resort_bench import (
    CONFIG,
    FLOOR,
    LATCH_SEQUENCE,
    LIMITS,
    PACE,
    Bench,
    FakeDesk,
    outcome,
    position,
)

LOCAL = Latch(sequence=LATCH_SEQUENCE, reason="equity reached the floor", at=START, local=True)
DOUBT, REFUSED = outcome(OrderState.IN_DOUBT), outcome(OrderState.REJECTED)


@pytest.mark.parametrize(
    ("heard_s_ago", "closes"),
    [(0.0, False), (9.9, False), (10.0, False), (10.1, True), (3600.0, True)],
)
def test_floor_is_watched_only_past_the_silence(heard_s_ago: float, closes: bool) -> None:
    bench = Bench(away=False)
    for _ in range(1 + FLOOR.readings):
        bench.ledger_speaks()
        bench.clock.advance_s(heard_s_ago)
        asyncio.run(bench.watch.look())
    assert ("latch" in bench.changes) is closes


def test_bridge_that_never_heard_of_the_ledger_waits_the_silence_from_its_start() -> None:
    bench = Bench(away=False)
    bench.look(10)
    assert bench.changes == []
    bench.look(1 + FLOOR.readings)
    assert bench.changes == ["latch", "close 1"]


def test_without_a_floor_nothing_is_latched_or_closed() -> None:
    bench = Bench()
    bench.desk.standing.floor = None
    bench.look(20)
    assert bench.changes == []


@pytest.mark.parametrize(
    ("equities", "acts"),
    [
        (["9000", "9000", "9000"], True),  # reached is enough
        (["8999.99", "9000", "8000"], True),
        (["9000.01", "9000.01", "9000.01"], False),
        (["8900", "9100", "9100", "9100"], False),  # once of three
        (["8900", "8900", "9001", "8900", "8900", "9001"], False),  # above ends the row
        (["8900", "9001", "8900", "8900", "8900"], True),
        (["8900", Unreachable("line"), Unanswered("late"), "8900", "8900"], True),  # silence ends no row
        (["8900", "8900", Unreachable("line"), Unreachable("line")], False),  # and is no reading
        (["NaN", "NaN", "NaN", "NaN"], False),
        (["-Infinity", "-Infinity", "-Infinity", "-Infinity"], False),
        (["0", "0", "0", "0"], False),
        (["-5", "-5", "-5", "-5"], False),
    ],
)
def test_readings_confirm_the_floor(equities: list[object], acts: bool) -> None:
    bench = Bench()
    bench.desk.equities = list(equities)  # type: ignore[arg-type]  # a table of all kinds
    bench.look(len(equities))
    assert ("latch" in bench.changes) is acts


@pytest.mark.parametrize(
    "distort",
    [
        lambda reading: replace(reading, account="beta"),
        lambda reading: replace(reading, balance=Decimal(-1)),
        lambda reading: replace(reading, margin=Decimal("NaN")),
        lambda reading: replace(reading, at=reading.at - timedelta(seconds=1)),  # taken before it was asked
        lambda reading: replace(reading, at=reading.at + timedelta(seconds=60)),
    ],
)
def test_reading_that_says_nothing_is_no_breach(distort: Callable[[Reading], Reading]) -> None:
    bench = Bench()
    bench.desk.distort = distort
    bench.look(10)
    assert bench.changes == []
    bench.desk.distort = lambda reading: reading
    bench.look(3)
    assert bench.changes == ["latch", "close 1"]


def test_the_same_reading_handed_out_again_counts_once() -> None:
    bench = Bench()
    future = bench.clock.now() + timedelta(seconds=4)  # not older than its call, and always the same
    bench.desk.equities = [make_reading("8900", at=future)]
    bench.look(3)
    assert bench.changes == []


def test_another_floor_begins_the_row_again() -> None:
    bench = Bench()
    bench.look(2)
    bench.desk.standing.floor = replace(FLOOR, equity=Decimal(8950), signed_at=START + timedelta(days=1))
    bench.look(2)
    assert bench.changes == []
    bench.look(1)
    assert bench.changes[0] == "latch"


def test_ledger_heard_of_in_between_begins_the_row_again() -> None:
    bench = Bench()
    bench.look(2)
    bench.ledger_speaks()
    bench.look(1)
    bench.clock.advance_s(30)
    bench.look(3)  # the first arms, two readings follow
    assert bench.changes == []


def test_ledger_heard_of_during_the_last_reading_leaves_everything_open() -> None:
    bench = Bench()
    bench.look(2)
    bench.desk.hook = lambda call: bench.ledger_speaks()
    bench.look(1)
    assert (bench.changes, bench.desk.journal.standing) == ([], None)


def test_latch_tells_the_numbers_within_the_limit_of_a_reason() -> None:
    bench = Bench()
    bench.desk.standing.floor = replace(FLOOR, person="r" * 400)
    bench.look(3)
    latch = bench.desk.journal.standing
    assert latch is not None
    assert "equity 8900 reached the floor 9000 in 3 readings" in latch.reason
    assert len(latch.reason) <= TEXT_CHARS_MAX


def test_shadow_account_is_not_watched() -> None:
    clock = ManualClock()
    desk = FakeDesk(clock, replace(CONFIG, shadow=True))
    assert LastResort({"alpha": desk}, LedgerContact(clock), clock, LIMITS)._watches == ()


def test_ledger_back_in_the_middle_stops_the_sending() -> None:
    bench = Bench()
    bench.desk.positions = [position(1, "-9"), position(2, "-8"), position(3, "-7")]
    bench.desk.hook = lambda call: bench.ledger_speaks() if call == "close 2" else None
    bench.look(10)
    assert bench.changes == ["latch", "close 1", "close 2"]
    assert [item.ticket for item in bench.desk.positions] == [3]


def test_ledger_lost_again_goes_on_under_the_same_latch() -> None:
    bench = Bench()
    bench.desk.positions = [position(1, "-9"), position(2, "-8")]
    bench.desk.hook = lambda call: bench.ledger_speaks() if call == "close 1" else None
    bench.look(3)
    bench.desk.equities = ["9500"]  # the latch is enough: the floor is not asked again
    bench.look(30)
    assert bench.changes == ["latch", "close 1", "close 2"]


def test_crash_between_latch_and_close_is_made_up_for_by_the_next_bridge() -> None:
    bench = Bench()

    def crash() -> None:
        raise KeyboardInterrupt

    bench.desk.standing.on_latch = crash
    with pytest.raises(KeyboardInterrupt):
        bench.look(3)
    assert bench.changes == ["latch"]

    bench.desk.standing.floor = None  # the latch alone is enough
    bench.desk.equities = ["9990"]
    bench.watch = bench.new_watch()
    bench.look(10)
    assert bench.changes == ["latch"]  # the new bridge first waits whether the ledger is there
    bench.look(2)
    assert bench.changes == ["latch", "close 1"]


@pytest.mark.parametrize("error", [Unanswered("may not be kept"), JournalUnwritable("disk full")])
def test_latch_that_is_not_kept_closes_nothing_and_is_tried_again(error: Exception) -> None:
    bench = Bench()
    bench.desk.standing.refusals = [error]
    bench.look(3)
    assert bench.changes == []
    bench.look(1)
    assert bench.changes == ["latch", "close 1"]


def test_latch_that_is_slow_to_be_kept_is_waited_for_and_written_once() -> None:
    bench = Bench()
    bench.watch._pace = replace(PACE, call_s_max=0.05)
    slow = threading.Event()
    bench.desk.standing.while_writing = lambda: slow.wait(10)

    async def look_at_a_slow_disk() -> None:
        for _ in range(5):
            bench.clock.advance_s(1)
            await bench.watch.look()
        assert bench.desk.done == ["latch"]
        slow.set()
        bench.clock.advance_s(1)
        await bench.watch.look()

    asyncio.run(look_at_a_slow_disk())
    assert bench.changes == ["latch", "close 1"]


def test_latch_of_the_ledger_alone_closes_nothing() -> None:
    bench = Bench()
    bench.desk.journal.standing = replace(LOCAL, local=False)
    bench.desk.equities = ["9500"]
    bench.look(20)
    assert bench.changes == []


def test_floor_reached_under_a_latch_of_the_ledger_closes() -> None:
    bench = Bench()
    bench.desk.journal.standing = replace(LOCAL, local=False)
    bench.desk.scripted["close 1"] = [REFUSED]
    bench.look(3)
    bench.desk.equities = ["9500"]
    bench.look(1)
    assert bench.changes == ["latch", "close 1", "close 1"]


def test_desk_without_deadline_holds_up_one_call_only() -> None:
    bench = Bench()
    bench.watch._pace = replace(PACE, call_s_max=0.01)

    async def look_at_a_stuck_desk() -> None:
        bench.desk.blocked = asyncio.Event()
        await bench.watch.look()

    asyncio.run(look_at_a_stuck_desk())
    assert bench.changes == []


def test_defect_in_a_look_is_told_and_the_watch_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.desk.hook = lambda call: {}[call]  # a KeyError
    with caplog.at_level(logging.ERROR):
        assert asyncio.run(bench.watch._safe_look()) == LIMITS.last_resort_every_s
    assert "the look failed" in caplog.text


def test_account_whose_desk_never_answers_delays_no_other() -> None:
    clock = ManualClock()

    async def run() -> tuple[list[str], list[str]]:
        stuck, fine = FakeDesk(clock), FakeDesk(clock, replace(CONFIG, account="beta"))
        stuck.blocked = asyncio.Event()
        stop, closed = asyncio.Event(), asyncio.Event()

        async def pause(seconds: float) -> None:
            clock.advance_s(seconds)
            if not fine.positions:
                closed.set()
            await asyncio.sleep(0)

        limits = replace(LIMITS, stop_s=0.01)
        resort = LastResort({"alpha": stuck, "beta": fine}, LedgerContact(clock), clock, limits, pause=pause)
        running = asyncio.create_task(resort.run(stop))
        async with asyncio.timeout(10):
            await closed.wait()
            stop.set()
            await running
        return stuck.done, fine.done

    assert asyncio.run(run()) == ([], ["latch", "close 1"])


def test_stop_ends_a_resting_watch_at_once() -> None:
    clock = ManualClock()

    async def run() -> None:
        stop = asyncio.Event()
        resort = LastResort({"alpha": FakeDesk(clock)}, LedgerContact(clock), clock, LIMITS)
        running = asyncio.create_task(resort.run(stop))
        await asyncio.sleep(0)
        stop.set()
        async with asyncio.timeout(LIMITS.last_resort_every_s / 2):
            await running

    asyncio.run(run())
