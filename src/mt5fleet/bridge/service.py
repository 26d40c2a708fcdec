"""A bridge's face on the wire: every operation of the table, admitted, limited, and carried to its desk.

A call that was admitted is carried to its end, whether or not its client waits for it: an order that was
abandoned half way is one that nobody can settle. Accounts never wait for each other.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, NoReturn, Protocol, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError, Message

from mt5fleet.adapters.bridge.operations import OPERATIONS, SERVICE, Operation, Place
from mt5fleet.adapters.bridge.problems import PROBLEM_KEY, problem_of
from mt5fleet.adapters.bridge.protocol import bridge_pb2 as wire
from mt5fleet.adapters.bridge.terms import ANSWER_BYTES_MAX
from mt5fleet.adapters.mt5.contact import LedgerContact
from mt5fleet.bridge.access import Access, Context
from mt5fleet.bridge.rates import Rates
from mt5fleet.bridge.settings import BridgeConfig
from mt5fleet.domain.errors import (
    FleetError,
    InvalidValue,
    StaleLatch,
    StaleToken,
    Unanswered,
    Unreachable,
)
from mt5fleet.ports.clock import Clock

ACCOUNTS_MAX = 1000  # in one call; no host has as many terminals
EVERY_S_MIN, EVERY_S_MAX = 0.05, 60.0  # between two readings of a stream; a terminal takes some ms each

_EVERY_ACCOUNT = ""  # whose rate limit counts calls for many accounts
T = TypeVar("T")
_One = TypeVar("_One", wire.HealthsAnswer.One, wire.ReadingsAnswer.One)

_log = logging.getLogger("mt5fleet.bridge")


class NotAdmitted(Unreachable):
    """The peer did not show what this bridge wants to see."""


class Limited(Unreachable):
    """The call broke a limit of the bridge and went no further."""


_CODES: tuple[tuple[type[FleetError], grpc.StatusCode], ...] = (
    (NotAdmitted, grpc.StatusCode.UNAUTHENTICATED),
    (Limited, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (Unreachable, grpc.StatusCode.UNAVAILABLE),
    (InvalidValue, grpc.StatusCode.INVALID_ARGUMENT),
    (StaleToken, grpc.StatusCode.FAILED_PRECONDITION),
    (StaleLatch, grpc.StatusCode.FAILED_PRECONDITION),
    (FleetError, grpc.StatusCode.UNKNOWN),
)


class AsksOne(Protocol):
    """What the wire needs of an account's desk."""

    async def ask(self, operation: Operation, request: Message, arrived_at: datetime) -> Message:
        """The answer to one call; raises GatewayError and InvalidValue."""
        ...


class BridgeService:
    """Answers the operations of `OPERATIONS` from the desks of this host."""

    def __init__(
        self, config: BridgeConfig, desks: Mapping[str, AsksOne], contact: LedgerContact, clock: Clock
    ) -> None:
        self._config = config
        self._desks = desks
        self._contact = contact
        self._clock = clock
        self._access = Access(config.name, config.token)
        self._rates = Rates(config.limits, clock)
        self._stopping = asyncio.Event()
        self._working: set[asyncio.Task[Message]] = set()
        self._streams = 0

    def handler(self) -> grpc.GenericRpcHandler:
        """What a gRPC server serves."""
        return grpc.method_handlers_generic_handler(
            SERVICE, {each.method: self._method(each) for each in OPERATIONS.values()}
        )

    def refuse_calls(self) -> None:
        """Take no call from now on, and end the streams."""
        self._stopping.set()

    async def finish(self) -> None:
        """Wait for the calls in hand, also for those whose client has left."""
        while self._working:
            await asyncio.wait(self._working)

    def _method(self, operation: Operation) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """Bytes in, bytes out: what cannot be read is refused in the bridge's own words."""

        async def unary(content: bytes, context: Context) -> bytes:
            arrived_at = self._clock.now()
            try:
                return await self._unary(operation, content, context, arrived_at)
            except FleetError as error:
                await _refuse(context, error)

        async def stream(content: bytes, context: Context) -> None:
            try:
                await self._stream(operation, content, context)
            except FleetError as error:
                await _refuse(context, error)

        # The stubs know the blocking server's handlers only.
        if operation.stream:
            return grpc.unary_stream_rpc_method_handler(cast("Any", stream))
        return grpc.unary_unary_rpc_method_handler(cast("Any", unary))

    async def _unary(
        self, operation: Operation, content: bytes, context: Context, arrived_at: datetime
    ) -> bytes:
        self._admit(context)
        request = _parsed(operation, content)
        account = _EVERY_ACCOUNT
        if operation.place is not Place.MANY:
            account = str(request.account)
            self._desk(account)
        self._limit(operation, context, account, is_owner=_carries_token(request))
        return _packed(await self._to_the_end(self._answer(operation, request, account, arrived_at)))

    async def _answer(
        self, operation: Operation, request: Message, account: str, arrived_at: datetime
    ) -> Message:
        if operation.place is not Place.MANY:
            return await self._desk(account).ask(operation, request, arrived_at)
        _, arguments = operation.unpack(request)
        if operation.name == "healths":
            return await self._healths(arrived_at)
        self._contact.see(cast("datetime | None", arguments["ledger_at"]))
        return await self._readings(_accounts(arguments), arrived_at)

    async def _healths(self, arrived_at: datetime) -> Message:
        health = OPERATIONS["health"]

        async def one(account: str) -> wire.HealthsAnswer.One:
            call = wire.AccountCall(account=account)
            answer = cast("wire.HealthAnswer", await self._desk(account).ask(health, call, arrived_at))
            return wire.HealthsAnswer.One(account=account, health=answer.health)

        return wire.HealthsAnswer(answers=await _each(tuple(self._desks), one, wire.HealthsAnswer.One))

    async def _readings(self, accounts: tuple[str, ...], arrived_at: datetime) -> Message:
        reading = OPERATIONS["reading"]

        async def one(account: str) -> wire.ReadingsAnswer.One:
            call = wire.TokenCall(account=account)
            answer = cast("wire.ReadingAnswer", await self._desk(account).ask(reading, call, arrived_at))
            return wire.ReadingsAnswer.One(account=account, reading=answer.reading)

        return wire.ReadingsAnswer(answers=await _each(accounts, one, wire.ReadingsAnswer.One))

    async def _stream(self, operation: Operation, content: bytes, context: Context) -> None:
        self._admit(context)
        _, arguments = operation.unpack(_parsed(operation, content))
        accounts, every_s = _accounts(arguments), cast("float", arguments["every_s"])
        if not EVERY_S_MIN <= every_s <= EVERY_S_MAX:
            raise InvalidValue("every_s", f"must be between {EVERY_S_MIN} and {EVERY_S_MAX} seconds")
        self._limit(operation, context, _EVERY_ACCOUNT)
        streams_max = self._config.limits.streams_max
        if self._streams >= streams_max:
            raise Limited(f"bridge {self._config.name}: {streams_max} streams are open (limits.streams_max)")
        self._streams += 1
        try:
            await self._tell_readings(accounts, every_s, context)
        finally:
            self._streams -= 1

    async def _tell_readings(self, accounts: tuple[str, ...], every_s: float, context: Context) -> None:
        while True:
            began_s = self._clock.monotonic_s()
            answer = await self._to_the_end(self._readings(accounts, self._clock.now()))
            await context.write(_packed(answer))
            with contextlib.suppress(TimeoutError):
                left_s = every_s - (self._clock.monotonic_s() - began_s)
                await asyncio.wait_for(self._stopping.wait(), max(left_s, 0))
            self._refuse_when_stopping()

    def _admit(self, context: Context) -> None:
        refusal = self._access.refusal(context)
        if refusal:
            raise NotAdmitted(refusal)
        self._refuse_when_stopping()

    def _refuse_when_stopping(self) -> None:
        if self._stopping.is_set():
            raise Unreachable(f"bridge {self._config.name} is stopping")

    def _limit(self, operation: Operation, context: Context, account: str, *, is_owner: bool = False) -> None:
        peer = _host_of(context.peer())
        refusal = self._rates.refusal(operation.name, peer, account, is_owner=is_owner)
        if refusal:
            raise Limited(f"{account or self._config.name}: {refusal}")

    def _desk(self, account: str) -> AsksOne:
        desk = self._desks.get(account)
        if desk is None:
            raise Unreachable(f"bridge {self._config.name} has no account {account}")
        return desk

    async def _to_the_end(self, work: Coroutine[object, object, Message]) -> Message:
        """Do the work even when the client stops waiting for it."""
        task = asyncio.create_task(_bounded(work))
        self._working.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: asyncio.Task[Message]) -> None:
        self._working.discard(task)
        if not task.cancelled():
            task.exception()  # looked at: nobody may be waiting for it any more


async def _bounded(work: Coroutine[object, object, Message]) -> Message:
    try:
        return await work
    except FleetError:
        raise
    except Exception:  # noqa: BLE001  # the process boundary: an unknown fault must answer "not known"
        _log.exception("a call failed")
        raise Unanswered("the bridge failed while it carried out the call; see its log") from None


async def _each(
    accounts: tuple[str, ...], ask: Callable[[str], Awaitable[_One]], kind: type[_One]
) -> list[_One]:
    """Ask many accounts at the same time; one that fails is a sentence in place of its answer."""

    async def one(account: str) -> _One:
        try:
            return await ask(account)
        except FleetError as error:
            return kind(account=account, why_not=str(error))

    return await asyncio.gather(*map(one, accounts))


async def _refuse(context: Context, error: FleetError) -> NoReturn:
    problem = problem_of(error)
    code = next(code for kind, code in _CODES if isinstance(error, kind))
    await context.abort(code, problem.text, ((PROBLEM_KEY, problem.SerializeToString()),))


def _parsed(operation: Operation, content: bytes) -> Any:  # noqa: ANN401  # one of the call messages
    try:
        return operation.call.FromString(content)
    except DecodeError:
        raise InvalidValue(operation.name, "is no message of this protocol") from None


def _carries_token(request: Message) -> bool:
    """Whether it is a call of the account's owner, as far as the bridge can see before the call's turn."""
    fields = request.DESCRIPTOR.fields_by_name
    if "token" not in fields:
        return "permit" in fields
    return not fields["token"].has_presence or request.HasField("token")


def _packed(answer: Message) -> bytes:
    packed = answer.SerializeToString()
    if len(packed) > ANSWER_BYTES_MAX:
        raise Unanswered(
            f"the answer has {len(packed)} bytes, at most {ANSWER_BYTES_MAX} are carried: ask for less"
        )
    return packed


def _accounts(arguments: Mapping[str, object]) -> tuple[str, ...]:
    accounts = tuple(dict.fromkeys(cast("tuple[str, ...]", arguments["accounts"])))
    if len(accounts) > ACCOUNTS_MAX:
        raise InvalidValue("accounts", f"names {len(accounts)} accounts, at most {ACCOUNTS_MAX} are allowed")
    return accounts


def _host_of(peer: str) -> str:
    """The machine of a peer such as `ipv4:127.0.0.1:40000`; each connection has a port of its own."""
    return peer.rpartition(":")[0]
