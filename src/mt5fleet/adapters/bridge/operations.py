"""The fixed list of operations on the wire, each with the types of its arguments and of its answer.

What is not here cannot be called; what does not fit a type is refused before anything happens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mt5fleet.adapters.bridge.frames import Json, Message
from mt5fleet.domain.broker import Deal, Health, Instrument, Position, Quote, Reading, RestingOrder
from mt5fleet.domain.errors import (
    FleetError,
    GatewayError,
    InvalidValue,
    StaleToken,
    Unanswered,
    Unreachable,
)
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, OpenOrder, Outcome, Permit

# pydantic builds its adapters from types that Python cannot spell as one parameter (unions, generics).
_Adapter = TypeAdapter[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call of the gateway port. `changes` marks those that may change something at the broker."""

    name: str
    arguments: Mapping[str, _Adapter]
    answer: _Adapter
    changes: bool = False

    def pack(self, values: Mapping[str, object]) -> Message:
        """Arguments as JSON."""
        return {
            name: adapter.dump_python(values[name], mode="json") for name, adapter in self.arguments.items()
        }

    def unpack(self, given: Json) -> dict[str, object]:
        """Arguments as values; raises InvalidValue for missing, unknown and malformed ones."""
        if not isinstance(given, dict) or set(given) != set(self.arguments):
            raise InvalidValue(self.name, f"takes exactly {', '.join(self.arguments) or 'no arguments'}")
        return {name: _read(adapter, name, given[name]) for name, adapter in self.arguments.items()}

    def pack_answer(self, value: object) -> Json:
        """The answer as JSON."""
        packed: Json = self.answer.dump_python(value, mode="json")
        return packed

    def unpack_answer(self, given: Json) -> object:
        """The answer as a value; raises InvalidValue when it is not of the type."""
        return _read(self.answer, self.name, given)


# Any: a type expression such as `int | None` is no `type` to Python 3.11.
def _of(name: str, answer: Any, *, changes: bool = False, **arguments: Any) -> Operation:  # noqa: ANN401  # see above
    adapters = {argument: _Adapter(kind) for argument, kind in arguments.items()}
    return Operation(name=name, arguments=adapters, answer=_Adapter(answer), changes=changes)


_TOKEN = int | None
OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        _of("health", Health),
        _of("reading", Reading, token=_TOKEN),
        _of("instrument", Instrument | None, symbol=str),
        _of("quote", Quote | None, symbol=str),
        _of("positions", tuple[Position, ...], token=_TOKEN),
        _of("orders", tuple[RestingOrder, ...], token=_TOKEN),
        _of("deals", tuple[Deal, ...], since=datetime, until=datetime),
        _of("submit", Outcome, changes=True, order=OpenOrder, permit=Permit),
        _of("close", Outcome, changes=True, order=CloseOrder, permit=Permit),
        _of("modify", Outcome, changes=True, order=ModifyOrder, permit=Permit),
        _of("cancel", Outcome, changes=True, order=CancelOrder, permit=Permit),
        _of("resolve", Outcome, key=str, magic=int, attempt=int, token=int, since=datetime),
        _of("latch", None, sequence=int, reason=str),
    )
}
# Answered by the host itself, for many accounts at once.
READINGS = _of("readings", dict[str, Reading | str], accounts=tuple[str, ...])
HEALTHS = _of("healths", dict[str, Health | str])


def operation_of(name: Json) -> Operation:
    """The operation of this name; raises InvalidValue for any other."""
    if not isinstance(name, str) or name not in OPERATIONS:
        raise InvalidValue(
            "operation", f"is not one of {', '.join(OPERATIONS)}, {READINGS.name}, {HEALTHS.name}"
        )
    return OPERATIONS[name]


def pack_error(error: FleetError) -> Message:
    """An error as JSON; a kind that is not known on the other side arrives as Unanswered."""
    packed: Message = {"kind": type(error).__name__, "text": str(error)}
    if isinstance(error, StaleToken):
        packed["newest"] = error.newest
    if isinstance(error, InvalidValue):
        packed["field"], packed["rule"] = error.field, error.rule
    return packed


def unpack_error(given: Json) -> GatewayError | InvalidValue:
    """The error that the other side packed."""
    if not isinstance(given, dict):
        return Unanswered("the bridge answered with neither a value nor an error")
    newest, text = given.get("newest"), str(given.get("text"))
    if given.get("kind") == "StaleToken" and isinstance(newest, int):
        return StaleToken(newest)
    if given.get("kind") == "InvalidValue":
        return InvalidValue(str(given.get("field")), str(given.get("rule")))
    return Unreachable(text) if given.get("kind") == "Unreachable" else Unanswered(text)


def _read(adapter: _Adapter, name: str, given: Json) -> object:
    try:
        value: object = adapter.validate_python(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise InvalidValue(".".join((name, *(str(step) for step in first["loc"]))), first["msg"]) from None
    return value
