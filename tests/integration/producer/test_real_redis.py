"""The producer's side against a real server: wake-ups, durability, restarts and losses."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from mt5fleet.adapters.celery import BrokerUnavailable, CeleryWaker, queue_depths
from mt5fleet.client import Durability, FleetClient, OutcomeUnknown
from mt5fleet.domain.record import SignalPhase
from mt5fleet.domain.signal import Signal
from mt5fleet.messages import Algorithm, SigningKey
from mt5fleet.ports.ledger import PostResult
from mt5fleet.ports.waker import WakeFailed
from mt5fleet.testing.redis_server import RedisServer, running_redis

KEY = SigningKey(key_id="desk-1", algorithm=Algorithm.ED25519, private=b"k" * 32)
STALL_S_MAX = 20  # two tries of a publish with a time-out of 2 s each, on a slow machine


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as running:
        yield running


@pytest.fixture
def client(server: RedisServer, tmp_path: Path) -> Iterator[FleetClient]:
    with FleetClient(server.url, "desk", KEY, spool=tmp_path / "signals.spool") as fleet:
        yield fleet


def _opening(client: FleetClient) -> Signal:
    return client.open("EURUSD", "buy", groups=["all"], lots="0.1", stop_loss="1.0")


def test_submitted_signal_survives_a_killed_server(server: RedisServer, client: FleetClient) -> None:
    signal_ = _opening(client)
    client.submit(signal_)

    server.restart()

    assert client.status(signal_.id).phase is SignalPhase.POSTED
    assert client.submit(signal_).result is PostResult.EXISTS


def test_emptied_server_gets_every_signal_again(server: RedisServer, client: FleetClient) -> None:
    signals = [_opening(client) for _ in range(250)]
    client.submit_many(signals)
    with redis.Redis.from_url(server.url) as store:
        store.flushall()

    client.submit(_opening(client))

    assert {client.status(one.id).phase for one in signals} == {SignalPhase.POSTED}


def test_absent_server_is_an_unknown_outcome_and_repeating_heals_it(
    server: RedisServer, client: FleetClient
) -> None:
    signal_ = _opening(client)
    server.kill()
    with pytest.raises(OutcomeUnknown):
        client.submit(signal_)

    server.start()

    assert client.submit(signal_).result is PostResult.POSTED


def test_durable_submit_claims_no_more_than_the_server_says(server: RedisServer, client: FleetClient) -> None:
    with redis.Redis.from_url(server.url) as store:
        version = tuple(int(part) for part in store.info("server")["redis_version"].split("."))

    durability = client.submit(_opening(client), durable=True).durability

    assert durability is (Durability.FSYNCED if version >= (7, 2, 0) else Durability.UNCONFIRMED)


def test_replica_confirms_a_durable_submit(server: RedisServer, client: FleetClient, tmp_path: Path) -> None:
    folder = tmp_path / "replica"
    folder.mkdir()
    with running_redis(folder, extra=("--replicaof", "127.0.0.1", str(server.port))):
        _until(lambda: _replica_online(server))

        durability = client.submit(_opening(client), durable=True).durability

    assert durability in (Durability.REPLICATED, Durability.FSYNCED)


def test_wake_ups_of_a_burst_are_coalesced(server: RedisServer, client: FleetClient) -> None:
    for _ in range(50):
        client.submit(_opening(client))

    assert queue_depths(server.url)["signals"] <= 2


def test_wake_up_names_the_accounts_and_nothing_else(server: RedisServer) -> None:
    CeleryWaker(server.url).wake_urgent(("a", "b"))

    with redis.Redis.from_url(server.url, decode_responses=True) as store:
        message = json.loads(store.lrange("urgent", 0, -1)[0])
    assert message["headers"]["task"] == "mt5fleet.urgent.wake"
    assert message["headers"]["argsrepr"] == "(a, b)"
    assert message["content-type"] == "application/json"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot freeze a process")
def test_stalled_broker_fails_the_wake_up_within_its_bound(server: RedisServer) -> None:
    waker = CeleryWaker(server.url)
    waker.wake_intake()
    os.kill(server.pid, signal.SIGSTOP)
    started_s = time.monotonic()
    try:
        with pytest.raises(WakeFailed):
            waker.wake_intake()
    finally:
        os.kill(server.pid, signal.SIGCONT)

    assert time.monotonic() - started_s < STALL_S_MAX


def test_absent_broker_has_no_depths(server: RedisServer) -> None:
    server.kill()

    with pytest.raises(BrokerUnavailable):
        queue_depths(server.url)


def _replica_online(server: RedisServer) -> bool:
    with redis.Redis.from_url(server.url) as store:
        about = store.info("replication")
    return about.get("connected_slaves") == 1 and about["slave0"]["state"] == "online"


def _until(condition: Callable[[], bool], within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
