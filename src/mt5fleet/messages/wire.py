"""The shape of a signal on the wire."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from mt5fleet.domain.signal import PARTS_MAX, TAGS_MAX, TARGETS_MAX
from mt5fleet.messages.names import SCHEMA_VERSION
from mt5fleet.messages.shapes import (
    STRICT,
    Choice,
    Level,
    Moment,
    Name,
    Number,
    Signature,
    Symbol,
    TagName,
    TagText,
    first_problem,
)

_VERB = Choice(field="verb", rule="must be open, close, modify or cancel")


class _Strict(BaseModel):
    model_config = STRICT


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
    signature: Signature
    signal: dict[str, Any]


_signal_body: TypeAdapter[OpenSignal | CloseSignal | ModifySignal | CancelSignal] = TypeAdapter(SignalBody)
_envelope_body = TypeAdapter(EnvelopeBody)


def signal_body(content: object) -> OpenSignal | CloseSignal | ModifySignal | CancelSignal:
    """Check a signal's JSON object; raises InvalidValue naming the first field that does not fit."""
    try:
        return _signal_body.validate_python(content)
    except ValidationError as error:
        raise first_problem(error, "signal", _VERB) from None


def envelope_body(content: object) -> EnvelopeBody:
    """Check an envelope's JSON object; raises InvalidValue naming the first field that does not fit."""
    try:
        return _envelope_body.validate_python(content)
    except ValidationError as error:
        raise first_problem(error, "envelope") from None


def signal_schema() -> dict[str, Any]:
    """The JSON Schema of a signal, drawn from the models."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"mt5fleet signal, schema {SCHEMA_VERSION}",
        **_signal_body.json_schema(),
    }
