"""Close, modify and cancel."""

from dataclasses import replace
from decimal import Decimal

import pytest

from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome
from mt5fleet.domain.signal import Entry, Modify, Open, Removal
from mt5fleet.testing.builders import make_cancel, make_close, make_modify, make_open
from mt5fleet.testing.fake_gateway import Fault
from tests.unit.service.rig import Rig, Worker
from tests.unit.service.test_faults import Changed

S = OrderState


def resting() -> Open:
    return make_open(entry=Entry.LIMIT, price="1.09500", stop_loss="1.09000", take_profit="1.10500")


def only_volume(rig: Rig) -> Decimal:
    return next(iter(rig.book().positions.values())).volume


def test_close_ends_the_position(rig: Rig) -> None:
    rig.execute("S1")

    order = rig.execute("C1", make_close())

    assert order.state is S.FILLED
    assert not rig.book().positions


def test_close_of_what_is_gone_is_applied(rig: Rig) -> None:
    rig.execute("S1")
    rig.execute("C1", make_close())

    assert rig.execute("C2", make_close()).state is S.APPLIED
    assert rig.sent("close") == 1


@pytest.mark.parametrize(("share", "lots", "left"), [("0.25", None, "0.08"), (None, "0.03", "0.07")])
def test_partial_close_leaves_the_rest(rig: Rig, share: str | None, lots: str | None, left: str) -> None:
    rig.execute("S1")

    order = rig.execute("C1", make_close(share=share, lots=lots))

    assert order.state is S.FILLED
    assert only_volume(rig) == Decimal(left)


def test_partial_close_below_the_smallest_lot_is_denied_and_told(rig: Rig) -> None:
    rig.execute("S1")

    order = rig.execute("C1", make_close(share="0.05"))

    assert (order.state, order.reason) == (S.DENIED, "volume_below_min")
    assert rig.alerts() == ["A close was not carried out on alpha"]


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.DOUBT_AFTER, Fault.LOST_BEFORE])
def test_partial_close_whose_answer_was_lost_closes_once(rig: Rig, fault: Fault) -> None:
    rig.execute("S1")
    rig.gateway.script("alpha", fault)

    rig.execute("C1", make_close(share="0.5"))
    rig.settle_all(steps=4)

    assert rig.states("C1") == [S.FILLED]
    assert only_volume(rig) == Decimal("0.05")


def test_partial_close_of_a_position_that_is_gone_never_becomes_a_full_one(rig: Rig) -> None:
    rig.execute("S1")
    rig.execute("C1", make_close())

    order = rig.execute("C2", make_close(share="0.5"))

    assert order.state is S.APPLIED
    assert order.goal is not None
    assert '"remaining":"1000000000"' in order.goal


def test_close_of_an_open_not_sent_yet_withdraws_it(rig: Rig) -> None:
    rig.post(rig.signal("S1"))
    rig.post(rig.signal("C1", make_close()))
    rig.take_in()

    rig.drain()

    assert (rig.states("S1"), rig.states("C1")) == ([S.CANCELED], [S.APPLIED])
    assert not rig.gateway.executed


def test_close_of_an_open_in_doubt_waits_for_it(rig: Rig) -> None:
    rig.gateway.script("alpha", Fault.DOUBT_AFTER)
    rig.execute("S1")
    rig.book().synchronised = False

    rig.post(rig.signal("C1", make_close()))
    rig.take_in()
    rig.drain()
    assert (rig.states("S1"), rig.states("C1")) == ([S.IN_DOUBT], [S.RECEIVED])

    rig.book().synchronised = True
    rig.drain()
    assert (rig.states("S1"), rig.states("C1")) == ([S.FILLED], [S.FILLED])
    assert not rig.book().positions


def test_partial_close_waits_for_its_open(rig: Rig) -> None:
    rig.post(rig.signal("S1"))
    rig.post(rig.signal("C1", make_close(share="0.5")))
    rig.take_in()

    rig.drain()

    assert (rig.states("S1"), rig.states("C1")) == ([S.FILLED], [S.FILLED])
    assert only_volume(rig) == Decimal("0.05")


def test_full_close_of_a_resting_order_withdraws_it(rig: Rig) -> None:
    rig.execute("S1", resting())

    order = rig.execute("C1", make_close())

    assert order.state is S.APPLIED
    assert not rig.book().orders
    rig.clock.advance_s(5)
    rig.drain()
    assert rig.states("S1") == [S.CANCELED]


def test_close_before_its_unknown_open_leaves_a_tombstone(rig: Rig) -> None:
    rig.execute("C1", make_close("S9"))

    order = rig.execute("S9")

    assert order.state is S.CANCELED
    assert rig.sent() == 0


def test_cancel_withdraws_a_resting_order_and_leaves_positions(rig: Rig) -> None:
    rig.execute("S1")
    rig.execute("S2", resting())

    assert rig.execute("X1", make_cancel("S2")).state is S.APPLIED
    assert rig.execute("X2", make_cancel("S1")).state is S.APPLIED

    assert not rig.book().orders
    assert len(rig.book().positions) == 1


def test_cancel_of_an_open_not_sent_yet_withdraws_it(rig: Rig) -> None:
    rig.post(rig.signal("S1"))
    rig.post(rig.signal("X1", make_cancel()))
    rig.take_in()

    rig.drain()

    assert (rig.states("S1"), rig.states("X1")) == ([S.CANCELED], [S.APPLIED])


def test_modify_moves_the_stop(rig: Rig) -> None:
    rig.execute("S1")

    order = rig.execute("M1", make_modify(stop_loss="1.09500"))

    assert order.state is S.APPLIED
    assert next(iter(rig.book().positions.values())).stop_loss == Decimal("1.09500")


def halted(rig: Rig) -> None:
    """Halted, and the broker refuses the flatten's first pass."""
    rig.execute("S1")
    rig.ledger.halt("alpha", "test", events=(), alert=None)
    rig.gateway.script("alpha", *[Fault.REJECT] * rig.settings.flatten.rounds_per_pass)


def test_halted_account_denies_a_wider_stop(rig: Rig) -> None:
    halted(rig)

    rig.post(rig.signal("M1", make_modify(stop_loss="1.08000")))
    rig.take_in()
    rig.drain()

    assert [(order.state, order.reason) for order in rig.orders("M1")] == [(S.DENIED, "halted")]


def test_halted_account_still_closes(rig: Rig) -> None:
    halted(rig)

    order = rig.execute("C1", make_close())

    assert order.state is S.FILLED
    assert not rig.book().positions


def test_removing_a_mandatory_stop_is_denied(rig: Rig) -> None:
    rig.execute("S1")

    order = rig.execute("M1", Modify(opening_id="S1", stop_loss=Removal.REMOVE))

    assert (order.state, order.reason) == (S.DENIED, "stop_loss_missing")


def test_close_that_came_too_late_expires_and_is_told(rig: Rig) -> None:
    rig.execute("S1")
    rig.post(rig.signal("C1", make_close(), valid_s=5))
    rig.take_in()
    rig.clock.advance_s(5)

    rig.drain()

    assert rig.states("C1") == [S.EXPIRED]
    assert rig.alerts() == ["A close was not carried out on alpha"]


def test_urgent_commands_go_before_waiting_opens(rig: Rig) -> None:
    rig.execute("S1")
    rig.post(rig.signal("S2"))
    rig.post(rig.signal("C1", make_close()))
    rig.take_in()

    rig.drain()

    assert [item.operation for item in rig.gateway.executed] == ["submit", "close", "submit"]


def test_resting_order_that_cannot_be_withdrawn_is_tried_again_before_the_close(rig: Rig) -> None:
    rig.execute("S1", resting())
    rig.gateway.script("alpha", Fault.REJECT)

    order = rig.execute("C1", make_close())

    assert (order.state, order.attempt) == (S.APPLIED, 2)
    assert not rig.book().orders


def test_partial_close_keeps_its_first_goal_over_attempts(rig: Rig) -> None:
    """A requote; before the next attempt somebody else closes a part: only the rest to the goal is closed."""
    rig.limit(wait_in_slice_ms=0)
    rig.execute("S1")
    rig.gateway.script("alpha", Fault.REQUOTE)
    assert rig.execute("C1", make_close(share="0.5")).state is S.NOT_SENT
    ticket, position = next(iter(rig.book().positions.items()))
    rig.book().positions[ticket] = replace(position, volume=Decimal("0.06"))

    rig.clock.advance_s(1)
    rig.drain()

    assert rig.states("C1") == [S.FILLED]
    assert only_volume(rig) == Decimal("0.05")


def test_close_outlasts_an_outage_of_the_terminal(rig: Rig) -> None:
    rig.execute("S1")
    rig.book().connected = False
    rig.post(rig.signal("C1", make_close("S1"), valid_s=600))
    rig.settle_all(steps=10)
    (waiting,) = rig.orders("C1")
    assert (waiting.state, waiting.attempt) == (S.NOT_SENT, 1)

    rig.book().connected = True
    rig.settle_all(steps=2)

    assert (rig.states("C1"), rig.sent("close")) == ([S.FILLED], 1)


def test_cancel_outlasts_an_outage_of_the_terminal(rig: Rig) -> None:
    rig.execute("S1", resting())
    rig.book().connected = False
    rig.post(rig.signal("C1", make_cancel("S1"), valid_s=600))
    rig.settle_all(steps=10)
    assert rig.states("C1") == [S.NOT_SENT]

    rig.book().connected = True
    rig.settle_all(steps=2)

    assert (rig.states("C1"), rig.sent("cancel")) == ([S.APPLIED], 1)


def test_close_that_the_broker_did_in_part_is_told(rig: Rig) -> None:
    rig.execute("S1")
    half = Outcome(state=S.CANCELED, sentence="closed 0.05 lots; 0.05 lots could not be closed")

    def close(*_: object) -> Outcome:
        return half

    rig.worker = Worker(rig, rig.ledger, Changed(rig, close=close))  # type: ignore[arg-type]  # a fake port

    assert rig.execute("C1", make_close()).state is S.CANCELED
    assert rig.alerts() == ["A close was carried out only in part on alpha"]
