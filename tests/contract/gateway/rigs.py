"""Gateways behind one set of levers: module in process, and over the wire; the one in memory is beside."""

import os
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Protocol

import pytest

from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway
from mt5fleet.adapters.mt5.gateway import ModuleGateway
from mt5fleet.adapters.mt5.link import Link
from mt5fleet.adapters.mt5.settings import TerminalSettings
from mt5fleet.adapters.sqlite.journal import JournalFile, journal_path
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import GatewayError, Unreachable
from mt5fleet.domain.ids import OrderKey, order_key
from mt5fleet.domain.order import OpenOrder, Outcome, Permit
from mt5fleet.domain.signal import Entry, Side
from mt5fleet.people_file import save_people
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import Gateway
from mt5fleet.simulator.client import BrokerControl
from mt5fleet.simulator.process import BrokerProcess
from mt5fleet.testing.builders import make_open_order
from tests.contract.gateway.brokers import broker_for, send_directly
from tests.contract.gateway.people import PEOPLE
from tests.contract.gateway.running_bridge import RunningBridge, running_bridge
from tests.contract.gateway.terms import (
    ACCOUNT,
    ASK,
    BID,
    EVENTUALLY_S_MAX,
    LAG_S,
    LOGIN,
    PASSWORD,
    SERVER,
    SETTLE_S,
    SILENCE_S,
    SYMBOL,
    TOKEN,
    UNANSWERED_S,
    USUAL,
    Terms,
)

_NEED_NO_TERMINAL = ("health", "latch", "unlatch", "checkpoint", "memory", "floor", "bind")
SETTINGS = TerminalSettings(
    account=ACCOUNT,
    server=SERVER,
    login=LOGIN,
    mode=Mode.DEMO,
    visibility_lag_s=LAG_S,
    settle_s=SETTLE_S,
    unanswered_s=UNANSWERED_S,
    server_offset_s=7200,
    ledger_silence_s=SILENCE_S,
)


class Asked(Protocol):
    """A gateway and the clock that its permits are stamped by."""

    gateway: Gateway
    clock: Clock


class Rig(Asked, Protocol):
    """What a test may do around the gateway."""

    silence_s: float

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

    def rename_company(self, name: str) -> None: ...

    def restart(self) -> None: ...


def key_of(name: str) -> OrderKey:
    return order_key(SERVER, LOGIN, name, 0)


def permit(
    rig: Asked, key: OrderKey, attempt: int = 1, token: int = 1, valid_s: float = 5.0, *, heard: bool = True
) -> Permit:
    """A permit as an owner writes it; `heard`: the bridge has just heard of the ledger."""
    if heard:
        hear(rig)
    journal_id = rig.gateway.bind(ACCOUNT, None, 0).journal_id
    now = rig.clock.now()  # taken last: a permit that is half a second late is refused
    return Permit(
        key=key.text,
        attempt=attempt,
        token=token,
        not_after=now + timedelta(seconds=valid_s),
        sent_at=now,
        journal_id=journal_id,
    )


def hear(rig: Asked) -> None:
    """A word from the ledger, as the guards' sweep brings it."""
    rig.gateway.readings((ACCOUNT,), ledger_at=rig.clock.now())


def market(rig: Asked, key: OrderKey) -> OpenOrder:
    return make_open_order(symbol=SYMBOL, magic=key.magic, comment=key.comment, created_at=rig.clock.now())


def limit(rig: Asked, key: OrderKey) -> OpenOrder:
    expires_at = (rig.clock.now() + timedelta(hours=1)).replace(microsecond=0)
    return replace(market(rig, key), entry=Entry.LIMIT, price=Decimal("1.09000"), expires_at=expires_at)


def resolve(rig: Asked, key: OrderKey, attempt: int = 1, token: int = 1) -> Outcome:
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


class SimulatorRig(ABC):
    """Levers of the simulator, shared by the module in process and the bridge."""

    silence_s = SILENCE_S

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

    def rename_company(self, name: str) -> None:
        """Only a gateway in this process can be shown another company: the simulator names itself."""
        pytest.skip("the simulator never calls itself anything else")

    @abstractmethod
    def restart(self) -> None:
        """A new gateway of the same account, with the journal of the one before."""


class ModuleRig(SimulatorRig):
    """Module, gateway and journal in this process."""

    def __init__(self, broker: BrokerProcess, folder: Path, terms: Terms) -> None:
        self._folder = folder
        self._module = Renamed(import_module("MetaTrader5"))
        self._settings = replace(SETTINGS, shadow=terms.shadow, mode=terms.mode, allow_real=terms.allow_real)
        super().__init__(broker, self._made())

    def restart(self) -> None:
        self.close()
        self.gateway = self._made()

    def rename_company(self, name: str) -> None:
        self._module.company = name

    def close(self) -> None:
        self._module.shutdown()
        self._journals.close()

    def _made(self) -> Gateway:
        clock = SystemClock()
        self._journals = JournalFile(
            journal_path(self._folder / "journal"), clock, lambda: secrets.token_hex(8)
        )
        journal = self._journals.account(SERVER, LOGIN)
        link = Link(
            self._module, clock, path="", login=LOGIN, server=SERVER, password=PASSWORD, timeout_ms=5000
        )
        gateway = ModuleGateway(self._module, self._settings, journal, clock, lambda: PEOPLE)
        return _Linked(gateway, link)


@contextmanager
def module_rig(
    folder: Path, terms: Terms = USUAL, shared: BrokerProcess | None = None
) -> Iterator[ModuleRig]:
    with broker_for(folder, shared) as broker:
        os.environ["MT5FLEET_SIMULATOR"] = broker.address
        rig = ModuleRig(broker, folder, terms)
        rig.move_to(BID, ASK)
        try:
            yield rig
        finally:
            rig.control.close()
            rig.close()


class _Linked:
    """The module's gateway as the child runs it: reconnected before each call."""

    def __init__(self, gateway: ModuleGateway, link: Link) -> None:
        self._gateway = gateway
        self._link = link

    def __getattr__(self, name: str) -> object:
        if name not in _NEED_NO_TERMINAL and self._link.ensure():
            self._gateway.terminal.begin_anew()
        return getattr(self._gateway, name)


class Renamed:
    """The module with a terminal of another company."""

    def __init__(self, module: object) -> None:
        self._module = module
        self.company: str | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self._module, name)

    def terminal_info(self) -> object:
        row = self._module.terminal_info()
        if row is None or self.company is None:
            return row
        return SimpleNamespace(**{**row._asdict(), "company": self.company})


class BridgeRig(SimulatorRig):
    """Host, child and broker, each in a process of its own."""

    def __init__(self, broker: BrokerProcess, bridge: RunningBridge, folder: Path) -> None:
        super().__init__(broker, _gateway_of(bridge))
        self.folder = folder
        self._bridge = bridge

    def restart(self) -> None:
        """A new process of the bridge, with the journal of the one before."""
        self.disconnect()
        self._bridge.again()
        self.gateway = _gateway_of(self._bridge)
        self.wait_until_up()

    def disconnect(self) -> None:
        self.gateway.disconnect()

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
def bridge_rig(
    folder: Path, terms: Terms = USUAL, shared: BrokerProcess | None = None
) -> Iterator[BridgeRig]:
    save_people(folder / "people.toml", PEOPLE)
    with (
        broker_for(folder, shared) as broker,
        running_bridge(folder, broker.address, terms.flags()) as bridge,
    ):
        rig = BridgeRig(broker, bridge, folder)
        rig.move_to(BID, ASK)
        try:
            if terms.mode is Mode.DEMO or terms.allow_real:
                rig.wait_until_up()
            yield rig
        finally:
            rig.control.close()
            rig.disconnect()


def _gateway_of(bridge: RunningBridge) -> BridgeGateway:
    address = BridgeAddress(host="127.0.0.1", port=bridge.port, token=TOKEN)
    return BridgeGateway({"local": address}, lambda _: "local")


def moment() -> datetime:
    return datetime.now(UTC)
