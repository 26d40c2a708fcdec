"""JSON that has one meaning only, and its one spelling that is signed.

`whole` names what is read ("envelope", "record") in the errors.
"""

import json
from collections.abc import Callable

import rfc8785

from mt5fleet.domain.errors import InvalidValue


def parsed(text: str, whole: str) -> dict[str, object]:
    """The object in a text whose length is checked already; raises InvalidValue naming the rule."""
    try:
        content = json.loads(
            text,
            object_pairs_hook=_once(whole),
            parse_float=_no_float(whole),
            parse_constant=_no_float(whole),
        )
    except (ValueError, RecursionError):
        raise InvalidValue(whole, "is not JSON") from None
    if not isinstance(content, dict):
        raise InvalidValue(whole, "must be a JSON object")
    return content


def canonical(content: dict[str, object], whole: str) -> bytes:
    """The RFC 8785 bytes; raises InvalidValue where there are none."""
    try:
        return rfc8785.dumps(content)  # type: ignore[arg-type]  # texts, lists and objects only
    except rfc8785.CanonicalizationError:
        raise InvalidValue(whole, "has no canonical form (RFC 8785)") from None


def _once(whole: str) -> Callable[[list[tuple[str, object]]], dict[str, object]]:
    """Refuse a name that stands twice: two readers could see two different orders."""

    def only_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise InvalidValue(whole, "an object names one field twice")
        return found

    return only_once


def _no_float(whole: str) -> Callable[[str], object]:
    def refuse(_text: str) -> object:
        raise InvalidValue(whole, "holds a JSON number with a fraction; write numbers as decimal strings")

    return refuse
