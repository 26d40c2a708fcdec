"""`python -m benchmarks.simulator_wire`: how fast the simulated broker is through the drop-in, on loopback.

The broker has a process of its own, and so has each client. Each client opens and closes positions in turn,
so that the books stay as large as they are. Rates are of the whole broker, from the first call to the last;
beside them what the broker's processor time would allow, which a busy machine changes less. With fsync the
disk decides: every answer waits for it, and answers that wait together share one flush.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from mt5fleet.simulator.config import SimulatorConfig, parse_config
from mt5fleet.simulator.process import BrokerProcess, start_broker

RESULTS = Path(__file__).resolve().parent / "simulator.json"
FIRST_LOGIN = 1001
CLIENTS = (1, 4, 8)
SENDS = 16_000  # of all clients together
READS = 32_000
WANTED_SENDS_PER_S = 2_000
CLIENT = (sys.executable, "-m", "benchmarks.simulator_wire", "--client")

Row = dict[str, float | str | bool]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--client", nargs=3, metavar=("LOGIN", "CALL", "COUNT"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.client is not None:
        _be_client(*asked.client)
        return
    rows = [_measured(call, clients, fsync) for call, clients, fsync in _cases()]
    _print(rows)
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps({**known, "wire": rows}, indent=1) + "\n", encoding="utf-8")


def _cases() -> Iterator[tuple[str, int, bool]]:
    for fsync in (False, True):
        for clients in CLIENTS:
            yield "order_send", clients, fsync
    for clients in CLIENTS:
        yield "positions_get", clients, False


def _measured(call: str, clients: int, fsync: bool) -> Row:
    count = (SENDS if call == "order_send" else READS) // clients
    with tempfile.TemporaryDirectory(prefix="simulator-wire-") as folder:
        config = _config(Path(folder), clients, fsync)
        with start_broker(config) as broker, _connected(broker, call, clients, count) as programs:
            worked, began = _processor_s(broker), time.perf_counter()
            for program in programs:
                _tell(program)
            for program in programs:
                _hear(program, "done")
            seconds = time.perf_counter() - began
            worked = _processor_s(broker) - worked
    return {
        "call": call,
        "clients": clients,
        "fsync": fsync,
        "calls": count * clients,
        "per_s": round(count * clients / seconds),
        "per_s_of_a_core": round(count * clients / worked),
    }


def _processor_s(broker: BrokerProcess) -> float:
    used = psutil.Process(broker.pid).cpu_times()
    return used.user + used.system


def _config(folder: Path, clients: int, fsync: bool) -> SimulatorConfig:
    accounts = [{"login": FIRST_LOGIN + number, "balance": "1000000"} for number in range(clients)]
    return parse_config(
        {
            "state_dir": str(folder),
            "fsync": fsync,
            "default_prices": "none",
            "accounts": accounts,
            "prices": {"EURUSD": {"source": "fixed", "bid": "1.10000", "ask": "1.10010"}},
        }
    )


@contextmanager
def _connected(
    broker: BrokerProcess, call: str, clients: int, count: int
) -> Iterator[list["subprocess.Popen[str]"]]:
    with ExitStack() as ends:
        programs = []
        for number in range(clients):
            program = subprocess.Popen(
                [*CLIENT, str(FIRST_LOGIN + number), call, str(count)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=broker.environment(os.environ),
            )
            ends.enter_context(program)
            ends.callback(program.kill)
            programs.append(program)
        for program in programs:
            _hear(program, "ready")
        yield programs


def _tell(program: "subprocess.Popen[str]") -> None:
    if program.stdin is None:
        raise RuntimeError("the client's input was not piped")
    program.stdin.write("go\n")
    program.stdin.flush()


def _hear(program: "subprocess.Popen[str]", wanted: str) -> None:
    said = "" if program.stdout is None else program.stdout.readline().strip()
    if said != wanted:
        raise RuntimeError(f"a client said {said!r} and not {wanted!r}")


def _be_client(login: str, call: str, count: str) -> None:
    mt5 = import_module("MetaTrader5")  # the drop-in: only the child's PYTHONPATH has it

    if not mt5.initialize(login=int(login), password=""):
        raise SystemExit(f"not connected: {mt5.last_error()}")
    print("ready", flush=True)
    sys.stdin.readline()
    buy = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 1}
    if call == "order_send":
        for _ in range(int(count) // 2):
            held = mt5.order_send(buy).order
            mt5.order_send(buy | {"type": 1, "position": held})
    else:
        mt5.order_send(buy)
        for _ in range(int(count)):
            mt5.positions_get()
    print("done", flush=True)


def _print(rows: list[Row]) -> None:
    table = Table(
        "call", "client processes", "fsync", "calls", "calls a second", "a second of the broker's core"
    )
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)
    fastest = max(int(row["per_s"]) for row in rows if row["call"] == "order_send")
    print(f"order_send: {fastest} a second at best, {WANTED_SENDS_PER_S} wanted")


if __name__ == "__main__":
    main()
