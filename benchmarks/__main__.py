"""`make bench`: idle latency, orders per second and memory, beside bare Celery in the same run.

Times are the broker's receipt stamp minus the moment the producer made the signal; both clocks are this
machine's.
Runs are interleaved (fleet, bare, fleet, bare), because the machine may be shared: trust the ratios.
"""

import argparse
import hashlib
import hmac
import json
import platform
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import psutil
from celery import Celery
from rich.console import Console
from rich.table import Table

from benchmarks.bare_app_names import EXECUTE, SECRET
from benchmarks.stand import SYMBOL, Stand, bare_celery, fleet, stand, wait_until
from mt5fleet.client import FleetClient

RESULTS = Path(__file__).resolve().parent / "results.json"
ACCOUNTS = 20
WARM_UP = 20
IDLE_SIGNALS = 200
IDLE_PAUSE_S = 0.05
DRAIN_SIGNALS = 1_000
DRAIN_S_MAX = 180
SKIPPED_HEAD = 0.1  # of a drain: the first orders pay for connections

Row = dict[str, float]


def main() -> None:
    """Measure, print a table, write results.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=2)
    asked = parser.parse_args()
    rows: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory(prefix="mt5fleet-bench-") as name:
        for repetition in range(asked.repetitions):
            for label, measure in _plan().items():
                row = measure(Path(name) / f"{repetition}-{label.replace(' ', '-')}")
                rows.setdefault(label, []).append(row)
                sys.stderr.write(f"{label}: {row}\n")
    summary = {
        label: {field: median(row[field] for row in found) for field in found[0]}
        for label, found in rows.items()
    }
    RESULTS.write_text(
        json.dumps({"machine": _machine(), "median": summary, "runs": rows}, indent=1) + "\n",
        encoding="utf-8",
    )
    _print(summary)


def _plan() -> dict[str, Callable[[Path], Row]]:
    return {
        "fleet 1 worker": lambda folder: _fleet(folder, workers=1),
        "bare celery solo": lambda folder: _bare(folder, workers=1, pool="solo"),
        "fleet 2 workers": lambda folder: _fleet(folder, workers=2),
        "bare celery solo x2": lambda folder: _bare(folder, workers=2, pool="solo"),
    }


def _fleet(folder: Path, workers: int) -> Row:
    with stand(folder, ACCOUNTS) as on, fleet(on, workers, "threads", _free_port()) as client:
        return _measure(
            on,
            lambda number: _submit(client, number),
            lambda count: _submit_many(client, count),
            folder,
            "worker",
        )


def _submit(client: FleetClient, number: int) -> float:
    signal = client.open(
        SYMBOL, "buy", lots="0.01", stop_loss="1.05", accounts=[f"bench-{number % ACCOUNTS}"]
    )
    client.submit(signal)
    return signal.created_at.timestamp() * 1000


def _submit_many(client: FleetClient, count: int) -> None:
    signals = [
        client.open(
            SYMBOL,
            "buy",
            lots="0.01",
            stop_loss="1.05",
            accounts=[f"bench-{n % ACCOUNTS}"],
            valid_for_s=DRAIN_S_MAX,
        )
        for n in range(count)
    ]
    client.submit_many(signals)


def _bare(folder: Path, workers: int, pool: str) -> Row:
    with stand(folder, workers) as on, bare_celery(on, workers, pool):
        app = Celery(broker=on.redis_url)
        with app.producer_pool.acquire() as producer:

            def send(number: int) -> float:
                made = datetime.now(UTC)
                body = json.dumps({"id": f"{number}-{made.timestamp():.6f}", "symbol": SYMBOL})
                signature = hmac.new(SECRET, body.encode(), hashlib.sha256).hexdigest()
                app.send_task(EXECUTE, [body, signature], producer=producer, ignore_result=True)
                return made.timestamp() * 1000

            return _measure(on, send, lambda count: _each(send, count), folder, "bare")


def _each(send: Callable[[int], float], count: int) -> None:
    for number in range(count):
        send(number)


def _measure(
    on: Stand, send: Callable[[int], float], burst: Callable[[int], None], folder: Path, kind: str
) -> Row:
    for number in range(WARM_UP):
        send(number)
    _arrived(on, WARM_UP)
    latencies = _idle(on, send)
    drained = _drain(on, burst)
    return {**latencies, **drained, "worker_mb": _memory_mb(folder, kind)}


def _idle(on: Stand, send: Callable[[int], float]) -> Row:
    before = len(on.orders())
    made = []
    for number in range(IDLE_SIGNALS):
        made.append(send(number))
        time.sleep(IDLE_PAUSE_S)
    _arrived(on, before + IDLE_SIGNALS)
    # One signal at a time: the n-th order in time belongs to the n-th signal.
    received = sorted(stamp for _, stamp, _ in on.orders())[before:]
    waits = [stamp - sent for stamp, sent in zip(received, made, strict=True)]
    cuts = quantiles(waits, n=100, method="inclusive")
    return {"p50_ms": cuts[49], "p95_ms": cuts[94], "p99_ms": cuts[98]}


def _drain(on: Stand, burst: Callable[[int], None]) -> Row:
    before = len(on.orders())
    started_ms = time.time() * 1000
    burst(DRAIN_SIGNALS)
    _arrived(on, before + DRAIN_SIGNALS)
    stamps = sorted(stamp for _, stamp, _ in on.orders())[before:]
    head = stamps[int(DRAIN_SIGNALS * SKIPPED_HEAD)]
    steady = DRAIN_SIGNALS * (1 - SKIPPED_HEAD) / max(1, stamps[-1] - head) * 1000
    return {
        "orders_per_s": steady,
        "orders_per_s_from_submit": DRAIN_SIGNALS / (stamps[-1] - started_ms) * 1000,
    }


def _arrived(on: Stand, number: int) -> None:
    wait_until(f"{number} orders at the broker", lambda: len(on.orders()) >= number, DRAIN_S_MAX)


def _memory_mb(folder: Path, kind: str) -> float:
    """Resident memory of one worker process, its children included."""
    found = [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if _is_worker(process, folder, kind)
    ]
    return sum(process.memory_info().rss for process in found) / max(1, len(found)) / 2**20


def _is_worker(process: psutil.Process, folder: Path, kind: str) -> bool:
    line, environment = process.info["cmdline"] or [], process.info["environ"] or {}
    mine = str(folder) in environment.get("MT5FLEET_FILE", "") or kind == "bare"
    return "worker" in line and "celery" in " ".join(line) and mine


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _machine() -> dict[str, object]:
    return {"cores": psutil.cpu_count(), "system": platform.platform(), "python": platform.python_version()}


def _print(summary: dict[str, Row]) -> None:
    table = Table(title="Medians; compare ratios, the machine may be shared", title_justify="left")
    fields = list(next(iter(summary.values())))
    table.add_column("what")
    for field in fields:
        table.add_column(field, justify="right")
    for label, row in summary.items():
        table.add_row(label, *(f"{row[field]:,.1f}" for field in fields))
    Console().print(table)


if __name__ == "__main__":
    main()
