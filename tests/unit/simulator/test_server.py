"""What the server promises about its answers, with a disk that can be held still."""

import asyncio
import json
import threading
from typing import Any

from mt5fleet.simulator.broker import Broker
from mt5fleet.simulator.clock import WallClock
from mt5fleet.simulator.config import parse_config
from mt5fleet.simulator.host.journal import JournalError
from mt5fleet.simulator.host.server import BrokerServer
from mt5fleet.simulator.host.wire import encode

LIMIT_S = 20.0
TERMINALS = 5
RECORDS_OF_A_START = 2  # started, account opened with its deposit
CONFIG = parse_config(
    {
        "default_prices": "none",
        "accounts": [{"login": 1}],
        "prices": {"EURUSD": {"source": "fixed", "bid": "1.1", "ask": "1.2"}},
    }
)
ATTACH = {"op": "initialize"}
BUY = {
    "op": "order_send",
    "request": {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 1},
}


class _Disk:
    """A journal whose flush waits to be let through, or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        self.unsynced = 0
        self.syncs = 0
        self.reached = threading.Event()
        self.open = threading.Event()
        self.all_in = threading.Event()
        self._fails = fails

    def append(self, record: Any) -> None:
        self.unsynced += 1
        if self.unsynced == RECORDS_OF_A_START + TERMINALS:
            self.all_in.set()

    def sync(self) -> None:
        self.syncs += 1
        self.reached.set()
        assert self.open.wait(LIMIT_S)
        if self._fails:
            raise JournalError("journal: the disk is gone")


class _Terminal:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, request: dict[str, Any]) -> Any:
        self._writer.write(encode(request))
        length = int.from_bytes(await self._reader.readexactly(4), "big")
        return json.loads(await self._reader.readexactly(length))

    def close(self) -> None:
        self._writer.close()


async def _started(disk: _Disk) -> tuple[BrokerServer, "asyncio.Task[None]", list[_Terminal]]:
    server = BrokerServer(Broker(CONFIG, clock=WallClock(), journal=disk), disk)
    port = await server.start("127.0.0.1", 0)
    running = asyncio.create_task(server.run())
    terminals = [_Terminal(*await asyncio.open_connection("127.0.0.1", port)) for _ in range(TERMINALS)]
    return server, running, terminals


async def _attached(disk: _Disk) -> tuple[BrokerServer, "asyncio.Task[None]", list[_Terminal]]:
    """Start, log every terminal in with the disk open, then hold the disk still."""
    disk.open.set()
    server, running, terminals = await _started(disk)
    for terminal in terminals:
        assert await terminal.ask(ATTACH) == {"ok": True}
    disk.open.clear()
    disk.reached.clear()
    return server, running, terminals


def test_no_answer_leaves_before_the_journal_is_on_the_disk() -> None:
    async def scenario() -> None:
        disk = _Disk()
        server, running, terminals = await _attached(disk)

        sent = asyncio.create_task(terminals[0].ask(BUY))
        assert await asyncio.to_thread(disk.reached.wait, LIMIT_S)
        read = asyncio.create_task(terminals[1].ask({"op": "positions_total"}))
        early, _ = await asyncio.wait({sent, read}, timeout=0.3)
        assert early == set()  # not even a reader may learn what could still be lost

        disk.open.set()
        assert (await sent)["ok"][0] == 10009
        assert await read == {"ok": 1}
        await _ended(server, running, terminals)

    asyncio.run(asyncio.wait_for(scenario(), LIMIT_S))


def test_one_flush_serves_all_answers_that_wait() -> None:
    async def scenario() -> None:
        disk = _Disk()
        server, running, terminals = await _attached(disk)
        before = disk.syncs

        waiting = [asyncio.create_task(terminal.ask(BUY)) for terminal in terminals]
        assert await asyncio.to_thread(disk.reached.wait, LIMIT_S)
        assert await asyncio.to_thread(disk.all_in.wait, LIMIT_S)
        disk.open.set()

        assert {(await answer)["ok"][0] for answer in waiting} == {10009}
        assert disk.syncs - before <= 3
        await _ended(server, running, terminals)

    asyncio.run(asyncio.wait_for(scenario(), LIMIT_S))


def test_failed_disk_ends_the_broker_without_an_answer() -> None:
    async def scenario() -> str:
        disk = _Disk()
        _, running, terminals = await _attached(disk)
        disk._fails = True
        disk.open.set()

        sent = asyncio.create_task(terminals[0].ask(BUY))
        ended = await asyncio.gather(running, sent, return_exceptions=True)

        for terminal in terminals:
            terminal.close()
        assert isinstance(ended[1], asyncio.IncompleteReadError | ConnectionError)
        assert isinstance(ended[0], JournalError)
        return str(ended[0])

    assert asyncio.run(asyncio.wait_for(scenario(), LIMIT_S)) == "journal: the disk is gone"


async def _ended(server: BrokerServer, running: "asyncio.Task[None]", terminals: list[_Terminal]) -> None:
    for terminal in terminals:
        terminal.close()
    server.stop()
    await running
