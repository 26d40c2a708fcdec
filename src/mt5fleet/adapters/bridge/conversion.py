"""Domain values to protobuf messages and back, field by field, by name.

A message is read whole or not at all: what is missing, malformed or unknown raises InvalidValue with the
wire's own name of the field. How a type travels is worked out once, at its first use.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from operator import attrgetter
from typing import Any, TypeVar, cast, get_type_hints

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from mt5fleet.adapters.bridge.codecs import Codec, codec_of, is_optional
from mt5fleet.domain.errors import InvalidValue, InvariantBroken

M = TypeVar("M", bound=Message)
T = TypeVar("T")

#: A domain name -> its name on the wire, where a unit is added. A message's own name comes first.
ALIASES = {
    "ask": "ask_price",
    "balance": "balance_money",
    "bid": "bid_price",
    "cash_flow_total": "cash_flow_total_money",
    "commission": "commission_money",
    "credit": "credit_money",
    "equity": "equity_money",
    "fee": "fee_money",
    "first_balance": "first_balance_money",
    "last_balance": "last_balance_money",
    "last_credit": "last_credit_money",
    "last_equity": "last_equity_money",
    "margin": "margin_money",
    "margin_free": "margin_free_money",
    "peak_equity": "peak_equity_money",
    "point": "point_price",
    "price_current": "current_price",
    "price_open": "open_price",
    "profit": "profit_money",
    "remaining": "remaining_lots",
    "stop_loss": "stop_loss_price",
    "swap": "swap_money",
    "take_profit": "take_profit_price",
    "tick_size": "tick_size_price",
    "tick_value": "tick_value_money",
    "tolerance": "tolerance_price",
    "volume": "volume_lots",
    "volume_left": "volume_left_lots",
    "volume_max": "volume_max_lots",
    "volume_min": "volume_min_lots",
    "volume_step": "volume_step_lots",
}


def to_message(value: object, message_type: type[M]) -> M:
    """A value of a domain type as a message; raises InvalidValue for what the wire has no room for."""
    return cast("M", _plan_of(type(value), message_type).pack_value(value))


def from_message(message: Message, value_type: type[T]) -> T:
    """The value that a message holds; raises InvalidValue naming the field that does not fit."""
    return value_type(**_plan_of(value_type, type(message)).unpack(message))


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    wire: str
    encode: Callable[[Any], object] | None  # None: it travels as it is
    decode: Callable[[Any], object] | None
    optional: bool  # None is a value
    asked: bool  # whether the message can tell absent from empty


class Plan:
    """How a set of named values travels as one type of message; both sides must have the same fields."""

    def __init__(self, kinds: Mapping[str, object], message_type: type[Message]) -> None:
        self._message_type = message_type
        self._fields = _fields(kinds, cast("Descriptor", message_type.DESCRIPTOR))
        self._read = attrgetter(*kinds) if len(kinds) > 1 else _read_few(tuple(kinds))
        #: Each value's name -> its name on the wire.
        self.wire_names = {field.name: field.wire for field in self._fields}

    def pack_value(self, value: object) -> Message:
        """The attributes of a value as a message."""
        return self._pack(cast("tuple[object, ...]", self._read(value)))

    def pack(self, values: Mapping[str, object]) -> Message:
        """Named values as a message."""
        if values.keys() != self.wire_names.keys():
            raise InvalidValue(_name(self._message_type), f"takes exactly {', '.join(self.wire_names)}")
        return self._pack(tuple(values[field.name] for field in self._fields))

    def unpack(self, message: Message) -> dict[str, Any]:
        """The named values of a message; raises InvalidValue."""
        found: dict[str, Any] = {}
        for field in self._fields:
            if field.asked and not message.HasField(field.wire):
                if not field.optional:
                    raise InvalidValue(field.wire, "is missing")
                found[field.name] = None
                continue
            raw = getattr(message, field.wire)
            found[field.name] = raw if field.decode is None else _within(field.wire, field.decode, raw)
        return found

    def _pack(self, values: tuple[object, ...]) -> Message:
        packed: dict[str, Any] = {}
        for field, value in zip(self._fields, values, strict=True):
            if value is None:
                if not field.optional:
                    raise InvalidValue(field.wire, "is missing")
                continue
            packed[field.wire] = value if field.encode is None else _within(field.wire, field.encode, value)
        try:
            return self._message_type(**packed)
        except (TypeError, ValueError):
            raise self._culprit(packed) from None

    def _culprit(self, packed: dict[str, Any]) -> InvalidValue:
        """Which of the values protobuf does not take; it does not say so itself."""
        for wire, value in packed.items():
            try:
                self._message_type(**{wire: value})
            except (TypeError, ValueError):
                return InvalidValue(wire, "is of another type, or outside of its range")
        return InvalidValue(_name(self._message_type), "cannot be written")


_plans: dict[tuple[type, type[Message]], Plan] = {}


def _plan_of(value_type: type, message_type: type[Message]) -> Plan:
    plan = _plans.get((value_type, message_type))
    if plan is None:
        if not is_dataclass(value_type):
            raise InvalidValue(_name(message_type), f"cannot be made of a {value_type.__name__}")
        hints = get_type_hints(value_type)
        kinds = {field.name: hints[field.name] for field in fields(value_type)}
        plan = _plans[value_type, message_type] = Plan(kinds, message_type)
    return plan


def _nested(value_type: type, message_type: type[Message]) -> Codec:
    """A message in a message: written and read by its own plan."""
    plan = _plan_of(value_type, message_type)

    def encode(value: object) -> Message:
        if type(value) is not value_type:
            raise InvalidValue("", f"is not of type {value_type.__name__}")
        return plan.pack_value(value)

    return Codec(encode=encode, decode=lambda message: value_type(**plan.unpack(message)))


def _fields(kinds: Mapping[str, object], message: Descriptor) -> tuple[_Field, ...]:
    there = {field.name: field for field in message.fields}
    found = tuple(_field(name, kind, there, message.full_name) for name, kind in kinds.items())
    spare = set(there) - {field.wire for field in found}
    if spare:
        raise InvariantBroken(f"{message.full_name} has no value for {', '.join(sorted(spare))}")
    return found


def _field(name: str, kind: object, there: Mapping[str, FieldDescriptor], owner: str) -> _Field:
    wire = name if name in there else ALIASES.get(name, name)
    if wire not in there:
        raise InvariantBroken(f"{owner} has no field for {name}")
    descriptor, optional = there[wire], is_optional(kind)
    if optional and not descriptor.has_presence:
        raise InvariantBroken(f"{owner}.{wire} cannot be absent")
    codec = codec_of(kind, descriptor, _nested)
    return _Field(name, wire, codec.encode, codec.decode, optional, descriptor.has_presence)


def _within(wire: str, convert: Callable[[Any], object], value: object) -> object:
    """Convert, and put the field's name before what does not fit."""
    try:
        return convert(value)
    except InvalidValue as error:
        raise InvalidValue(f"{wire}.{error.field}" if error.field else wire, error.rule) from None


def _read_few(names: tuple[str, ...]) -> Callable[[object], tuple[object, ...]]:
    """`attrgetter` gives a tuple for two names and more only."""
    return lambda value: tuple(getattr(value, name) for name in names)


def _name(message_type: type[Message]) -> str:
    return message_type.DESCRIPTOR.name
