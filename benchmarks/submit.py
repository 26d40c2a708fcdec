"""`python -m benchmarks.submit`: what one order costs between worker and broker, stage by stage.

First in one process (asking, looking, sending, the journal), then through a real bridge; what the second adds
is the wire and the pipe. Then several accounts at once: how many durable writes one sync to disk carries.
"""

import argparse
import json
import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from benchmarks.stand import MID, PASSWORD, SERVER, SYMBOL, process, wait_until
from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway
from mt5fleet.adapters.mt5.gateway import ModuleGateway
from mt5fleet.adapters.mt5.link import Link
from mt5fleet.adapters.mt5.settings import TerminalSettings
from mt5fleet.adapters.sqlite.journal import JournalFile, SqliteJournal, journal_path
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import GatewayError
from mt5fleet.domain.ids import OrderKey, order_key
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import OpenOrder, Outcome, Permit
from mt5fleet.ports.gateway import Gateway
from mt5fleet.simulator.config import SimulatorConfig, parse_config
from mt5fleet.simulator.process import BrokerProcess, dropin_folder, start_broker
from mt5fleet.testing.builders import make_entry, make_open_order

RESULTS = Path(__file__).resolve().parent / "submit.json"
FIRST_LOGIN = 7_001
ACCOUNTS = 8
WARM_UP = 20
TOKEN = "bench-only"
HEARD_S = 1.0  # as often as the guard sweep comes
WRITES = 400  # durable writes per account
STAGES = {
    "terminal_info": "look",
    "account_info": "look",
    "symbol_info": "look",
    "symbol_info_tick": "look",
    "positions_get": "ask",
    "orders_get": "ask",
    "history_orders_get": "ask",
    "history_deals_get": "ask",
    "order_send": "send",
    "write": "journal fsync",
}
Rows = dict[str, float]


def main() -> None:
    """Measure, print, write submit.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.submit", description=__doc__)
    parser.add_argument("--orders", type=int, default=200, help="orders per measurement")
    orders = parser.parse_args().orders
    with tempfile.TemporaryDirectory(prefix="mt5fleet-submit-") as name:
        folder = Path(name)
        stages, several = _measured(folder, orders)
        shared = _shared_syncs(folder)
    RESULTS.write_text(
        json.dumps({"one submit, ms": stages, "accounts at once": several, "journal": shared}, indent=1)
        + "\n",
        encoding="utf-8",
    )
    _show("One submit, p50 in ms", {name: {"ms": value} for name, value in stages.items()})
    _show("Accounts that submit at once, through one bridge", several)
    _show("Durable journal writes, one file per host", shared)


def _measured(folder: Path, orders: int) -> tuple[Rows, dict[str, Rows]]:
    """One order in one process, one through the bridge, in turn: the machine may be shared."""
    spent: Rows = {}
    inside: list[Rows] = []
    bridged: list[Rows] = []
    with (
        _broker(folder / "inside") as near,
        _broker(folder / "bridged") as far,
        _in_process(folder / "inside", near, spent) as module,
        _bridge(folder / "bridged", far) as bridge,
    ):
        for number in range(orders + WARM_UP):
            total_ms, looked = _submit(module, 0, f"inside-{number}", spent)
            inside.append({**looked, "total": total_ms})
            total_ms, _ = _submit(bridge, 0, f"bridge-{number}", {})
            bridged.append({"total": total_ms, "wire": _timed_ms(lambda: bridge.memory("bench-0"))})
        several = {f"{count} accounts": _at_once(bridge, count, orders) for count in (1, 4, ACCOUNTS)}
    return _stages(inside[WARM_UP:], bridged[WARM_UP:]), several


def _stages(inside: list[Rows], bridged: list[Rows]) -> Rows:
    def middle(rows: list[Rows], name: str) -> float:
        return median(row.get(name, 0.0) for row in rows)

    names = tuple(dict.fromkeys(STAGES.values()))
    shown = {name: middle(inside, name) for name in names}
    in_process, wire, total = middle(inside, "total"), middle(bridged, "wire"), middle(bridged, "total")
    return {
        "wire (gRPC there and back)": wire,
        "pipe and child": total - wire - in_process,
        **shown,
        "own code": in_process - sum(shown.values()),
        "total in one process": in_process,
        "total through the bridge": total,
    }


def _at_once(gateway: BridgeGateway, accounts: int, orders: int) -> Rows:
    """As many threads as accounts, each submitting one order after the other."""
    waits: list[float] = []

    def work(account: int) -> None:
        names = (f"{accounts}-{account}-{number}" for number in range(orders))
        waits.extend(_submit(gateway, account, name, {})[0] for name in names)

    started = time.perf_counter()
    _together([lambda account=account: work(account) for account in range(accounts)])
    cuts = quantiles(waits, n=100, method="inclusive")
    return {
        "orders_per_s": len(waits) / (time.perf_counter() - started),
        "p50_ms": cuts[49],
        "p95_ms": cuts[94],
    }


def _shared_syncs(folder: Path) -> dict[str, Rows]:
    """Accounts that write at the same time share syncs: fewer commits than writes."""
    found = {}
    for accounts in (1, 4, ACCOUNTS, 4 * ACCOUNTS):
        file = JournalFile(folder / f"journal-{accounts}", SystemClock(), lambda: secrets.token_hex(8))
        journals = [file.account(SERVER, FIRST_LOGIN + number) for number in range(accounts)]
        writes, commits = file.writes, file.commits
        started = time.perf_counter()
        _together([lambda journal=journal: _write_all(journal) for journal in journals])
        seconds = time.perf_counter() - started
        writes, commits = file.writes - writes, file.commits - commits
        file.close()
        found[f"{accounts} accounts"] = {
            "writes_per_s": writes / seconds,
            "syncs_per_s": commits / seconds,
            "writes_per_sync": writes / commits,
        }
    return found


def _write_all(journal: SqliteJournal) -> None:
    for number in range(WRITES):
        entry = make_entry(key=f"{number:064x}", token=1, written_at=SystemClock().now())
        journal.write(replace(entry, request="{}" * 200))


def _submit(gateway: Gateway, account: int, name: str, spent: Rows) -> tuple[float, Rows]:
    """One order from call to answer, in ms, and what its stages took.

    The ledger was heard of before, outside the measured time.
    """
    key = order_key(SERVER, FIRST_LOGIN + account, name, 0)
    journal_id = _journal_heard_of(gateway, f"bench-{account}")
    order, permit = _order(key), _permit(key, journal_id)
    outcomes: list[Outcome] = []
    spent.clear()
    took_ms = _timed_ms(lambda: outcomes.append(gateway.submit(f"bench-{account}", order, permit)))
    if outcomes[0].state is not OrderState.FILLED:
        sys.exit(f"not filled: {outcomes[0].sentence}")
    return took_ms, dict(spent)


def _order(key: OrderKey) -> OpenOrder:
    return make_open_order(
        symbol=SYMBOL,
        volume=Decimal("0.01"),
        stop_loss=Decimal("0.9"),
        magic=key.magic,
        comment=key.comment,
        created_at=SystemClock().now(),
    )


def _permit(key: OrderKey, journal_id: str) -> Permit:
    now = SystemClock().now()
    return Permit(
        key=key.text,
        attempt=1,
        token=1,
        not_after=now + timedelta(seconds=5),
        sent_at=now,
        journal_id=journal_id,
    )


_heard: dict[tuple[int, str], tuple[float, str]] = {}


def _journal_heard_of(gateway: Gateway, account: str) -> str:
    """The account's journal; the bridge hears of the ledger as often as from a guard sweep."""
    heard_s, journal_id = _heard.get((id(gateway), account), (0.0, ""))
    if time.monotonic() - heard_s > HEARD_S:
        gateway.readings((account,), ledger_at=SystemClock().now())
        journal_id = gateway.bind(account, None, 0).journal_id
        _heard[id(gateway), account] = (time.monotonic(), journal_id)
    return journal_id


class _Timed:
    """The module, with the time of each call added up by stage."""

    def __init__(self, module: object, spent: Rows) -> None:
        self._module = module
        self._spent = spent

    def __getattr__(self, name: str) -> object:
        call = getattr(self._module, name)
        return _counted(call, STAGES[name], self._spent) if name in STAGES else call


def _counted(call: Callable[..., object], stage: str, spent: Rows) -> Callable[..., object]:
    def counted(*positional: object, **named: object) -> object:
        started = time.perf_counter()
        try:
            return call(*positional, **named)
        finally:
            spent[stage] = spent.get(stage, 0.0) + (time.perf_counter() - started) * 1000

    return counted


def _timed_ms(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def _together(jobs: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@contextmanager
def _broker(folder: Path) -> Iterator[BrokerProcess]:
    folder.mkdir(parents=True)
    with start_broker(_simulator(folder)) as broker:
        yield broker


def _simulator(folder: Path) -> SimulatorConfig:
    accounts = [
        {"login": FIRST_LOGIN + n, "password": PASSWORD, "server": SERVER, "balance": "10000000"}
        for n in range(ACCOUNTS)
    ]
    quiet = {"source": "synthetic", "mid": MID, "spread_points": 10, "volatility_percent_day": "0.1"}
    return parse_config(
        {
            "state_dir": str(folder / "broker"),
            "default_prices": "none",
            "accounts": [{**terms, "limit_orders": 0} for terms in accounts],
            "prices": {SYMBOL: quiet},
        }
    )


@contextmanager
def _in_process(folder: Path, broker: BrokerProcess, spent: Rows) -> Iterator[Gateway]:
    """Module, journal and gateway in this process, each call of module and journal timed."""
    os.environ["MT5FLEET_SIMULATOR"] = broker.address
    sys.path.insert(0, str(dropin_folder()))
    module = import_module("MetaTrader5")
    clock = SystemClock()
    link = Link(module, clock, path="", login=FIRST_LOGIN, server=SERVER, password=PASSWORD, timeout_ms=5_000)
    why_not = link.connect()
    if why_not is not None:
        sys.exit(why_not)
    file = JournalFile(journal_path(folder), clock, lambda: secrets.token_hex(8))
    journal = file.account(SERVER, FIRST_LOGIN)
    journal.write = _counted(journal.write, STAGES["write"], spent)  # type: ignore[assignment,method-assign]  # timed
    settings = TerminalSettings(account="bench-0", server=SERVER, login=FIRST_LOGIN, mode=Mode.DEMO)
    yield ModuleGateway(_Timed(module, spent), settings, journal, clock)  # type: ignore[arg-type]  # as the module
    file.close()
    module.shutdown()


@contextmanager
def _bridge(folder: Path, broker: BrokerProcess) -> Iterator[BridgeGateway]:
    path, port_file = folder / "bridge.toml", folder / "port"
    path.write_text(_bridge_file(broker), encoding="utf-8")
    (folder / "token").write_text(TOKEN, encoding="utf-8")
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    serve = ["mt5fleet.cli.main", "bridge", "serve", "--config", str(path), "--port-file", str(port_file)]
    with process(serve, dict(os.environ), folder / "bridge.log"):
        wait_until("the bridge listens", port_file.exists)
        address = BridgeAddress(host="127.0.0.1", port=int(port_file.read_text()), token=TOKEN)
        gateway = BridgeGateway({"bench": address}, lambda _: "bench")
        wait_until("every terminal is connected", lambda: _all_connected(gateway))
        yield gateway
        gateway.disconnect()


def _all_connected(gateway: BridgeGateway) -> bool:
    try:
        return all(gateway.health(f"bench-{number}").connected for number in range(ACCOUNTS))
    except GatewayError:
        return False


def _bridge_file(broker: BrokerProcess) -> str:
    head = f"""
[bridge]
name = "bench"
listen = "127.0.0.1:0"
token_file = "token"
[bridge.limits]
calls_per_s_max = 100000
calls_burst_max = 100000
opens_per_minute_max = 1000000
[simulator]
address = "{broker.address}"
"""
    return head + "".join(
        f'[accounts.bench-{n}]\nserver = "{SERVER}"\nlogin = {FIRST_LOGIN + n}\nmode = "demo"\n'
        'password_file = "password"\n'
        for n in range(ACCOUNTS)
    )


def _show(title: str, rows: dict[str, Rows]) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("what")
    for field in next(iter(rows.values())):
        table.add_column(field, justify="right")
    for label, row in rows.items():
        table.add_row(label, *(f"{value:,.2f}" for value in row.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
