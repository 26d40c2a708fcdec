"""A worker that forks: its children call bridges of their own, whatever their parent was doing."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mt5fleet.adapters.bridge.forks import ForkGate
from mt5fleet.bridge.settings import BridgeLimits
from tests.unit.bridge.served import TOKEN, served

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork on Windows")

PROGRAM = """
import os, sys, threading
from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway

address = BridgeAddress(host="127.0.0.1", port=int(sys.argv[1]), token=sys.argv[2])
gateway = BridgeGateway({"local": address}, lambda _: "local")
gateway.memory("alpha")
stop = threading.Event()
def keep_calling():
    while not stop.is_set():
        gateway.memory("alpha")
threads = [threading.Thread(target=keep_calling) for _ in range(3)]
for thread in threads:
    thread.start()
children = []
for _ in range(5):
    child = os.fork()
    if not child:
        for _ in range(20):
            gateway.memory("alpha")
        os._exit(0)
    children.append(child)
ended = [os.waitpid(child, 0)[1] for child in children]
stop.set()
for thread in threads:
    thread.join()
gateway.memory("alpha")
print("ended", ended)
"""


def test_children_forked_in_the_middle_of_calls_call_for_themselves(tmp_path: Path) -> None:
    limits = BridgeLimits(calls_per_s_max=1e6, calls_burst_max=1_000_000, stop_s=2.0)
    with served(tmp_path, limits=limits) as one:
        asked = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", PROGRAM, str(one.port), TOKEN],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (asked.returncode, asked.stdout) == (0, "ended [0, 0, 0, 0, 0]\n"), asked.stderr


def test_a_fork_waits_for_the_calls_under_way_and_holds_new_ones_back() -> None:
    gate, order = ForkGate(), list[str]()
    entered, leave = threading.Event(), threading.Event()

    def first() -> None:
        with gate.call():
            entered.set()
            leave.wait(10)
            order.append("first call ends")

    def second() -> None:
        with gate.call():
            order.append("second call begins")

    def fork() -> None:
        gate.close()
        order.append("fork")
        later.start()
        gate.reopen()

    early, forking, later = (threading.Thread(target=work) for work in (first, fork, second))
    early.start()
    entered.wait(10)
    forking.start()
    leave.set()
    for thread in (early, forking):
        thread.join()
    later.join()
    assert order == ["first call ends", "fork", "second call begins"]
