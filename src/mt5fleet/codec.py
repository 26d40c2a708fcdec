"""Domain values to JSON text and back: Decimal as string, datetime as ISO 8601, enums by value."""

from functools import cache
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from mt5fleet.domain.errors import InvalidValue

T = TypeVar("T")


def encode(kind: type[T], value: T) -> str:
    """JSON text of a value of a domain type."""
    return _adapter(kind).dump_json(value).decode()


def decode(kind: type[T], text: str | bytes) -> T:
    """A value from its JSON text; raises InvalidValue naming the first field that does not fit."""
    try:
        return _adapter(kind).validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        path = ".".join(str(step) for step in first["loc"]) or kind.__name__
        raise InvalidValue(path, first["msg"]) from None


@cache
def _adapter(kind: type[T]) -> TypeAdapter[T]:
    return TypeAdapter(kind)
