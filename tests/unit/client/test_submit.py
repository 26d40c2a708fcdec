import logging
from dataclasses import replace

import pytest

from mt5fleet.client import Durability, OutcomeUnknown
from mt5fleet.client.submit import BATCH_SIGNALS, PAUSES_S
from mt5fleet.domain.errors import Conflict, InvalidValue, LedgerFull, LedgerUnavailable
from mt5fleet.domain.record import SignalPhase
from mt5fleet.ports.ledger import PostResult
from tests.unit.client.conftest import World


def test_submitted_signal_is_recorded_and_intake_woken(world: World) -> None:
    signal = world.opening()

    submitted = world.client.submit(signal)

    assert (submitted.signal_id, submitted.result) == (signal.id, PostResult.POSTED)
    assert submitted.epoch == world.ledger.epoch().number
    assert submitted.durability is Durability.RECORDED
    assert world.client.status(signal.id).phase is SignalPhase.POSTED
    assert world.waker.woken == 1


def test_same_signal_sent_again_exists(world: World) -> None:
    signal = world.opening()

    first, second = world.client.submit(signal), world.client.submit(signal)

    assert (first.result, second.result) == (PostResult.POSTED, PostResult.EXISTS)
    assert len({envelope for _, envelope in world.postbox.posts}) == 1


def test_other_content_under_one_id_is_a_conflict(world: World) -> None:
    signal = world.opening()
    world.client.submit(signal)

    with pytest.raises(Conflict, match=signal.id):
        world.client.submit(replace(signal, tags={"changed": "yes"}))


@pytest.mark.parametrize("fault", ["before", "after"])
def test_lost_answer_is_asked_again_with_the_same_bytes(world: World, fault: str) -> None:
    world.postbox.faults = [fault, fault]

    submitted = world.client.submit(world.opening())

    assert submitted.result is (PostResult.POSTED if fault == "before" else PostResult.EXISTS)
    assert len(world.postbox.posts) == 3
    assert len({envelope for _, envelope in world.postbox.posts}) == 1


def test_silent_ledger_leaves_the_outcome_unknown_after_bounded_repeats(world: World) -> None:
    signal = world.opening()
    world.postbox.faults = ["before"] * 100

    with pytest.raises(OutcomeUnknown, match="sending the same again is safe") as unknown:
        world.client.submit(signal)

    assert isinstance(unknown.value, LedgerUnavailable)
    assert unknown.value.signal_ids == (signal.id,)
    assert len(world.postbox.posts) == len(PAUSES_S) + 1
    assert world.clock.monotonic_s() == pytest.approx(sum(PAUSES_S))


def test_full_ledger_says_that_nothing_was_written(world: World) -> None:
    world.postbox.faults = ["full"]

    with pytest.raises(LedgerFull):
        world.client.submit(world.opening())

    assert len(world.postbox.posts) == 1


def test_full_after_a_lost_answer_is_not_taken_for_not_written(world: World) -> None:
    world.postbox.faults = ["after", "full", "full", "full"]

    with pytest.raises(OutcomeUnknown):
        world.client.submit(world.opening())


def test_failed_wake_up_is_no_failure(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.waker.broken = True

    with caplog.at_level(logging.WARNING, logger="mt5fleet.client"):
        submitted = world.client.submit(world.opening())

    assert submitted.result is PostResult.POSTED
    assert len(caplog.records) == 1


@pytest.mark.parametrize("told", [Durability.FSYNCED, Durability.REPLICATED, Durability.UNCONFIRMED])
def test_durable_submit_tells_what_the_store_confirmed(world: World, told: Durability) -> None:
    world.confirms.says = told

    assert world.client.submit(world.opening(), durable=True).durability is told


def test_silent_confirmation_is_unconfirmed_not_lost(world: World) -> None:
    world.confirms.says = LedgerUnavailable("no answer")
    signal = world.opening()

    assert world.client.submit(signal, durable=True).durability is Durability.UNCONFIRMED
    assert world.client.status(signal.id).phase is SignalPhase.POSTED


def test_batch_keeps_its_order_and_wakes_and_confirms_once(world: World) -> None:
    signals = [world.opening() for _ in range(20)]

    submitted = world.client.submit_many(iter(signals), durable=True)

    lease = world.ledger.acquire_log("test", 1000)
    assert [entry.signal_id for entry in world.ledger.waiting(lease, 100)] == [one.id for one in signals]
    assert [one.signal_id for one in submitted] == [one.id for one in signals]
    assert {one.durability for one in submitted} == {Durability.FSYNCED}
    assert (world.waker.woken, world.confirms.asked) == (1, 1)
    assert world.postbox.batches == [20]


def test_large_batch_is_posted_in_bounded_round_trips(world: World) -> None:
    world.client.submit_many([world.opening() for _ in range(BATCH_SIGNALS * 2 + 1)])

    assert world.postbox.batches == [BATCH_SIGNALS, BATCH_SIGNALS]  # and one posted on its own


def test_lost_answer_in_a_batch_is_asked_again_with_the_same_bytes(world: World) -> None:
    signals = [world.opening() for _ in range(3)]
    world.postbox.faults = ["none", "after"]

    results = world.client.submit_many(signals)

    assert [one.signal_id for one in results] == [one.id for one in signals]
    assert world.postbox.posts[:3] == world.postbox.posts[3:]


def test_silent_ledger_names_the_whole_batch(world: World) -> None:
    signals = [world.opening() for _ in range(3)]
    world.postbox.faults = ["before"] * 100

    with pytest.raises(OutcomeUnknown, match=f"3 signals from {signals[0].id} on") as unknown:
        world.client.submit_many(signals)

    assert unknown.value.signal_ids == tuple(one.id for one in signals)


def test_batch_tells_a_conflict_beside_the_others(world: World) -> None:
    first = world.opening()
    world.client.submit(first)

    results = world.client.submit_many([world.opening(), replace(first, tags={"x": "y"}), world.opening()])

    assert [one.result for one in results] == [PostResult.POSTED, PostResult.CONFLICT, PostResult.POSTED]


def test_batch_that_breaks_off_wakes_for_what_was_recorded(world: World) -> None:
    signals = [world.opening() for _ in range(BATCH_SIGNALS + 2)]
    world.postbox.faults = ["none"] * BATCH_SIGNALS + ["full", "full"]

    with pytest.raises(LedgerFull):
        world.client.submit_many(signals)

    assert world.waker.woken == 1
    again = [one.result for one in world.client.submit_many(signals)]
    assert again == [PostResult.EXISTS] * BATCH_SIGNALS + [PostResult.POSTED] * 2


def test_empty_batch_does_nothing(world: World) -> None:
    assert world.client.submit_many([]) == ()
    assert world.waker.woken == 0


def test_signal_of_another_producer_is_refused(world: World) -> None:
    with pytest.raises(InvalidValue, match="producer"):
        world.client.submit(replace(world.opening(), producer="somebody"))

    assert world.postbox.posts == []


def test_cancel_submits_a_signal_that_names_the_opening(world: World) -> None:
    submitted = world.client.cancel("S1")

    lease = world.ledger.acquire_log("test", 1000)
    (entry,) = world.ledger.waiting(lease, 10)
    assert entry.signal_id == submitted.signal_id
    assert '"cancel":{"opening_id":"S1"}' in entry.envelope
