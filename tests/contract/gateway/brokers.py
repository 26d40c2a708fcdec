"""The simulated broker of the contract tests, and what a program of its own does there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mt5fleet.domain.signal import Side
from mt5fleet.simulator.config import SimulatorConfig, parse_config
from mt5fleet.simulator.process import BrokerProcess, dropin_folder, start_broker
from tests.contract.gateway.terms import ASK, BID, LOGIN, PASSWORD, SERVER, SYMBOL, SYMBOL_IN_PARTS


@contextmanager
def broker_for(folder: Path, shared: BrokerProcess | None) -> Iterator[BrokerProcess]:
    """A broker of the rig's own, or the shared one as if it had just been started."""
    if shared is None:
        with start_broker(simulator(folder)) as own:
            yield own
        return
    with shared.control() as control:
        control.clear_faults()
        control.switch(LOGIN, {"mode": "demo"})
        control.reset(LOGIN)
        for symbol in (SYMBOL, SYMBOL_IN_PARTS):
            control.quote(symbol, BID, ASK)
    yield shared


def simulator(folder: Path) -> SimulatorConfig:
    quote = {"source": "fixed", "bid": str(BID), "ask": str(ASK)}
    return parse_config(
        {
            "state_dir": str(folder / "broker"),
            "fsync": False,
            "default_prices": "none",
            "accounts": [{"login": LOGIN, "password": PASSWORD, "server": SERVER}],
            "symbols": [{"name": SYMBOL_IN_PARTS, "like": SYMBOL, "filling_mask": 2}],
            "prices": {SYMBOL: quote, SYMBOL_IN_PARTS: quote},
        }
    )


def send_directly(broker: BrokerProcess, magic: int, side: Side) -> None:
    """An order that the fleet did not send, from a program of its own."""
    request = {
        "action": 1,
        "symbol": SYMBOL,
        "volume": 0.1,
        "type": 0 if side is Side.BUY else 1,
        "magic": magic,
        "type_filling": 0,
    }
    program = (
        f"import MetaTrader5 as m; m.initialize(login={LOGIN}, password={PASSWORD!r}, server={SERVER!r});"
        f" assert m.order_send({request!r}).retcode == 10009, m.last_error()"
    )
    environment = broker.environment(os.environ)
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=30)


def use_dropin() -> None:
    folder = str(dropin_folder())
    if folder not in sys.path:
        sys.path.insert(0, folder)
