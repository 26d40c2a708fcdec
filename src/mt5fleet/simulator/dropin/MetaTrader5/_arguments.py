"""How the vendor's functions read their arguments: strictly, and hardly ever raising.

Rules: reading of the package 5.0.6231. A wrong argument gives None (or False) and `last_error` (-2, text).
Where a C conversion itself fails, the function returns with a Python error pending, which the interpreter
turns into a SystemError. A C `long` has 32 bits on Windows, the vendor's only platform.
"""

from collections.abc import Callable
from datetime import datetime
from operator import index
from typing import Any

from ._constants import RES_E_INVALID_PARAMS, RES_S_OK

SYMBOL_UNITS_MAX = 29
"""UTF-16 units of `symbol` and `comment`; 30 and more are refused."""

CREDENTIAL_UNITS_MAX = 253  # of `password` and `server`
PATH_UNITS_MAX = 257
GROUP_UNITS_MAX = 1997

UNSIGNED_LONG_MAX = 2**32 - 1
UNSIGNED_LONG_LONG_MAX = 2**64 - 1
LONG_LONG_MAX = 2**63 - 1
LONG_MAX = 2**31 - 1
"""Dates and counts are signed and have 32 bits; there is no date after 2038-01-19."""

INVALID_ARGUMENTS = "Invalid arguments"

_ABSENT = object()


class RefusedError(Exception):
    """The call has no result; carries what `last_error` shall say."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class PendingError(RefusedError):
    """A C conversion failed: the caller gets a SystemError besides, with the same cause as this one."""


class FalseError(RefusedError):
    """The call gives False, where the same function gives None when it is refused otherwise."""


def invalid(text: str = INVALID_ARGUMENTS) -> RefusedError:
    return RefusedError(RES_E_INVALID_PARAMS, text)


def invalid_named(name: str) -> str:
    return f'Invalid "{name}" argument'


def text_of(value: Any, units_max: int, refusal: str = INVALID_ARGUMENTS) -> str:
    """Return a text argument; C reads it only as far as its first NUL."""
    if not isinstance(value, str) or len(value.encode("utf-16-le", "surrogatepass")) // 2 > units_max:
        raise invalid(refusal)
    return value.partition("\0")[0]


def unsigned_of(value: Any, refusal: str, most: int = UNSIGNED_LONG_LONG_MAX) -> int:
    """Return an int argument of an unsigned C type."""
    return _integer(value, refusal, 0, most)


def _integer(value: Any, refusal: str, least: int, most: int) -> int:
    if not isinstance(value, int):
        raise invalid(refusal)
    if not least <= value <= most:
        raise PendingError(RES_E_INVALID_PARAMS, refusal) from OverflowError(f"{value} does not fit")
    return int(value)


def only_symbol(args: tuple[Any, ...]) -> str:
    """Return the one argument of a function of a symbol."""
    if len(args) != 1:
        raise invalid()
    return text_of(args[0], SYMBOL_UNITS_MAX)


def count_of(value: Any) -> int:
    """Return a C int as the interpreter's own parser reads it: whatever stands for an integer."""
    try:
        number = index(value)
    except TypeError as error:
        raise PendingError(RES_E_INVALID_PARAMS, INVALID_ARGUMENTS) from error
    if not -LONG_MAX - 1 <= number <= LONG_MAX:
        raise PendingError(RES_E_INVALID_PARAMS, INVALID_ARGUMENTS) from OverflowError(number)
    return number


def kind_of(value: Any) -> int:
    """Return an order type of `order_calc_*`: any int, of which C keeps the low 32 bits."""
    if not isinstance(value, int):
        problem = TypeError(f"an int is needed, not {type(value).__name__}")
        raise PendingError(RES_E_INVALID_PARAMS, INVALID_ARGUMENTS) from problem
    return value & UNSIGNED_LONG_MAX


def amount_of(value: Any) -> float:
    """Return a C double: whatever stands for a number, but no text."""
    try:
        if isinstance(value, str | bytes | bytearray):
            raise TypeError(f"a real number is needed, not {type(value).__name__}")  # float() would read it
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise PendingError(RES_E_INVALID_PARAMS, INVALID_ARGUMENTS) from error


def truth_of(value: Any) -> bool:
    """Return whether an object is true, as the interpreter's own parser reads it."""
    try:
        return bool(value)
    except Exception as error:  # an object's own __bool__ may raise anything
        raise PendingError(RES_E_INVALID_PARAMS, INVALID_ARGUMENTS) from error


def seconds_of(value: Any) -> int:
    """Return a date argument; a naive datetime is read in the machine's own zone.

    A float or datetime that does not fit becomes the lowest number, as the processor's own conversion
    makes it; an int that does not fit leaves an error pending.
    """
    if isinstance(value, int):
        if not -LONG_MAX - 1 <= value <= LONG_MAX:
            raise PendingError(RES_S_OK, "Success") from OverflowError(f"{value} does not fit")
        return int(value)
    if isinstance(value, datetime):
        value = _timestamp(value)
    if not isinstance(value, float):
        raise invalid()
    return int(value) if -LONG_MAX - 2 < value < LONG_MAX + 1 else -LONG_MAX - 1


def _timestamp(moment: datetime) -> float:
    try:
        return moment.timestamp()
    except (OSError, OverflowError, ValueError) as error:
        raise PendingError(RES_E_INVALID_PARAMS, INVALID_ARGUMENTS) from error


def request_values(request: Any, fields: tuple[str, ...]) -> dict[str, Any]:
    """Return every field of a trade request in order: missing ones zero, unknown ones dropped."""
    if not isinstance(request, dict):
        raise invalid()
    return {name: _request_value(dict.get(request, name, _ABSENT), name) for name in fields}


def _request_value(value: Any, name: str) -> Any:
    read, absent = _READERS[name]
    return absent if value is _ABSENT else read(value, _REFUSALS[name])


def _text29(value: Any, refusal: str) -> str:
    return text_of(value, SYMBOL_UNITS_MAX, refusal)


def _float(value: Any, refusal: str) -> float:
    if not isinstance(value, float):
        raise invalid(refusal)
    return float(value)


def _unsigned_long(value: Any, refusal: str) -> int:
    return unsigned_of(value, refusal, UNSIGNED_LONG_MAX)


def _long_long(value: Any, refusal: str) -> int:
    return _integer(value, refusal, -LONG_LONG_MAX - 1, LONG_LONG_MAX)


_READERS: dict[str, tuple[Callable[[Any, str], Any], Any]] = {
    **dict.fromkeys(("symbol", "comment"), (_text29, "")),
    **dict.fromkeys(("volume", "price", "stoplimit", "sl", "tp"), (_float, 0.0)),
    **dict.fromkeys(("magic", "order", "position", "position_by", "deviation"), (unsigned_of, 0)),
    **dict.fromkeys(("action", "type", "type_filling", "type_time"), (_unsigned_long, 0)),
    "expiration": (_long_long, 0),
}
"""How each field of a request is read, and what stands for it when it is missing."""

_REFUSALS = {name: invalid_named(name) for name in _READERS}
