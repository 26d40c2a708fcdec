from datetime import timedelta

from mt5fleet.domain.account import TradingState
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.record import EventType
from mt5fleet.ports.ledger import Ledger
from tests.contract.ledger.rigs import START, Rig
from tests.contract.ledger.values import a_memory, a_reading, an_alert, an_event


def _lease(ledger: Ledger) -> Lease:
    acquired = ledger.acquire("a", "w", 60_000)
    assert acquired is not None
    return acquired.lease


def test_account_never_seen_is_active_without_memory(rig: Rig) -> None:
    status = rig.ledger.account_status("a")

    assert (status.account, status.state, status.memory) == ("a", TradingState.ACTIVE, None)
    assert (status.halted_seq, status.flatten_due, status.journal_id) == (0, False, None)
    assert rig.ledger.last_reading("a") is None


def test_judgement_stores_memory_and_reading(rig: Rig) -> None:
    memory, reading = a_memory(3), a_reading()

    status = rig.ledger.judge("a", reading, memory, halt_reason=None, events=(an_event(),), alert=an_alert())

    assert status == rig.ledger.account_status("a")
    assert (status.state, status.memory) == (TradingState.ACTIVE, memory)
    assert rig.ledger.last_reading("a") == reading
    assert len(rig.ledger.account_events("a", 9)) == 1
    assert len(rig.ledger.pending(9)) == 1


def test_memory_that_is_not_newer_changes_nothing_but_a_new_latch(rig: Rig) -> None:
    newest = a_memory(3)
    rig.ledger.judge("a", a_reading(), newest, halt_reason=None, events=(), alert=None)

    for sequence in (2, 3):
        late = a_memory(sequence, peak_equity=newest.peak_equity + 1)
        rig.ledger.judge("a", a_reading(), late, halt_reason=None, events=(an_event(),), alert=an_alert())
    untouched = rig.ledger.account_status("a")
    halted = rig.ledger.judge(
        "a", a_reading(), a_memory(1), halt_reason="floor", events=(an_event(),), alert=an_alert()
    )

    assert (untouched.state, untouched.memory) == (TradingState.ACTIVE, newest)
    assert (halted.state, halted.memory) == (TradingState.HALTED, newest)
    assert len(rig.ledger.account_events("a", 9)) == 1
    assert [alert.count for alert in rig.ledger.pending(9)] == [1]


def test_breach_latches_with_flatten_due(rig: Rig) -> None:
    rig.advance_ms(1_000)

    status = rig.ledger.judge("a", a_reading(), a_memory(), halt_reason="floor", events=(), alert=None)

    assert (status.state, status.reason, status.since) == (
        TradingState.HALTED,
        "floor",
        START + timedelta(seconds=1),
    )
    assert (status.flatten_due, status.latch_confirmed, status.flatten_rounds) == (True, False, 0)
    assert status.halted_seq > status.resumed_seq == 0
    assert rig.ledger.backlog(("a",))[0].flatten_due
    assert rig.ledger.backlog(("a",))[0].needs_owner


def test_latched_account_stays_as_it_is(rig: Rig) -> None:
    first = rig.ledger.halt("a", "first", events=(an_event(),), alert=an_alert())
    rig.advance_ms(1_000)

    again = rig.ledger.halt("a", "second", events=(an_event(),), alert=an_alert())
    judged = rig.ledger.judge(
        "a", a_reading(), a_memory(), halt_reason="third", events=(an_event(),), alert=an_alert()
    )

    assert again == first
    assert (judged.reason, judged.since, judged.halted_seq) == (first.reason, first.since, first.halted_seq)
    assert judged.memory == a_memory()
    assert len(rig.ledger.account_events("a", 9)) == 1
    assert [alert.count for alert in rig.ledger.pending(9)] == [1]


def test_halt_without_a_reason_is_a_halt_all_the_same(rig: Rig) -> None:
    judged = rig.ledger.judge("a", a_reading(), a_memory(), halt_reason="", events=(an_event(),), alert=None)
    told = rig.ledger.halt("b", "", events=(), alert=None)

    assert (judged.state, told.state) == (TradingState.HALTED, TradingState.HALTED)
    assert len(rig.ledger.account_events("a", 9)) == 1


def test_latch_number_grows_across_a_wipe(rig: Rig) -> None:
    before = rig.ledger.halt("a", "floor", events=(), alert=None).halted_seq
    rig.advance_ms(1)
    rig.wipe()

    assert rig.ledger.account_status("a").state is TradingState.ACTIVE
    assert rig.ledger.halt("a", "floor", events=(), alert=None).halted_seq > before


def test_latch_is_confirmed_once_and_only_for_the_standing_number(rig: Rig) -> None:
    rig.ledger.confirm_latch("a", 10**15, alert=an_alert())
    sequence = rig.ledger.halt("a", "floor", events=(), alert=None).halted_seq
    rig.ledger.confirm_latch("a", sequence - 1, alert=an_alert())
    unconfirmed = rig.ledger.account_status("a").latch_confirmed

    for _ in range(2):
        rig.ledger.confirm_latch("a", sequence, alert=an_alert())

    assert (unconfirmed, rig.ledger.account_status("a").latch_confirmed) == (False, True)
    assert [stored.event.type for stored in rig.ledger.account_events("a", 9)] == [EventType.HALT_CONFIRMED]
    assert [alert.count for alert in rig.ledger.pending(9)] == [1]


def test_flatten_counts_rounds_until_flat_and_is_due_again_when_something_appears(rig: Rig) -> None:
    rig.ledger.halt("a", "floor", events=(), alert=None)
    lease = _lease(rig.ledger)
    step = an_event(EventType.FLATTEN_STEP)

    rounds = [rig.ledger.flatten_step(lease, (step, step)), rig.ledger.flatten_step(lease, ())]
    rig.advance_ms(500)
    flat = rig.ledger.seen_flat(lease, alert=an_alert("flat"))
    again = rig.ledger.seen_flat(lease, alert=an_alert("flat"))
    for _ in range(2):
        rig.ledger.not_flat("a", alert=an_alert("not flat"))
    due = rig.ledger.account_status("a")
    told = [stored.event.type for stored in rig.ledger.account_events("a", 9)]

    assert rounds == [1, 2]
    assert (flat.flatten_due, flat.flat_at, flat.state) == (
        False,
        START + timedelta(milliseconds=500),
        TradingState.HALTED,
    )
    assert again == flat
    assert (due.flatten_due, due.flat_at, due.flatten_rounds) == (True, None, 2)
    assert told == [*(EventType.FLATTEN_STEP,) * 2, EventType.FLAT, EventType.NOT_FLAT]
    assert sorted((alert.alert.dedupe, alert.count) for alert in rig.ledger.pending(9)) == [
        ("flat", 1),
        ("not flat", 1),
    ]


def test_account_that_is_not_latched_is_never_flattened(rig: Rig) -> None:
    rig.ledger.not_flat("a", alert=an_alert())
    status = rig.ledger.seen_flat(_lease(rig.ledger), alert=an_alert())

    assert (status.flatten_due, status.flat_at) == (False, None)
    assert rig.ledger.pending(9) == ()
    assert rig.ledger.account_events("a", 9) == ()


def test_nothing_the_port_offers_lifts_a_halt(rig: Rig) -> None:
    halted = rig.ledger.halt("a", "floor", events=(), alert=None)
    lease = _lease(rig.ledger)

    rig.ledger.confirm_latch("a", halted.halted_seq, alert=None)
    rig.ledger.renumber_halt("a", halted.halted_seq, halted.halted_seq + 5)
    rig.ledger.seen_flat(lease, alert=None)
    rig.ledger.judge("a", a_reading(), a_memory(9), halt_reason=None, events=(), alert=None)
    rig.ledger.release(lease, force=True)
    rig.ledger.bind_journal("a", "j", 1)
    rig.restart()
    rig.advance_ms(7 * 86_400_000)

    assert rig.ledger.account_status("a").state is TradingState.HALTED


def test_latch_found_at_the_bridge_keeps_its_number_or_gets_a_higher_one(rig: Rig) -> None:
    ahead = rig.ledger.halt("a", "floor", events=(), alert=None).halted_seq + 10**9
    rig.wipe()

    copied = rig.ledger.halt("a", "the bridge's", events=(), alert=None, above=ahead)
    again = rig.ledger.halt("a", "the bridge's", events=(), alert=None, above=ahead + 1)
    behind = rig.ledger.halt("b", "the bridge's", events=(), alert=None, above=5)

    assert copied.halted_seq == again.halted_seq == ahead
    assert (copied.reason, copied.flatten_due, copied.latch_confirmed) == ("the bridge's", True, False)
    assert behind.halted_seq > 10**15


def test_halt_whose_number_was_lifted_at_the_bridge_gets_a_higher_one_and_goes_on(rig: Rig) -> None:
    first = rig.ledger.halt("a", "floor", events=(), alert=None)
    rig.ledger.flatten_step(_lease(rig.ledger), ())
    rig.ledger.confirm_latch("a", first.halted_seq, alert=None)
    lifted = first.halted_seq + 10**9

    second = rig.ledger.renumber_halt("a", first.halted_seq, lifted)
    rig.advance_ms(1_000)
    repeated = rig.ledger.renumber_halt("a", first.halted_seq, lifted)

    assert second == repeated == rig.ledger.account_status("a")
    assert second.halted_seq == lifted + 1
    assert (second.state, second.latch_confirmed) == (TradingState.HALTED, False)
    assert (second.reason, second.since, second.flatten_rounds) == (first.reason, first.since, 1)
    told = [item.event for item in rig.ledger.account_events("a", 9)]
    assert [event.type for event in told][1:] == [EventType.HALT_RENUMBERED]
    assert told[-1].numbers == {"before": str(first.halted_seq), "sequence": str(lifted + 1)}


def test_new_number_of_a_halt_is_above_the_moment_it_is_given(rig: Rig) -> None:
    first = rig.ledger.halt("a", "floor", events=(), alert=None)
    rig.advance_ms(1_000)

    assert rig.ledger.renumber_halt("a", first.halted_seq, 7).halted_seq == first.halted_seq + 1_000_000


def test_account_that_is_not_halted_is_not_renumbered(rig: Rig) -> None:
    untouched = rig.ledger.renumber_halt("a", 0, 10**9)

    assert untouched == rig.ledger.account_status("a")
    assert (untouched.state, untouched.halted_seq) == (TradingState.ACTIVE, 0)
    assert rig.ledger.account_events("a", 9) == ()


def test_highest_number_of_writes_of_the_bound_journal_is_kept(rig: Rig) -> None:
    for journal_id, sequence in (("j1", 7), ("j1", 9), ("j1", 8), ("j2", 50)):
        assert rig.ledger.bind_journal("a", journal_id, sequence) == "j1"

    status = rig.ledger.account_status("a")
    assert (status.journal_id, status.journal_sequence, status.journal_older) == ("j1", 9, False)


def test_older_copy_of_the_journal_stays_marked(rig: Rig) -> None:
    rig.ledger.mark_older_journal("a", "j1")
    rig.ledger.bind_journal("a", "j1", 9)
    rig.ledger.mark_older_journal("a", "j2")
    unmarked = rig.ledger.account_status("a").journal_older

    for _ in range(2):
        rig.ledger.mark_older_journal("a", "j1")
    rig.ledger.bind_journal("a", "j1", 90)

    assert (unmarked, rig.ledger.account_status("a").journal_older) == (False, True)
    assert [stored.event.numbers for stored in rig.ledger.account_events("a", 9)] == [
        {"journal_id": "j1"},
        {"journal_id": "j1", "journal_older": "yes"},
    ]


def test_first_journal_stays_bound(rig: Rig) -> None:
    assert [rig.ledger.bind_journal("a", name, 1) for name in ("j1", "j2")] == ["j1", "j1"]
    assert rig.ledger.account_status("a").journal_id == "j1"
    assert [stored.event.numbers for stored in rig.ledger.account_events("a", 9)] == [{"journal_id": "j1"}]


def test_new_owner_is_told_the_status(rig: Rig) -> None:
    rig.ledger.judge("a", a_reading(), a_memory(), halt_reason="floor", events=(), alert=None)

    acquired = rig.ledger.acquire("a", "w", 1_000)

    assert acquired is not None
    assert acquired.status == rig.ledger.account_status("a")
    assert acquired.status.state is TradingState.HALTED
