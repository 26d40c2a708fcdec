"""The bridge's wire between a real gRPC client and a real gRPC server, over desks in memory."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import grpc
import pytest

from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway, Deadlines
from mt5fleet.adapters.bridge.problems import PROBLEM_KEY
from mt5fleet.adapters.bridge.protocol import bridge_pb2 as wire
from mt5fleet.adapters.bridge.terms import REQUEST_BYTES_MAX
from mt5fleet.bridge.settings import BridgeLimits
from mt5fleet.domain.broker import Health, Reading
from mt5fleet.domain.errors import (
    GatewayError,
    StaleLatch,
    StaleToken,
    Unanswered,
    Unreachable,
    ValueRefused,
)
from mt5fleet.domain.order import Outcome
from mt5fleet.testing.builders import make_open_order
from tests.unit.bridge.served import (
    FILLED,
    HEALTH,
    NOW,
    PERMIT,
    TOKEN,
    Served,
    raw_call,
    served,
    until,
)

SERVICE = "/mt5fleet.bridge.v1.Bridge"
MEMORY = wire.AccountCall(account="alpha").SerializeToString()


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path, "alpha", "beta") as made:
        yield made


def refused(port: int, path: str, content: bytes, token: str | None = TOKEN) -> grpc.Call:
    with pytest.raises(grpc.RpcError) as error:
        raw_call(port, path, content, token)
    assert isinstance(error.value, grpc.Call)
    return error.value


def problem_in(call: grpc.Call) -> wire.Problem | None:
    found = [value for key, value in call.trailing_metadata() or () if key == PROBLEM_KEY]
    return wire.Problem.FromString(found[0]) if found and isinstance(found[0], bytes) else None


def test_every_operation_of_one_account_reaches_its_desk(one: Served) -> None:
    gateway = one.gateway()
    assert gateway.health("alpha") == HEALTH
    assert gateway.reading("alpha", 7).account == "alpha"
    assert gateway.instrument("alpha", "X") is None
    assert gateway.quote("alpha", "X") is None
    assert gateway.positions("alpha") == ()
    assert gateway.deals("alpha", NOW - timedelta(days=1), NOW) == ()
    assert gateway.submit("beta", make_open_order(), PERMIT) == FILLED
    assert gateway.resolve("beta", "k", 1, 0, 3, NOW) == FILLED
    gateway.latch("beta", 5, "drawdown")
    gateway.unlatch("beta", "{}")
    gateway.floor("beta", "{}")
    assert gateway.memory("beta") is None
    began = [name for name, _ in one.desks["alpha"].began]
    assert began == ["health", "reading", "instrument", "quote", "positions", "deals"]
    assert one.desks["beta"].began == [
        ("submit", {"order": make_open_order(), "permit": PERMIT}),
        ("resolve", {"key": "k", "magic": 1, "attempt": 0, "token": 3, "since": NOW}),
        ("latch", {"sequence": 5, "reason": "drawdown"}),
        ("unlatch", {"record": "{}"}),
        ("floor", {"record": "{}"}),
        ("memory", {}),
    ]


@pytest.mark.parametrize(
    "error",
    [
        Unreachable("no turn"),
        Unanswered("no answer"),
        StaleToken(9),
        StaleLatch(8),
        ValueRefused("permit.key", "must be 64 hex digits"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_the_desk_arrives_as_it_was_raised(one: Served, error: Exception) -> None:
    one.desks["alpha"].script["submit"] = error
    with pytest.raises(type(error)) as raised:
        one.gateway().submit("alpha", make_open_order(), PERMIT)
    assert vars(raised.value) == vars(error)
    assert str(raised.value) == str(error)


def test_a_fault_of_the_bridge_is_told_as_not_known(one: Served) -> None:
    one.desks["alpha"].script["submit"] = RuntimeError("a secret of the bridge")
    with pytest.raises(Unanswered, match="see its log") as raised:
        one.gateway().submit("alpha", make_open_order(), PERMIT)
    assert "secret" not in str(raised.value)


def test_many_accounts_are_asked_at_once_and_one_that_fails_is_a_sentence(one: Served) -> None:
    one.desks["beta"].script["reading"] = Unreachable("beta: no turn")
    readings = one.gateway().readings(("alpha", "beta", "nobody", "alpha"))
    assert isinstance(readings["alpha"], Reading)
    assert readings["beta"] == "beta: no turn"
    assert "has no account nobody" in str(readings["nobody"])
    assert len(one.desks["alpha"].began) == 1


def test_healths_name_every_account_of_the_bridge(one: Served) -> None:
    one.desks["beta"].script["health"] = Unreachable("beta: its terminal is being started")
    healths = one.gateway().healths("local")
    assert isinstance(healths["alpha"], Health)
    assert healths["beta"] == "beta: its terminal is being started"


def test_readings_tell_the_bridge_that_the_ledger_is_there(one: Served) -> None:
    gateway = one.gateway()
    gateway.readings(("alpha",))
    assert one.contact.age_s() is None
    gateway.readings(("alpha",), NOW)
    first = one.contact.age_s()
    assert first is not None
    gateway.readings(("alpha",), NOW)
    until(lambda: (one.contact.age_s() or 0) > first)


def test_a_slow_account_does_not_make_another_wait(one: Served) -> None:
    gate = one.desks["beta"].script["submit"] = threading.Event()
    thread = threading.Thread(target=one.gateway().submit, args=("beta", make_open_order(), PERMIT))
    thread.start()
    until(lambda: bool(one.desks["beta"].began))
    assert one.gateway().submit("alpha", make_open_order(), PERMIT) == FILLED
    gate.set()
    thread.join()


@pytest.mark.parametrize("token", ["wrong", TOKEN + "x", TOKEN[:-1], "Bearer"])
def test_a_wrong_token_is_refused_and_never_shown(one: Served, token: str) -> None:
    with pytest.raises(Unreachable, match="refuses the token") as refusal:
        one.gateway(token).reading("alpha")
    assert token not in str(refusal.value) or token == "Bearer"
    assert TOKEN not in str(refusal.value)
    assert one.desks["alpha"].began == []


def test_a_peer_without_a_token_gets_nothing(one: Served) -> None:
    call = refused(one.port, f"{SERVICE}/Memory", MEMORY, token=None)
    assert call.code() is grpc.StatusCode.UNAUTHENTICATED
    assert one.desks["alpha"].began == []


def test_two_tokens_are_none(one: Served) -> None:
    both = (("authorization", f"Bearer {TOKEN}"), ("authorization", f"Bearer {TOKEN}"))
    with grpc.insecure_channel(f"127.0.0.1:{one.port}") as channel, pytest.raises(grpc.RpcError) as error:
        channel.unary_unary(f"{SERVICE}/Memory")(MEMORY, timeout=5, metadata=both)
    assert isinstance(error.value, grpc.Call)
    assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("token", [TOKEN, None])
@pytest.mark.parametrize("method", ["OrderSend", "submit", "", "__class__"])
def test_a_method_that_is_not_listed_is_refused(one: Served, method: str, token: str | None) -> None:
    call = refused(one.port, f"{SERVICE}/{method}", MEMORY, token)
    assert call.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("content", [b"\xff", b"garbage", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x02\xff\xfe"])
def test_garbage_is_refused_and_reaches_no_desk(one: Served, content: bytes) -> None:
    call = refused(one.port, f"{SERVICE}/Submit", content)
    assert call.code() is grpc.StatusCode.INVALID_ARGUMENT
    problem = problem_in(call)
    assert problem is not None
    assert problem.kind == wire.Problem.KIND_INVALID_VALUE
    assert one.desks["alpha"].began == []


def test_an_oversized_call_is_refused_and_the_others_are_served(one: Served) -> None:
    call = refused(one.port, f"{SERVICE}/Memory", b"\x00" * (REQUEST_BYTES_MAX + 1))
    assert call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert one.gateway().memory("alpha") is None


def test_an_oversized_call_of_ours_does_not_leave(one: Served) -> None:
    with pytest.raises(ValueRefused, match="bytes"):
        one.gateway().latch("alpha", 1, "x" * REQUEST_BYTES_MAX)
    assert one.desks["alpha"].began == []


def test_oversized_metadata_are_refused(one: Served) -> None:
    call = refused(one.port, f"{SERVICE}/Memory", MEMORY, "x" * 100_000)
    assert call.code() is not grpc.StatusCode.OK
    assert one.gateway().memory("alpha") is None


def test_bytes_that_are_no_http2_harm_nobody(one: Served) -> None:
    with socket.create_connection(("127.0.0.1", one.port), timeout=10) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\n\r\n" + b"\x00" * 1000)
        assert one.gateway().memory("alpha") is None


def test_an_account_of_another_bridge_is_unreachable(one: Served) -> None:
    with pytest.raises(Unreachable, match="bridge local has no account gamma"):
        one.gateway().submit("gamma", make_open_order(), PERMIT)


def test_an_answer_of_another_version_is_taken_for_none(one: Served) -> None:
    gateway = one.gateway()
    channel = gateway._channels["local"]
    assert gateway.memory("alpha") is None
    opened = channel._opened
    assert opened is not None
    opened._calls["submit"] = lambda *_, **__: b"\xff"
    with pytest.raises(Unanswered, match="update the older side"):
        gateway.submit("alpha", make_open_order(), PERMIT)
    opened._calls["submit"] = lambda *_, **__: wire.OutcomeAnswer().SerializeToString()
    with pytest.raises(Unanswered, match="update the older side"):
        gateway.submit("alpha", make_open_order(), PERMIT)


def test_a_client_that_leaves_does_not_stop_the_order(one: Served) -> None:
    gate = one.desks["alpha"].script["submit"] = threading.Event()
    impatient = one.gateway(deadlines=Deadlines(order_s=0.3))
    with pytest.raises(Unanswered, match="DEADLINE_EXCEEDED"):
        impatient.submit("alpha", make_open_order(), PERMIT)
    assert one.desks["alpha"].ended == []
    gate.set()
    until(lambda: one.desks["alpha"].ended == ["submit"])


def test_a_bridge_that_stops_finishes_what_it_holds_and_takes_nothing_more(tmp_path: Path) -> None:
    with served(tmp_path, limits=BridgeLimits(stop_s=10.0)) as one:
        gate = one.desks["alpha"].script["submit"] = threading.Event()
        gateway, answers = one.gateway(), list[Outcome | GatewayError]()
        thread = threading.Thread(
            target=lambda: answers.append(gateway.submit("alpha", make_open_order(), PERMIT))
        )
        thread.start()
        until(lambda: bool(one.desks["alpha"].began))
        stopping = one.begin(one.server.stop())
        until(lambda: "is stopping" in _refusal(gateway))
        assert not stopping.done()
        gate.set()
        thread.join()
        stopping.result(10)
        assert answers == [FILLED]
        assert "is stopping" not in _refusal(gateway)


def test_a_bridge_that_is_not_there_is_unreachable_at_once() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = BridgeAddress(host="127.0.0.1", port=free.getsockname()[1], token=TOKEN)
    gateway = BridgeGateway({"local": address}, lambda _: "local")
    with pytest.raises(Unreachable, match=r"127.0.0.1:\d+ does not answer"):
        gateway.submit("alpha", make_open_order(), PERMIT)
    assert "does not answer" in str(gateway.readings(("alpha",))["alpha"])
    gateway.disconnect()


def test_a_listener_that_says_nothing_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = BridgeAddress(host="127.0.0.1", port=silent.getsockname()[1], token=TOKEN)
        gateway = BridgeGateway({"local": address}, lambda _: "local", Deadlines(connect_s=0.3))
        with pytest.raises(Unreachable, match="does not answer"):
            gateway.submit("alpha", make_open_order(), PERMIT)
        gateway.disconnect()


def test_a_bridge_that_comes_back_is_found_again(tmp_path: Path) -> None:
    with served(tmp_path) as first:
        port = first.port
        address = BridgeAddress(host="127.0.0.1", port=port, token=TOKEN)
        gateway = BridgeGateway({"local": address}, lambda _: "local")
        assert gateway.submit("alpha", make_open_order(), PERMIT) == FILLED
    until(lambda: _is_refused(gateway))
    with served(tmp_path, port=port):
        until(lambda: not _is_refused(gateway))
        assert gateway.submit("alpha", make_open_order(), PERMIT) == FILLED
    gateway.disconnect()


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with (
        served(tmp_path) as first,
        pytest.raises(OSError, match="cannot be listened on"),
        served(tmp_path, port=first.port),
    ):
        pass


def test_a_disconnected_gateway_connects_again(one: Served) -> None:
    gateway = one.gateway()
    assert gateway.memory("alpha") is None
    gateway.disconnect()
    assert gateway.memory("alpha") is None


def test_no_bridge_told_is_unreachable() -> None:
    gateway = BridgeGateway({}, lambda _: None)
    with pytest.raises(Unreachable, match="no bridge"):
        gateway.reading("any")
    assert "no bridge" in str(gateway.readings(("any",))["any"])


def test_a_stream_reads_again_and_again_until_it_is_closed(one: Served) -> None:
    stream = one.gateway().reading_stream(("alpha", "nobody"), 0.1)
    for _ in range(3):
        readings = next(stream)
        assert isinstance(readings["alpha"], Reading)
        assert "no account" in str(readings["nobody"])
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    until(lambda: one.server._service._streams == 0)
    read = len(one.desks["alpha"].began)
    again = one.gateway().reading_stream(("alpha",), 0.1)
    next(again)
    assert len(one.desks["alpha"].began) >= read + 1


def test_a_stream_ends_with_an_error_when_its_bridge_stops(tmp_path: Path) -> None:
    with served(tmp_path) as one:
        gateway = one.gateway()
        stream = gateway.reading_stream(("alpha",), 0.1)
        next(stream)
        one.run(one.server.stop())
        with pytest.raises(GatewayError):
            for _ in stream:
                pass


def test_only_so_many_streams_are_open_at_once(tmp_path: Path) -> None:
    with served(tmp_path, limits=BridgeLimits(streams_max=2, stop_s=2.0)) as one:
        gateway = one.gateway()
        kept = [gateway.reading_stream(("alpha",), 0.1) for _ in range(3)]
        next(kept[0])
        next(kept[1])
        with pytest.raises(Unreachable, match="streams_max"):
            next(kept[2])
        kept[0].close()  # type: ignore[attr-defined]  # it is a generator
        until(lambda: one.server._service._streams == 1)
        next(gateway.reading_stream(("alpha",), 0.1))


@pytest.mark.parametrize("every_s", [0.0, -1.0, 61.0])
def test_a_stream_has_a_sensible_pace(one: Served, every_s: float) -> None:
    with pytest.raises(ValueRefused, match="every_s"):
        next(one.gateway().reading_stream(("alpha",), every_s))


def test_more_accounts_than_a_host_can_have_are_refused(one: Served) -> None:
    names = tuple(f"account-{number}" for number in range(1001))

    answers = one.gateway().readings(names)

    assert set(answers) == set(names)
    assert all("at most" in str(answer) for answer in answers.values())


def test_orders_above_the_limit_are_refused_and_closes_pass(tmp_path: Path) -> None:
    limits = BridgeLimits(opens_per_minute_max=2, stop_s=2.0)
    with served(tmp_path, "alpha", "beta", limits=limits) as one:
        gateway = one.gateway()
        for _ in range(2):
            assert gateway.submit("alpha", make_open_order(), PERMIT) == FILLED
        with pytest.raises(Unreachable, match="alpha: more than 2 opens and modifies a minute"):
            gateway.submit("alpha", make_open_order(), PERMIT)
        assert gateway.submit("beta", make_open_order(), PERMIT) == FILLED
        gateway.latch("alpha", 1, "halt")
        assert gateway.resolve("alpha", "k", 1, 1, 1, NOW) == FILLED
        assert [name for name, _ in one.desks["alpha"].began] == ["submit", "submit", "latch", "resolve"]


def _is_refused(gateway: BridgeGateway) -> bool:
    return _refusal(gateway) != ""


def _refusal(gateway: BridgeGateway) -> str:
    try:
        gateway.memory("alpha")
    except GatewayError as error:
        return str(error)
    return ""
