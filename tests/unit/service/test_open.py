from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.record import EventType
from mt5fleet.domain.signal import Entry, Size, SizeRule
from mt5fleet.testing.builders import make_open
from mt5fleet.testing.fake_gateway import Fault
from tests.unit.service.rig import Rig

S = OrderState


def test_market_open_is_filled_once_with_its_levels(rig: Rig) -> None:
    order = rig.execute()

    assert order.state is S.FILLED
    assert rig.sent() == 1
    position = next(iter(rig.book().positions.values()))
    assert (position.volume, position.stop_loss) == (Decimal("0.10"), Decimal("1.09000"))


def test_filled_order_tells_the_numbers_of_its_decision(rig: Rig) -> None:
    rig.execute()

    numbers = rig.events(EventType.ORDER_FILLED)[0]
    assert numbers["bid"] == "1.10000"
    assert numbers["equity"] == "10000"
    assert {"lots", "spread_points", "waited_ms", "checked_ms", "sent_ms", "price"} <= numbers.keys()


def test_second_wake_up_finds_nothing_to_do(rig: Rig) -> None:
    rig.execute()

    report = rig.drain()

    assert (report.handled, report.waiting, rig.sent()) == ((), False, 1)


def test_pending_open_rests_with_the_signals_expiry(rig: Rig) -> None:
    opening = make_open(entry=Entry.LIMIT, price="1.09500", stop_loss="1.09000", take_profit="1.10500")

    order = rig.execute("S1", opening)

    assert order.state is S.ACCEPTED
    resting = next(iter(rig.book().orders.values()))
    assert resting.expires_at == rig.clock.now() + timedelta(seconds=60)
    assert resting.price == Decimal("1.09500")


def test_resting_order_that_fills_is_followed(rig: Rig) -> None:
    opening = make_open(entry=Entry.LIMIT, price="1.09500", stop_loss="1.09000", take_profit="1.10500")
    rig.execute("S1", opening)
    rig.gateway.fill_resting("alpha", next(iter(rig.book().orders)))
    rig.clock.advance_s(5)

    assert rig.sweep().normal == ("alpha",)
    rig.drain()

    assert rig.states() == [S.FILLED]


def test_resting_order_that_expires_is_followed(rig: Rig) -> None:
    opening = make_open(entry=Entry.LIMIT, price="1.09500", stop_loss="1.09000", take_profit="1.10500")
    rig.execute("S1", opening)
    rig.clock.advance_s(61)

    rig.drain()

    assert rig.states() == [S.EXPIRED]


def test_open_past_its_time_expires_unsent(rig: Rig) -> None:
    rig.post(rig.signal(valid_s=10))
    rig.take_in()
    rig.clock.advance_s(10)

    rig.drain()

    assert rig.states() == [S.EXPIRED]
    assert rig.sent() == 0


def test_requote_is_sent_again_as_the_next_attempt(rig: Rig) -> None:
    rig.gateway.script("alpha", Fault.REQUOTE)

    order = rig.execute()

    assert (order.state, order.attempt) == (S.FILLED, 2)
    assert rig.sent() == 1


def test_bridge_that_stays_out_of_reach_spends_the_attempts(rig: Rig) -> None:
    rig.gateway.script("alpha", *[Fault.UNREACHABLE] * rig.settings.attempts_max)
    rig.post(rig.signal())
    rig.take_in()

    rig.settle_all(steps=6)

    order = rig.orders()[0]
    assert (order.state, order.reason) == (S.DENIED, "attempts_spent")
    assert rig.sent() == 0


def test_rejected_open_is_final(rig: Rig) -> None:
    rig.gateway.script("alpha", Fault.REJECT)

    assert rig.execute().state is S.REJECTED


def test_part_filled_open_ends_canceled_with_its_volume(rig: Rig) -> None:
    rig.gateway.script("alpha", Fault.PARTIAL)

    order = rig.execute()

    assert order.state is S.CANCELED
    assert order.outcome is not None
    assert order.outcome.volume == Decimal("0.05")


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.DOUBT_AFTER])
def test_answer_lost_after_execution_is_a_doubt_then_found(rig: Rig, fault: Fault) -> None:
    rig.gateway.script("alpha", fault)
    assert rig.execute().state is S.IN_DOUBT
    assert rig.alerts() == ["Order in doubt on alpha"]

    rig.drain()

    assert rig.states() == [S.FILLED]
    assert rig.sent() == 1


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.DOUBT_BEFORE, Fault.LOST_ON_WIRE])
def test_answer_lost_before_execution_is_settled_by_proof_then_sent(rig: Rig, fault: Fault) -> None:
    rig.gateway.script("alpha", fault)
    assert rig.execute().state is S.IN_DOUBT

    rig.settle_all(steps=4)

    assert rig.states() == [S.FILLED]
    assert rig.orders()[0].attempt == 2
    assert rig.sent() == 1


def test_doubt_holds_back_other_opens_of_the_account(rig: Rig) -> None:
    rig.gateway.script("alpha", Fault.LOST_BEFORE)
    rig.execute("S1")
    rig.book().synchronised = False

    assert rig.execute("S2").state is S.RECEIVED

    rig.book().synchronised = True
    rig.settle_all(steps=4)
    assert rig.states("S1") == rig.states("S2") == [S.FILLED]


def test_unreadable_account_lets_the_open_wait_and_says_so_once(rig: Rig) -> None:
    rig.book().connected = False
    assert rig.execute().state is S.RECEIVED
    rig.drain()

    assert len(rig.events(EventType.ORDER_WAITING)) == 1

    rig.book().connected = True
    rig.clock.advance_s(3)
    rig.drain()
    assert rig.states() == [S.FILLED]


def test_unreadable_account_lets_the_open_expire_in_the_end(rig: Rig) -> None:
    rig.book().connected = False
    rig.post(rig.signal(valid_s=30))
    rig.take_in()

    rig.settle_all(steps=11)

    assert rig.states() == [S.EXPIRED]


def test_account_without_guard_memory_opens_nothing(rig: Rig) -> None:
    rig.ledger.wipe()
    rig.tell()

    order = rig.execute()

    assert order.state is S.RECEIVED
    rig.guard()
    rig.drain()
    assert rig.states() == [S.FILLED]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"enabled": False}, "disabled"),
        ({"shadow": True}, "shadow"),
    ],
)
def test_account_switch_denies(rig: Rig, change: dict[str, bool], reason: str) -> None:
    rig.change(replace(rig.accounts[0], **change))

    order = rig.execute()

    assert (order.state, order.reason, rig.sent()) == (S.DENIED, reason, 0)


def test_shadow_denial_shows_the_order_that_would_have_been_sent(rig: Rig) -> None:
    rig.change(replace(rig.accounts[0], shadow=True))

    rig.execute()

    numbers = rig.events(EventType.ORDER_DENIED)[0]
    assert (numbers["lots"], numbers["price"]) == ("0.10", "1.10010")


def test_terminal_in_another_mode_denies(rig: Rig) -> None:
    rig.book().mode = None

    order = rig.execute()

    assert (order.state, order.reason) == (S.DENIED, "mode_mismatch")


def test_bridges_own_last_look_denies_with_its_reason(rig: Rig) -> None:
    rig.gateway.latch("alpha", 1, "by hand")

    order = rig.execute()

    assert (order.state, order.reason) == (S.DENIED, "halted")


def test_parts_below_the_smallest_lot_are_merged_and_reported(rig: Rig) -> None:
    opening = make_open(lots="0.03", shares=("0.2", "0.3", "0.5"))

    rig.execute("S1", opening)

    assert [order.state for order in rig.orders()] == [S.DENIED, S.FILLED, S.FILLED]
    assert rig.orders()[0].reason == "part_merged"
    assert sum(item.volume for item in rig.gateway.executed) == Decimal("0.03")


def test_all_parts_keep_the_plan_of_the_first(rig: Rig) -> None:
    opening = replace(
        make_open(shares=("0.5", "0.5")), size=Size(rule=SizeRule.RISK_PERCENT, value=Decimal(1))
    )
    rig.limit(slice_commands=1)
    rig.execute("S1", opening)
    rig.book().balance = Decimal(5_000)

    rig.drain()

    first, second = (item.volume for item in rig.gateway.executed)
    assert first + second == Decimal("0.09")


def test_slice_hands_the_account_on_and_wakes_again(rig: Rig) -> None:
    rig.limit(slice_commands=1)
    for number in range(2):
        rig.post(rig.signal(f"S{number}"))
    rig.take_in()

    rig.waker.execution.clear()

    report = rig.drain()

    assert report.waiting
    assert len(report.handled) == 1
    assert rig.waker.execution == [("alpha",)]


def test_owner_that_lost_its_lease_stops(rig: Rig) -> None:
    rig.post(rig.signal())
    rig.take_in()
    rig.ledger.acquire("alpha", "rival", 5_000)

    report = rig.drain()

    assert report.reason == "another worker holds it"
    assert rig.sent() == 0


def test_older_token_than_the_bridge_has_seen_is_raised_above_it(rig: Rig) -> None:
    newest = int(rig.clock.now().timestamp() * 1_000_000) + 86_400_000_000  # a ledger a day ahead
    rig.book().journal.see_token(newest)

    rig.post(rig.signal())
    rig.take_in()
    report = rig.drain()

    assert report.reason == "the bridge has seen a newer owner"
    rig.drain()
    assert rig.states() == [S.FILLED]


def test_open_keeps_its_first_volume_over_attempts(rig: Rig) -> None:
    rig.limit(wait_in_slice_ms=0)
    sized = replace(make_open(), size=Size(rule=SizeRule.RISK_PERCENT, value=Decimal(1)))
    rig.gateway.script("alpha", Fault.REQUOTE)
    rig.execute("S1", sized)
    rig.book().equity_shown = Decimal(9_000)

    rig.clock.advance_s(1)
    rig.drain()

    assert [item.volume for item in rig.gateway.executed] == [Decimal("0.09")]
