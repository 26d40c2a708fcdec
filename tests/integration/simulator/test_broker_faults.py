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
        ({"kind": "price_changed"}, (10020, "Price changed", 1.1001, 0), (1, "Success")),
        ({"kind": "off_quotes"}, (10021, "No prices", 0.0, 0), (1, "Success")),
        ({"kind": "too_many_requests"}, (10024, "Too many requests", 0.0, 0), (1, "Success")),
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


def test_partial_fill_opens_a_share_and_says_so(broker: Any, control: Any, connect: Any) -> None:
    mt5 = connect(broker)
    control.fault("partial_fill", share="0.35")

    sent = mt5.order_send(BUY)

    assert (sent.retcode, sent.volume) == (10010, 0.03)  # rounded down to the symbol's step
    assert [position.volume for position in mt5.positions_get()] == [0.03]
    assert mt5.order_send(BUY).retcode == 10009


def test_lists_are_empty_with_success_after_a_connect(
    broker: Any, control: Any, connect: Any, wait_until: Callable[..., None]
) -> None:
    mt5 = connect(broker)
    mt5.order_send(BUY)
    control.fault("empty_lists", login=LOGIN, lasts_ms=700)
    assert mt5.positions_total() == 1

    assert mt5.initialize(login=LOGIN, password=PASSWORD)

    assert mt5.positions_get() == ()
    assert mt5.last_error() == (1, "Success")
    assert (mt5.history_deals_total(0, 2**31 - 1), mt5.account_info().login) == (0, LOGIN)
    wait_until(lambda: mt5.positions_total() == 1)


def test_disconnected_terminal_says_so_and_comes_back(
    broker: Any, control: Any, connect: Any, wait_until: Callable[..., None]
) -> None:
    mt5, other = connect(broker), connect(broker, LOGIN + 1)
    control.fault("disconnect", login=LOGIN, lasts_ms=700)

    assert (mt5.terminal_info().connected, other.terminal_info().connected) == (False, True)
    assert mt5.order_send(BUY).retcode == 10031
    assert other.order_send(BUY).retcode == 10009
    wait_until(lambda: mt5.terminal_info().connected)
    assert mt5.order_send(BUY).retcode == 10009


@pytest.mark.parametrize(("executed", "held"), [(False, []), (True, ["late"])])
def test_terminal_restarts_in_the_middle_of_an_order(
    broker: Any,
    control: Any,
    connect: Any,
    wait_until: Callable[..., None],
    executed: bool,
    held: list[str],
) -> None:
    mt5, other = connect(broker), connect(broker, LOGIN + 1)
    control.fault("terminal_restart", call="order_send", login=LOGIN, lasts_ms=400, executed=executed)

    assert mt5.order_send(BUY | {"comment": "late"}) is None
    assert mt5.last_error() == LOST
    assert mt5.initialize(login=LOGIN, password=PASSWORD) is False
    assert mt5.last_error() == (-10005, "IPC timeout")
    assert other.order_send(BUY).retcode == 10009

    wait_until(lambda: bool(mt5.initialize(login=LOGIN, password=PASSWORD)))
    assert [position.comment for position in mt5.positions_get()] == held


@pytest.mark.parametrize(
    ("kind", "said"),
    [("terminal_restart", (False, (-10002, "IPC recv failed"))), ("disconnect", (True, (1, "Success")))],
)
def test_fault_of_a_first_call_strikes_the_account_that_it_names(
    broker: Any, control: Any, connect: Any, kind: str, said: tuple[Any, ...]
) -> None:
    other = connect(broker, LOGIN + 1)
    mt5 = connect(broker)
    control.fault(kind, call="initialize", login=LOGIN, lasts_ms=60_000)

    answer = mt5.initialize(login=LOGIN, password=PASSWORD)

    assert (answer, mt5.last_error()) == said
    assert other.order_send(BUY).retcode == 10009


def test_outage_of_a_refused_account_strikes_nobody(broker: Any, control: Any, connect: Any) -> None:
    mt5, other = connect(broker), connect(broker, LOGIN + 1)
    control.fault("disconnect", call="initialize", lasts_ms=60_000)

    assert mt5.initialize(login=77, password=PASSWORD) is False
    assert mt5.last_error()[0] == -6
    assert other.order_send(BUY).retcode == 10009


def test_terminal_that_restarts_drops_an_idle_client(
    broker: Any, control: Any, connect: Any, wait_until: Callable[..., None]
) -> None:
    mt5 = connect(broker)

    control.fault("terminal_restart", lasts_ms=1, login=LOGIN)

    assert mt5.positions_get() is None
    assert mt5.last_error() in {LOST, (-10001, "IPC send failed")}
    wait_until(lambda: bool(mt5.initialize(login=LOGIN, password=PASSWORD)))


def test_server_whose_clock_moved_stamps_deals_with_it(broker: Any, control: Any, connect: Any) -> None:
    mt5 = connect(broker)
    first = mt5.order_send(BUY)

    control.fault("server_offset", shift_ms=-10_800_000)
    second = mt5.order_send(BUY)

    stamps = [mt5.history_deals_get(ticket=sent.deal)[0].time_msc for sent in (first, second)]
    assert -10_800_000 <= stamps[1] - stamps[0] < -10_740_000


def test_script_comes_in_its_own_time(
    broker: Any, control: Any, connect: Any, wait_until: Callable[..., None]
) -> None:
    mt5 = connect(broker)
    told = control.fault_script(
        [{"kind": "reject", "retcode": 10018}, {"kind": "disconnect", "at_s": 3_600, "lasts_ms": 60_000}]
    )
    assert (told, mt5.order_send(BUY).retcode) == (2, 10018)

    control.step_clock(3_600_000)

    wait_until(lambda: not mt5.terminal_info().connected)
    control.step_clock(60_000)
    wait_until(lambda: bool(mt5.terminal_info().connected))
    assert control.faults() == {"standing": [], "planned": [], "fired": {"reject": 1, "disconnect": 1}}
