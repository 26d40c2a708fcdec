"""How single values travel in protobuf fields: money as text, moments as Timestamps, enums by name."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from mt5fleet.adapters.bridge.protocol.bridge_pb2 import Level
from mt5fleet.domain.errors import InvalidValue, InvariantBroken
from mt5fleet.domain.signal import Removal

DECIMAL_CHARS_MAX = 64  # 28 digits of precision with sign, point and leading zeros; more is no money
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S = 24 * 60 * 60
_NANOS_PER_MICRO = 1000
_NANOS_MAX = 999_999_999
_WHY_NOT = "why_not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """Both ways of one field; None where the value travels as it is."""

    encode: Callable[[Any], object] | None
    decode: Callable[[Any], object] | None


_Nested = Callable[[type, type[Message]], Codec]


def is_optional(kind: object) -> bool:
    """Whether None is a value of this type."""
    return kind is NoneType or NoneType in _members(kind)


def codec_of(kind: object, field: FieldDescriptor, nested: _Nested) -> Codec:
    """How a value of this type travels in this field; raises InvariantBroken when it cannot."""
    members = tuple(member for member in _members(kind) if member is not NoneType)
    if set(members) == {Decimal, Removal}:
        return Codec(encode=_level, decode=_of_level)
    if len(members) != 1:
        raise InvariantBroken(f"{field.full_name} cannot hold {kind}")
    (member,) = members
    if get_origin(member) is tuple:
        return _repeated(codec_of(get_args(member)[0], field, nested))
    if get_origin(member) is dict:
        return _by_account(get_args(member)[1], field, nested)
    return _single(cast("type", member), field, nested)


def _single(kind: type, field: FieldDescriptor, nested: _Nested) -> Codec:
    if kind is Decimal and field.type == FieldDescriptor.TYPE_STRING:
        return Codec(encode=decimal_text, decode=decimal_of)
    if kind is float and field.type == FieldDescriptor.TYPE_DOUBLE:
        return Codec(encode=_finite, decode=_finite)
    if kind is datetime and field.message_type is Timestamp.DESCRIPTOR:
        return Codec(encode=timestamp, decode=moment)
    if issubclass(kind, StrEnum):
        return _enum(kind, field.enum_type)
    if is_dataclass(kind) and field.message_type is not None:
        return nested(kind, GetMessageClass(field.message_type))
    if field.type in _PLAIN.get(kind, ()):
        return Codec(encode=None, decode=None)
    raise InvariantBroken(f"{field.full_name} cannot hold {kind}")


_PLAIN: dict[type, tuple[int, ...]] = {
    str: (FieldDescriptor.TYPE_STRING,),
    bool: (FieldDescriptor.TYPE_BOOL,),
    int: (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64),
}


def decimal_text(value: Decimal) -> str:
    """A number in digits, without an exponent; raises InvalidValue for what is no number or too long."""
    if not value.is_finite() or abs(value.adjusted()) > DECIMAL_CHARS_MAX:
        raise InvalidValue("", "must be a finite decimal number")
    text = str(value)
    text = f"{value:f}" if "E" in text else text
    if len(text) > DECIMAL_CHARS_MAX:
        raise InvalidValue("", f"has more than {DECIMAL_CHARS_MAX} characters")
    return text


def decimal_of(text: str) -> Decimal:
    """The number of a text such as "-0.10"; raises InvalidValue for anything else."""
    if len(text) > DECIMAL_CHARS_MAX or _DECIMAL.fullmatch(text) is None:
        raise InvalidValue("", 'must be a decimal number such as "0.10"')
    return Decimal(text)


def timestamp(value: datetime) -> Timestamp:
    """An aware moment; raises InvalidValue for a naive one."""
    if value.tzinfo is None:
        raise InvalidValue("", "must be an aware moment")
    since = value - _EPOCH
    return Timestamp(seconds=since.days * _DAY_S + since.seconds, nanos=since.microseconds * _NANOS_PER_MICRO)


def moment(stamp: Timestamp) -> datetime:
    """The UTC moment of a stamp, to the microsecond; raises InvalidValue outside of the calendar."""
    if not 0 <= stamp.nanos <= _NANOS_MAX:
        raise InvalidValue("", "has nanos outside of a second")
    try:
        return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // _NANOS_PER_MICRO)
    except OverflowError:
        raise InvalidValue("", "is outside of the calendar") from None


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise InvalidValue("", "must be a finite number")
    return value


def _enum(kind: type[StrEnum], wire: EnumDescriptor | None) -> Codec:
    """By name where the wire lists the members, else by their text."""
    if wire is None:
        texts = {member.value: member for member in kind}
        return Codec(encode=str, decode=lambda text: _known(texts, text, kind))
    prefix = wire.values_by_number[0].name.removesuffix("UNSPECIFIED")
    numbers = {member: wire.values_by_name[prefix + member.name].number for member in kind}
    if len(numbers) != len(wire.values) - 1:
        raise InvariantBroken(f"{wire.full_name} lists what {kind.__name__} does not")
    members = {number: member for member, number in numbers.items()}
    return Codec(
        encode=lambda member: _known(numbers, member, kind), decode=lambda n: _known(members, n, kind)
    )


def _known(table: dict[Any, Any], key: object, kind: type) -> object:
    found = table.get(key)
    if found is None:
        raise InvalidValue("", f"is no known {kind.__name__}")
    return cast("object", found)


def _level(value: Decimal | Removal) -> Level:
    return Level(remove=True) if isinstance(value, Removal) else Level(price=decimal_text(value))


def _of_level(level: Level) -> Decimal | Removal:
    change = level.WhichOneof("change")
    if change == "price":
        return decimal_of(level.price)
    if change == "remove" and level.remove:
        return Removal.REMOVE
    raise InvalidValue("", "must set a price or remove the level")


def _repeated(one: Codec) -> Codec:
    encode, decode = one.encode, one.decode
    return Codec(
        encode=list if encode is None else lambda values: [encode(value) for value in values],
        decode=tuple if decode is None else lambda values: tuple(decode(value) for value in values),
    )


def _by_account(kind: object, field: FieldDescriptor, nested: _Nested) -> Codec:
    """Many accounts' answers: each a value, or a sentence that says why there is none."""
    one = GetMessageClass(cast("Any", field.message_type))
    oneof = one.DESCRIPTOR.oneofs_by_name["answer"]
    (wire,) = (each for each in oneof.fields if each.name != _WHY_NOT)
    value_kind = next(member for member in _members(kind) if member is not str)
    codec = nested(cast("type", value_kind), GetMessageClass(cast("Any", wire.message_type)))
    encode, decode = cast("Any", codec.encode), cast("Any", codec.decode)

    def pack(answers: dict[str, object]) -> list[Message]:
        return [
            one(account=account, why_not=answer)
            if isinstance(answer, str)
            else one(account=account, **{wire.name: encode(answer)})
            for account, answer in answers.items()
        ]

    def unpack(answers: list[Any]) -> dict[str, object]:
        return {answer.account: _answer(answer, wire.name, decode) for answer in answers}

    return Codec(encode=pack, decode=unpack)


def _answer(answer: Message, name: str, decode: Callable[[Any], object]) -> object:
    which = answer.WhichOneof("answer")
    if which is None:
        raise InvalidValue("answer", "is missing")
    found: object = getattr(answer, which)
    return decode(found) if which == name else found


def _members(kind: object) -> tuple[object, ...]:
    return get_args(kind) if get_origin(kind) in {Union, UnionType} else (kind,)
