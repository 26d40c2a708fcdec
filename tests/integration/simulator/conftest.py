"""A real broker process with fixed quotes, and terminals that speak to it through the drop-in."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from mt5fleet.simulator.client import BrokerControl
from mt5fleet.simulator.config import parse_config
from mt5fleet.simulator.process import BrokerProcess, dropin_folder, start_broker

LOGIN, PASSWORD = 1001, "pw"
BUY = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 1}

Connect = Callable[..., Any]


def make_entries(folder: Path, accounts: int = 2, **others: Any) -> dict[str, Any]:
    return {
        "state_dir": str(folder),
        "default_prices": "none",
        "accounts": [
            {"login": LOGIN + number, "password": PASSWORD, "balance": "100000", "server": "Sim-1"}
            for number in range(accounts)
        ],
        "prices": {
            "EURUSD": {"source": "fixed", "bid": "1.10000", "ask": "1.10010"},
            "GBPUSD": {"source": "fixed", "bid": "1.30000", "ask": "1.30020"},
        },
        **others,
    }


@pytest.fixture
def starts() -> Iterator[Callable[[dict[str, Any]], BrokerProcess]]:
    """Start brokers that end with the test."""
    with ExitStack() as brokers:
        yield lambda config: brokers.enter_context(start_broker(parse_config(config)))


@pytest.fixture
def broker(tmp_path: Path, starts: Callable[[dict[str, Any]], BrokerProcess]) -> BrokerProcess:
    return starts(make_entries(tmp_path / "state"))


@pytest.fixture
def control(broker: BrokerProcess) -> Iterator[BrokerControl]:
    with broker.control() as control:
        yield control


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Connect a terminal of its own to a broker; one process holds several here, for tests only."""
    monkeypatch.syspath_prepend(str(dropin_folder()))
    for name in [name for name in sys.modules if name.partition(".")[0] == "MetaTrader5"]:
        monkeypatch.delitem(sys.modules, name)
    terminals: list[Any] = []

    def connected(broker: BrokerProcess, login: int = LOGIN) -> Any:
        monkeypatch.setenv("MT5FLEET_SIMULATOR", broker.address)
        terminal = import_module("MetaTrader5._terminal").Terminal()
        terminals.append(terminal)
        assert terminal.initialize(login=login, password=PASSWORD) is True, terminal.last_error()
        return terminal

    yield connected
    for terminal in terminals:
        if terminal._link is not None:
            terminal._link.close()


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until a condition holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    return eventually


@pytest.fixture
def entries() -> Callable[..., dict[str, Any]]:
    """Build a configuration's plain values."""
    return make_entries
