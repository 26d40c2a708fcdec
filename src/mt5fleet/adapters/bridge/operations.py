"""The fixed list of operations on the wire, each with its messages and the types of what they hold.

What is not here cannot be called; what does not fit a type is refused before anything happens.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from google.protobuf.message import Message

from mt5fleet.adapters.bridge.conversion import Plan
from mt5fleet.adapters.bridge.protocol import bridge_pb2 as wire
from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.broker import Check, Deal, Health, Instrument, Position, Quote, Reading, RestingOrder
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.latch import Binding
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, OpenOrder, Outcome, Permit

SERVICE = "mt5fleet.bridge.v1.Bridge"
ACCOUNT = "account"


class Place(StrEnum):
    """Who answers an operation."""

    TERMINAL = "terminal"  # the account's child process
    STANDING = "standing"  # the bridge itself, from the account's journal
    MANY = "many"  # the bridge, for many accounts at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call of the gateway port.

    `order_time`: it may take as long as an order in the terminal. `stream`: it answers until it is cancelled.
    """

    name: str
    call: type[Message]
    answer: type[Message]
    arguments: Mapping[str, object]
    result: object
    place: Place
    stream: bool
    order_time: bool
    _call_plan: Plan = field(repr=False)
    _answer_plan: Plan = field(repr=False)

    @property
    def method(self) -> str:
        """Its name in the protocol file."""
        return "".join(part.capitalize() for part in self.name.split("_"))

    @property
    def path(self) -> str:
        """Its name in a call."""
        return f"/{SERVICE}/{self.method}"

    def pack(self, arguments: Mapping[str, object], account: str | None = None) -> Message:
        """A call; raises InvalidValue for what is missing, unknown or has no room on the wire."""
        return self._call_plan.pack(
            {**arguments, ACCOUNT: account} if self._names_account else arguments,
        )

    def unpack(self, message: Message) -> tuple[str | None, dict[str, object]]:
        """Account and arguments of a call; raises InvalidValue, also for fields that are not known here."""
        _refuse_unknown(message)
        arguments: dict[str, object] = self._call_plan.unpack(message)
        account = arguments.pop(ACCOUNT) if self._names_account else None
        return None if account is None else str(account), arguments

    def pack_answer(self, value: object) -> Message:
        """The answer with this value."""
        return self._answer_plan.pack(dict.fromkeys(self._answer_plan.wire_names, value))

    def unpack_answer(self, message: Message) -> object:
        """The value of an answer; raises InvalidValue when it cannot be read."""
        values: dict[str, object] = self._answer_plan.unpack(message)
        return next(iter(values.values()), None)

    @property
    def _names_account(self) -> bool:
        return self.place is not Place.MANY


def _of(
    name: str,
    messages: tuple[type[Message], type[Message]],
    result: object,
    place: Place,
    **arguments: object,
) -> Operation:
    call, answer = messages
    kinds = arguments if place is Place.MANY else {ACCOUNT: str, **arguments}
    names = answer.DESCRIPTOR.fields_by_name
    return Operation(
        name=name,
        call=call,
        answer=answer,
        arguments=arguments,
        result=result,
        place=place,
        stream=name == "reading_stream",
        order_time=name in _ORDER_TIME,
        _call_plan=Plan(kinds, call),
        _answer_plan=Plan(dict.fromkeys(names, result), answer),
    )


_ORDER_TIME = frozenset({"submit", "close", "modify", "cancel", "resolve", "latch"})
_TOKEN = int | None
_READINGS = dict[str, Reading | str]
_T, _S, _M = Place.TERMINAL, Place.STANDING, Place.MANY
_OUTCOME = wire.OutcomeAnswer
_DONE = wire.DoneAnswer

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        _of("health", (wire.AccountCall, wire.HealthAnswer), Health, _T),
        _of("healths", (wire.HealthsCall, wire.HealthsAnswer), dict[str, Health | str], _M),
        _of("reading", (wire.TokenCall, wire.ReadingAnswer), Reading, _T, token=_TOKEN),
        _of(
            "readings",
            (wire.ReadingsCall, wire.ReadingsAnswer),
            _READINGS,
            _M,
            accounts=tuple[str, ...],
            ledger_at=datetime | None,
        ),
        _of(
            "reading_stream",
            (wire.ReadingStreamCall, wire.ReadingsAnswer),
            _READINGS,
            _M,
            accounts=tuple[str, ...],
            every_s=float,
        ),
        _of("instrument", (wire.SymbolCall, wire.InstrumentAnswer), Instrument | None, _T, symbol=str),
        _of("quote", (wire.SymbolCall, wire.QuoteAnswer), Quote | None, _T, symbol=str),
        _of("positions", (wire.TokenCall, wire.PositionsAnswer), tuple[Position, ...], _T, token=_TOKEN),
        _of("orders", (wire.TokenCall, wire.OrdersAnswer), tuple[RestingOrder, ...], _T, token=_TOKEN),
        _of(
            "deals", (wire.DealsCall, wire.DealsAnswer), tuple[Deal, ...], _T, since=datetime, until=datetime
        ),
        _of("check", (wire.CheckCall, wire.CheckAnswer), Check, _T, order=OpenOrder),
        _of("submit", (wire.SubmitCall, _OUTCOME), Outcome, _T, order=OpenOrder, permit=Permit),
        _of("close", (wire.CloseCall, _OUTCOME), Outcome, _T, order=CloseOrder, permit=Permit),
        _of("modify", (wire.ModifyCall, _OUTCOME), Outcome, _T, order=ModifyOrder, permit=Permit),
        _of("cancel", (wire.CancelCall, _OUTCOME), Outcome, _T, order=CancelOrder, permit=Permit),
        _of(
            "resolve",
            (wire.ResolveCall, _OUTCOME),
            Outcome,
            _T,
            key=str,
            magic=int,
            attempt=int,
            token=int,
            since=datetime,
        ),
        _of("latch", (wire.LatchCall, _DONE), None, _S, sequence=int, reason=str),
        _of("unlatch", (wire.RecordCall, _DONE), None, _S, record=str),
        _of("checkpoint", (wire.CheckpointCall, _DONE), None, _S, memory=GuardMemory),
        _of("memory", (wire.AccountCall, wire.MemoryAnswer), GuardMemory | None, _S),
        _of("floor", (wire.RecordCall, _DONE), None, _S, record=str),
        _of("bind", (wire.BindCall, wire.BindingAnswer), Binding, _S, journal_id=str | None, sequence=int),
    )
}


def operation_of(name: str) -> Operation:
    """The operation of this name; raises InvalidValue for any other."""
    if name not in OPERATIONS:
        raise InvalidValue("operation", f"is not one of {', '.join(OPERATIONS)}")
    return OPERATIONS[name]


def _refuse_unknown(message: Message) -> None:
    """A field that this side does not know may be the very one that limits the order."""
    size = message.ByteSize()
    message.DiscardUnknownFields()
    if message.ByteSize() != size:
        raise InvalidValue("message", "has fields that are not known here: update the older side")
