"""Many clients of one real server: threads at once, lost answers, dropped connections, forgotten scripts."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
import redis

from mt5fleet.adapters.redis.ledger import RedisLedger, connect
from mt5fleet.domain.errors import LeaseLost
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.ports.ledger import PostResult, PushResult
from mt5fleet.testing.redis_server import RedisServer
from tests.contract.ledger.values import a_command, an_event, an_outcome

T = TypeVar("T")
THREADS = 20
WAIT_S_MAX = 20


@pytest.fixture
def ledger(redis_server: RedisServer, client: redis.Redis) -> RedisLedger:
    return connect(redis_server.url)


def _at_once(count: int, work: Callable[[int], T]) -> list[T]:
    barrier = threading.Barrier(count, timeout=10)

    def started(number: int) -> T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(started, range(count)))


def test_of_twenty_threads_exactly_one_gets_each_lease(ledger: RedisLedger) -> None:
    for round_number in range(10):
        name = f"a{round_number}"
        acquired = _at_once(THREADS, lambda number, name=name: ledger.acquire(name, f"w{number}", 60_000))
        assert sum(item is not None for item in acquired) == 1

    logs = _at_once(THREADS, lambda number: ledger.acquire_log(f"w{number}", 60_000))

    assert sum(lease is not None for lease in logs) == 1


def test_of_twenty_posts_of_one_signal_exactly_one_is_new(ledger: RedisLedger) -> None:
    posted = _at_once(THREADS, lambda number: ledger.post("s", "h", "e"))

    assert sorted(answer.result for answer in posted) == [PostResult.EXISTS] * 19 + [PostResult.POSTED]
    assert len({answer.seq for answer in posted}) == 1
    assert sum(answer.wake for answer in posted) == 1


def test_of_twenty_pushes_of_one_command_exactly_one_is_new(ledger: RedisLedger) -> None:
    pushed = _at_once(THREADS, lambda number: ledger.push("a", 1, (a_command("k"),)))

    results = [result for answer in pushed for result in answer.results]
    assert sorted(results) == [PushResult.EXISTS] * 19 + [PushResult.PUSHED]
    assert ledger.backlog(("a",))[0].normal == 1


def test_only_the_newest_of_many_owners_records(ledger: RedisLedger) -> None:
    ledger.push("a", 1, (a_command("k"),))
    owners = []
    while len(owners) < 5:  # each lease ends at once, so that each is taken over
        acquired = ledger.acquire("a", "w", 1)
        if acquired is not None:
            owners.append(acquired.lease)

    def record(number: int) -> bool:
        try:
            ledger.finish(
                owners[number],
                "k",
                an_outcome(OrderState.DENIED, sentence=f"by {number}"),
                reason="",
                events=(an_event(),),
                alert=None,
                retry_after_ms=0,
            )
        except LeaseLost:
            return False
        return True

    assert _at_once(5, record) == [False] * 4 + [True]
    order = ledger.order("a", "k")
    assert order is not None
    assert order.sentence == "by 4"
    assert len(ledger.account_events("a", 9)) == 2


def test_call_after_the_server_forgot_its_scripts_works(ledger: RedisLedger, client: redis.Redis) -> None:
    ledger.push("a", 1, (a_command("k"),))
    client.script_flush()

    many = ledger.push_many(2, {"a": (a_command("k"),), "b": (a_command("l", account="b"),)})
    client.script_flush()

    assert {name: getattr(answer, "results", answer) for name, answer in many.items()} == {
        "a": (PushResult.EXISTS,),
        "b": (PushResult.PUSHED,),
    }
    assert [item.normal for item in ledger.backlog(("a", "b"))] == [1, 1]


def test_acquire_whose_answer_was_lost_gives_the_same_lease_and_counts_one_takeover(
    ledger: RedisLedger,
) -> None:
    base = "mt5fleet:{acc:a}"
    ledger.push("a", 1, (a_command("k"),))
    ledger.next(_lease_of(ledger, "a", ttl_ms=100))
    end = time.monotonic() + WAIT_S_MAX
    while (first := ledger._store.run("acquire", base, "w", "one call", 60_000)) is None:
        assert time.monotonic() < end, "the lease did not run out"

    again = ledger._store.run("acquire", base, "w", "one call", 60_000)

    assert again == first
    assert ledger._store.run("acquire", base, "w", "another call", 60_000) is None
    taken = ledger.next(Lease(resource="a", owner="w", token=int(first[0]), deadline=ledger.now()))
    assert taken is not None
    assert taken.takeovers == 1


def test_call_on_a_dropped_connection_is_sent_once_more(ledger: RedisLedger, client: redis.Redis) -> None:
    ledger.post("s", "h", "e")
    client.client_kill_filter(_type="normal", skipme=True)

    assert ledger.post("s", "h", "e").result is PostResult.EXISTS


def _lease_of(ledger: RedisLedger, account: str, ttl_ms: int = 1_000) -> Lease:
    acquired = ledger.acquire(account, "w", ttl_ms)
    assert acquired is not None
    return acquired.lease
