"""How the last resort closes: order, keys, refusals, proof of flat, and who goes first."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from mt5fleet.domain.account import Foreign
from mt5fleet.domain.errors import StaleToken, Unanswered, Unreachable
from mt5fleet.domain.ids import order_key
from mt5fleet.domain.latch import Latch
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.testing.builders import START, make_reading
from tests.unit.bridge.last_resort_bench import (
    CONFIG,
    FOREIGN,
    LATCH_SEQUENCE,
    LIMITS,
    PACE,
    TOKEN,
    Bench,
    outcome,
    position,
    resting,
)

LOCAL = Latch(sequence=LATCH_SEQUENCE, reason="equity reached the floor", at=START, local=True)
DOUBT, REFUSED = outcome(OrderState.IN_DOUBT), outcome(OrderState.REJECTED)


def test_latch_then_orders_then_positions_worst_first() -> None:
    bench = Bench()
    bench.desk.positions = [position(1, "-10"), position(2, "-500"), position(3, "25")]
    bench.desk.orders = [resting(8), resting(9)]
    bench.look(3)
    assert bench.changes == ["latch", "cancel 8", "cancel 9", "close 2", "close 1", "close 3"]


def test_permit_is_the_last_resorts_own() -> None:
    bench = Bench()
    bench.look(3)
    [permit] = bench.desk.permits
    name = f"last-resort-{LATCH_SEQUENCE}-1"
    assert permit.key in {order_key(CONFIG.server, CONFIG.login, name, number).text for number in range(5000)}
    assert (permit.attempt, permit.token, permit.journal_id) == (1, TOKEN, "journal-1")
    assert permit.not_after - permit.sent_at == timedelta(seconds=PACE.deadline_s)


def test_flat_is_two_reads_a_visibility_lag_apart() -> None:
    bench = Bench()
    bench.look(3)
    assert CONFIG.visibility_lag_s in bench.paused_s


def test_what_appears_after_flat_is_closed_again() -> None:
    bench = Bench()
    bench.look(4)
    bench.desk.positions = [position(2)]
    bench.look(1)
    assert bench.changes == ["latch", "close 1", "close 2"]
    assert bench.paused_s.count(CONFIG.visibility_lag_s) == 2


def test_what_appears_between_the_two_reads_is_not_flat() -> None:
    bench = Bench()
    appearing = iter([(), (position(5),)])

    def appear(call: str) -> None:
        if call == "positions" and "close 1" in bench.changes:
            bench.desk.positions.extend(next(appearing, ()))

    bench.desk.hook = appear
    bench.look(3)
    assert bench.shown_flat is False
    bench.look(1)
    assert bench.changes == ["latch", "close 1", "close 5"]


def test_money_that_says_open_is_not_flat() -> None:
    bench = Bench()
    bench.desk.positions = []
    bench.desk.journal.standing = LOCAL
    bench.desk.equities = [replace(make_reading("8900", "9000"), margin=Decimal(10))]
    bench.look(1)
    assert bench.shown_flat is False
    bench.desk.equities = ["8900"]
    bench.look(1)
    assert bench.shown_flat is True


def test_an_open_that_may_still_come_is_waited_for_before_flat_is_said() -> None:
    bench = Bench()
    bench.desk.standing.open_in_terminal = True
    bench.look(4)
    assert bench.shown_flat is False
    bench.desk.standing.open_in_terminal = False
    bench.look(1)
    assert bench.shown_flat is True


@pytest.mark.parametrize(
    ("foreign", "changes"),
    [
        (Foreign.FLATTEN, ["latch", "cancel 7", "close 2", "close 1"]),
        (Foreign.LEAVE, ["latch", "close 1"]),
    ],
)
def test_foreign_ones_are_flattened_or_left_as_the_account_says(foreign: Foreign, changes: list[str]) -> None:
    bench = Bench(replace(CONFIG, foreign=foreign))
    bench.desk.positions = [position(1), position(2, "-900", FOREIGN)]
    bench.desk.orders = [resting(7, FOREIGN)]
    bench.look(4)
    assert bench.changes == changes
    assert bench.shown_flat


def test_newer_token_stops_the_pass_and_the_next_waits_for_the_fleet() -> None:
    bench = Bench()
    bench.desk.positions = [position(1, "-9"), position(2, "-8")]

    def worker_comes(call: str) -> None:
        if call == "close 2":
            bench.desk.journal.token = TOKEN + 1

    bench.desk.hook = worker_comes
    assert bench.look(3) == LIMITS.ledger_silence_s
    assert bench.changes == ["latch", "close 1"]
    bench.desk.hook = lambda call: None
    bench.look(1)  # the ledger stayed away: on with the token that is the newest now
    assert bench.changes == ["latch", "close 1", "close 2"]
    assert bench.desk.permits[-1].token == TOKEN + 1


@pytest.mark.parametrize("answer", [REFUSED, DOUBT, Unreachable("busy"), Unanswered("killed")])
def test_close_that_did_not_go_is_tried_again_under_another_key(answer: object) -> None:
    bench = Bench()
    bench.desk.scripted["close 1"] = [answer, answer]  # type: ignore[list-item]  # a table of both kinds
    bench.look(5)
    assert bench.changes == ["latch", "close 1", "close 1", "close 1"]
    assert len({permit.key for permit in bench.desk.permits}) == 3


def test_clock_that_goes_back_gives_no_key_twice() -> None:
    bench = Bench()
    bench.desk.scripted["close 1"] = [REFUSED] * 3
    bench.look(3)
    for _ in range(3):
        bench.clock.advance_s(-1)
        bench.look(1)
    assert len({permit.key for permit in bench.desk.permits}) == len(bench.desk.permits) == 4


def test_refusals_are_repeated_for_ever_and_ever_more_slowly() -> None:
    bench = Bench()
    bench.desk.scripted["close 1"] = [REFUSED] * 100
    waits = [bench.look(3), *(bench.look(1) for _ in range(7))]
    assert waits == [2, 4, 8, 16, 30, 30, 30, 30]
    assert bench.changes.count("close 1") == len(waits)
    bench.desk.scripted["close 1"] = []
    assert bench.look(1) == LIMITS.last_resort_every_s
    assert bench.desk.positions == []


def test_closed_market_of_many_positions_holds_up_no_other() -> None:
    bench = Bench()
    stuck = range(1, PACE.closes_per_round + 1)
    bench.desk.positions = [position(ticket, "-900") for ticket in stuck] + [position(99, "-1")]
    for ticket in stuck:
        bench.desk.scripted[f"close {ticket}"] = [REFUSED] * 10
    bench.look(3)
    assert len(bench.changes) == 1 + PACE.closes_per_round  # then the books are read again
    bench.look(1)
    assert bench.changes[1 + PACE.closes_per_round] == "close 99"


def test_partly_closed_position_is_closed_again_in_the_next_round() -> None:
    bench = Bench()
    bench.desk.scripted["close 1"] = [outcome(OrderState.CANCELED, "0.04")]
    bench.look(3)
    assert bench.changes == ["latch", "close 1", "close 1"]


def test_positions_are_closed_while_orders_cannot_be_read() -> None:
    bench = Bench()
    bench.desk.scripted["orders"] = [Unreachable("no list")]
    bench.look(3)
    assert bench.changes == ["latch", "close 1"]


@pytest.mark.parametrize("call", ["orders", "positions"])
def test_failed_read_is_never_flat(call: str) -> None:
    bench = Bench()
    bench.desk.positions = []
    bench.desk.journal.standing = LOCAL
    bench.desk.scripted[call] = [Unreachable("no list")]
    assert bench.look(1) == LIMITS.last_resort_every_s
    assert bench.shown_flat is False


def test_restarted_bridge_takes_new_keys() -> None:
    bench = Bench()
    bench.desk.scripted["close 1"] = [REFUSED] * 3
    bench.look(4)
    bench.watch = bench.new_watch()
    bench.look(13)
    keys = [permit.key for permit in bench.desk.permits]
    assert len(keys) == len(set(keys)) == 4


def test_newer_token_seen_by_a_read_ends_the_pass() -> None:
    bench = Bench()
    bench.desk.journal.standing = LOCAL
    bench.desk.scripted["orders"] = [StaleToken(TOKEN + 1)]
    assert bench.look(1) == LIMITS.ledger_silence_s
    assert bench.changes == []
