"""Lost wake-ups and a silent beat cost time, never a signal."""

import redis

from mt5fleet.adapters.redis.ledger import connect
from mt5fleet.messages import QUEUES
from tests.integration.fleet.conftest import StartFleet
from tests.integration.fleet.test_once import assert_each_filled_once
from tests.support.fleet import LocalFleet, Shape, eventually


def posted_without_wake_up(fleet: LocalFleet, count: int) -> list[str]:
    """What a producer leaves that dies between its record and its wake-up."""
    client, ledger, ids = fleet.client(), connect(fleet.redis.url), [f"lost-{n}" for n in range(count)]
    for one in ids:
        signed = client.signed(fleet.open_signal(client, one))
        ledger.post(one, signed.body_hash, signed.envelope)
    return ids


def test_lost_wake_ups_are_repaired_by_beat(start_fleet: StartFleet) -> None:
    fleet = start_fleet(Shape(accounts=2, workers=2))

    ids = posted_without_wake_up(fleet, 5)

    client = fleet.client()
    fleet.wait_final(client, ids)
    assert_each_filled_once(fleet, client, ids)


def test_workers_sweep_and_guard_themselves_without_any_beat(start_fleet: StartFleet) -> None:
    fleet = start_fleet(Shape(accounts=2, workers=2, beat=False))
    client, ledger = fleet.client(), connect(fleet.redis.url)

    ids = posted_without_wake_up(fleet, 5)

    fleet.wait_final(client, ids)
    assert_each_filled_once(fleet, client, ids)
    marks = ledger.beats()
    assert marks["tick:sweep"]["by"].startswith("worker-")
    assert marks["tick:guards"]["by"].startswith("worker-")


def test_killed_beat_and_emptied_queues_lose_no_signal(start_fleet: StartFleet) -> None:
    fleet = start_fleet(Shape(accounts=2, workers=2))
    client = fleet.client()
    ids = [f"sig-{number:02d}" for number in range(20)]

    first_beat = fleet.kill("beat")
    for one in ids:
        client.submit(fleet.open_signal(client, one))
        with redis.Redis.from_url(fleet.redis.url) as broker:
            broker.delete(*QUEUES)

    fleet.wait_final(client, ids)
    assert_each_filled_once(fleet, client, ids)
    eventually("beat runs again", lambda: fleet.pids().get("beat", first_beat) != first_beat)


def test_emptied_ledger_is_filled_again_from_the_files(start_fleet: StartFleet) -> None:
    fleet = start_fleet(Shape(accounts=2))
    client, ledger = fleet.client(), connect(fleet.redis.url)

    with redis.Redis.from_url(fleet.redis.url) as server:
        server.flushall()

    eventually(
        "the ledger knows the accounts again", lambda: set(ledger.accounts()) == set(fleet.shape.names)
    )
    client.submit(fleet.open_signal(client, "after"))
    fleet.wait_final(client, ["after"])
    assert_each_filled_once(fleet, client, ["after"])


def test_signals_posted_again_after_a_wipe_are_not_executed_again(start_fleet: StartFleet) -> None:
    fleet = start_fleet(Shape(accounts=2))
    client = fleet.client()
    signals = [fleet.open_signal(client, f"sig-{number}") for number in range(5)]
    ids = [one.id for one in signals]
    client.submit_many(signals)
    fleet.wait_final(client, ids)

    with redis.Redis.from_url(fleet.redis.url) as server:
        server.flushall()
    client.submit_many(signals)

    fleet.wait_final(client, ids)
    assert_each_filled_once(fleet, client, ids)
