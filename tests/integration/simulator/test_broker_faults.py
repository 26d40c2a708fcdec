"""Faults of the broker process, as a client sees them and as the broker's records show them."""

import json
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mt5fleet.simulator.client import BrokerControl

LOGIN, PASSWORD = 1001, "pw"
BUY = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 1}
LOST = (-10002, "IPC recv failed")
NOT_CONNECTED = (-10004, "No IPC connection")


def _comments(control: BrokerControl, login: int = LOGIN) -> list[str]:
    return [position["comment"] for position in control.truth(login)["positions"]]


def test_lost_answer_leaves_an_executed_order(broker: Any, control: Any, connect: Any) -> None:
    mt5 = connect(broker)
    control.fault("answer_lost", login=LOGIN)

    assert mt5.order_send(BUY | {"comment": "lost"}) is None
    assert mt5.last_error() == LOST
    assert mt5.positions_get() is None
    assert mt5.last_error() == NOT_CONNECTED

    assert mt5.initialize(login=LOGIN, password=PASSWORD)
    assert [position.comment for position in mt5.positions_get()] == ["lost"]
    assert control.faults() == {"standing": [], "planned": [], "fired": {"answer_lost": 1}}


def test_lost_connection_before_execution_leaves_nothing(broker: Any, control: Any, connect: Any) -> None:
    mt5 = connect(broker)
    control.fault("connection_lost", after=1)

    assert mt5.order_send(BUY | {"comment": "first"}).retcode == 10009
    assert mt5.order_send(BUY | {"comment": "second"}) is None

    assert mt5.last_error() == LOST
    assert _comments(control) == ["first"]


@pytest.mark.parametrize(
    ("fault", "answer", "error"),
    [
        ({"kind": "none", "code": -10005, "text": "IPC timeout"}, None, (-10005, "IPC timeout")),
        ({"kind": "reject", "retcode": 10011}, (10011, "Request error", 0.0, 0), (1, "Success")),
        ({"kind": "requote"}, (10004, "Requote", 1.1001, 0), (1, "Success")),
    ],
)
def test_fault_answers_in_place_of_execution(
    broker: Any, control: Any, connect: Any, fault: dict[str, Any], answer: Any, error: tuple[int, str]
) -> None:
    mt5 = connect(broker)
    control.fault(**fault)

    sent = mt5.order_send(BUY)

    assert (sent and (sent.retcode, sent.comment, sent.ask, sent.order)) == answer
    assert mt5.last_error() == error
    assert _comments(control) == []
    assert mt5.order_send(BUY).retcode == 10009


def test_late_answer_is_executed_before_it_is_answered(
    broker: Any, control: Any, connect: Any, wait_until: Callable[..., None]
) -> None:
    mt5 = connect(broker)
    control.fault("late_answer", delay_ms=1500)
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(lambda: mt5.order_send(BUY))
        wait_until(lambda: len(_comments(control)) == 1)

        assert not sent.done()
        assert sent.result(30).retcode == 10009


def test_request_of_a_client_that_died_is_still_executed(
    broker: Any, control: Any, wait_until: Callable[..., None]
) -> None:
    """The request had left; with a latency it is executed long after its sender is gone."""
    control.fault("latency", delay_ms=200)
    host, port = broker.address.split(":")
    with socket.create_connection((host, int(port))) as client:
        for message in (
            {"op": "initialize", "login": LOGIN, "password": PASSWORD},
            {"op": "order_send", "request": BUY | {"comment": "orphan"}},
        ):
            body = json.dumps(message).encode()
            client.sendall(struct.pack(">I", len(body)) + body)
        client.recv(1)

    wait_until(lambda: _comments(control) == ["orphan"])


def test_blocked_call_hangs_alone(broker: Any, control: Any, connect: Any) -> None:
    stuck, other = connect(broker), connect(broker, LOGIN + 1)
    control.fault("block", login=LOGIN)
    caller = threading.Thread(target=lambda: stuck.order_send(BUY), daemon=True)
    caller.start()

    assert other.order_send(BUY).retcode == 10009
    assert caller.is_alive()

    broker.stop()
    caller.join(20)
    assert not caller.is_alive()


def test_block_after_execution_shows_the_order_to_others(
    broker: Any, control: Any, connect: Any, wait_until: Callable[..., None]
) -> None:
    stuck = connect(broker)
    control.fault("block_executed", login=LOGIN)
    caller = threading.Thread(target=lambda: stuck.order_send(BUY | {"comment": "stuck"}), daemon=True)
    caller.start()

    wait_until(lambda: _comments(control) == ["stuck"])
    assert caller.is_alive()

    broker.kill()
    caller.join(20)


def test_lagging_records_appear_later(
    broker: Any, control: Any, connect: Any, wait_until: Callable[..., None]
) -> None:
    mt5 = connect(broker)
    control.fault("visibility_lag", delay_ms=600)

    sent = mt5.order_send(BUY)
    assert mt5.history_deals_get(ticket=sent.deal) == ()

    wait_until(lambda: len(mt5.history_deals_get(ticket=sent.deal)) == 1)
    assert mt5.positions_total() == 1
