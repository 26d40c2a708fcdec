from datetime import timedelta

import pytest

from mt5fleet.domain.errors import LeaseLost, LedgerFull
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.record import SignalPhase
from mt5fleet.ports.ledger import Ledger, Posted, Posting, PostResult
from tests.contract.ledger.rigs import START, Rig
from tests.contract.ledger.values import a_command, a_letter, a_record, a_target, an_alert, an_outcome

TTL_MS = 3_000


def _log_lease(ledger: Ledger, owner: str = "intake") -> Lease:
    lease = ledger.acquire_log(owner, TTL_MS)
    assert lease is not None
    return lease


def test_post_of_the_same_body_exists_and_of_another_conflicts(rig: Rig) -> None:
    first = rig.ledger.post("s", "h1", "first")

    again, other = rig.ledger.post("s", "h1", "first"), rig.ledger.post("s", "h2", "second")

    assert [first.result, again.result, other.result] == [
        PostResult.POSTED,
        PostResult.EXISTS,
        PostResult.CONFLICT,
    ]
    assert first.seq == again.seq == other.seq
    assert [entry.envelope for entry in rig.ledger.waiting(_log_lease(rig.ledger), 10)] == ["first"]


def test_many_are_posted_in_order_and_each_on_its_own(rig: Rig) -> None:
    rig.ledger.post("b", "h", "e")
    rows = (("a", "h"), ("b", "other"), ("c", "h"), ("a", "h"))

    answers = rig.ledger.post_many(
        tuple(Posting(signal_id=name, body_hash=body, envelope=f"e{name}") for name, body in rows)
    )

    assert [answer.result for answer in answers if isinstance(answer, Posted)] == [
        PostResult.POSTED,
        PostResult.CONFLICT,
        PostResult.POSTED,
        PostResult.EXISTS,
    ]
    assert {answer.epoch for answer in answers if isinstance(answer, Posted)} == {rig.ledger.epoch().number}
    waiting = rig.ledger.waiting(_log_lease(rig.ledger), 9)
    assert [entry.signal_id for entry in waiting] == ["b", "a", "c"]


def test_many_posted_to_a_full_store_are_refused_one_by_one(rig: Rig) -> None:
    rig.ledger.post("old", "h", "e")
    rig.set_full(76)
    rig.ledger.check_memory()

    answers = rig.ledger.post_many(
        tuple(Posting(signal_id=name, body_hash="h", envelope="e") for name in ("new", "old"))
    )

    assert isinstance(answers[0], LedgerFull)
    assert isinstance(answers[1], Posted)


def test_sequence_grows_even_when_the_clock_stands_or_goes_back(rig: Rig) -> None:
    first, second = rig.ledger.post("a", "h", "e").seq, rig.ledger.post("b", "h", "e").seq
    rig.back_ms(5_000)

    third = rig.ledger.post("c", "h", "e").seq

    assert first < second < third


def test_only_the_first_post_of_a_burst_asks_for_a_wake_up(rig: Rig) -> None:
    asked = [rig.ledger.post(str(n), "h", "e").wake for n in range(3)]
    rig.advance_ms(2_000)

    assert [*asked, rig.ledger.post("later", "h", "e").wake] == [True, False, False, True]


def test_nobody_is_woken_while_a_live_owner_works(rig: Rig) -> None:
    lease = _log_lease(rig.ledger)
    asked = rig.ledger.post("a", "h", "e").wake
    rig.ledger.settle(lease, rig.ledger.post("a", "h", "e").seq)
    assert rig.ledger.release_log(lease)

    assert [asked, rig.ledger.post("b", "h", "e").wake] == [False, True]


def test_waiting_gives_the_oldest_and_settle_takes_them_off(rig: Rig) -> None:
    posted = [rig.ledger.post(str(n), "h", f"e{n}") for n in range(4)]
    lease = _log_lease(rig.ledger)

    rig.ledger.settle(lease, posted[1].seq)
    entry = rig.ledger.waiting(lease, 1)[0]

    assert (entry.seq, entry.signal_id, entry.body_hash, entry.envelope) == (posted[2].seq, "2", "h", "e2")
    assert entry.posted_at == START
    assert rig.ledger.log_backlog() == (2, START, True)


def test_log_has_one_owner_until_its_deadline(rig: Rig) -> None:
    first = _log_lease(rig.ledger, "one")
    assert rig.ledger.acquire_log("two", TTL_MS) is None
    rig.advance_ms(TTL_MS)

    second = _log_lease(rig.ledger, "two")

    assert second.token > first.token
    assert second.deadline == START + timedelta(milliseconds=2 * TTL_MS)
    with pytest.raises(LeaseLost):
        rig.ledger.waiting(first, 1)
    with pytest.raises(LeaseLost):
        rig.ledger.settle(first, 1)
    with pytest.raises(LeaseLost):
        rig.ledger.release_log(first)


def test_reading_the_log_renews_the_lease_but_not_after_its_deadline(rig: Rig) -> None:
    lease = _log_lease(rig.ledger)
    rig.advance_ms(TTL_MS - 1)
    rig.ledger.waiting(lease, 1)
    rig.advance_ms(TTL_MS - 1)
    assert rig.ledger.acquire_log("rival", TTL_MS) is None
    rig.advance_ms(1)

    with pytest.raises(LeaseLost):
        rig.ledger.waiting(lease, 1)


def test_log_is_not_given_back_while_entries_wait(rig: Rig) -> None:
    lease = _log_lease(rig.ledger)
    posted = rig.ledger.post("a", "h", "e")
    refused = rig.ledger.release_log(lease)
    rig.ledger.settle(lease, posted.seq)

    assert (refused, rig.ledger.release_log(lease), rig.ledger.release_log(lease)) == (False, True, True)
    assert rig.ledger.log_backlog() == (0, None, False)


def test_first_record_stands(rig: Rig) -> None:
    first = a_record("s", a_target("k"))

    assert rig.ledger.record(first) == first
    assert rig.ledger.record(a_record("s", body_hash="other")) == first
    assert rig.ledger.record_of("s") == first
    assert rig.ledger.record_of("unknown") is None


def test_signal_goes_from_unknown_to_final(rig: Rig) -> None:
    phases = [rig.ledger.status("s").phase]
    rig.ledger.post("s", "h", "e")
    phases.append(rig.ledger.status("s").phase)
    rig.ledger.record(a_record("s", a_target("k1"), a_target("k2", "b")))
    phases.append(rig.ledger.status("s").phase)
    for account, key in (("a", "k1"), ("b", "k2")):
        rig.ledger.push(account, 1, (a_command(key, account=account, signal_id="s"),))
        phases.append(rig.ledger.status("s").phase)
        acquired = rig.ledger.acquire(account, "w", TTL_MS)
        assert acquired is not None
        outcome = an_outcome(OrderState.DENIED)
        rig.ledger.finish(
            acquired.lease, key, outcome, reason="halted", events=(), alert=None, retry_after_ms=0
        )
    status = rig.ledger.status("s")

    assert phases == [
        SignalPhase.UNKNOWN,
        SignalPhase.POSTED,
        SignalPhase.RECORDED,
        SignalPhase.RECORDED,
        SignalPhase.RECORDED,
    ]
    assert (status.phase, status.epoch) == (SignalPhase.FINAL, rig.ledger.epoch().number)
    assert [(order.account, order.state, order.reason) for order in status.orders] == [
        ("a", OrderState.DENIED, "halted"),
        ("b", OrderState.DENIED, "halted"),
    ]


def test_buried_signal_shows_field_and_rule_and_its_alert_waits(rig: Rig) -> None:
    lease = _log_lease(rig.ledger)
    letters = [a_letter("bad", 1), a_letter("worse", 2)]
    for letter in [*letters, letters[1]]:
        rig.ledger.bury(lease, letter, an_alert("refused"))

    status = rig.ledger.status("bad")

    assert (status.phase, status.dead_letter) == (SignalPhase.REFUSED, letters[0])
    assert rig.ledger.dead_letters(5) == (letters[1], letters[0])
    assert rig.ledger.dead_letters(1) == (letters[1],)
    assert [(alert.outbox, alert.count) for alert in rig.ledger.pending(5)] == [("log", 2)]


def test_burying_with_a_lost_lease_writes_nothing(rig: Rig) -> None:
    lost = _log_lease(rig.ledger)
    rig.advance_ms(TTL_MS)
    _log_lease(rig.ledger, "rival")

    with pytest.raises(LeaseLost):
        rig.ledger.bury(lost, a_letter("bad"), an_alert())

    assert rig.ledger.dead_letters(5) == ()
    assert rig.ledger.pending(5) == ()


def test_restart_opens_an_epoch_and_keeps_signals(rig: Rig) -> None:
    before = rig.ledger.epoch()
    rig.ledger.post("s", "h", "e")
    rig.advance_ms(10)
    rig.restart()

    after = rig.ledger.epoch()

    assert after.number > before.number
    assert after.started_at == START + timedelta(milliseconds=10)
    assert after.run_id != before.run_id
    assert rig.ledger.epoch() == after
    assert rig.ledger.post("s", "h", "e").result is PostResult.EXISTS


def test_wipe_opens_a_larger_epoch_with_larger_sequence_and_token(rig: Rig) -> None:
    before, posted, lease = rig.ledger.epoch(), rig.ledger.post("s", "h", "e"), _log_lease(rig.ledger)
    account = rig.ledger.acquire("a", "w", TTL_MS)
    assert account is not None
    rig.advance_ms(1)
    rig.wipe()

    again = rig.ledger.post("s", "h", "e")
    new_account = rig.ledger.acquire("a", "w", TTL_MS)

    assert again.result is PostResult.POSTED
    assert again.epoch == rig.ledger.epoch().number > before.number
    assert again.seq > posted.seq
    assert _log_lease(rig.ledger).token > lease.token
    assert new_account is not None
    assert new_account.lease.token > account.lease.token


def test_full_store_refuses_new_signals_only_until_it_is_measured_again(rig: Rig) -> None:
    rig.ledger.post("old", "h", "e")
    rig.set_full(76)
    percent = rig.ledger.check_memory()

    with pytest.raises(LedgerFull):
        rig.ledger.post("new", "h", "e")
    assert rig.ledger.post("old", "h", "e").result is PostResult.EXISTS
    rig.set_full(75)

    assert (percent, rig.ledger.check_memory()) == (76, 75)
    assert rig.ledger.post("new", "h", "e").result is PostResult.POSTED


def test_signals_of_a_producer_are_counted_by_the_minute(rig: Rig) -> None:
    counted = [rig.ledger.count_signal("desk", 2) for _ in range(3)]
    other = rig.ledger.count_signal("bot", 2)
    rig.advance_ms(60_000)

    assert [*counted, other, rig.ledger.count_signal("desk", 2)] == [True, True, False, True, True]


def test_entry_whose_refusal_is_stored_says_so_until_it_is_settled(rig: Rig) -> None:
    posted = rig.ledger.post("s", "h", "envelope")
    rig.ledger.post("t", "h", "envelope")
    lease = rig.ledger.acquire_log("w", 60_000)
    assert lease is not None
    assert [entry.buried for entry in rig.ledger.waiting(lease, 10)] == [False, False]

    rig.ledger.bury(lease, a_letter("s", posted.seq), None)

    assert [(entry.signal_id, entry.buried) for entry in rig.ledger.waiting(lease, 10)] == [
        ("s", True),
        ("t", False),
    ]
