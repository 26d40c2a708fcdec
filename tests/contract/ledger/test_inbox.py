from dataclasses import replace
from datetime import timedelta

import pytest

from mt5fleet.domain.errors import Conflict, LeaseLost
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.record import EventType
from mt5fleet.domain.signal import Verb
from mt5fleet.ports.ledger import Begun, Ledger, Pushed, PushResult
from tests.contract.ledger.rigs import START, Rig
from tests.contract.ledger.values import a_command, an_outcome

TTL_MS = 3_000


def _lease(ledger: Ledger, account: str = "a", owner: str = "w") -> Lease:
    acquired = ledger.acquire(account, owner, TTL_MS)
    assert acquired is not None
    return acquired.lease


def _finish(
    ledger: Ledger, lease: Lease, key: str, state: OrderState, *, retry_after_ms: int = 0
) -> OrderState:
    outcome = an_outcome(state)
    return ledger.finish(lease, key, outcome, reason="", events=(), alert=None, retry_after_ms=retry_after_ms)


def _begin(ledger: Ledger, lease: Lease, key: str) -> Begun:
    begun = ledger.begin(lease, key, adds_risk=True, goal=None, full=False, deadline_ms=1_000, attempts_max=3)
    assert isinstance(begun, Begun)
    return begun


def test_commands_come_in_arrival_order_and_urgent_ones_first(rig: Rig) -> None:
    commands = [
        a_command("open1"),
        a_command("modify1", Verb.MODIFY),
        a_command("close1", Verb.CLOSE),
        a_command("cancel1", Verb.CANCEL),
    ]
    rig.ledger.push("a", 1, tuple(commands))
    lease = _lease(rig.ledger)

    taken = []
    while command := rig.ledger.next(lease):
        taken.append(command.key)
        _finish(rig.ledger, lease, command.key, OrderState.DENIED)

    assert taken == ["close1", "cancel1", "open1", "modify1"]


def test_command_comes_out_as_it_went_in(rig: Rig) -> None:
    command = a_command("k", Verb.CLOSE, opening_key="o", part=2, seq=7, envelope='{"ü": "\\n"}')

    rig.ledger.push("a", 1, (command,))

    assert rig.ledger.next(_lease(rig.ledger)) == command


def test_push_again_exists_and_one_key_twice_is_one_command(rig: Rig) -> None:
    twice = rig.ledger.push("a", 1, (a_command("k"), a_command("k")))
    again = rig.ledger.push("a", 1, (a_command("k", envelope="other"),))

    assert twice.results == (PushResult.PUSHED, PushResult.EXISTS)
    assert again.results == (PushResult.EXISTS,)
    assert rig.ledger.backlog(("a",))[0].normal == 1
    taken = rig.ledger.next(_lease(rig.ledger))
    assert taken is not None
    assert taken.envelope == "envelope of k"


def test_push_with_an_older_intake_token_writes_nothing(rig: Rig) -> None:
    rig.ledger.push("a", 5, (a_command("k1"),))

    with pytest.raises(LeaseLost):
        rig.ledger.push("a", 4, (a_command("k2"),))

    assert rig.ledger.order("a", "k2") is None
    assert rig.ledger.push("b", 4, (a_command("k3", account="b"),)).results == (PushResult.PUSHED,)


def test_older_sequence_is_refused_unless_the_command_is_there(rig: Rig) -> None:
    rig.ledger.push("a", 1, (a_command("k5", seq=5), a_command("k9", seq=9)))

    with pytest.raises(Conflict):
        rig.ledger.push("a", 2, (a_command("k9b", seq=9), a_command("k8", seq=8)))
    again = rig.ledger.push("a", 2, (a_command("k5", seq=5), a_command("k10", seq=10)))

    assert again.results == (PushResult.EXISTS, PushResult.PUSHED)
    assert rig.ledger.order("a", "k9b") is None


def test_push_many_is_all_or_nothing_per_account(rig: Rig) -> None:
    rig.ledger.push("b", 9, (a_command("k0", account="b"),))

    answers = rig.ledger.push_many(
        5, {"a": (a_command("k1"), a_command("k2")), "b": (a_command("k3", account="b"),), "c": ()}
    )

    assert answers["a"] == Pushed(results=(PushResult.PUSHED, PushResult.PUSHED), wake=True)
    assert isinstance(answers["b"], LeaseLost)
    assert answers["c"] == Pushed(results=(), wake=False)


def test_only_the_first_push_of_a_burst_asks_for_a_wake_up(rig: Rig) -> None:
    first = rig.ledger.push("a", 1, (a_command("k1"),)).wake
    second = rig.ledger.push("a", 1, (a_command("k2"),)).wake
    rig.advance_ms(2_000)
    third = rig.ledger.push("a", 1, (a_command("k2"),)).wake
    lease = _lease(rig.ledger)
    owned = rig.ledger.push("a", 1, (a_command("k3"),)).wake
    rig.ledger.release(lease, force=True)

    assert [first, second, third, owned] == [True, False, True, False]
    assert rig.ledger.push("a", 1, (a_command("k4"),)).wake


def test_wake_flag_is_claimed_once_and_never_under_a_live_owner(rig: Rig) -> None:
    claimed = [rig.ledger.mark_woken("a", 500), rig.ledger.mark_woken("a", 500)]
    rig.advance_ms(500)
    claimed.append(rig.ledger.mark_woken("a", 500))
    _lease(rig.ledger)
    rig.advance_ms(1_000)

    assert [*claimed, rig.ledger.mark_woken("a", 500)] == [True, False, True, False]


def test_account_has_one_owner_and_accounts_do_not_share_it(rig: Rig) -> None:
    first = _lease(rig.ledger)

    assert rig.ledger.acquire("a", "rival", TTL_MS) is None
    assert _lease(rig.ledger, "b").resource == "b"
    rig.advance_ms(TTL_MS - 1)
    assert rig.ledger.acquire("a", "rival", TTL_MS) is None
    rig.advance_ms(1)
    second = _lease(rig.ledger, owner="rival")

    assert second.token > first.token
    assert second.owner == "rival"


def test_token_is_raised_above_what_a_bridge_has_seen(rig: Rig) -> None:
    first = _lease(rig.ledger)
    rig.ledger.raise_token("a", first.token + 10_000_000_000)
    rig.ledger.raise_token("a", 5)
    rig.ledger.release(first, force=False)

    assert _lease(rig.ledger).token > first.token + 10_000_000_000


def test_lost_lease_writes_nothing(rig: Rig) -> None:
    rig.ledger.push("a", 1, (a_command("k"),))
    lost = _lease(rig.ledger)
    _begin(rig.ledger, lost, "k")
    rig.advance_ms(TTL_MS)
    _lease(rig.ledger, owner="rival")
    before = (rig.ledger.order("a", "k"), rig.ledger.backlog(("a",)), rig.ledger.account_events("a", 9))

    for write in (
        lambda: rig.ledger.next(lost),
        lambda: _begin(rig.ledger, lost, "k"),
        lambda: _finish(rig.ledger, lost, "k", OrderState.FILLED),
        lambda: rig.ledger.release(lost, force=True),
        lambda: rig.ledger.abandon_in_hand(lost),
        lambda: rig.ledger.fix_plan(lost, "s", "plan"),
        lambda: rig.ledger.flatten_step(lost, ()),
        lambda: rig.ledger.seen_flat(lost, alert=None),
    ):
        with pytest.raises(LeaseLost):
            write()

    after = (rig.ledger.order("a", "k"), rig.ledger.backlog(("a",)), rig.ledger.account_events("a", 9))
    assert after == before


def test_past_deadline_stops_the_next_send_but_not_the_record_of_the_last(rig: Rig) -> None:
    rig.ledger.push("a", 1, (a_command("k1"), a_command("k2")))
    lease = _lease(rig.ledger)
    _begin(rig.ledger, lease, "k1")
    rig.advance_ms(10_000)
    with pytest.raises(LeaseLost):
        rig.ledger.next(lease)
    with pytest.raises(LeaseLost):
        _begin(rig.ledger, lease, "k2")

    finished = _finish(rig.ledger, lease, "k1", OrderState.FILLED)

    assert finished is OrderState.FILLED
    assert rig.ledger.acquire("a", "rival", TTL_MS) is None  # recording renewed the lease


def test_begin_extends_the_lease_beyond_its_deadline(rig: Rig) -> None:
    rig.ledger.push("a", 1, (a_command("k"),))
    lease = _lease(rig.ledger)
    rig.ledger.begin(lease, "k", adds_risk=True, goal=None, full=False, deadline_ms=5_000, attempts_max=3)
    rig.advance_ms(5_999)
    assert rig.ledger.acquire("a", "rival", TTL_MS) is None
    rig.advance_ms(1)

    assert rig.ledger.acquire("a", "rival", TTL_MS) is not None


def test_release_is_refused_while_something_can_run(rig: Rig) -> None:
    rig.ledger.push("a", 1, (a_command("k"),))
    lease = _lease(rig.ledger)

    kept = rig.ledger.release(lease, force=False)
    gone = rig.ledger.release(lease, force=True)

    assert (kept, gone, rig.ledger.release(lease, force=False)) == (False, True, True)
    backlog = rig.ledger.backlog(("a",))[0]
    assert (backlog.normal, backlog.owned, backlog.needs_owner) == (1, False, True)


def test_release_succeeds_when_what_waits_cannot_run_now(rig: Rig) -> None:
    rig.ledger.push("a", 1, (a_command("k"),))
    lease = _lease(rig.ledger)
    _begin(rig.ledger, lease, "k")
    _finish(rig.ledger, lease, "k", OrderState.NOT_SENT, retry_after_ms=500)

    assert rig.ledger.release(lease, force=False)
    assert rig.ledger.backlog(("a",))[0].needs_owner


def test_each_takeover_is_counted_on_the_command_in_hand(rig: Rig) -> None:
    rig.ledger.push("a", 1, (a_command("k1"), a_command("k2")))
    seen = []
    for _ in range(3):
        lease = _lease(rig.ledger)
        command = rig.ledger.next(lease)
        assert command is not None
        seen.append((command.key, command.takeovers))
        rig.advance_ms(TTL_MS)

    assert seen == [("k1", 0), ("k1", 1), ("k1", 2)]


@pytest.mark.parametrize("way", ["release", "abandon", "finish"])
def test_no_takeover_is_counted_after_a_clean_end(rig: Rig, way: str) -> None:
    rig.ledger.push("a", 1, (a_command("k1"), a_command("k2")))
    lease = _lease(rig.ledger)
    rig.ledger.next(lease)
    if way == "release":
        rig.ledger.release(lease, force=True)
    elif way == "abandon":
        rig.ledger.abandon_in_hand(lease)
    else:
        _finish(rig.ledger, lease, "k1", OrderState.DENIED)
    rig.advance_ms(TTL_MS)

    command = rig.ledger.next(_lease(rig.ledger))

    assert command is not None
    assert command.takeovers == 0


def test_owner_that_took_nothing_counts_no_takeover(rig: Rig) -> None:
    rig.ledger.push("a", 1, (a_command("k"),))
    rig.ledger.next(_lease(rig.ledger))
    rig.advance_ms(TTL_MS)
    _lease(rig.ledger)
    rig.advance_ms(TTL_MS)

    command = rig.ledger.next(_lease(rig.ledger))

    assert command is not None
    assert command.takeovers == 1


def test_new_owner_is_told_what_was_left_sent_and_in_doubt(rig: Rig) -> None:
    rig.ledger.push("a", 1, tuple(a_command(f"k{n}") for n in range(3)))
    lease = _lease(rig.ledger)
    _begin(rig.ledger, lease, "k0")
    _finish(rig.ledger, lease, "k0", OrderState.IN_DOUBT)
    rig.ledger.begin(lease, "k1", adds_risk=False, goal="g", full=False, deadline_ms=1, attempts_max=3)
    rig.advance_ms(TTL_MS)

    acquired = rig.ledger.acquire("a", "rival", TTL_MS)

    assert acquired is not None
    assert [(left.key, left.state, left.attempt, left.takeovers) for left in acquired.left] == [
        ("k1", OrderState.SUBMITTING, 1, 1),
        ("k0", OrderState.IN_DOUBT, 1, 0),
    ]
    assert acquired.left[0] == replace(
        a_command("k1"),
        state=OrderState.SUBMITTING,
        attempt=1,
        takeovers=1,
        begun_at=START,
        goal="g",
    )
    assert rig.ledger.next(acquired.lease) is None  # the head is being settled, and a doubt blocks opens


def test_sent_command_counts_every_owner_that_ends_while_settling_it(rig: Rig) -> None:
    rig.ledger.push("a", 1, (a_command("k"),))
    _begin(rig.ledger, _lease(rig.ledger), "k")
    counted = []
    for _ in range(3):
        rig.advance_ms(TTL_MS)
        acquired = rig.ledger.acquire("a", "rival", TTL_MS)
        assert acquired is not None
        counted.append(acquired.left[0].takeovers)

    assert counted == [1, 2, 3]


def test_delayed_urgent_command_is_passed_over_and_a_delayed_normal_one_holds_its_lane(rig: Rig) -> None:
    rig.ledger.push(
        "a", 1, (*(a_command(f"c{n}", Verb.CLOSE) for n in (1, 2)), *(a_command(f"o{n}") for n in (1, 2)))
    )
    lease = _lease(rig.ledger)
    for key in ("c1", "o1"):
        rig.ledger.begin(
            lease, key, adds_risk=False, goal=None, full=False, deadline_ms=1_000, attempts_max=3
        )
        _finish(rig.ledger, lease, key, OrderState.NOT_SENT, retry_after_ms=1_000)

    first = rig.ledger.next(lease)
    _finish(rig.ledger, lease, "c2", OrderState.DENIED)
    held = rig.ledger.next(lease)
    rig.advance_ms(1_000)
    second = rig.ledger.next(lease)

    assert first is not None
    assert second is not None
    assert (first.key, held, second.key, second.state) == ("c2", None, "c1", OrderState.NOT_SENT)


def test_opens_wait_while_an_order_is_in_doubt_and_others_go_on(rig: Rig) -> None:
    rig.ledger.push("a", 1, (a_command("o1"), a_command("m1", Verb.MODIFY), a_command("o2")))
    lease = _lease(rig.ledger)
    _begin(rig.ledger, lease, "o1")
    _finish(rig.ledger, lease, "o1", OrderState.IN_DOUBT)

    modify = rig.ledger.next(lease)
    _finish(rig.ledger, lease, "m1", OrderState.DENIED)
    held = rig.ledger.next(lease)
    _finish(rig.ledger, lease, "o1", OrderState.FILLED)
    opened = rig.ledger.next(lease)

    assert modify is not None
    assert opened is not None
    assert (modify.key, held, opened.key) == ("m1", None, "o2")


def test_plan_is_fixed_once(rig: Rig) -> None:
    lease = _lease(rig.ledger)

    assert [rig.ledger.fix_plan(lease, "s", plan) for plan in ("0.1,0.2", "other")] == ["0.1,0.2"] * 2
    assert rig.ledger.fix_plan(lease, "s2", "other") == "other"


def test_backlog_tells_lanes_doubts_age_and_owner(rig: Rig) -> None:
    rig.ledger.push("a", 1, (a_command("o1"), a_command("o2")))
    rig.advance_ms(1_000)
    rig.ledger.push("a", 1, (a_command("c", Verb.CLOSE),))
    lease = _lease(rig.ledger)
    _begin(rig.ledger, lease, "o1")
    _finish(rig.ledger, lease, "o1", OrderState.IN_DOUBT)

    one, none = rig.ledger.backlog(("a", "empty"))

    assert (one.urgent, one.normal, one.in_doubt, one.owned) == (1, 1, 1, True)
    assert one.oldest_at == START + timedelta(microseconds=1)
    assert one.oldest_normal_at == START + timedelta(microseconds=1)
    assert one.oldest_urgent_at == START + timedelta(seconds=1)
    assert one.oldest_doubt_at == START
    assert (none.oldest_urgent_at, none.oldest_normal_at, none.oldest_doubt_at) == (None, None, None)
    assert (none.urgent, none.normal, none.oldest_at, none.needs_owner) == (0, 0, None, False)
    assert rig.ledger.backlog(()) == ()


def test_arrival_is_an_event_of_the_account(rig: Rig) -> None:
    rig.ledger.push("a", 1, (a_command("k", seq=4),))

    (stored,) = rig.ledger.account_events("a", 5)

    assert (stored.event.type, stored.event.key, stored.at) == (EventType.ORDER_RECEIVED, "k", START)
    assert stored.event.numbers == {"seq": "4", "verb": "open", "part": "0"}
