"""The gateway port over gRPC, for worker processes: thread-safe, one channel per bridge, reconnecting.

What an error means: Unreachable, the call provably reached no terminal; Unanswered, it may have;
ValueRefused, a value breaks a rule of this side or of the other. A forked process opens channels of its own.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import datetime
from typing import cast

from google.protobuf.message import Message

from mt5fleet.adapters.bridge.channel import BridgeChannel
from mt5fleet.adapters.bridge.operations import OPERATIONS, Operation
from mt5fleet.adapters.bridge.terms import BridgeAddress, Deadlines, TlsClient
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.broker import Check, Deal, Health, Instrument, Position, Quote, Reading, RestingOrder
from mt5fleet.domain.errors import GatewayError, InvalidValue, Unreachable, ValueRefused
from mt5fleet.domain.latch import Binding
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, OpenOrder, Outcome, Permit
from mt5fleet.ports.clock import Clock

__all__ = ["BridgeAddress", "BridgeGateway", "Deadlines", "TlsClient"]

_Readings = dict[str, Reading | str]


class BridgeGateway:
    """Gateway port. `bridge_of` gives the name of an account's bridge; unknown ones are Unreachable."""

    def __init__(
        self,
        bridges: Mapping[str, BridgeAddress],
        bridge_of: Callable[[str], str | None],
        deadlines: Deadlines | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._bridge_of = bridge_of
        self._deadlines = Deadlines() if deadlines is None else deadlines
        self._clock = SystemClock() if clock is None else clock
        self._channels = {
            name: BridgeChannel(name, address, self._deadlines.connect_s, self._clock)
            for name, address in bridges.items()
        }

    def disconnect(self) -> None:
        """Close every channel; the next call opens a new one."""
        for channel in self._channels.values():
            channel.close()

    def health(self, account: str) -> Health:
        return cast("Health", self._ask(account, "health"))

    def healths(self, bridge: str) -> dict[str, Health | str]:
        """Health of every account of one bridge; a failed one is a sentence that says why."""
        return cast("dict[str, Health | str]", self._call(bridge, "healths", None, {}))

    def reading(self, account: str, token: int | None = None) -> Reading:
        return cast("Reading", self._ask(account, "reading", token=token))

    def readings(self, accounts: tuple[str, ...], ledger_at: datetime | None = None) -> _Readings:
        found: _Readings = {}
        for bridge, mine in self._by_bridge(accounts).items():
            arguments = {"accounts": mine, "ledger_at": ledger_at}
            try:
                found.update(cast("_Readings", self._call(bridge, "readings", None, arguments)))
            except GatewayError as error:
                found.update(dict.fromkeys(mine, str(error)))
        return found

    def reading_stream(self, accounts: tuple[str, ...], every_s: float) -> Iterator[_Readings]:
        operation = OPERATIONS["reading_stream"]
        with ExitStack() as opened:
            streams = [
                opened.enter_context(
                    closing(
                        self._channel(bridge).stream(
                            operation, _packed(operation, {"accounts": mine, "every_s": every_s})
                        )
                    )
                )
                for bridge, mine in self._by_bridge(accounts).items()
            ]
            for answers in zip(*streams, strict=True):
                yield {
                    account: reading
                    for answer in answers
                    for account, reading in cast("_Readings", answer).items()
                }

    def instrument(self, account: str, symbol: str) -> Instrument | None:
        return cast("Instrument | None", self._ask(account, "instrument", symbol=symbol))

    def quote(self, account: str, symbol: str) -> Quote | None:
        return cast("Quote | None", self._ask(account, "quote", symbol=symbol))

    def positions(self, account: str, token: int | None = None) -> tuple[Position, ...]:
        return cast("tuple[Position, ...]", self._ask(account, "positions", token=token))

    def orders(self, account: str, token: int | None = None) -> tuple[RestingOrder, ...]:
        return cast("tuple[RestingOrder, ...]", self._ask(account, "orders", token=token))

    def deals(self, account: str, since: datetime, until: datetime) -> tuple[Deal, ...]:
        return cast("tuple[Deal, ...]", self._ask(account, "deals", since=since, until=until))

    def check(self, account: str, order: OpenOrder) -> Check:
        return cast("Check", self._ask(account, "check", order=order))

    def submit(self, account: str, order: OpenOrder, permit: Permit) -> Outcome:
        return cast("Outcome", self._ask(account, "submit", order=order, permit=permit))

    def close(self, account: str, order: CloseOrder, permit: Permit) -> Outcome:
        return cast("Outcome", self._ask(account, "close", order=order, permit=permit))

    def modify(self, account: str, order: ModifyOrder, permit: Permit) -> Outcome:
        return cast("Outcome", self._ask(account, "modify", order=order, permit=permit))

    def cancel(self, account: str, order: CancelOrder, permit: Permit) -> Outcome:
        return cast("Outcome", self._ask(account, "cancel", order=order, permit=permit))

    def resolve(
        self, account: str, key: str, magic: int, attempt: int, token: int, since: datetime
    ) -> Outcome:
        asked = {"key": key, "magic": magic, "attempt": attempt, "token": token, "since": since}
        return cast("Outcome", self._ask(account, "resolve", **asked))

    def latch(self, account: str, sequence: int, reason: str) -> None:
        self._ask(account, "latch", sequence=sequence, reason=reason)

    def unlatch(self, account: str, record: str) -> None:
        self._ask(account, "unlatch", record=record)

    def checkpoint(self, account: str, memory: GuardMemory) -> None:
        self._ask(account, "checkpoint", memory=memory)

    def memory(self, account: str) -> GuardMemory | None:
        return cast("GuardMemory | None", self._ask(account, "memory"))

    def floor(self, account: str, record: str) -> None:
        self._ask(account, "floor", record=record)

    def bind(self, account: str, journal_id: str | None, sequence: int) -> Binding:
        return cast("Binding", self._ask(account, "bind", journal_id=journal_id, sequence=sequence))

    def _ask(self, account: str, name: str, **arguments: object) -> object:
        return self._call(self._bridge_of(account), name, account, arguments)

    def _call(
        self, bridge: str | None, name: str, account: str | None, arguments: Mapping[str, object]
    ) -> object:
        operation = OPERATIONS[name]
        deadline_s = self._deadlines.order_s if operation.order_time else self._deadlines.read_s
        return self._channel(bridge).call(operation, _packed(operation, arguments, account), deadline_s)

    def _channel(self, bridge: str | None) -> BridgeChannel:
        channel = None if bridge is None else self._channels.get(bridge)
        if channel is None:
            raise Unreachable(f"no bridge is told for this account (bridge {bridge})")
        return channel

    def _by_bridge(self, accounts: tuple[str, ...]) -> dict[str | None, tuple[str, ...]]:
        bridges = {account: self._bridge_of(account) for account in accounts}
        return {
            bridge: tuple(account for account in accounts if bridges[account] == bridge)
            for bridge in dict.fromkeys(bridges.values())
        }


def _packed(operation: Operation, arguments: Mapping[str, object], account: str | None = None) -> Message:
    try:
        return operation.pack(arguments, account)
    except InvalidValue as error:
        raise ValueRefused(error.field, error.rule) from None
