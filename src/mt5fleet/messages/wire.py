"""The shape of a signal on the wire.

Every price, volume and share is a string, since a JSON number could be rounded on its way.
Unknown fields are refused, so that a misspelt limit is never read as "no limit".
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.signal import ID_CHARS_MAX, PARTS_MAX, TAGS_MAX, TARGETS_MAX
from mt5fleet.messages.names import SCHEMA_VERSION

TAG_NAME_CHARS_MAX = 32  # a tag's name stands in tables
TAG_TEXT_CHARS_MAX = 200  # a sentence; longer notes belong to the producer's own records

_PATH_CHARS_MAX = 120  # of a field's path in an error: an unknown field's name is the sender's text

# 12 digits before the point and 10 after it hold every price and volume in use; an exponent could hide zeros.
_DIGITS = r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,10})?"
_NUMBER = f"^{_DIGITS}$"
_LEVEL = f"^(remove|{_DIGITS})$"
# RFC 3339 in UTC; "Z" is the only zone, so that equal moments have one spelling of the zone.
_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"
# Names become parts of ledger keys and command lines: no braces, spaces or quotes.
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
# ASCII only, since regular expressions of other languages know no more; `convert` checks the rest.
_PRINTABLE_WORD = r"^[^\s\x00-\x1f\x7f]+$"
_TAG_NAME = r"^[a-z0-9][a-z0-9._-]*$"
_TAG_TEXT = r"^[^\x00-\x1f\x7f]*$"
_BASE64 = r"^[A-Za-z0-9+/]+={0,2}$"

_RULE_OF_PATTERN = {
    _NUMBER: 'must be a decimal string such as "1.0825": no sign, no exponent, at most 10 decimals',
    _LEVEL: 'must be a decimal string such as "1.0825", or "remove"',
    _MOMENT: 'must be a moment in UTC such as "2026-01-05T12:00:00Z"',
    _NAME: "must begin with a letter or digit and hold only letters, digits, '.', '_' and '-'",
    _PRINTABLE_WORD: "must be printable characters without spaces",
    _TAG_NAME: "must hold only small letters, digits, '.', '_' and '-'",
    _TAG_TEXT: "must be printable",
    _BASE64: "must be base64",
}
_RULE_OF_TYPE = {
    "string_type": "must be a string (numbers, too, are written as decimal strings)",
    "missing": "is required",
    "extra_forbidden": "is not a field of this schema",
    "int_type": f"must be the number {SCHEMA_VERSION}",
    "less_than_equal": f"must be {SCHEMA_VERSION}: this fleet knows no newer schema",
    "greater_than_equal": f"must be {SCHEMA_VERSION}",
    "union_tag_invalid": "must be open, close, modify or cancel",
    "union_tag_not_found": "must be open, close, modify or cancel",
}

Number = Annotated[str, StringConstraints(pattern=_NUMBER)]
Level = Annotated[str, StringConstraints(pattern=_LEVEL)]
Moment = Annotated[str, StringConstraints(pattern=_MOMENT)]
Name = Annotated[str, StringConstraints(pattern=_NAME, max_length=ID_CHARS_MAX)]
Symbol = Annotated[str, StringConstraints(pattern=_PRINTABLE_WORD, max_length=ID_CHARS_MAX)]
TagName = Annotated[str, StringConstraints(pattern=_TAG_NAME, max_length=TAG_NAME_CHARS_MAX)]
TagText = Annotated[str, StringConstraints(pattern=_TAG_TEXT, max_length=TAG_TEXT_CHARS_MAX)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TargetsBody(_Strict):
    """Names of accounts and groups."""

    accounts: Annotated[list[Name], Field(max_length=TARGETS_MAX)] = []
    groups: Annotated[list[Name], Field(max_length=TARGETS_MAX)] = []


class ApprovalBody(_Strict):
    """Who approved the signal, and when."""

    by: Symbol
    at: Moment


class SizeBody(_Strict):
    """Lots, percent of equity lost at the stop, or a multiple of the account's base lots."""

    rule: Literal["lots", "risk_percent", "multiplier"]
    value: Number


class TakeProfitBody(_Strict):
    """One part: share of the volume, and its target price unless it has none."""

    price: Number | None = None
    share: Number


class OpenBody(_Strict):
    """Open a position, or leave a resting order."""

    symbol: Symbol
    side: Literal["buy", "sell"]
    entry: Literal["market", "limit", "stop"]
    price: Number | None = None
    tolerance: Number | None = None
    size: SizeBody
    stop_loss: Number | None = None
    take_profits: Annotated[list[TakeProfitBody], Field(min_length=1, max_length=PARTS_MAX)]


class CloseBody(_Strict):
    """Close all that the opening signal opened, or `volume_lots` or `share` of each part."""

    opening_id: Name
    volume_lots: Number | None = None
    share: Number | None = None


class ModifyBody(_Strict):
    """Change stop, target or the price of a resting order; "remove" takes a stop or target away."""

    opening_id: Name
    stop_loss: Level | None = None
    take_profit: Level | None = None
    price: Number | None = None


class CancelBody(_Strict):
    """Withdraw what the opening signal left resting or has not sent yet."""

    opening_id: Name


class _Common(_Strict):
    id: Name
    producer: Name
    created_at: Moment
    valid_until: Moment
    targets: TargetsBody
    approval: ApprovalBody
    tags: Annotated[dict[TagName, TagText], Field(max_length=TAGS_MAX)] = {}


class OpenSignal(_Common):
    """A signal that opens."""

    verb: Literal["open"]
    open: OpenBody


class CloseSignal(_Common):
    """A signal that closes."""

    verb: Literal["close"]
    close: CloseBody


class ModifySignal(_Common):
    """A signal that changes stops, targets or a resting price."""

    verb: Literal["modify"]
    modify: ModifyBody


class CancelSignal(_Common):
    """A signal that withdraws resting orders."""

    verb: Literal["cancel"]
    cancel: CancelBody


SignalBody = Annotated[OpenSignal | CloseSignal | ModifySignal | CancelSignal, Field(discriminator="verb")]


class EnvelopeBody(_Strict):
    """The signed message; `signal` is checked on its own, so that its errors name its own fields."""

    schema_: Annotated[int, Field(alias="schema", ge=SCHEMA_VERSION, le=SCHEMA_VERSION)]
    key_id: Name
    algorithm: Literal["ed25519", "hmac-sha256"]
    signature: Annotated[str, StringConstraints(pattern=_BASE64, max_length=128)]
    signal: dict[str, Any]


_signal_body: TypeAdapter[OpenSignal | CloseSignal | ModifySignal | CancelSignal] = TypeAdapter(SignalBody)
_envelope_body = TypeAdapter(EnvelopeBody)


def signal_body(content: object) -> OpenSignal | CloseSignal | ModifySignal | CancelSignal:
    """Check a signal's JSON object; raises InvalidValue naming the first field that does not fit."""
    try:
        return _signal_body.validate_python(content)
    except ValidationError as error:
        raise _first(error, "signal") from None


def envelope_body(content: object) -> EnvelopeBody:
    """Check an envelope's JSON object; raises InvalidValue naming the first field that does not fit."""
    try:
        return _envelope_body.validate_python(content)
    except ValidationError as error:
        raise _first(error, "envelope") from None


def signal_schema() -> dict[str, Any]:
    """The JSON Schema of a signal, drawn from the models."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"mt5fleet signal, schema {SCHEMA_VERSION}",
        **_signal_body.json_schema(),
    }


def _first(error: ValidationError, whole: str) -> InvalidValue:
    """Field and rule of the first finding; never the offending text, which may be a misplaced secret."""
    found = error.errors(include_input=False, include_url=False)[0]
    return InvalidValue(_path(found, whole), _rule(found))


def _path(found: ErrorDetails, whole: str) -> str:
    if found["type"].startswith("union_tag"):
        return "verb"
    steps = [str(step) for step in found["loc"] if step != "[key]"]
    if whole == "signal":
        steps = steps[1:]  # the union's tag, not a field
    path = ".".join(steps) or whole
    return "".join(c if c.isprintable() else "?" for c in path)[:_PATH_CHARS_MAX]


def _rule(found: ErrorDetails) -> str:
    if found["type"] == "string_pattern_mismatch":
        return _RULE_OF_PATTERN[found["ctx"]["pattern"]]
    return _RULE_OF_TYPE.get(found["type"], found["msg"])
