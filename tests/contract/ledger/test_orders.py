from datetime import timedelta
from decimal import Decimal

import pytest

from mt5fleet.domain.errors import InvalidTransition
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.lifecycle import FINAL, TRANSITIONS, OrderState
from mt5fleet.domain.record import EventType
from mt5fleet.domain.signal import Verb
from mt5fleet.ports.ledger import BeginRefusal, Begun, Ledger, PushResult
from tests.contract.ledger.rigs import START, Rig
from tests.contract.ledger.values import a_command, an_alert, an_event, an_outcome

DAY_MS = 86_400_000


def _lease(ledger: Ledger, ttl_ms: int = 60_000) -> Lease:
    acquired = ledger.acquire("a", "w", ttl_ms)
    assert acquired is not None
    return acquired.lease


def _begin(
    ledger: Ledger,
    lease: Lease,
    key: str,
    *,
    adds_risk: bool = True,
    full: bool = False,
    goal: str | None = None,
    deadline_ms: int = 5_000,
    attempts_max: int = 3,
) -> Begun | BeginRefusal:
    return ledger.begin(
        lease,
        key,
        adds_risk=adds_risk,
        goal=goal,
        full=full,
        deadline_ms=deadline_ms,
        attempts_max=attempts_max,
    )


def _finish(ledger: Ledger, lease: Lease, key: str, state: OrderState, reason: str = "") -> OrderState:
    outcome = an_outcome(state)
    return ledger.finish(lease, key, outcome, reason=reason, events=(), alert=None, retry_after_ms=0)


def _pushed(rig: Rig, *keys: str, verb: Verb = Verb.OPEN, opening_key: str | None = None) -> Lease:
    rig.ledger.push("a", 1, tuple(a_command(key, verb, opening_key=opening_key) for key in keys))
    return _lease(rig.ledger)


def test_begin_writes_ahead_what_is_about_to_be_sent(rig: Rig) -> None:
    lease = _pushed(rig, "k")
    rig.advance_ms(1_500)
    moment = START + timedelta(milliseconds=1_500)

    begun = _begin(rig.ledger, lease, "k", goal="goal")
    order = rig.ledger.order("a", "k")

    assert begun == Begun(
        attempt=1,
        begun_at=moment,
        not_after=moment + timedelta(seconds=5),
        goal="goal",
        opening_canceled=False,
        opening_known=True,
    )
    assert order is not None
    assert (order.state, order.attempt, order.begun_at, order.goal) == (
        OrderState.SUBMITTING,
        1,
        moment,
        "goal",
    )
    event = rig.ledger.account_events("a", 1)[0].event
    assert event.type is EventType.ORDER_BEGUN
    assert event.numbers == {"attempt": "1", "token": str(lease.token), "deadline_ms": "5000"}


def test_begin_repeated_by_the_same_lease_gives_the_same_attempt(rig: Rig) -> None:
    lease = _pushed(rig, "k")
    first = _begin(rig.ledger, lease, "k")
    rig.advance_ms(10)

    assert _begin(rig.ledger, lease, "k") == first
    rig.advance_ms(60_000)
    assert _begin(rig.ledger, _lease(rig.ledger), "k") is BeginRefusal.STATE


def test_send_may_not_happen_after_valid_until_when_it_adds_risk(rig: Rig) -> None:
    soon = START + timedelta(seconds=2)
    rig.ledger.push("a", 1, tuple(a_command(key, valid_until=soon) for key in ("k1", "k2", "k3")))
    lease = _lease(rig.ledger)

    opens, reduces = (
        _begin(rig.ledger, lease, key, adds_risk=adds) for key, adds in (("k1", True), ("k2", False))
    )
    rig.advance_ms(2_000)

    assert isinstance(opens, Begun)
    assert isinstance(reduces, Begun)
    assert (opens.not_after, reduces.not_after) == (soon, START + timedelta(seconds=5))
    assert _begin(rig.ledger, lease, "k3") is BeginRefusal.EXPIRED
    assert isinstance(_begin(rig.ledger, lease, "k3", adds_risk=False), Begun)


def test_attempts_are_counted_and_limited(rig: Rig) -> None:
    lease = _pushed(rig, "k")
    attempts = []
    for _ in range(2):
        begun = _begin(rig.ledger, lease, "k", attempts_max=2)
        assert isinstance(begun, Begun)
        attempts.append(begun.attempt)
        _finish(rig.ledger, lease, "k", OrderState.NOT_SENT)

    assert attempts == [1, 2]
    assert _begin(rig.ledger, lease, "k", attempts_max=2) is BeginRefusal.ATTEMPTS


def test_goal_of_the_first_begin_stands(rig: Rig) -> None:
    lease = _pushed(rig, "k", verb=Verb.CLOSE)
    _begin(rig.ledger, lease, "k", goal="first", adds_risk=False)
    _finish(rig.ledger, lease, "k", OrderState.NOT_SENT)

    again = _begin(rig.ledger, lease, "k", goal="second", adds_risk=False)

    assert isinstance(again, Begun)
    assert again.goal == "first"


@pytest.mark.parametrize("refusal", [BeginRefusal.HALTED, BeginRefusal.REDUCING, BeginRefusal.DOUBT])
def test_what_adds_risk_is_refused_and_what_reduces_it_is_not(rig: Rig, refusal: BeginRefusal) -> None:
    lease = _pushed(rig, "doubtful", "k")
    if refusal is BeginRefusal.HALTED:
        rig.ledger.halt("a", "floor", events=(), alert=None)
    elif refusal is BeginRefusal.REDUCING:
        rig.set_reducing("a")
    else:
        _finish(rig.ledger, lease, "doubtful", OrderState.IN_DOUBT)

    assert _begin(rig.ledger, lease, "k") is refusal
    assert isinstance(_begin(rig.ledger, lease, "k", adds_risk=False), Begun)


def test_begin_of_a_key_that_is_not_there_is_refused(rig: Rig) -> None:
    assert _begin(rig.ledger, _lease(rig.ledger), "never") is BeginRefusal.STATE


@pytest.mark.parametrize(("verb", "full"), [(Verb.CLOSE, True), (Verb.CANCEL, False)])
@pytest.mark.parametrize("state", [OrderState.RECEIVED, OrderState.NOT_SENT])
def test_unsent_opening_is_cancelled_by_what_closes_it(
    rig: Rig, verb: Verb, full: bool, state: OrderState
) -> None:
    lease = _pushed(rig, "o")
    if state is OrderState.NOT_SENT:
        _begin(rig.ledger, lease, "o")
        _finish(rig.ledger, lease, "o", state)
    rig.ledger.push("a", 1, (a_command("c", verb, opening_key="o"),))

    begun = _begin(rig.ledger, lease, "c", adds_risk=False, full=full)
    opening = rig.ledger.order("a", "o")

    assert isinstance(begun, Begun)
    assert (begun.opening_canceled, begun.opening_known) == (True, True)
    assert opening is not None
    assert (opening.state, opening.finished_at) == (OrderState.CANCELED, START)
    assert "before it was sent" in opening.sentence
    assert rig.ledger.backlog(("a",))[0].normal == 0
    told = {
        (stored.event.type, stored.event.key): stored.event.numbers
        for stored in rig.ledger.account_events("a", 9)
    }
    assert told[EventType.ORDER_CANCELED, "o"] == {"by": "c"}


@pytest.mark.parametrize("verb", [Verb.CLOSE, Verb.MODIFY])
def test_partial_close_and_modify_wait_for_an_unsent_opening(rig: Rig, verb: Verb) -> None:
    rig.ledger.push("a", 1, (a_command("c", verb, opening_key="o"), a_command("o")))
    lease = _lease(rig.ledger)

    refused = _begin(rig.ledger, lease, "c", adds_risk=False)
    order, opening = rig.ledger.order("a", "c"), rig.ledger.order("a", "o")

    assert refused is BeginRefusal.OPENING_UNSETTLED
    assert order is not None
    assert opening is not None
    assert (order.state, opening.state) == (OrderState.RECEIVED, OrderState.RECEIVED)
    following = rig.ledger.next(lease)
    assert (following.key if following else None) == ("o" if verb is Verb.CLOSE else None)


@pytest.mark.parametrize("state", [OrderState.SUBMITTING, OrderState.IN_DOUBT])
def test_close_waits_for_an_opening_on_its_way(rig: Rig, state: OrderState) -> None:
    lease = _pushed(rig, "o")
    _begin(rig.ledger, lease, "o")
    if state is OrderState.IN_DOUBT:
        _finish(rig.ledger, lease, "o", state)
    rig.ledger.push("a", 1, (a_command("c", Verb.CLOSE, opening_key="o"),))

    passed_over = rig.ledger.next(lease)
    refused = _begin(rig.ledger, lease, "c", adds_risk=False, full=True)
    _finish(rig.ledger, lease, "o", OrderState.FILLED)
    following = rig.ledger.next(lease)

    assert (passed_over, refused) == (None, BeginRefusal.OPENING_UNSETTLED)
    assert following is not None
    assert following.key == "c"
    begun = _begin(rig.ledger, lease, "c", adds_risk=False, full=True)
    assert isinstance(begun, Begun)
    assert (begun.opening_canceled, begun.opening_known) == (False, True)


@pytest.mark.parametrize("verb", [Verb.CLOSE, Verb.CANCEL, Verb.MODIFY])
def test_unknown_opening_that_comes_late_may_not_begin_unless_it_was_only_modified(
    rig: Rig, verb: Verb
) -> None:
    lease = _pushed(rig, "c", verb=verb, opening_key="o")
    begun = _begin(rig.ledger, lease, "c", adds_risk=False, full=True)
    _finish(rig.ledger, lease, "c", OrderState.APPLIED)
    rig.advance_ms(1_000)

    late = rig.ledger.push("a", 1, (a_command("o"),))
    opening = rig.ledger.order("a", "o")
    answer = _begin(rig.ledger, lease, "o")

    assert isinstance(begun, Begun)
    assert not begun.opening_known
    assert opening is not None
    assert (late.results, opening.state) == ((PushResult.PUSHED,), OrderState.RECEIVED)
    if verb is Verb.MODIFY:
        assert isinstance(answer, Begun)
    else:
        assert answer is BeginRefusal.WITHDRAWN
        assert rig.ledger.push("a", 1, (a_command("o"),)).results == (PushResult.EXISTS,)


def test_finish_records_report_events_and_alert_and_empties_the_hand(rig: Rig) -> None:
    lease = _pushed(rig, "k")
    rig.ledger.next(lease)
    _begin(rig.ledger, lease, "k")
    rig.advance_ms(250)
    outcome = an_outcome(
        OrderState.FILLED, volume=Decimal("0.10"), price=Decimal("1.08345"), order_ticket=7, deal_ticket=8
    )
    event = an_event(signal_id="s-k", key="k")

    state = rig.ledger.finish(
        lease, "k", outcome, reason="", events=(event, event), alert=an_alert(), retry_after_ms=0
    )
    order = rig.ledger.order("a", "k")

    assert state is OrderState.FILLED
    assert order is not None
    assert (order.outcome, order.sentence) == (outcome, outcome.sentence)
    assert order.finished_at == START + timedelta(milliseconds=250)
    assert [stored.event for stored in rig.ledger.account_events("a", 2)] == [event, event]
    assert [(pending.outbox, pending.alert) for pending in rig.ledger.pending(5)] == [("acc:a", an_alert())]
    assert rig.ledger.backlog(("a",))[0].normal == 0


def test_finish_repeated_changes_and_tells_nothing(rig: Rig) -> None:
    lease = _pushed(rig, "k")
    outcome = an_outcome(OrderState.DENIED)

    states = [
        rig.ledger.finish(
            lease,
            "k",
            outcome,
            reason="halted",
            events=(an_event(),),
            alert=an_alert(),
            retry_after_ms=0,
        )
        for _ in range(3)
    ]

    assert states == [OrderState.DENIED] * 3
    assert len(rig.ledger.account_events("a", 9)) == 2
    assert [pending.count for pending in rig.ledger.pending(5)] == [1]


def test_finish_of_a_key_that_is_not_there_is_refused(rig: Rig) -> None:
    with pytest.raises(InvalidTransition):
        _finish(rig.ledger, _lease(rig.ledger), "never", OrderState.DENIED)


def test_resting_orders_are_followed_until_they_end(rig: Rig) -> None:
    lease = _pushed(rig, "k1", "k2")
    for key, state in (("k2", OrderState.ACCEPTED), ("k1", OrderState.PARTIALLY_FILLED)):
        _begin(rig.ledger, lease, key)
        _finish(rig.ledger, lease, key, state)
    resting = rig.ledger.resting("a")
    _finish(rig.ledger, lease, "k1", OrderState.FILLED)

    assert [(order.key, order.state) for order in resting] == [
        ("k1", OrderState.PARTIALLY_FILLED),
        ("k2", OrderState.ACCEPTED),
    ]
    assert [order.key for order in rig.ledger.resting("a")] == ["k2"]
    assert rig.ledger.backlog(("a",))[0].normal == 0


def test_order_proved_absent_takes_its_old_place_on_the_inbox(rig: Rig) -> None:
    lease = _pushed(rig, "k1", "k2")
    _finish(rig.ledger, lease, "k1", OrderState.IN_DOUBT)
    assert rig.ledger.backlog(("a",))[0].normal == 1

    _finish(rig.ledger, lease, "k1", OrderState.RECEIVED)
    following = rig.ledger.next(lease)

    assert following is not None
    assert (following.key, following.state, following.envelope) == (
        "k1",
        OrderState.RECEIVED,
        "envelope of k1",
    )


@pytest.mark.parametrize("wanted", OrderState)
@pytest.mark.parametrize("current", OrderState)
def test_every_pair_of_the_state_table(rig: Rig, current: OrderState, wanted: OrderState) -> None:
    lease = _pushed(rig, "k")
    rig.set_state("a", "k", current)
    allowed = wanted in TRANSITIONS[current] and wanted is not OrderState.SUBMITTING

    if not allowed:
        with pytest.raises(InvalidTransition):
            _finish(rig.ledger, lease, "k", wanted)
    else:
        assert _finish(rig.ledger, lease, "k", wanted) is wanted

    order = rig.ledger.order("a", "k")
    assert order is not None
    assert order.state is (wanted if allowed else current)
    assert (order.finished_at is not None) == (allowed and wanted in FINAL)


@pytest.mark.parametrize("current", OrderState)
def test_begin_moves_only_what_the_table_lets_it(rig: Rig, current: OrderState) -> None:
    lease = _pushed(rig, "k")
    rig.set_state("a", "k", current)

    begun = _begin(rig.ledger, lease, "k")

    if OrderState.SUBMITTING in TRANSITIONS[current]:
        assert isinstance(begun, Begun)
    else:
        assert begun is BeginRefusal.STATE


def test_command_is_given_as_it_stands(rig: Rig) -> None:
    lease = _pushed(rig, "k")
    assert rig.ledger.command("a", "unknown") is None
    before = rig.ledger.command("a", "k")
    assert before is not None
    assert (before.state, before.attempt, before.envelope) == (
        OrderState.RECEIVED,
        0,
        a_command("k").envelope,
    )

    _begin(rig.ledger, lease, "k", goal="g")
    begun = rig.ledger.command("a", "k")
    _finish(rig.ledger, lease, "k", OrderState.FILLED)
    ended = rig.ledger.command("a", "k")

    assert begun is not None
    assert ended is not None
    assert (begun.state, begun.attempt, begun.goal) == (OrderState.SUBMITTING, 1, "g")
    assert begun.created_at == before.created_at
    assert (ended.state, ended.envelope) == (OrderState.FILLED, "")
