"""The bridge's processes killed, frozen and lied to; the broker's books say what really happened."""

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import grpc
import psutil
import pytest

from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway, Deadlines
from mt5fleet.domain.broker import Mode, Reading
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.errors import GatewayError, Unanswered, Unreachable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome, Permit
from tests.contract.gateway.rigs import (
    BridgeRig,
    bridge_rig,
    eventually,
    key_of,
    market,
    permit,
    resolve,
)
from tests.contract.gateway.terms import ACCOUNT, ASK, BID, EVENTUALLY_S_MAX, LOGIN, PASSWORD, TOKEN, Terms

FREE_TEXT = b"x" * (64 * 1024 * 1024)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[BridgeRig]:
    with bridge_rig(tmp_path) as made:
        yield made


Dial = Callable[..., BridgeGateway]


@pytest.fixture
def dial() -> Iterator[Dial]:
    """Gateways to a port, disconnected at the end."""
    made: list[BridgeGateway] = []

    def gateway(port: int, token: str = TOKEN, deadlines: Deadlines | None = None) -> BridgeGateway:
        address = BridgeAddress(host="127.0.0.1", port=port, token=token)
        made.append(BridgeGateway({"local": address}, lambda _: "local", deadlines))
        return made[-1]

    yield gateway
    for each in made:
        each.disconnect()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + EVENTUALLY_S_MAX
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def host_of(rig: BridgeRig) -> psutil.Process:
    return psutil.Process(rig._bridge.process.pid)


def child_of(rig: BridgeRig) -> psutil.Process:
    (child,) = host_of(rig).children()
    return child


def ask_plainly(rig: BridgeRig, method: str, content: bytes, token: str | None = TOKEN) -> grpc.StatusCode:
    """What a peer without our gateway is told."""
    metadata = () if token is None else (("authorization", f"Bearer {token}"),)
    limits = (("grpc.max_send_message_length", -1),)
    with grpc.insecure_channel(f"127.0.0.1:{_port(rig)}", options=limits) as channel:
        try:
            channel.unary_unary(f"/mt5fleet.bridge.v1.Bridge/{method}")(
                content, timeout=10, metadata=metadata, wait_for_ready=True
            )
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


def submit_in_thread(
    rig: BridgeRig, name: str, given: Permit | None = None
) -> tuple[threading.Thread, list[Outcome | GatewayError]]:
    key = key_of(name)
    seen: list[Outcome | GatewayError] = []

    def call() -> None:
        try:
            seen.append(rig.gateway.submit(ACCOUNT, market(rig, key), given or permit(rig, key)))
        except GatewayError as error:
            seen.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    return thread, seen


def is_settled(outcome: Outcome) -> bool:
    return outcome.state is not OrderState.IN_DOUBT


@pytest.mark.parametrize(
    ("kind", "state", "opened"),
    [("late_answer", OrderState.FILLED, 1), ("block", OrderState.NOT_SENT, 0)],
)
def test_a_child_killed_in_the_middle_of_a_send_leaves_the_truth_to_resolve(
    rig: BridgeRig, kind: str, state: OrderState, opened: int
) -> None:
    key = key_of("killed")
    rig.control.fault(kind, login=LOGIN, delay_ms=60_000)
    child = child_of(rig)
    thread, seen = submit_in_thread(rig, "killed")
    until(lambda: rig.control.faults()["fired"].get(kind, 0) == 1)
    child.kill()
    thread.join(EVENTUALLY_S_MAX)
    (answer,) = seen
    assert isinstance(answer, Unanswered)
    settled = eventually(rig, lambda: resolve(rig, key), is_settled)
    assert settled.state is state
    assert rig.opened(key.magic) == opened
    again = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    assert again.state is state
    assert rig.opened(key.magic) == opened


@pytest.mark.parametrize(
    ("kind", "state"), [("block_executed", OrderState.FILLED), ("block", OrderState.NOT_SENT)]
)
def test_a_terminal_that_never_answers_is_killed_at_the_deadline_and_settled(
    rig: BridgeRig, kind: str, state: OrderState
) -> None:
    key = key_of("stuck")
    stuck = child_of(rig).pid
    rig.control.fault(kind, login=LOGIN)
    with pytest.raises(Unanswered):
        rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    settled = eventually(rig, lambda: resolve(rig, key), is_settled)
    assert settled.state is state
    assert rig.opened(key.magic) == (1 if state is OrderState.FILLED else 0)
    assert child_of(rig).pid != stuck


def test_a_read_that_never_answers_does_not_stop_the_account(rig: BridgeRig) -> None:
    rig.control.fault("block", login=LOGIN, call="account_info")
    with pytest.raises(GatewayError):
        rig.gateway.reading(ACCOUNT)
    rig.wait_until_up()
    assert rig.gateway.reading(ACCOUNT).positions == 0


def test_children_end_with_a_host_that_is_killed_and_its_successor_knows_what_was_sent(
    rig: BridgeRig,
) -> None:
    key = key_of("before-the-kill")
    assert rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, token=8)).state == "FILLED"
    child = child_of(rig)
    host_of(rig).send_signal(signal.SIGKILL)
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    rig.restart()
    assert rig.gateway.health(ACCOUNT).newest_token == 8
    replayed = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, token=9))
    assert (replayed.state, replayed.existed) == (OrderState.FILLED, True)
    assert rig.opened(key.magic) == 1


def test_a_host_that_is_gone_is_unreachable(rig: BridgeRig) -> None:
    host = host_of(rig)
    host.kill()
    host.wait(10)
    until(lambda: _unreachable(rig))


def test_a_broker_that_restarts_is_reconnected(rig: BridgeRig) -> None:
    key = key_of("across")
    rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    rig.broker.kill()
    with pytest.raises(GatewayError):
        rig.gateway.reading(ACCOUNT)
    assert not rig.gateway.health(ACCOUNT).connected
    with rig.broker.restarted() as broker:
        rig.control.close()
        rig.control = broker.control()
        rig.move_to(BID, ASK)
        rig.wait_until_up()
        again = eventually(
            rig, lambda: rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key)), is_settled
        )
        assert (again.state, again.existed) == (OrderState.FILLED, True)
        assert rig.opened(key.magic) == 1


def test_a_frozen_child_that_wakes_up_late_sends_nothing(rig: BridgeRig) -> None:
    key = key_of("frozen")
    child, given = child_of(rig), permit(rig, key)
    os.kill(child.pid, signal.SIGSTOP)
    thread, seen = submit_in_thread(rig, "frozen", given)
    thread.join(EVENTUALLY_S_MAX)
    assert isinstance(seen[0], Unanswered)
    settled = eventually(rig, lambda: resolve(rig, key), is_settled)
    assert settled.state is OrderState.NOT_SENT
    assert rig.opened(key.magic) == 0


def test_an_account_for_real_money_is_refused_by_name(tmp_path: Path) -> None:
    with bridge_rig(tmp_path, Terms(mode=Mode.REAL)) as rig:
        with pytest.raises(Unreachable, match=r"accounts\.alpha\.allow_real: mode is real"):
            rig.gateway.reading(ACCOUNT)
        assert host_of(rig).children() == []


def test_readings_of_all_accounts_come_in_one_call(rig: BridgeRig) -> None:
    readings = rig.gateway.readings((ACCOUNT, "nobody"))
    assert isinstance(readings[ACCOUNT], Reading)
    assert "has no account nobody" in str(readings["nobody"])


def test_a_wrong_token_is_refused(rig: BridgeRig, dial: Dial) -> None:
    with pytest.raises(Unreachable, match="refuses the token"):
        dial(_port(rig), token="wrong").reading(ACCOUNT)


@pytest.mark.parametrize("token", [None, "wrong"])
def test_a_peer_without_the_token_gets_nothing(rig: BridgeRig, token: str | None) -> None:
    assert ask_plainly(rig, "Healths", b"", token) is grpc.StatusCode.UNAUTHENTICATED
    assert ask_plainly(rig, "Healths", b"") is grpc.StatusCode.OK


def test_an_oversized_request_is_refused_and_the_others_are_served(rig: BridgeRig) -> None:
    assert ask_plainly(rig, "Submit", FREE_TEXT) is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert rig.gateway.reading(ACCOUNT).positions == 0


def test_what_cannot_be_read_is_refused_and_the_others_are_served(rig: BridgeRig) -> None:
    assert ask_plainly(rig, "Submit", b"\xff\xff") is grpc.StatusCode.INVALID_ARGUMENT
    assert rig.gateway.reading(ACCOUNT).positions == 0


@pytest.mark.parametrize("method", ["OrderSend", "Eval", "order_send"])
def test_an_operation_that_is_not_listed_is_refused(rig: BridgeRig, method: str) -> None:
    assert ask_plainly(rig, method, b"") is grpc.StatusCode.UNIMPLEMENTED


def test_the_password_is_in_no_argument_environment_or_journal(rig: BridgeRig) -> None:
    child = child_of(rig)
    shown = [*child.cmdline(), *child.environ().values()]
    assert not [text for text in shown if PASSWORD in text.split("=")]
    journal = next((rig.folder / "journal").glob("*.journal"))
    assert PASSWORD.encode() not in journal.read_bytes()


def test_what_was_sent_is_in_the_journal_with_its_outcome(rig: BridgeRig) -> None:
    key = key_of("written")
    rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    host = host_of(rig)
    host.terminate()
    host.wait(20)
    journal = next((rig.folder / "journal").glob("*.journal"))
    with closing(sqlite3.connect(journal)) as connection:
        (row,) = connection.execute("SELECT key, attempt, token, operation, request, outcome FROM attempt")
    assert row[:4] == (key.text, 1, 1, "submit")
    assert '"sent": {"action": 1' in row[4]
    assert '"FILLED"' in row[5]


def test_a_call_waits_no_longer_than_its_deadline(rig: BridgeRig, dial: Dial) -> None:
    os.kill(child_of(rig).pid, signal.SIGSTOP)
    impatient = dial(_port(rig), deadlines=Deadlines(read_s=0.2))
    with pytest.raises(Unanswered):
        impatient.reading(ACCOUNT)


def test_sixteen_threads_share_one_gateway_and_every_order_is_one(rig: BridgeRig) -> None:
    keys = [key_of(f"thread-{number % 8}") for number in range(16)]
    threads = [submit_in_thread(rig, f"thread-{number % 8}") for number in range(16)]
    for thread, _ in threads:
        thread.join(EVENTUALLY_S_MAX)
    outcomes = [seen[0] for _, seen in threads]
    assert [outcome.state for outcome in outcomes if isinstance(outcome, Outcome)] == [OrderState.FILLED] * 16
    assert [rig.opened(key.magic) for key in keys] == [1] * 16


def test_a_shadow_account_sends_nothing(tmp_path: Path) -> None:
    with bridge_rig(tmp_path, Terms(shadow=True)) as rig:
        key = key_of("shadow")
        outcome = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
        assert (outcome.state, outcome.denial) == (OrderState.NOT_SENT, DenialReason.SHADOW)
        assert rig.opened(key.magic) == 0


def test_no_bridge_told_is_unreachable() -> None:
    gateway = BridgeGateway({}, lambda _: None)
    with pytest.raises(Unreachable, match="no bridge"):
        gateway.reading("any")
    assert "no bridge" in str(gateway.readings(("any",))["any"])


def test_a_permit_for_another_journal_opens_nothing(rig: BridgeRig) -> None:
    key = key_of("journal")
    other = replace(permit(rig, key), journal_id="another")
    outcome = rig.gateway.submit(ACCOUNT, market(rig, key), other)
    assert (outcome.state, rig.opened(key.magic)) == (OrderState.NOT_SENT, 0)
    mine = replace(permit(rig, key, attempt=2), journal_id=rig.gateway.health(ACCOUNT).journal_id)
    assert rig.gateway.submit(ACCOUNT, market(rig, key), mine).state is OrderState.FILLED


def _unreachable(rig: BridgeRig) -> bool:
    """The first call may have been on its way when the connection broke; those after it were not."""
    try:
        rig.gateway.reading(ACCOUNT)
    except Unanswered:
        return False
    except Unreachable:
        return True
    raise AssertionError("a host that is gone has answered")


def _port(rig: BridgeRig) -> int:
    return int((rig.folder / "bridge.port").read_text())
