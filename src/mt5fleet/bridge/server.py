"""The gRPC server of a bridge: what it serves, within which limits, and how it ends."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Protocol

import grpc

from mt5fleet.adapters.bridge.terms import ANSWER_BYTES_MAX
from mt5fleet.adapters.mt5.contact import LedgerContact
from mt5fleet.bridge.access import Access, listen
from mt5fleet.bridge.health import BridgeHealth, MayBeUp
from mt5fleet.bridge.service import AsksOne, BridgeService
from mt5fleet.bridge.settings import BridgeConfig, BridgeLimits
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.ports.clock import Clock

STREAMS_PER_CONNECTION_MAX = 256  # calls of one worker at the same time; more than its threads
METADATA_BYTES_MAX = 8 * 1024  # a token is below one hundred
HANDSHAKE_MS_MAX = 5_000  # for a peer to speak TLS and HTTP/2
PING_MS_MIN = 5_000  # a worker pings every ten seconds; who pings more often is sent away
HEALTH_EVERY_S = 1.0  # how late the health service may be
LAST_ANSWERS_S = 2.0  # for answers on their way out; the calls themselves have ended, or had their time

_log = logging.getLogger("mt5fleet.bridge")


class ServedDesk(AsksOne, MayBeUp, Protocol):
    """What the server needs of an account's desk."""


class BridgeServer:
    """Listens for a bridge until it is stopped."""

    def __init__(
        self, config: BridgeConfig, desks: Mapping[str, ServedDesk], contact: LedgerContact, clock: Clock
    ) -> None:
        self._config = config
        self._desks = desks
        self._service = BridgeService(config, desks, contact, clock)
        self._health = BridgeHealth(Access(config.name, config.token))
        self._server: grpc.aio.Server | None = None
        self._telling: asyncio.Task[None] | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """Where it listens; the configured port may be 0."""
        if self._server is None:
            raise InvalidValue("bridge", "does not listen yet")
        return self._port

    async def start(self) -> None:
        """Listen; raises OSError when the address is taken."""
        server = grpc.aio.server(options=_options(self._config.limits))
        server.add_generic_rpc_handlers((self._service.handler(), self._health.handler()))
        self._port = listen(server, self._config)
        await server.start()
        self._server = server
        await self._health.tell(self._desks)
        self._telling = asyncio.create_task(self._keep_telling(), name="bridge-health")

    async def stop(self) -> None:
        """Take no more calls and let those in hand end, also where nobody waits for their answer.

        The server goes on refusing calls meanwhile: one that comes while it ends itself may never be looked
        at, and would hold it up until everything that is left is cut off.
        """
        self._service.refuse_calls()
        await self._health.stop()
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._service.finish(), self._config.limits.stop_s)
        if self._server is not None:
            await self._server.stop(LAST_ANSWERS_S)

    async def _keep_telling(self) -> None:
        while True:
            await asyncio.sleep(HEALTH_EVERY_S)
            await self._health.tell(self._desks)


def _options(limits: BridgeLimits) -> list[tuple[str, int]]:
    """Core library, include/grpc/impl/channel_arg_names.h, says what each of them does."""
    return [
        ("grpc.so_reuseport", 0),  # two bridges on one port would share out the calls
        ("grpc.max_receive_message_length", limits.request_bytes_max),
        ("grpc.max_send_message_length", ANSWER_BYTES_MAX),
        ("grpc.max_metadata_size", METADATA_BYTES_MAX),
        ("grpc.absolute_max_metadata_size", 2 * METADATA_BYTES_MAX),
        ("grpc.max_concurrent_streams", STREAMS_PER_CONNECTION_MAX),
        ("grpc.max_allowed_incoming_connections", limits.connections_max),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS_MAX),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", PING_MS_MIN),
        ("grpc.keepalive_time_ms", 30_000),  # a peer that lost its power leaves a stream open: ask it
        ("grpc.keepalive_timeout_ms", 10_000),
    ]
