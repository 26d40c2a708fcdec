"""The broker's process: many terminals and operators on one loopback port.

An answer leaves only when everything it may speak of is on the disk. The broker itself runs on the event
loop, one call at a time; only flushing happens beside it, and one flush serves every answer that waits.
"""

import asyncio

from mt5fleet.simulator.broker import Broker
from mt5fleet.simulator.host.conversation import Conversation, Room
from mt5fleet.simulator.host.disk import Disk
from mt5fleet.simulator.host.journal import Journal, JournalError

TICK_INTERVAL_S = 0.02
"""How often quotes move when no call asks for them."""

BACKLOG = 1024
"""Connections that may wait to be accepted: a fleet that reconnects at once."""


class BrokerServer:
    """Serves one broker until `stop`; quotes tick on with no client at all."""

    def __init__(self, broker: Broker, journal: Journal) -> None:
        self._broker = broker
        self._failure: JournalError | None = None
        self._server: asyncio.Server | None = None
        self._room = Room(broker=broker, disk=Disk(journal, self._fail), fail=self._fail)

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port, which is a free one when 0 was asked for."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Conversation(self._room), host, port, backlog=BACKLOG)
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        self._room.stopping.set()

    async def run(self) -> None:
        """Tick until stopped, then close every connection.

        Raises:
            JournalError: The journal cannot be written; nothing more was answered.
        """
        try:
            while not self._room.stopping.is_set():
                self._broker.advance()
                await self._room.disk.settle()
                await self._pause(TICK_INTERVAL_S)
        finally:
            await self._close()
        if self._failure is not None:
            raise self._failure

    async def _pause(self, duration_s: float) -> None:
        try:
            await asyncio.wait_for(self._room.stopping.wait(), duration_s)
        except TimeoutError:
            return

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for talk in list(self._room.talks):
            talk.hang_up()
        for task in list(self._room.tasks):
            task.cancel()
        await asyncio.gather(*self._room.tasks, return_exceptions=True)
        if self._failure is None:
            await self._room.disk.settle()

    def _fail(self, error: JournalError) -> None:
        """End the broker: what it cannot write down it may not answer."""
        self._failure = error
        self.stop()
