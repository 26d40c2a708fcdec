"""How the vendor's functions read their arguments: strictly, and without raising.

Rules: reading of the package 5.0.6231. A wrong argument gives None (or False) and `last_error` (-2, text);
only where C number parsing itself fails does Python see a SystemError.
"""

from datetime import datetime
from typing import Any, NoReturn

from ._constants import RES_E_INVALID_PARAMS

TEXT_UNITS_MAX = 29
"""UTF-16 units of `symbol` and `comment`; 30 and more are refused."""

UNSIGNED_MAX = 2**64 - 1
LONG_MAX = 2**63 - 1
DATE_MAX = 2**31 - 1
"""Dates are signed 32-bit seconds; there is nothing after 2038-01-19."""

_FLOATS = frozenset({"volume", "price", "stoplimit", "sl", "tp"})
_UNSIGNED = frozenset({"magic", "order", "position", "position_by", "deviation"})
_TEXTS = frozenset({"symbol", "comment"})
_ORDINALS = ("1st", "2nd", "3rd")


class RefusedError(Exception):
    """The call has no result; carries what `last_error` shall say."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


def invalid(text: str) -> RefusedError:
    return RefusedError(RES_E_INVALID_PARAMS, text)


def invalid_argument(name: str) -> RefusedError:
    return invalid(f'Invalid "{name}" argument')


def parsing_failed(function: str) -> NoReturn:
    """Fail as a C function does that returns a value with an exception set."""
    raise SystemError(f"<built-in function {function}> returned a result with an exception set")


def text_at(arguments: tuple[Any, ...], place: int) -> str:
    """Return a positional text argument."""
    value = arguments[place]
    if not isinstance(value, str):
        raise invalid(f"Invalid {_ORDINALS[place]} unnamed argument")
    return value


def keyword_text(keywords: dict[str, Any], name: str) -> str:
    value = keywords[name]
    if not isinstance(value, str):
        raise invalid_argument(name)
    return value


def keyword_int(keywords: dict[str, Any], name: str) -> int:
    value = keywords[name]
    if not isinstance(value, int):
        raise invalid_argument(name)
    return int(value)


def seconds(function: str, arguments: tuple[Any, ...], place: int) -> int:
    """Return a date argument in seconds; a naive datetime is read in the machine's zone."""
    value = arguments[place]
    if isinstance(value, datetime):
        value = value.timestamp()
    if not isinstance(value, int | float):
        raise invalid(f"Invalid {_ORDINALS[place]} unnamed argument")
    if not -DATE_MAX - 1 <= value <= DATE_MAX:
        parsing_failed(function)
    return int(value)


def number(function: str, value: Any) -> float:
    """Return a number for C's double; other types fail in the parser."""
    if not isinstance(value, int | float):
        parsing_failed(function)
    return float(value)


def request_values(function: str, request: Any, fields: tuple[str, ...]) -> dict[str, Any]:
    """Return every field of a trade request in order: missing ones zero, unknown ones dropped."""
    if not isinstance(request, dict):
        raise invalid("Invalid 1st unnamed argument")
    return {name: _request_value(function, request, name) for name in fields}


def _request_value(function: str, request: dict[Any, Any], name: str) -> Any:
    if name in _TEXTS:
        return _request_text(request.get(name, ""), name)
    if name in _FLOATS:
        value = request.get(name, 0.0)
        if not isinstance(value, float):
            raise invalid_argument(name)
        return float(value)
    value = request.get(name, 0)
    if not isinstance(value, int):
        raise invalid_argument(name)
    low, high = (0, UNSIGNED_MAX) if name in _UNSIGNED else (-LONG_MAX - 1, LONG_MAX)
    if not low <= value <= high:
        parsing_failed(function)
    return int(value)


def _request_text(value: Any, name: str) -> str:
    if not isinstance(value, str) or len(value.encode("utf-16-le", "surrogatepass")) // 2 > TEXT_UNITS_MAX:
        raise invalid_argument(name)
    return value
