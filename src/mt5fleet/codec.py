"""Domain values to JSON text and back: Decimal as string, datetime as ISO 8601, enums by value."""

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from mt5fleet.domain.errors import InvalidValue

T = TypeVar("T")

# One adapter per domain type: building one costs milliseconds, using it microseconds.
_adapters: dict[type, TypeAdapter[Any]] = {}


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


def _adapter(kind: type[T]) -> TypeAdapter[T]:
    adapter = _adapters.get(kind)
    if adapter is None:
        adapter = _adapters[kind] = TypeAdapter(kind)
    return adapter
