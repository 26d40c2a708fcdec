"""A call that waits: other threads run, unless the program asks for the vendor's way."""

import json
import os
import socket
import subprocess
import sys

import pytest

from mt5fleet.simulator.dropin.MetaTrader5._link import HEADER, encode
from mt5fleet.simulator.process import terminal_environment

ROUNDS = 5_000
"""Questions to the other thread: while the call begins to wait, it may win the lock many times."""

SILENCE_S = 1.0

PROGRAM = """
import socket, sys, threading
import MetaTrader5 as mt5

other = socket.create_connection(("127.0.0.1", int(sys.argv[1])))

def reply():
    while other.recv(1):
        other.sendall(b"y")

threading.Thread(target=reply, daemon=True).start()
assert mt5.initialize(), mt5.last_error()
print(mt5.positions_total())
"""


@pytest.mark.parametrize(("holds", "all_replied"), [("", True), ("1", False)])
def test_other_thread_runs_during_a_call_unless_the_lock_is_held(holds: str, all_replied: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as broker, socket.create_server(("127.0.0.1", 0)) as asker:
        environment = terminal_environment(f"127.0.0.1:{broker.getsockname()[1]}", os.environ)
        command = [sys.executable, "-c", PROGRAM, str(asker.getsockname()[1])]
        with subprocess.Popen(
            command,
            env={**environment, "MT5FLEET_SIMULATOR_HOLDS_GIL": holds},
            stdout=subprocess.PIPE,
            text=True,
        ) as program:
            thread, terminal = asker.accept()[0], broker.accept()[0]
            with thread, terminal:
                _request(terminal)
                terminal.sendall(encode({"ok": True}))
                _request(terminal)  # positions_total waits from here on
                replied = _replies(thread)
                terminal.sendall(encode({"ok": 7}))
                said = program.communicate()[0]

    assert said == "7\n"
    assert (replied == ROUNDS) is all_replied


def _request(terminal: socket.socket) -> dict[str, object]:
    (length,) = HEADER.unpack(terminal.recv(HEADER.size, socket.MSG_WAITALL))
    request: dict[str, object] = json.loads(terminal.recv(length, socket.MSG_WAITALL))
    return request


def _replies(thread: socket.socket) -> int:
    """Ask the program's other thread again and again; return how often it replied."""
    thread.settimeout(SILENCE_S)
    for number in range(ROUNDS):
        thread.sendall(b"?")
        try:
            thread.recv(1)
        except TimeoutError:
            return number
    return ROUNDS
