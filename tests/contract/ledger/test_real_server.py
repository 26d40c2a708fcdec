"""What only a real server has: kills, files, memory limits, a slow answer, many slots."""

import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from mt5fleet.adapters.redis.ledger import RedisLedger, connect
from mt5fleet.adapters.redis.settings import LedgerSettings
from mt5fleet.domain.account import TradingState
from mt5fleet.domain.errors import LeaseLost, LedgerFull, LedgerUnavailable
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.signal import Verb
from mt5fleet.ports.ledger import Acquired, Begun, PostResult
from mt5fleet.testing.redis_server import RedisServer, running_redis
from tests.contract.ledger.values import (
    a_command,
    a_letter,
    a_memory,
    a_reading,
    a_record,
    a_target,
    an_account,
    an_alert,
    an_event,
    an_outcome,
)

WAIT_S_MAX = 20
NO_WAIT = LedgerSettings(epoch_check_s=1e-9)


@pytest.fixture
def ledger(redis_server: RedisServer, client: redis.Redis) -> RedisLedger:
    return connect(redis_server.url, NO_WAIT)


def _lived(ledger: RedisLedger) -> Acquired:
    """A signal on its way, an order in doubt, one at the broker, a halt with its alert."""
    ledger.epoch()
    posted = ledger.post("s", "h", "envelope")
    ledger.record(a_record("s", a_target("k1"), seq=posted.seq))
    ledger.apply([an_account("a")], {"all": ("a",)})
    valid_until = ledger.now() + timedelta(hours=1)
    ledger.push("a", 1, tuple(a_command(f"k{n}", signal_id="s", valid_until=valid_until) for n in range(4)))
    acquired = ledger.acquire("a", "w", 60_000)
    assert acquired is not None
    for key, state in (("k0", OrderState.FILLED), ("k1", OrderState.ACCEPTED), ("k2", OrderState.IN_DOUBT)):
        begun = ledger.begin(
            acquired.lease, key, adds_risk=True, goal="g", full=False, deadline_ms=1, attempts_max=3
        )
        assert isinstance(begun, Begun)
        ledger.finish(
            acquired.lease,
            key,
            an_outcome(state),
            reason="",
            events=(an_event(),),
            alert=None,
            retry_after_ms=0,
        )
    ledger.judge("a", a_reading(), a_memory(), halt_reason="floor", events=(), alert=an_alert())
    ledger.beat("worker", {"queue": "execution"}, 600_000)
    return acquired


def _seen(ledger: RedisLedger) -> list[object]:
    return [
        *(ledger.order("a", f"k{n}") for n in range(4)),
        ledger.resting("a"),
        ledger.account_status("a"),
        ledger.account_events("a", 100),
        ledger.signal_events("s"),
        ledger.pending(10),
        (ledger.accounts(), ledger.groups(), ledger.revision()),
        ledger.backlog(("a",)),
        ledger.log_backlog(),
        ledger.record_of("s"),
        ledger.beats(),
    ]


def test_killed_server_comes_back_with_everything_and_a_new_epoch(tmp_path: Path) -> None:
    with running_redis(tmp_path, extra=("--appendfsync", "always")) as server:
        ledger = connect(server.url, NO_WAIT)
        _lived(ledger)
        before, epoch = _seen(ledger), ledger.epoch()
        server.restart()  # a kill without warning, then a start on the same files

        assert _seen(ledger) == before
        assert ledger.epoch().number > epoch.number
        assert ledger.epoch().run_id != epoch.run_id
        assert ledger.acquire("a", "rival", 1_000) is None  # the lease outlived the server


def test_emptied_server_gives_larger_epoch_sequence_and_tokens(
    ledger: RedisLedger, client: redis.Redis
) -> None:
    lived, epoch, posted = _lived(ledger), ledger.epoch(), ledger.post("s", "h", "envelope")
    revision, halted = ledger.revision(), ledger.account_status("a").halted_seq
    client.flushall()

    again = ledger.post("s", "h", "envelope")
    acquired = ledger.acquire("a", "w", 1_000)
    ledger.apply([an_account("a")], {})

    assert again.result is PostResult.POSTED
    assert again.seq > posted.seq
    assert again.epoch == ledger.epoch().number > epoch.number
    assert ledger.epoch().started_at > epoch.started_at
    assert acquired is not None
    assert acquired.lease.token > lived.lease.token
    assert (acquired.status.state, acquired.status.memory) == (TradingState.ACTIVE, None)
    assert ledger.revision() > revision
    assert ledger.halt("a", "floor", events=(), alert=None).halted_seq > halted
    with pytest.raises(LeaseLost):
        ledger.next(lived.lease)


def test_server_that_is_away_is_unavailable_and_never_a_bare_error(tmp_path: Path) -> None:
    with running_redis(tmp_path) as server:
        ledger = connect(server.url)
        acquired = _lived(ledger)
        server.kill()

        for ask in (
            lambda: ledger.post("t", "h", "e"),
            lambda: ledger.next(acquired.lease),
            lambda: ledger.backlog(("a",)),
            lambda: ledger.push_many(1, {"a": (a_command("k9"),)}),
            lambda: ledger.order("a", "k1"),
            lambda: ledger.record(a_record("t")),
            lambda: ledger.status("s"),
            lambda: ledger.pending(3),
            ledger.accounts,
            ledger.check_memory,
            ledger.now,
        ):
            with pytest.raises(LedgerUnavailable):
                ask()
        server.start()

        assert ledger.record_of("s") is not None


def test_stalled_server_is_unavailable_after_the_time_out(tmp_path: Path) -> None:
    with running_redis(tmp_path) as server:
        blocked = redis.Redis.from_url(server.url, socket_timeout=0.2, decode_responses=True)
        ledger = RedisLedger(blocked)
        ledger.post("s", "h", "e")
        with redis.Redis.from_url(server.url) as other:
            other.execute_command("CLIENT", "PAUSE", 2_000, "ALL")

        with pytest.raises(LedgerUnavailable):
            ledger.post("t", "h", "e")


@pytest.fixture
def filled(ledger: RedisLedger, client: redis.Redis) -> Iterator[Acquired]:
    """A server without room, on which an account has a close to carry out."""
    lived = _lived(ledger)
    ledger.push("a", 1, (a_command("c", Verb.CLOSE, opening_key="k0"),))
    client.config_set("maxmemory", 1)
    yield lived
    client.config_set("maxmemory", 0)


def test_server_without_room_refuses_signals_records_and_commands(
    ledger: RedisLedger, client: redis.Redis, filled: Acquired
) -> None:
    for refused in (
        lambda: ledger.post("new", "h", "e"),
        lambda: ledger.record(a_record("new")),
        lambda: ledger.push("a", 1, (a_command("new"),)),
    ):
        with pytest.raises(LedgerFull):
            refused()
    percent = ledger.check_memory()
    client.config_set("maxmemory", 0)

    assert percent is not None
    assert percent > 100
    with pytest.raises(LedgerFull):  # the measurement stands until it is repeated
        ledger.post("new", "h", "e")
    assert ledger.check_memory() is None
    assert ledger.post("new", "h", "e").result is PostResult.POSTED


def test_server_without_room_still_closes_latches_and_alerts(ledger: RedisLedger, filled: Acquired) -> None:
    lease, first = filled.lease, ledger.pending(1)[0]
    taken = ledger.next(lease)
    begun = ledger.begin(lease, "c", adds_risk=False, goal="0", full=True, deadline_ms=1, attempts_max=3)
    outcome, events, alert = an_outcome(OrderState.APPLIED), (an_event(),), an_alert("closed")
    ledger.finish(lease, "c", outcome, reason="", events=events, alert=alert, retry_after_ms=0)
    ledger.halt("b", "floor", events=(an_event(account="b"),), alert=an_alert("b"))
    ledger.delivered(first, "log", all_channels=frozenset({"log"}))
    ledger.raise_alert(an_alert("memory"))

    assert taken is not None
    assert isinstance(begun, Begun)
    assert ledger.release(lease, force=True)
    assert ledger.account_status("b").state is TradingState.HALTED
    assert {alert.alert.dedupe for alert in ledger.pending(10)} == {"closed", "b", "memory"}


def test_final_orders_lose_their_envelope_and_run_out_and_records_live_as_long_as_orders_rest(
    ledger: RedisLedger, client: redis.Redis
) -> None:
    lived = _lived(ledger)
    settings = LedgerSettings()
    final, resting = ("mt5fleet:{acc:a}:order:k0", "mt5fleet:{acc:a}:order:k1")
    record = "mt5fleet:{sig:s}:record"
    kept_ms = client.pttl(record)

    ledger.finish(
        lived.lease,
        "k1",
        an_outcome(OrderState.FILLED),
        reason="",
        events=(),
        alert=None,
        retry_after_ms=0,
    )

    assert client.hexists(final, "envelope") is False
    assert settings.order_keep_ms - 60_000 < client.pttl(final) <= settings.order_keep_ms
    assert kept_ms > settings.record_keep_ms
    assert client.pttl(record) <= settings.record_keep_ms
    assert client.pttl(resting) > 0
    assert client.pttl("mt5fleet:{acc:a}:order:k2") == -1
    assert 0 < client.pttl("mt5fleet:{log}:id:s") <= settings.id_keep_ms


def test_every_key_lies_in_one_of_our_slots(ledger: RedisLedger, client: redis.Redis) -> None:
    _lived(ledger)
    lease = ledger.acquire_log("intake", 1_000)
    assert lease is not None
    ledger.fix_plan(_lease_of(ledger, "b"), "s", "plan")

    tags = {key.partition("{")[2].partition("}")[0] for key in client.scan_iter("*")}

    assert tags == {"log", "fleet", "acc:a", "acc:b", "sig:s"}
    assert all(key.startswith("mt5fleet:{") for key in client.scan_iter("*"))


def _lease_of(ledger: RedisLedger, account: str, ttl_ms: int = 1_000) -> Lease:
    acquired = ledger.acquire(account, "w", ttl_ms)
    assert acquired is not None
    return acquired.lease


def test_no_script_leaves_its_slot(tmp_path: Path) -> None:
    """A server in cluster mode refuses a script that touches two slots; one node holds them all."""
    cluster = ("--cluster-enabled", "yes", "--cluster-port", _free_port())
    with running_redis(tmp_path, extra=cluster) as server:
        with redis.Redis.from_url(server.url, decode_responses=True) as node:
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16_383)
            _wait_until_up(node)
        ledger = connect(server.url, NO_WAIT)

        lived = _lived(ledger)
        log = ledger.acquire_log("intake", 1_000)
        assert log is not None
        ledger.bury(log, a_letter("bad"), an_alert())
        ledger.flatten_step(lived.lease, (an_event(),))
        ledger.seen_flat(lived.lease, alert=an_alert())
        for pending in ledger.pending(9):
            ledger.delivered(pending, "log", all_channels=frozenset({"log"}))

        assert len(_seen(ledger)) == 14
        assert ledger.pending(9) == ()


def _free_port() -> str:
    """The default cluster port, ten thousand higher, does not exist for high ports."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def _wait_until_up(node: redis.Redis) -> None:
    end = time.monotonic() + WAIT_S_MAX
    while "state:ok" not in str(node.execute_command("CLUSTER", "INFO")):
        assert time.monotonic() < end, "the cluster did not come up"
        time.sleep(0.05)


def test_two_fleets_on_one_server_do_not_meet(redis_server: RedisServer, client: redis.Redis) -> None:
    one, other = (connect(redis_server.url, LedgerSettings(prefix=prefix)) for prefix in ("one:", "other:"))

    one.post("s", "h", "e")

    assert other.post("s", "h2", "e").result is PostResult.POSTED


@pytest.mark.parametrize(
    "fields",
    [{"foo": "bar"}, {"id": "s0", "hash": "h", "at": "soon", "env": b"\xff\xfe"}, {"at": "9" * 40}],
    ids=["other fields", "no UTF-8 and no moment", "moment out of range"],
)
def test_foreign_entry_is_given_out_to_be_refused_and_stops_no_other(
    ledger: RedisLedger, client: redis.Redis, fields: dict[str, str | bytes]
) -> None:
    client.xadd("mt5fleet:{log}:entries", fields)
    ledger.post("s1", "h1", "envelope")
    assert ledger.log_backlog()[0] == 2
    lease = ledger.acquire_log("w", 60_000)
    assert lease is not None

    foreign, ours = ledger.waiting(lease, 10)
    ledger.settle(lease, foreign.seq)

    assert foreign.envelope in ("", "\N{REPLACEMENT CHARACTER}" * 2)
    assert ours.signal_id == "s1"
    assert ledger.waiting(lease, 10) == (ours,)


def test_emptied_server_is_noticed_at_once(redis_server: RedisServer, client: redis.Redis) -> None:
    ledger = connect(redis_server.url)
    before = ledger.epoch()
    client.flushall()

    assert ledger.epoch().number > before.number
