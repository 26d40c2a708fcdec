"""Shapes of fields on the wire, and the sentence for a field that does not fit.

Every number that is measured or counted is a string, since a JSON number could be rounded on its way.
Unknown fields are refused, so that a misspelt limit is never read as "no limit".
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.signal import ID_CHARS_MAX
from mt5fleet.messages.names import SCHEMA_VERSION

TAG_NAME_CHARS_MAX = 32  # a tag's name stands in tables
TAG_TEXT_CHARS_MAX = 200  # a sentence; longer notes belong to the producer's own records

_PATH_CHARS_MAX = 120  # of a field's path in an error: an unknown field's name is the sender's text

# 12 digits before the point and 10 after it hold every price and volume in use; an exponent could hide zeros.
_DIGITS = r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,10})?"
_NUMBER = f"^{_DIGITS}$"
_LEVEL = f"^(remove|{_DIGITS})$"
# 19 digits hold every 63-bit number; readers of other languages round such a JSON number.
_COUNT = r"^[1-9][0-9]{0,18}$"
# RFC 3339 in UTC; "Z" is the only zone, so that equal moments have one spelling of the zone.
_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"
# Names become parts of ledger keys and command lines: no braces, spaces or quotes.
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
# ASCII only, since regular expressions of other languages know no more; the domain's values check the rest.
_PRINTABLE_WORD = r"^[^\s\x00-\x1f\x7f]+$"
_TAG_NAME = r"^[a-z0-9][a-z0-9._-]*$"
_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
_BASE64 = r"^[A-Za-z0-9+/]+={0,2}$"

_RULE_OF_PATTERN = {
    _NUMBER: 'must be a decimal string such as "1.0825": no sign, no exponent, at most 10 decimals',
    _LEVEL: 'must be a decimal string such as "1.0825", or "remove"',
    _COUNT: 'must be a whole number above 0, as a string such as "3"',
    _MOMENT: 'must be a moment in UTC such as "2026-01-05T12:00:00Z"',
    _NAME: "must begin with a letter or digit and hold only letters, digits, '.', '_' and '-'",
    _PRINTABLE_WORD: "must be printable characters without spaces",
    _TAG_NAME: "must hold only small letters, digits, '.', '_' and '-'",
    _PRINTABLE: "must be printable",
    _BASE64: "must be base64",
}
_RULE_OF_TYPE = {
    "string_type": "must be a string (numbers, too, are written as decimal strings)",
    "missing": "is required",
    "extra_forbidden": "is not a field of this schema",
    "int_type": f"must be the number {SCHEMA_VERSION}",
    "less_than_equal": f"must be {SCHEMA_VERSION}: this fleet knows no newer schema",
    "greater_than_equal": f"must be {SCHEMA_VERSION}",
}

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)  # of every body on the wire

Number = Annotated[str, StringConstraints(pattern=_NUMBER)]
Level = Annotated[str, StringConstraints(pattern=_LEVEL)]
Count = Annotated[str, StringConstraints(pattern=_COUNT)]
Moment = Annotated[str, StringConstraints(pattern=_MOMENT)]
Name = Annotated[str, StringConstraints(pattern=_NAME, max_length=ID_CHARS_MAX)]
Symbol = Annotated[str, StringConstraints(pattern=_PRINTABLE_WORD, max_length=ID_CHARS_MAX)]
Printable = Annotated[str, StringConstraints(pattern=_PRINTABLE)]
TagName = Annotated[str, StringConstraints(pattern=_TAG_NAME, max_length=TAG_NAME_CHARS_MAX)]
TagText = Annotated[str, StringConstraints(pattern=_PRINTABLE, max_length=TAG_TEXT_CHARS_MAX)]
Signature = Annotated[str, StringConstraints(pattern=_BASE64, max_length=128)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The field that tells several bodies apart, and what it may say."""

    field: str
    rule: str


def first_problem(error: ValidationError, whole: str, choice: Choice | None = None) -> InvalidValue:
    """Field and rule of the first finding; never the offending text, which may be a misplaced secret."""
    found = error.errors(include_input=False, include_url=False)[0]
    if choice is not None and found["type"].startswith("union_tag"):
        return InvalidValue(choice.field, choice.rule)
    steps = [str(step) for step in found["loc"] if step != "[key]"]
    if choice is not None:
        steps = steps[1:]  # the chosen body's name, not a field
    path = ".".join(steps) or whole
    return InvalidValue("".join(c if c.isprintable() else "?" for c in path)[:_PATH_CHARS_MAX], _rule(found))


def _rule(found: ErrorDetails) -> str:
    if found["type"] == "string_pattern_mismatch":
        return _RULE_OF_PATTERN[found["ctx"]["pattern"]]
    return _RULE_OF_TYPE.get(found["type"], found["msg"])
