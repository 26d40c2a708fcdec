"""One bridge's gRPC channel: opened at the first call of a process, and told apart when it is lost.

A call is handed to gRPC only where the bridge was heard a moment ago; before that nothing has left
(Unreachable). Once handed over and not refused by the bridge itself, it may have been carried out
(Unanswered).
"""

import os
import threading
from collections.abc import Callable, Generator, Iterator
from math import inf
from typing import cast

import grpc
from google.protobuf.message import DecodeError, Message

from mt5fleet.adapters.bridge.forks import GATE
from mt5fleet.adapters.bridge.operations import OPERATIONS, Operation
from mt5fleet.adapters.bridge.problems import PROBLEM_KEY, error_of
from mt5fleet.adapters.bridge.protocol.bridge_pb2 import Problem
from mt5fleet.adapters.bridge.terms import ANSWER_BYTES_MAX, REQUEST_BYTES_MAX, BridgeAddress, TlsClient
from mt5fleet.domain.errors import GatewayError, InvalidValue, Unanswered, Unreachable, ValueRefused
from mt5fleet.ports.clock import Clock

HEARD_S_MAX = 0.2  # a bridge that was silent for longer is asked whether it is there before it gets a call
DETAIL_CHARS_MAX = 200  # of gRPC's own words in a sentence for people

# Core library, include/grpc/impl/channel_arg_names.h, says what each of them does.
OPTIONS: tuple[tuple[str, int], ...] = (
    ("grpc.enable_retries", 0),  # an order is sent once; who asks again knows it
    ("grpc.service_config_disable_resolution", 1),  # nor may a name server switch retries on
    ("grpc.enable_http_proxy", 0),  # the token is for the bridge only
    ("grpc.use_local_subchannel_pool", 1),  # two gateways of one process share nothing
    ("grpc.max_send_message_length", REQUEST_BYTES_MAX),
    ("grpc.max_receive_message_length", ANSWER_BYTES_MAX),
    ("grpc.initial_reconnect_backoff_ms", 100),  # a bridge that restarts is found again within ...
    ("grpc.max_reconnect_backoff_ms", 500),  # ... this; until then it is Unreachable at once
    ("grpc.min_reconnect_backoff_ms", 2000),  # how long one attempt to connect may take
    ("grpc.keepalive_time_ms", 10_000),  # a host that lost its power closes no connection: ask it
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
)
_HEALTH_CHECK = "/grpc.health.v1.Health/Check"
_WHOLE_BRIDGE = b""  # HealthCheckRequest without a service
_REFUSED = {
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.UNIMPLEMENTED,
}
_Unary = Callable[..., bytes]
_Stream = Callable[..., Iterator[bytes]]


class BridgeChannel:
    """Calls to one bridge; thread-safe."""

    def __init__(self, name: str, address: BridgeAddress, connect_s: float, clock: Clock) -> None:
        self._name = name
        self._address = address
        self._connect_s = connect_s
        self._clock = clock
        self._guard = threading.Lock()
        self._opened: _Opened | None = None
        self._look_at = "is it running?" if address.tls is None else "is it running, do certificates fit?"
        token = address.token
        self._metadata = () if token is None else (("authorization", f"Bearer {token}"),)

    def call(self, operation: Operation, request: Message, deadline_s: float) -> object:
        """One call, one answer; raises what the bridge says, Unreachable, Unanswered or ValueRefused."""
        packed = self._packed(request)
        with GATE.call():
            opened = self._reached()
            try:
                answer = opened.unary(operation)(packed, timeout=deadline_s, metadata=self._metadata)
            except grpc.RpcError as error:
                raise self._meaning(opened, error) from None
            except ValueError:
                raise self._closed() from None
            opened.heard_s = self._clock.monotonic_s()
        return self._unpacked(operation, answer)

    def stream(self, operation: Operation, request: Message) -> Generator[object]:
        """Answers until the caller stops, which ends the call."""
        packed = self._packed(request)
        with GATE.call():
            opened = self._reached()
            try:
                answers = opened.stream(operation)(packed, metadata=self._metadata)
            except ValueError:
                raise self._closed() from None
        try:
            for answer in answers:
                yield self._unpacked(operation, answer)
        except grpc.RpcError as error:
            raise self._meaning(opened, error) from None
        finally:
            cast("grpc.Future[bytes]", answers).cancel()
        raise Unanswered(f"bridge {self._name} ended the stream")

    def close(self) -> None:
        """Close what this process opened; the next call opens anew."""
        with self._guard:
            opened, self._opened = self._opened, None
        if opened is not None and opened.pid == os.getpid():
            opened.close()

    def _packed(self, request: Message) -> bytes:
        packed = request.SerializeToString()
        if len(packed) > REQUEST_BYTES_MAX:
            raise ValueRefused(
                "request", f"has {len(packed)} bytes, at most {REQUEST_BYTES_MAX} are carried to a bridge"
            )
        return packed

    def _unpacked(self, operation: Operation, answer: bytes) -> object:
        try:
            return operation.unpack_answer(operation.answer.FromString(answer))
        except (DecodeError, InvalidValue) as error:
            # The call was carried out; an answer that cannot be read says as little as none.
            raise Unanswered(
                f"bridge {self._name}: its answer cannot be read ({error}): update the older side"
            ) from None

    def _reached(self) -> "_Opened":
        """The channel, when the bridge was heard on it a moment ago or is now; raises Unreachable."""
        opened = self._open()
        if self._clock.monotonic_s() - opened.heard_s > HEARD_S_MAX:
            try:
                opened.check(_WHOLE_BRIDGE, timeout=self._connect_s)
            except grpc.RpcError as error:
                place = f"bridge {self._name} at {self._address.place}"
                raise Unreachable(f"{place} does not answer ({_detail(error)}): {self._look_at}") from None
            except ValueError:
                raise self._closed() from None
            opened.heard_s = self._clock.monotonic_s()
        return opened

    def _open(self) -> "_Opened":
        with self._guard:
            if self._opened is None or self._opened.pid != os.getpid():
                # Forked: the other channel is the parent's, which goes on using it.
                GATE.watch()
                self._opened = _Opened(self._address)
            return self._opened

    def _meaning(self, opened: "_Opened", error: grpc.RpcError) -> GatewayError:
        """What a call that failed says; the bridge's own word first."""
        problem = _problem(error)
        if problem is not None:
            return error_of(problem)
        opened.heard_s = -inf  # whatever it was: look whether the bridge is there before the next call
        code = _status(error)
        if code in _REFUSED:
            return Unreachable(f"bridge {self._name} refuses the call ({_detail(error)})")
        return Unanswered(f"bridge {self._name} gave no answer ({_detail(error)})")

    def _closed(self) -> Unreachable:
        return Unreachable(f"bridge {self._name}: its channel was closed before the call left")


class _Opened:
    """A channel of this process."""

    def __init__(self, address: BridgeAddress) -> None:
        self.pid = os.getpid()
        self.heard_s = -inf  # when the bridge was last heard of
        self._channel = _channel(address)
        self.check: _Unary = self._channel.unary_unary(_HEALTH_CHECK)
        self._calls: dict[str, object] = {
            name: (self._channel.unary_stream if each.stream else self._channel.unary_unary)(each.path)
            for name, each in OPERATIONS.items()
        }

    def unary(self, operation: Operation) -> _Unary:
        return cast("_Unary", self._calls[operation.name])

    def stream(self, operation: Operation) -> _Stream:
        return cast("_Stream", self._calls[operation.name])

    def close(self) -> None:
        self._channel.close()


def _channel(address: BridgeAddress) -> grpc.Channel:
    if address.tls is None:
        return grpc.insecure_channel(address.place, options=OPTIONS)
    options: list[tuple[str, int | str]] = [*OPTIONS]
    if address.tls.server_name is not None:
        options.append(("grpc.ssl_target_name_override", address.tls.server_name))
    return grpc.secure_channel(address.place, _credentials(address.tls), options=options)


def _credentials(tls: TlsClient) -> grpc.ChannelCredentials:
    """Read at each opening, so that renewed files count after a `disconnect`."""
    try:
        return grpc.ssl_channel_credentials(
            root_certificates=tls.ca_file.read_bytes(),
            private_key=None if tls.key_file is None else tls.key_file.read_bytes(),
            certificate_chain=None if tls.cert_file is None else tls.cert_file.read_bytes(),
        )
    except OSError as error:
        raise Unreachable(f"tls: {error.filename} cannot be read: {error.strerror}") from None


def _problem(error: grpc.RpcError) -> Problem | None:
    for key, content in cast("grpc.Call", error).trailing_metadata() or ():
        if key == PROBLEM_KEY:
            try:
                return Problem.FromString(content if isinstance(content, bytes) else content.encode())
            except DecodeError:
                return Problem()  # a refusal that cannot be read
    return None


def _status(error: grpc.RpcError) -> grpc.StatusCode:
    return cast("grpc.Call", error).code()


def _detail(error: grpc.RpcError) -> str:
    details = cast("grpc.Call", error).details() or ""
    return f"{_status(error).name}: {details[:DETAIL_CHARS_MAX]}"
