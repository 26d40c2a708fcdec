"""A bridge's server over desks in memory, on a loop of its own thread; no terminal, no process."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway, Deadlines, TlsClient
from mt5fleet.adapters.bridge.operations import Operation
from mt5fleet.adapters.mt5.contact import LedgerContact
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.bridge.server import BridgeServer
from mt5fleet.bridge.settings import BridgeConfig, BridgeLimits, TlsServer
from mt5fleet.domain.broker import Health, Mode, Reading
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome, Permit

T = TypeVar("T")
NOW = datetime(2026, 7, 1, 12, 0, 0, 123456, tzinfo=UTC)
TOKEN = "the-token-of-this-test"
WAIT_S_MAX = 20.0
PERMIT = Permit(key="0" * 64, attempt=1, token=2, not_after=NOW, sent_at=NOW, journal_id="j")
FILLED = Outcome(state=OrderState.FILLED, sentence="filled", volume=Decimal("0.10"))
HEALTH = Health(
    connected=True,
    trade_allowed=True,
    why_not=(),
    login=1,
    server="Simulator-1",
    company=None,
    mode=Mode.DEMO,
    build=1,
    server_offset_s=7200,
    journal_id="j",
    newest_token=1,
    bridge_at=NOW,
    version="0",
)


def reading(account: str) -> Reading:
    zero = Decimal(0)
    return Reading(
        account=account,
        at=NOW,
        source="test",
        currency="USD",
        balance=Decimal("1000.10"),
        equity=Decimal("1000.10"),
        credit=zero,
        margin=zero,
        margin_free=zero,
        profit=zero,
        leverage=100,
        positions=0,
        orders=0,
    )


@dataclass
class FakeDesk:
    """Answers what it is told to; `script` sets an answer, an error, or something to wait for first."""

    account: str
    pid: int | None = 1
    began: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    arrivals: list[datetime] = field(default_factory=list)
    script: dict[str, Any] = field(default_factory=dict)

    async def ask(self, operation: Operation, request: Message, arrived_at: datetime) -> Message:
        account, arguments = operation.unpack(request)
        assert account == self.account
        self.began.append((operation.name, arguments))
        self.arrivals.append(arrived_at)
        answer = self.script.get(operation.name, self._usual(operation.name))
        if isinstance(answer, threading.Event):
            await asyncio.to_thread(answer.wait, WAIT_S_MAX)
            answer = self._usual(operation.name)
        self.ended.append(operation.name)
        if isinstance(answer, Exception):
            raise answer
        return operation.pack_answer(answer)

    def _usual(self, name: str) -> object:
        usual = {"health": HEALTH, "reading": reading(self.account), "positions": (), "deals": ()}
        orders = dict.fromkeys(("submit", "close", "modify", "cancel", "resolve"), FILLED)
        return {**usual, **orders}.get(name)


class Served:
    """The server, its desks, and gateways to it."""

    def __init__(self, config: BridgeConfig, desks: dict[str, FakeDesk]) -> None:
        self.desks = desks
        self.contact = LedgerContact(SystemClock())
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.server = BridgeServer(config, desks, self.contact, SystemClock())
        self.gateways: list[BridgeGateway] = []
        try:
            self.run(self.server.start())
        except BaseException:
            self.close()
            raise

    @property
    def port(self) -> int:
        return self.server.port

    def begin(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.begin(work).result(WAIT_S_MAX)

    def gateway(
        self, token: str | None = TOKEN, tls: TlsClient | None = None, deadlines: Deadlines | None = None
    ) -> BridgeGateway:
        address = BridgeAddress(host="127.0.0.1", port=self.port, token=token, tls=tls)
        self.gateways.append(BridgeGateway({"local": address}, lambda _: "local", deadlines))
        return self.gateways[-1]

    def close(self) -> None:
        for gateway in self.gateways:
            gateway.disconnect()
        self.run(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S_MAX)
        self._loop.close()


@contextmanager
def served(
    folder: Path,
    *accounts: str,
    token: str | None = TOKEN,
    tls: TlsServer | None = None,
    limits: BridgeLimits | None = None,
    port: int = 0,
) -> Iterator[Served]:
    config = BridgeConfig(
        name="local",
        host="127.0.0.1",
        port=port,
        token=token,
        tls=tls,
        accounts=(),
        environment={},
        people_file=folder / "people.toml",
        journal_dir=folder,
        limits=BridgeLimits(stop_s=2.0) if limits is None else limits,
    )
    made = Served(config, {account: FakeDesk(account) for account in accounts or ("alpha",)})
    try:
        yield made
    finally:
        made.close()


def raw_call(
    port: int, path: str, content: bytes, token: str | None = TOKEN, timeout_s: float = 5.0
) -> bytes:
    """One call of a peer that speaks gRPC for itself; raises grpc.RpcError."""
    metadata = () if token is None else (("authorization", f"Bearer {token}"),)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        answer = channel.unary_unary(path)(content, timeout=timeout_s, metadata=metadata)
        assert isinstance(answer, bytes)
        return answer


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that must come true."""
    done = threading.Event()
    for _ in range(int(WAIT_S_MAX / 0.01)):
        if condition():
            return
        done.wait(0.01)
    raise AssertionError("it never came true")
