"""The gateway port over the wire, for worker processes: thread-safe, pooled, reconnecting.

What an error means: Unreachable, the call provably reached no terminal; Unanswered, it may have. A forked
process opens connections of its own.
"""

import os
import select
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, TypeVar, cast

from mt5fleet.adapters.bridge.frames import BadFrame, Ended, Message, packed, read_frame
from mt5fleet.adapters.bridge.operations import HEALTHS, OPERATIONS, READINGS, Operation, unpack_error
from mt5fleet.domain.broker import Deal, Health, Instrument, Position, Quote, Reading, RestingOrder
from mt5fleet.domain.errors import GatewayError, InvalidValue, Unanswered, Unreachable
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, OpenOrder, Outcome, Permit

IDLE_CONNECTIONS_MAX = 32  # kept open per bridge: a worker's threads
PROTOCOL = 1
_ORDER_TIME = ("submit", "close", "modify", "cancel", "resolve", "latch")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeAddress:
    """Where a bridge listens, and the token it wants."""

    host: str
    port: int
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long a caller waits; above the bridge's own deadlines, so that the bridge decides first."""

    connect_s: float = 2.0
    read_s: float = 11.0  # 5 s in line, 5 s in the terminal
    order_s: float = 16.0  # 5 s in line, 10 s in the terminal


class BridgeGateway:
    """Gateway port. `bridge_of` gives the name of an account's bridge; unknown ones are Unreachable."""

    def __init__(
        self,
        bridges: Mapping[str, BridgeAddress],
        bridge_of: Callable[[str], str | None],
        deadlines: Deadlines | None = None,
    ) -> None:
        self._bridge_of = bridge_of
        self._deadlines = Deadlines() if deadlines is None else deadlines
        self._pools = {
            name: _Pool(name, address, self._deadlines.connect_s) for name, address in bridges.items()
        }

    def disconnect(self) -> None:
        """Close the idle connections; the next call opens new ones."""
        for pool in self._pools.values():
            pool.close()

    def health(self, account: str) -> Health:
        return self._call(Health, account, "health", {})

    def healths(self, bridge: str) -> dict[str, Health | str]:
        """Health of every account of one bridge; a failed one is a sentence that says why."""
        answer = self._exchange(bridge, HEALTHS, {"operation": HEALTHS.name, "arguments": {}})
        return cast("dict[str, Health | str]", answer)

    def reading(self, account: str, token: int | None = None) -> Reading:
        return self._call(Reading, account, "reading", {"token": token})

    def readings(self, accounts: tuple[str, ...]) -> dict[str, Reading | str]:
        found: dict[str, Reading | str] = {}
        for bridge in dict.fromkeys(self._bridge_of(account) for account in accounts):
            mine = tuple(account for account in accounts if self._bridge_of(account) == bridge)
            found.update(self._readings(bridge, mine))
        return found

    def instrument(self, account: str, symbol: str) -> Instrument | None:
        answer = self._ask(account, "instrument", {"symbol": symbol})
        return None if answer is None else _of_type(Instrument, answer)

    def quote(self, account: str, symbol: str) -> Quote | None:
        answer = self._ask(account, "quote", {"symbol": symbol})
        return None if answer is None else _of_type(Quote, answer)

    def positions(self, account: str, token: int | None = None) -> tuple[Position, ...]:
        return cast("tuple[Position, ...]", self._ask(account, "positions", {"token": token}))

    def orders(self, account: str, token: int | None = None) -> tuple[RestingOrder, ...]:
        return cast("tuple[RestingOrder, ...]", self._ask(account, "orders", {"token": token}))

    def deals(self, account: str, since: datetime, until: datetime) -> tuple[Deal, ...]:
        return cast("tuple[Deal, ...]", self._ask(account, "deals", {"since": since, "until": until}))

    def submit(self, account: str, order: OpenOrder, permit: Permit) -> Outcome:
        return self._call(Outcome, account, "submit", {"order": order, "permit": permit})

    def close(self, account: str, order: CloseOrder, permit: Permit) -> Outcome:
        return self._call(Outcome, account, "close", {"order": order, "permit": permit})

    def modify(self, account: str, order: ModifyOrder, permit: Permit) -> Outcome:
        return self._call(Outcome, account, "modify", {"order": order, "permit": permit})

    def cancel(self, account: str, order: CancelOrder, permit: Permit) -> Outcome:
        return self._call(Outcome, account, "cancel", {"order": order, "permit": permit})

    def resolve(
        self, account: str, key: str, magic: int, attempt: int, token: int, since: datetime
    ) -> Outcome:
        question = {"key": key, "magic": magic, "attempt": attempt, "token": token, "since": since}
        return self._call(Outcome, account, "resolve", question)

    def latch(self, account: str, sequence: int, reason: str) -> None:
        self._ask(account, "latch", {"sequence": sequence, "reason": reason})

    def _readings(self, bridge: str | None, accounts: tuple[str, ...]) -> dict[str, Reading | str]:
        request: Message = {
            "operation": READINGS.name,
            "arguments": READINGS.pack({"accounts": accounts}),
        }
        try:
            answer = self._exchange(bridge, READINGS, request)
        except GatewayError as error:
            return dict.fromkeys(accounts, str(error))
        return cast("dict[str, Reading | str]", answer)

    def _call(self, kind: type[T], account: str, operation: str, arguments: Mapping[str, object]) -> T:
        return _of_type(kind, self._ask(account, operation, arguments))

    def _ask(self, account: str, name: str, arguments: Mapping[str, object]) -> object:
        operation = OPERATIONS[name]
        request: Message = {"operation": name, "account": account, "arguments": operation.pack(arguments)}
        return self._exchange(self._bridge_of(account), operation, request)

    def _exchange(self, bridge: str | None, operation: Operation, request: Message) -> object:
        """One request, one answer, on a connection that is thrown away when anything went wrong."""
        pool = None if bridge is None else self._pools.get(bridge)
        if pool is None:
            raise Unreachable(f"no bridge is told for this account (bridge {bridge})")
        deadlines = self._deadlines
        deadline_s = deadlines.order_s if operation.name in _ORDER_TIME else deadlines.read_s
        connection = pool.take()
        try:
            answer = connection.exchange(request, deadline_s)
        except BaseException:
            connection.close()
            raise
        pool.give_back(connection)
        if "error" in answer:
            raise unpack_error(answer["error"])
        return _answered(operation, answer)


def _answered(operation: Operation, answer: Message) -> object:
    try:
        return operation.unpack_answer(answer.get("ok"))
    except InvalidValue as error:
        # The call was carried out; an answer that cannot be read says as little as none.
        raise Unanswered(f"the bridge's answer cannot be read ({error}): update the older side") from None


def _of_type(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        raise Unanswered(f"the bridge answered with something else than {kind.__name__}")
    return value


class _Connection:
    """One admitted connection; for one call at a time."""

    def __init__(self, name: str, address: BridgeAddress, connect_s: float) -> None:
        self._name = name
        try:
            self._socket = socket.create_connection((address.host, address.port), timeout=connect_s)
        except OSError as error:
            place = f"{address.host}:{address.port}"
            raise Unreachable(f"bridge {name} at {place} does not answer ({error}): is it running?") from None
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = cast("BinaryIO", self._socket.makefile("rb"))
        self._enter(address, connect_s)

    def exchange(self, request: Message, deadline_s: float) -> Message:
        """Send and receive; Unreachable while not everything was sent, Unanswered afterwards."""
        self._socket.settimeout(deadline_s)
        try:
            self._socket.sendall(packed(request))
        except OSError as error:
            # An incomplete frame is never carried out.
            raise Unreachable(f"bridge {self._name} did not take the call ({error})") from None
        try:
            return read_frame(self._stream)
        except (OSError, Ended, BadFrame) as error:
            raise Unanswered(f"bridge {self._name} gave no answer ({error})") from None

    def is_fresh(self) -> bool:
        """Whether nothing has arrived on the idle connection: an end of the other side would have."""
        try:
            readable, _, _ = select.select([self._socket], [], [], 0)
        except (OSError, ValueError):  # closed
            return False
        return not readable

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def _enter(self, address: BridgeAddress, connect_s: float) -> None:
        try:
            answer = self.exchange({"protocol": PROTOCOL, "token": address.token}, connect_s)
        except GatewayError as error:
            self.close()
            raise Unreachable(str(error)) from None
        if "error" in answer:
            self.close()
            raise unpack_error(answer["error"])


class _Pool:
    """Idle connections of one bridge, of this process only."""

    def __init__(self, name: str, address: BridgeAddress, connect_s: float) -> None:
        self._name = name
        self._address = address
        self._connect_s = connect_s
        self._guard = threading.Lock()
        self._idle: list[_Connection] = []
        self._pid = os.getpid()

    def take(self) -> _Connection:
        """An idle connection that still lives, or a new one; raises Unreachable."""
        while (connection := self._pop()) is not None:
            if connection.is_fresh():
                return connection
            connection.close()
        return _Connection(self._name, self._address, self._connect_s)

    def give_back(self, connection: _Connection) -> None:
        with self._guard:
            if len(self._idle) < IDLE_CONNECTIONS_MAX:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        while (connection := self._pop()) is not None:
            connection.close()

    def _pop(self) -> _Connection | None:
        with self._guard:
            if self._pid != os.getpid():
                # Forked: these connections are the parent's, which goes on using them.
                self._pid, self._idle = os.getpid(), []
            return self._idle.pop() if self._idle else None
