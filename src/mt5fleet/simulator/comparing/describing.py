"""What an answer is made of, as plain JSON values that two terminals can be compared by.

Prices, tickets and times differ between any two terminals; of them only the type, or whether they are
zero, is kept. What a question is about is kept exactly.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, TypeAlias

Vendor: TypeAlias = Any
"""The module MetaTrader5, or whatever it gave: the package has no types."""

Described: TypeAlias = "str | list[Described] | dict[str, Described]"

ROWS_MAX = 20
"""Rows of an answer that are described; a history may have thousands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Focus:
    """Which fields of an answer are compared by value, and which by being zero; the others by type."""

    exact: AbstractSet[str] = frozenset()
    signs: AbstractSet[str] = frozenset()
    everything: bool = False  # plain values, too
    rows: bool = False  # every row of a list, and how many there are


TYPES = Focus()
VALUES = Focus(everything=True)


def described(value: object, focus: Focus = TYPES) -> Described:
    """Return what is comparable about an answer of the module."""
    if value is None or isinstance(value, bool):
        return repr(value)
    if hasattr(value, "_asdict"):
        return _structure(value, focus)
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return _array(value, focus)
    if isinstance(value, list | tuple):
        return _rows(value, focus)
    return repr(value) if focus.everything else type(value).__name__


def _structure(row: Vendor, focus: Focus) -> Described:
    fields = {name: _field(name, value, focus) for name, value in row._asdict().items()}
    return {"structure": type(row).__name__, **fields}


def _field(name: str, value: object, focus: Focus) -> Described:
    kind = type(value).__name__
    if name in focus.exact or focus.everything:
        return f"{kind} {value!r}"
    if name in focus.signs and isinstance(value, int | float):
        return f"{kind} {_sign(value)}"
    return kind


def _sign(value: float) -> str:
    if value == 0:
        return "zero"
    return "positive" if value > 0 else "negative"


def _array(array: Vendor, focus: Focus) -> Described:
    if not array.shape:  # a numpy scalar
        return repr(array) if focus.everything else type(array).__name__
    flags = array.flags
    return {
        "array": str(array.dtype.descr),
        "bytes a row": str(array.itemsize),
        "flags": f"owndata {flags.owndata}, writeable {flags.writeable}",
        "rows": str(len(array)) if focus.rows else ("some" if len(array) else "none"),
    }


def _rows(rows: Vendor, focus: Focus) -> Described:
    kind = type(rows).__name__
    if not focus.rows:
        return {kind: described(rows[0], focus)} if rows else f"empty {kind}"
    shown = [described(row, focus) for row in rows[:ROWS_MAX]]
    return {kind: f"{len(rows)} rows", **{f"row {number}": row for number, row in enumerate(shown)}}
