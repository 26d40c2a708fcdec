"""The standard health service of gRPC: the bridge as a whole, and each account while its terminal is up.

Anybody may ask once (`Check`); whoever wants to be told of changes shows the token.
Source: gRPC, doc/health-checking.md.
"""

from collections.abc import Mapping
from typing import Any, Protocol, cast

import grpc
from grpc_health.v1.health import SERVICE_NAME, aio
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from mt5fleet.adapters.bridge.operations import SERVICE
from mt5fleet.bridge.access import Access, Context

WHOLE = ("", SERVICE)
_UP, _DOWN = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


class MayBeUp(Protocol):
    """A desk whose terminal is up or not."""

    @property
    def pid(self) -> int | None:
        """The terminal's process, None while there is none."""
        ...


class BridgeHealth:
    """What `grpc.health.v1.Health` says of this bridge."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._servicer = aio.HealthServicer()
        self._told: dict[str, int] = {}

    def handler(self) -> grpc.GenericRpcHandler:
        """What a gRPC server serves."""
        # The stubs know the blocking server's handlers only.
        check, watch = cast("Any", self._servicer.Check), cast("Any", self._watch)
        read, write = HealthCheckRequest.FromString, HealthCheckResponse.SerializeToString
        methods = {
            "Check": grpc.unary_unary_rpc_method_handler(check, read, write),
            "Watch": grpc.unary_stream_rpc_method_handler(watch, read, write),
        }
        return grpc.method_handlers_generic_handler(SERVICE_NAME, methods)

    async def tell(self, desks: Mapping[str, MayBeUp]) -> None:
        """The bridge serves, and these accounts as far as their terminals are up."""
        accounts = {
            f"account/{account}": _DOWN if desk.pid is None else _UP for account, desk in desks.items()
        }
        for service, status in {**dict.fromkeys(WHOLE, _UP), **accounts}.items():
            if self._told.get(service) != status:  # watchers are woken by changes only
                self._told[service] = status
                await self._servicer.set(service, status)

    async def stop(self) -> None:
        """Nothing serves any more, whatever is told later."""
        await self._servicer.enter_graceful_shutdown()

    async def _watch(self, request: HealthCheckRequest, context: Context) -> None:
        refusal = self._access.refusal(context)
        if refusal:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, refusal)
        await self._servicer.Watch(request, context)
