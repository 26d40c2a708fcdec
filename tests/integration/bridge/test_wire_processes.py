"""What a worker sees over the wire while the bridge's processes work, are killed and come back."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import psutil
import pytest

from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway, Deadlines
from mt5fleet.domain.broker import Reading
from mt5fleet.domain.errors import GatewayError, Unanswered, Unreachable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome
from tests.contract.gateway.rigs import BridgeRig, bridge_rig, eventually, key_of, market, permit, resolve
from tests.contract.gateway.terms import ACCOUNT, EVENTUALLY_S_MAX, LOGIN, TOKEN

EVERY_S = 0.1
STEPS_MAX = 200  # of a stream, until something must have been seen


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[BridgeRig]:
    with bridge_rig(tmp_path) as made:
        yield made


def gateway_to(rig: BridgeRig, deadlines: Deadlines | None = None) -> BridgeGateway:
    address = BridgeAddress(host="127.0.0.1", port=rig._bridge.port, token=TOKEN)
    return BridgeGateway({"local": address}, lambda _: "local", deadlines)


def child_of(rig: BridgeRig) -> psutil.Process:
    (child,) = psutil.Process(rig._bridge.process.pid).children()
    return child


def test_an_order_whose_client_stopped_waiting_is_carried_out_journaled_and_settled(rig: BridgeRig) -> None:
    key, child = key_of("left"), child_of(rig).pid
    rig.control.fault("late_answer", login=LOGIN, delay_ms=1000)
    impatient = gateway_to(rig, Deadlines(order_s=0.3))
    with pytest.raises(Unanswered, match="DEADLINE_EXCEEDED"):
        impatient.submit(ACCOUNT, market(rig, key), permit(rig, key))
    impatient.disconnect()
    settled = resolve(rig, key)
    assert settled.state is OrderState.FILLED
    assert rig.opened(key.magic) == 1
    assert child_of(rig).pid == child


def test_an_order_whose_client_died_is_carried_out_once(rig: BridgeRig) -> None:
    key = key_of("dead-client")
    rig.control.fault("late_answer", login=LOGIN, delay_ms=1000)
    client = gateway_to(rig)
    seen: list[Outcome | GatewayError] = []
    thread = threading.Thread(target=_submit, args=(client, rig, "dead-client", seen))
    thread.start()
    _until(lambda: rig.control.faults()["fired"].get("late_answer", 0) == 1)
    client.disconnect()
    thread.join(EVENTUALLY_S_MAX)
    assert isinstance(seen[0], Unanswered)
    again = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    assert (again.state, again.existed, rig.opened(key.magic)) == (OrderState.FILLED, True, 1)


def test_a_stream_goes_on_while_a_child_is_killed_and_comes_back(rig: BridgeRig) -> None:
    with closing(rig.gateway.reading_stream((ACCOUNT,), EVERY_S)) as stream:
        assert isinstance(next(stream)[ACCOUNT], Reading)
        child_of(rig).kill()
        seen = [next(stream)[ACCOUNT]]
        while isinstance(seen[-1], Reading) and len(seen) < STEPS_MAX:
            seen.append(next(stream)[ACCOUNT])
        assert isinstance(seen[-1], str)
        while isinstance(seen[-1], str) and len(seen) < STEPS_MAX:
            seen.append(next(stream)[ACCOUNT])
        assert isinstance(seen[-1], Reading)


def test_a_bridge_killed_and_started_again_is_found_by_a_client_that_lived_on(rig: BridgeRig) -> None:
    bridge, gateway, port = rig._bridge, rig.gateway, rig._bridge.port
    stream = gateway.reading_stream((ACCOUNT,), EVERY_S)
    next(stream)
    bridge.process.send_signal(signal.SIGKILL)
    bridge.process.wait(10)
    with pytest.raises(Unanswered):
        list(islice(stream, STEPS_MAX))
    _until(lambda: _is_unreachable(rig, gateway))
    bridge._command.append(f"--port={port}")
    bridge._start()
    rig.wait_until_up()
    with closing(gateway.reading_stream((ACCOUNT,), EVERY_S)) as resumed:
        assert isinstance(next(resumed)[ACCOUNT], Reading)
    key = key_of("after")
    outcome = eventually(
        rig,
        lambda: gateway.submit(ACCOUNT, market(rig, key), permit(rig, key)),
        lambda one: one.state is OrderState.FILLED,
    )
    assert (outcome.state, rig.opened(key.magic)) == (OrderState.FILLED, 1)


def _submit(client: BridgeGateway, rig: BridgeRig, name: str, seen: list[Outcome | GatewayError]) -> None:
    key = key_of(name)
    try:
        seen.append(client.submit(ACCOUNT, market(rig, key), permit(rig, key)))
    except GatewayError as error:
        seen.append(error)


def _is_unreachable(rig: BridgeRig, gateway: BridgeGateway) -> bool:
    """Every call says that it got nowhere, or that nobody knows; never that it hangs or was carried out."""
    key = key_of("while-away")
    try:
        gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    except Unreachable:
        return True
    except Unanswered:
        return False
    raise AssertionError("a bridge that is gone answered")


def _until(condition: Callable[[], bool]) -> None:
    waited = threading.Event()
    for _ in range(int(EVENTUALLY_S_MAX / 0.02)):
        if condition():
            return
        waited.wait(0.02)
    raise AssertionError("it never came true")
