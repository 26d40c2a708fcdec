"""The bridge: one parent per host, loopback only, a child process per account.

A call is admitted with the bearer token, must be on the fixed list, and is stamped with its arrival, by which
the child judges the clocks. Accounts never wait for each other.
"""

import asyncio
import contextlib
import hmac
import logging
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable

from mt5fleet.adapters.bridge.frames import BadFrame, Ended, Json, Message, packed, read_frame_async
from mt5fleet.adapters.bridge.operations import HEALTHS, READINGS, operation_of, pack_error
from mt5fleet.bridge.settings import BridgeConfig
from mt5fleet.bridge.supervision import Child
from mt5fleet.domain.errors import FleetError, InvalidValue, Unreachable
from mt5fleet.ports.clock import Clock

HELLO_S_MAX = 5.0  # for a peer to show its token
HELLO_BYTES_MAX = 4096  # nobody without a token makes us read more
PROTOCOL = 1
_ORDER_TIME = ("submit", "close", "modify", "cancel", "resolve", "latch")

_log = logging.getLogger("mt5fleet.bridge")


class BridgeHost:
    """Serves the accounts of one host until it is stopped."""

    def __init__(self, config: BridgeConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._peers: dict[StreamWriter, asyncio.Task[None] | None] = {}
        self._server: asyncio.Server | None = None
        self.children = {
            account.account: Child(account, config.limits, config.environment, clock)
            for account in config.accounts
        }

    @property
    def port(self) -> int:
        """Where it listens; the configured port may be 0."""
        if self._server is None:
            raise InvalidValue("bridge", "does not listen yet")
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen, and start every child; raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._accept, self._config.host, self._config.port)
        for child in self.children.values():
            child.start()

    async def stop(self) -> None:
        """Take no more calls, let those in hand end, and end the children."""
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*(child.stop() for child in self.children.values()))
        conversations = [task for task in self._peers.values() if task is not None]
        for peer in self._peers:
            peer.close()
        await asyncio.gather(*conversations, return_exceptions=True)

    async def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        if len(self._peers) >= self._config.limits.connections_max:
            _log.warning("%s peers are connected: no more are admitted", len(self._peers))
            writer.close()
            return
        self._peers[writer] = asyncio.current_task()
        try:
            await self._converse(reader, writer)
        except (Ended, TimeoutError, ConnectionError):
            _log.debug("a peer left")
        except BadFrame as error:
            _log.warning("a peer is cut off: %s", error)
        finally:
            del self._peers[writer]
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        hello = await asyncio.wait_for(read_frame_async(reader, HELLO_BYTES_MAX), HELLO_S_MAX)
        refusal = self._refusal(hello)
        writer.write(packed({"error": {"kind": "Unreachable", "text": refusal}} if refusal else {"ok": None}))
        await writer.drain()
        while not refusal:
            request = await read_frame_async(reader, self._config.limits.request_bytes_max)
            writer.write(packed(await self._answer(request)))
            await writer.drain()

    def _refusal(self, hello: Message) -> str:
        """Why this peer is not admitted; empty when it is."""
        if hello.get("protocol") != PROTOCOL:
            return f"bridge {self._config.name} speaks protocol {PROTOCOL}: update the older side"
        token = str(hello.get("token")).encode()
        if not hmac.compare_digest(token, self._config.token.encode()):
            return f"bridge {self._config.name} refuses the token: both sides must be told the same one"
        return ""

    async def _answer(self, request: Message) -> Message:
        arrived_at = self._clock.now().isoformat()
        try:
            name = request.get("operation")
            if name == READINGS.name:
                return await self._readings(request)
            if name == HEALTHS.name:
                return await self._of_each(tuple(self.children), "health", {})
            operation = operation_of(name)
            return await self._ask(
                request.get("account"),
                {**_call(operation.name, request.get("arguments")), "arrived_at": arrived_at},
            )
        except FleetError as error:
            return {"error": pack_error(error)}

    async def _readings(self, request: Message) -> Message:
        accounts = READINGS.unpack(request.get("arguments"))["accounts"]
        if not isinstance(accounts, tuple):
            raise InvalidValue("readings.accounts", "must be a list of account names")
        return await self._of_each(accounts, "reading", {"token": None})

    async def _of_each(self, accounts: tuple[str, ...], operation: str, arguments: Message) -> Message:
        """Ask many accounts at the same time; one that fails is a sentence in place of its answer."""
        answers = await asyncio.gather(
            *(self._one(account, _call(operation, arguments)) for account in accounts)
        )
        return {"ok": dict(zip(accounts, answers, strict=True))}

    async def _one(self, account: str, call: Message) -> Json:
        try:
            answer = await self._ask(account, call)
        except FleetError as error:
            return str(error)
        failed = answer.get("error")
        return str(failed.get("text")) if isinstance(failed, dict) else answer.get("ok")

    async def _ask(self, account: Json, call: Message) -> Message:
        child = self.children.get(account) if isinstance(account, str) else None
        if child is None:
            raise Unreachable(f"bridge {self._config.name} has no account {account}")
        limits = self._config.limits
        deadline_s = limits.order_s if call["operation"] in _ORDER_TIME else limits.read_s
        return await child.ask(call, deadline_s)


def _call(operation: str, arguments: Json) -> Message:
    return {"operation": operation, "arguments": arguments}


async def serve(
    config: BridgeConfig, clock: Clock, stop: asyncio.Event, ready: Callable[[int], None]
) -> None:
    """Run a bridge until `stop` is set; `ready` gets the port once it listens."""
    host = BridgeHost(config, clock)
    await host.start()
    try:
        ready(host.port)
        await stop.wait()
    finally:
        await host.stop()
