"""The ledger loses its memory; the producers post the same bytes again."""

from decimal import Decimal

import pytest

from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.record import EventType, SignalPhase
from mt5fleet.domain.signal import Cancel, Close, Entry
from mt5fleet.testing.builders import make_account, make_close, make_open
from mt5fleet.testing.fake_gateway import Fault
from tests.unit.service.rig import Rig, Worker

S = OrderState


def wipe(rig: Rig) -> None:
    """Everything is forgotten; the operators' files fill the registry again."""
    rig.ledger.wipe()
    rig.tell()
    rig.worker = Worker(rig, rig.ledger, rig.gateway)
    rig.clock.advance_s(1)
    rig.guard()


def test_replayed_signals_are_found_at_the_broker_and_none_is_doubled() -> None:
    rig = Rig(make_account("alpha", login=1), make_account("beta", login=2))
    signals = [rig.signal(f"S{number}", accounts=("alpha", "beta")) for number in range(5)]
    for one in signals:
        rig.post(one)
    rig.take_in()
    rig.settle_all(steps=1)
    before = rig.gateway.executed
    assert len(before) == 10

    wipe(rig)
    for one in signals:
        rig.post(one)
    rig.settle_all(steps=3)

    assert rig.gateway.executed == before
    for one in signals:
        orders = rig.orders(one.id)
        assert [order.state for order in orders] == [S.FILLED, S.FILLED]
        assert all(order.outcome is not None and order.outcome.existed for order in orders)


def test_replay_of_what_was_never_sent_is_executed_once(rig: Rig) -> None:
    one = rig.signal()
    rig.post(one)

    wipe(rig)
    rig.post(one)
    rig.settle_all(steps=2)

    assert (rig.states(), rig.sent()) == ([S.FILLED], 1)


def test_replay_past_its_time_still_shows_what_the_broker_did(rig: Rig) -> None:
    one = rig.signal(valid_s=30)
    rig.post(one)
    rig.take_in()
    rig.drain()
    rig.clock.advance_s(60)

    wipe(rig)
    rig.post(one)
    rig.settle_all(steps=2)

    assert (rig.states(), rig.sent()) == ([S.FILLED], 1)


def test_replay_past_its_time_that_was_never_sent_expires(rig: Rig) -> None:
    one = rig.signal(valid_s=30)
    rig.post(one)
    rig.clock.advance_s(60)

    wipe(rig)
    rig.post(one)
    rig.settle_all(steps=2)

    assert (rig.states(), rig.sent()) == ([S.EXPIRED], 0)
    assert rig.ledger.status("S1").phase is SignalPhase.FINAL


def test_nothing_is_decided_before_the_broker_can_be_asked(rig: Rig) -> None:
    one = rig.signal(valid_s=30)
    rig.post(one)
    rig.take_in()
    rig.drain()
    wipe(rig)
    rig.book().connected = False
    rig.clock.advance_s(60)

    rig.post(one)
    rig.settle_all(steps=2)
    assert rig.states() == [S.RECEIVED]

    rig.book().connected = True
    rig.settle_all(steps=2)
    assert (rig.states(), rig.sent()) == ([S.FILLED], 1)


def test_attempt_of_the_lost_epoch_whose_end_is_unknown_is_a_doubt_then_settled(rig: Rig) -> None:
    one = rig.signal(valid_s=600)
    rig.gateway.script("alpha", Fault.LOST_BEFORE)
    rig.post(one)
    rig.take_in()
    rig.drain()

    wipe(rig)
    rig.post(one)
    rig.take_in()
    rig.drain()
    assert rig.states() == [S.IN_DOUBT]

    rig.settle_all(steps=5)
    assert (rig.states(), rig.sent()) == ([S.FILLED], 1)
    proved = [numbers for numbers in rig.events(EventType.ORDER_RECEIVED) if numbers.get("by") == "resolve"]
    assert len(proved) == 1


def test_replayed_resting_order_is_accepted_once(rig: Rig) -> None:
    limit = make_open(entry=Entry.LIMIT, price="1.09500", stop_loss="1.09000", take_profit="1.10500")
    one = rig.signal("S1", limit)
    rig.post(one)
    rig.take_in()
    rig.drain()

    wipe(rig)
    rig.post(one)
    rig.settle_all(steps=2)

    assert (rig.states(), rig.sent()) == ([S.ACCEPTED], 1)


def test_replayed_partial_close_closes_once(rig: Rig) -> None:
    rig.execute("S1")
    close = rig.signal("C1", make_close(share="0.5"))
    rig.post(close)
    rig.take_in()
    rig.drain()

    wipe(rig)
    rig.post(close)
    rig.settle_all(steps=2)

    assert rig.sent("close") == 1
    assert next(iter(rig.book().positions.values())).volume == Decimal("0.05")
    assert all(order.state in (S.FILLED, S.APPLIED) for order in rig.orders("C1"))


def test_burst_of_replays_is_not_refused_for_its_rate(rig: Rig) -> None:
    signals = [rig.signal(f"S{number}", make_open(lots="0.01")) for number in range(20)]
    wipe(rig)
    producer = rig.ledger.producers()["desk"]
    limited = type(producer.rights)(accounts=("*",), signals_per_minute_max=1)
    rig.ledger.put_producer(type(producer)(name="desk", keys=producer.keys, rights=limited))

    for one in signals:
        rig.post(one)
    report = rig.take_in()

    assert (report.accepted, report.refused) == (20, 0)


def test_changed_run_id_alone_doubles_nothing(rig: Rig) -> None:
    rig.post(rig.signal())
    rig.take_in()
    rig.ledger.restart()

    rig.settle_all(steps=2)

    assert (rig.states(), rig.sent()) == ([S.FILLED], 1)


def test_new_close_of_a_replayed_open_closes_what_the_broker_holds(rig: Rig) -> None:
    one = rig.signal("S1")
    rig.post(one)
    rig.take_in()
    rig.drain()

    wipe(rig)
    rig.clock.advance_s(60)
    rig.post(one)
    rig.post(rig.signal("C1", make_close("S1")))
    rig.settle_all(steps=3)

    assert (rig.states("S1"), rig.states("C1")) == ([S.FILLED], [S.FILLED])
    assert rig.book().positions == {}
    assert (rig.sent("submit"), rig.sent("close")) == (1, 1)


def test_new_cancel_of_a_replayed_resting_order_withdraws_it_at_the_broker(rig: Rig) -> None:
    resting = make_open(entry=Entry.LIMIT, price=Decimal("1.09500"), stop_loss=Decimal("1.09000"))
    one = rig.signal("S1", resting)
    rig.post(one)
    rig.take_in()
    rig.drain()

    wipe(rig)
    rig.post(one)
    rig.post(rig.signal("C1", Cancel(opening_id="S1")))
    rig.settle_all(steps=4)

    assert (rig.states("S1"), rig.states("C1")) == ([S.CANCELED], [S.APPLIED])
    assert rig.book().orders == {}
    assert rig.sent("cancel") == 1


@pytest.mark.parametrize("follow_up", [Cancel(opening_id="S1"), make_close("S1")])
def test_follow_up_that_comes_before_the_replay_of_its_open_hides_nothing(
    rig: Rig, follow_up: Cancel | Close
) -> None:
    one = rig.signal("S1")
    rig.post(one)
    rig.take_in()
    rig.drain()

    wipe(rig)
    rig.clock.advance_s(60)
    rig.post(rig.signal("C1", follow_up))
    rig.settle_all(steps=3)
    rig.post(one)
    rig.settle_all(steps=3)

    assert rig.states("S1") == [S.FILLED]
    assert len(rig.book().positions) == (1 if isinstance(follow_up, Cancel) else 0)
    assert rig.sent("submit") == 1


def test_close_waits_for_the_terminal_before_it_withdraws_a_replayed_open(rig: Rig) -> None:
    one = rig.signal("S1")
    rig.post(one)
    rig.take_in()
    rig.drain()

    wipe(rig)
    rig.post(one)
    rig.post(rig.signal("C1", make_close("S1"), valid_s=600))
    rig.book().connected = False
    rig.settle_all(steps=3)
    assert (rig.states("S1"), rig.states("C1")) == ([S.RECEIVED], [S.RECEIVED])

    rig.book().connected = True
    rig.settle_all(steps=3)
    assert (rig.states("S1"), rig.states("C1")) == ([S.FILLED], [S.FILLED])


def test_ledger_that_went_back_to_an_unsent_attempt_does_not_expire_what_was_filled(rig: Rig) -> None:
    rig.gateway.script("alpha", Fault.REQUOTE)
    rig.post(rig.signal("S1", valid_s=30))
    rig.take_in()
    rig.limit(wait_in_slice_ms=0)
    rig.drain()
    assert rig.states() == [S.NOT_SENT]
    before = rig.ledger.backup()
    rig.clock.advance_s(3)
    rig.drain()
    assert rig.states() == [S.FILLED]

    rig.ledger.restore(before)
    rig.clock.advance_s(60)
    rig.settle_all(steps=3)

    assert (rig.states(), rig.sent()) == ([S.FILLED], 1)
