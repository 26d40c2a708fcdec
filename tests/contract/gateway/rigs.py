"""Three gateways behind one set of levers: in memory, module in process, and over the wire."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Protocol

from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway
from mt5fleet.adapters.mt5.gateway import ModuleGateway
from mt5fleet.adapters.mt5.link import Link
from mt5fleet.adapters.mt5.settings import TerminalSettings
from mt5fleet.adapters.sqlite.journal import SqliteJournal, journal_path
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import GatewayError, Unreachable
from mt5fleet.domain.ids import OrderKey, order_key
from mt5fleet.domain.order import OpenOrder, Outcome, Permit
from mt5fleet.domain.signal import Entry, Side
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import Gateway
from mt5fleet.simulator.client import BrokerControl
from mt5fleet.simulator.config import SimulatorConfig, parse_config
from mt5fleet.simulator.process import BrokerProcess, dropin_folder, start_broker
from mt5fleet.testing.clock import ManualClock
from mt5fleet.testing.fake_gateway import FakeGateway, Fault

ACCOUNT, LOGIN, SERVER, PASSWORD, SYMBOL = "alpha", 1001, "Simulator-1", "pw", "EURUSD"
BID, ASK = Decimal("1.10000"), Decimal("1.10010")
EVENTUALLY_S_MAX = 20.0
LAG_S, SETTLE_S, UNANSWERED_S = 0.3, 0.5, 1.5  # short, so that a proof of absence takes a second
TOKEN = "contract-token"
SETTINGS = TerminalSettings(
    account=ACCOUNT,
    server=SERVER,
    login=LOGIN,
    mode=Mode.DEMO,
    visibility_lag_s=LAG_S,
    settle_s=SETTLE_S,
    unanswered_s=UNANSWERED_S,
    server_offset_s=7200,
)


class Rig(Protocol):
    """What a test may do around the gateway."""

    gateway: Gateway
    clock: Clock

    def lose_answer(self) -> None: ...

    def lose_order(self) -> None: ...

    def reject(self) -> None: ...

    def requote(self) -> None: ...

    def move_to(self, bid: Decimal, ask: Decimal) -> None: ...

    def wrong_mode(self) -> None: ...

    def foreign_position(self, magic: int, side: Side) -> None: ...

    def empty_history(self) -> None: ...

    def opened(self, magic: int) -> int: ...

    def wait(self) -> None: ...


def key_of(name: str) -> OrderKey:
    return order_key(SERVER, LOGIN, name, 0)


def permit(rig: Rig, key: OrderKey, attempt: int = 1, token: int = 1, valid_s: float = 5.0) -> Permit:
    now = rig.clock.now()
    return Permit(
        key=key.text,
        attempt=attempt,
        token=token,
        not_after=now + timedelta(seconds=valid_s),
        sent_at=now,
        journal_id=None,
    )


def market(rig: Rig, key: OrderKey) -> OpenOrder:
    return OpenOrder(
        symbol=SYMBOL,
        side=Side.BUY,
        entry=Entry.MARKET,
        volume=Decimal("0.10"),
        price=None,
        tolerance=None,
        stop_loss=Decimal("1.05"),
        take_profit=None,
        magic=key.magic,
        comment=key.comment,
        created_at=rig.clock.now(),
        expires_at=None,
    )


def limit(rig: Rig, key: OrderKey) -> OpenOrder:
    expires_at = (rig.clock.now() + timedelta(hours=1)).replace(microsecond=0)
    return replace(market(rig, key), entry=Entry.LIMIT, price=Decimal("1.09000"), expires_at=expires_at)


def resolve(rig: Rig, key: OrderKey, attempt: int = 1, token: int = 1) -> Outcome:
    since = rig.clock.now() - timedelta(minutes=1)
    return rig.gateway.resolve(ACCOUNT, key.text, key.magic, attempt, token, since)


def eventually(rig: Rig, ask: Callable[[], Outcome], wanted: Callable[[Outcome], bool]) -> Outcome:
    """Ask until the answer is the wanted one; a terminal that is being restarted is asked again."""
    deadline = time.monotonic() + EVENTUALLY_S_MAX
    seen: Outcome | GatewayError | None = None
    while time.monotonic() < deadline:
        try:
            seen = ask()
        except GatewayError as error:
            seen = error
        else:
            if wanted(seen):
                return seen
        rig.wait()
    raise AssertionError(f"never as wanted; the last answer was {seen}")


class FakeRig:
    """The gateway in memory, on a clock that stands still."""

    def __init__(self) -> None:
        self.clock: Clock = ManualClock()
        self._fake = FakeGateway(self.clock, visibility_lag_s=LAG_S)
        self._book = self._fake.add(ACCOUNT, login=LOGIN, server=SERVER)
        self.gateway: Gateway = self._fake
        self.move_to(BID, ASK)

    def lose_answer(self) -> None:
        self._fake.script(ACCOUNT, Fault.LOST_AFTER)

    def lose_order(self) -> None:
        self._fake.script(ACCOUNT, Fault.LOST_BEFORE)

    def reject(self) -> None:
        self._fake.script(ACCOUNT, Fault.REJECT)

    def requote(self) -> None:
        self._fake.script(ACCOUNT, Fault.REQUOTE)

    def move_to(self, bid: Decimal, ask: Decimal) -> None:
        self._fake.set_quote(ACCOUNT, SYMBOL, bid, ask)

    def wrong_mode(self) -> None:
        self._book.mode = Mode.REAL

    def foreign_position(self, magic: int, side: Side) -> None:
        order = replace(market(self, key_of("foreign")), magic=magic, side=side)
        self._book.fill(order, order.volume, BID)

    def empty_history(self) -> None:
        self._book.synchronised = False

    def opened(self, magic: int) -> int:
        return sum(1 for item in self._fake.executed if item.operation == "submit" and item.magic == magic)

    def wait(self) -> None:
        self.clock.sleep_s(LAG_S)


class SimulatorRig:
    """Levers of the simulator, shared by the module in process and the bridge."""

    def __init__(self, broker: BrokerProcess, gateway: Gateway) -> None:
        self.broker = broker
        self.gateway = gateway
        self.clock: Clock = SystemClock()
        self.control: BrokerControl = broker.control()

    def lose_answer(self) -> None:
        self.control.fault("answer_lost", login=LOGIN)

    def lose_order(self) -> None:
        self.control.fault("connection_lost", login=LOGIN)

    def reject(self) -> None:
        self.control.fault("reject", login=LOGIN, retcode=10006)

    def requote(self) -> None:
        self.control.fault("requote", login=LOGIN)

    def move_to(self, bid: Decimal, ask: Decimal) -> None:
        self.control.quote(SYMBOL, bid, ask)

    def wrong_mode(self) -> None:
        self.control.switch(LOGIN, {"mode": "real"})

    def foreign_position(self, magic: int, side: Side) -> None:
        send_directly(self.broker, magic, side)

    def empty_history(self) -> None:
        self.control.reset(LOGIN)

    def opened(self, magic: int) -> int:
        """Opens of this magic in the broker's own books; shares no code with the gateway."""
        truth = self.control.truth(LOGIN)
        deals = {row["order"] for row in truth["deals"] if row["magic"] == magic and row["entry"] == 0}
        orders = {row["ticket"] for row in truth["orders"] if row["magic"] == magic}
        ended = {row["ticket"] for row in truth["history"] if row["magic"] == magic}
        return len(deals | orders | ended)

    def wait(self) -> None:
        time.sleep(0.05)


@contextmanager
def module_rig(folder: Path) -> Iterator[SimulatorRig]:
    with start_broker(simulator(folder)) as broker:
        os.environ["MT5FLEET_SIMULATOR"] = broker.address
        module = import_module("MetaTrader5")
        clock = SystemClock()
        journal = SqliteJournal(
            journal_path(folder / "journal", SERVER, LOGIN),
            server=SERVER,
            login=LOGIN,
            clock=clock,
            new_id=lambda: secrets.token_hex(8),
        )
        link = Link(module, clock, path="", login=LOGIN, server=SERVER, password=PASSWORD, timeout_ms=5000)
        gateway = _Linked(ModuleGateway(module, SETTINGS, journal, clock), link)
        rig = SimulatorRig(broker, gateway)
        rig.move_to(BID, ASK)
        try:
            yield rig
        finally:
            rig.control.close()
            module.shutdown()
            journal.close()


class _Linked:
    """The module's gateway as the child runs it: reconnected before each call."""

    def __init__(self, gateway: ModuleGateway, link: Link) -> None:
        self._gateway = gateway
        self._link = link

    def __getattr__(self, name: str) -> object:
        self._link.ensure()
        return getattr(self._gateway, name)


class BridgeRig(SimulatorRig):
    """Host, child and broker, each in a process of its own."""

    def __init__(self, broker: BrokerProcess, gateway: BridgeGateway, folder: Path) -> None:
        super().__init__(broker, gateway)
        self.folder = folder

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + EVENTUALLY_S_MAX
        while time.monotonic() < deadline:
            try:
                if self.gateway.health(ACCOUNT).connected:
                    return
            except Unreachable:
                pass
            self.wait()
        raise AssertionError("the bridge did not come up")


@contextmanager
def bridge_rig(folder: Path) -> Iterator[BridgeRig]:
    with start_broker(simulator(folder)) as broker, running_bridge(folder, broker.address) as process:
        gateway = BridgeGateway(
            {"local": BridgeAddress(host="127.0.0.1", port=process.port, token=TOKEN)}, lambda _: "local"
        )
        rig = BridgeRig(broker, gateway, folder)
        rig.move_to(BID, ASK)
        try:
            rig.wait_until_up()
            yield rig
        finally:
            rig.control.close()
            gateway.disconnect()


class RunningBridge:
    """The host process, as `tests/contract/gateway/serve_bridge.py` starts it."""

    def __init__(self, folder: Path, simulator_address: str) -> None:
        self._port_file = folder / "bridge.port"
        self._port_file.unlink(missing_ok=True)
        script = Path(__file__).with_name("serve_bridge.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(folder), simulator_address, str(self._port_file)]
        )

    @property
    def port(self) -> int:
        deadline = time.monotonic() + EVENTUALLY_S_MAX
        while time.monotonic() < deadline:
            if self._port_file.exists():
                return int(self._port_file.read_text())
            time.sleep(0.02)
        raise AssertionError("the bridge does not listen")


@contextmanager
def running_bridge(folder: Path, simulator_address: str) -> Iterator[RunningBridge]:
    running = RunningBridge(folder, simulator_address)
    try:
        yield running
    finally:
        running.process.terminate()
        running.process.wait(30)


def simulator(folder: Path) -> SimulatorConfig:
    return parse_config(
        {
            "state_dir": str(folder / "broker"),
            "fsync": False,
            "default_prices": "none",
            "accounts": [{"login": LOGIN, "password": PASSWORD, "server": SERVER}],
            "prices": {SYMBOL: {"source": "fixed", "bid": str(BID), "ask": str(ASK)}},
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


def moment() -> datetime:
    return datetime.now(UTC)
