"""The bridge's processes killed, frozen and lied to; the broker's books say what really happened."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import psutil
import pytest

from mt5fleet.adapters.bridge.frames import packed, read_frame
from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway, Deadlines
from mt5fleet.domain.broker import Reading
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.errors import GatewayError, InvalidValue, Unanswered, Unreachable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome
from mt5fleet.simulator.process import start_broker
from tests.contract.gateway.rigs import (
    ACCOUNT,
    ASK,
    BID,
    EVENTUALLY_S_MAX,
    LOGIN,
    PASSWORD,
    TOKEN,
    BridgeRig,
    bridge_rig,
    eventually,
    key_of,
    market,
    permit,
    resolve,
    running_bridge,
    simulator,
)


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
    marker = str(rig.folder)
    return next(p for p in psutil.process_iter(["cmdline"]) if _serves(p.info["cmdline"], marker))


def _serves(command: list[str] | None, marker: str) -> bool:
    return bool(command) and any("serve_bridge.py" in part for part in command) and marker in command


def child_of(rig: BridgeRig) -> psutil.Process:
    (child,) = host_of(rig).children()
    return child


@contextmanager
def peer_of(rig: BridgeRig) -> Iterator[tuple[socket.socket, BinaryIO]]:
    """A peer that speaks for itself, without our gateway."""
    with (
        socket.create_connection(("127.0.0.1", _port(rig)), timeout=10) as peer,
        peer.makefile("rb") as stream,
    ):
        yield peer, stream


def submit_in_thread(rig: BridgeRig, name: str) -> tuple[threading.Thread, list[Outcome | GatewayError]]:
    key = key_of(name)
    seen: list[Outcome | GatewayError] = []

    def call() -> None:
        try:
            seen.append(rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key)))
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


def test_children_end_with_a_host_that_is_killed_and_the_journal_is_free_again(
    tmp_path: Path, dial: Dial
) -> None:
    with start_broker(simulator(tmp_path)) as broker:
        with running_bridge(tmp_path, broker.address) as running:
            gateway = dial(running.port)
            rig = BridgeRig(broker, gateway, tmp_path)
            rig.wait_until_up()
            rig.move_to(BID, ASK)
            key = key_of("before-the-kill")
            assert rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, token=8)).state == "FILLED"
            child = child_of(rig)
            running.process.send_signal(signal.SIGKILL)
            until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
            rig.control.close()
        with running_bridge(tmp_path, broker.address) as running:
            rig = BridgeRig(broker, dial(running.port), tmp_path)
            rig.wait_until_up()
            assert rig.gateway.health(ACCOUNT).newest_token == 8
            replayed = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, token=9))
            assert (replayed.state, replayed.existed) == (OrderState.FILLED, True)
            assert rig.opened(key.magic) == 1
            rig.control.close()


def test_a_host_that_is_gone_is_unreachable(rig: BridgeRig) -> None:
    host = host_of(rig)
    host.kill()
    host.wait(10)
    with pytest.raises(Unreachable, match="does not answer"):
        rig.gateway.reading(ACCOUNT)


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
    child = child_of(rig)
    os.kill(child.pid, signal.SIGSTOP)
    thread, seen = submit_in_thread(rig, "frozen")
    thread.join(EVENTUALLY_S_MAX)
    assert isinstance(seen[0], Unanswered)
    settled = eventually(rig, lambda: resolve(rig, key), is_settled)
    assert settled.state is OrderState.NOT_SENT
    assert rig.opened(key.magic) == 0


def test_an_account_for_real_money_is_refused_by_name(rig: BridgeRig) -> None:
    with pytest.raises(Unreachable, match="mode = real is refused"):
        rig.gateway.reading("real")


def test_readings_of_all_accounts_come_in_one_call(rig: BridgeRig) -> None:
    readings = rig.gateway.readings((ACCOUNT, "real", "nobody"))
    assert isinstance(readings[ACCOUNT], Reading)
    assert "mode = real is refused" in str(readings["real"])
    assert "has no account nobody" in str(readings["nobody"])


def test_a_wrong_token_is_refused(rig: BridgeRig, dial: Dial) -> None:
    with pytest.raises(Unreachable, match="refuses the token"):
        dial(_port(rig), token="wrong").reading(ACCOUNT)


def test_a_peer_without_a_hello_gets_nothing(rig: BridgeRig) -> None:
    with peer_of(rig) as (peer, stream):
        peer.sendall(packed({"operation": "reading", "account": ACCOUNT, "arguments": {"token": None}}))
        assert "error" in read_frame(stream)
        assert stream.read(1) == b""


def test_an_oversized_request_cuts_the_peer_off_and_serves_the_others(rig: BridgeRig) -> None:
    with peer_of(rig) as (peer, stream):
        peer.sendall(packed({"protocol": 1, "token": TOKEN}))
        assert read_frame(stream) == {"ok": None}
        peer.sendall((64 * 1024 * 1024).to_bytes(4, "big"))
        assert stream.read(1) == b""
    assert rig.gateway.reading(ACCOUNT).positions == 0


def test_an_operation_that_is_not_listed_is_refused(rig: BridgeRig) -> None:
    with peer_of(rig) as (peer, stream):
        peer.sendall(packed({"protocol": 1, "token": TOKEN}))
        read_frame(stream)
        peer.sendall(packed({"operation": "order_send", "account": ACCOUNT, "arguments": {}}))
        answer = read_frame(stream)
    assert answer["error"]["kind"] == InvalidValue.__name__  # type: ignore[index,call-overload]  # JSON


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


def test_a_shadow_account_sends_nothing(tmp_path: Path, dial: Dial) -> None:
    script = Path(__file__).parents[2] / "contract" / "gateway" / "serve_bridge.py"
    port_file = tmp_path / "shadow.port"
    with start_broker(simulator(tmp_path)) as broker:
        command = [sys.executable, str(script), str(tmp_path), broker.address, str(port_file), "--shadow"]
        process = subprocess.Popen(command)
        try:
            until(port_file.exists)
            gateway = dial(int(port_file.read_text()))
            rig = BridgeRig(broker, gateway, tmp_path)
            until(lambda: _connected(gateway))
            rig.move_to(BID, ASK)
            key = key_of("shadow")
            outcome = gateway.submit("shadow", market(rig, key), permit(rig, key))
            assert (outcome.state, outcome.denial) == (OrderState.NOT_SENT, DenialReason.SHADOW)
            assert rig.opened(key.magic) == 0
            rig.control.close()
        finally:
            process.terminate()
            process.wait(30)


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


def _connected(gateway: BridgeGateway) -> bool:
    try:
        return gateway.health("shadow").connected
    except Unreachable:
        return False


def _port(rig: BridgeRig) -> int:
    return int((rig.folder / "bridge.port").read_text())
