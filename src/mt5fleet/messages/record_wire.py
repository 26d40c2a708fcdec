"""The shape of a signed record on the wire."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, TypeAdapter, ValidationError

from mt5fleet.messages.names import SCHEMA_VERSION
from mt5fleet.messages.shapes import (
    STRICT,
    Choice,
    Count,
    Moment,
    Name,
    Number,
    Printable,
    Signature,
    first_problem,
)

SERVER_CHARS_MAX = 63  # of a broker server's name, as in fleet.toml
REASON_CHARS_MAX = 300  # some sentences; the whole story belongs to the person's own records

_KIND = Choice(field="kind", rule="must be resume or floor")

Server = Annotated[Printable, StringConstraints(min_length=1, max_length=SERVER_CHARS_MAX)]
Reason = Annotated[Printable, StringConstraints(min_length=1, max_length=REASON_CHARS_MAX)]


class _Strict(BaseModel):
    model_config = STRICT


class ResumeBody(_Strict):
    """Which halt is lifted, why, by whom, when."""

    server: Server
    login: Count
    sequence: Count
    reason: Reason
    person: Name
    at: Moment


class FloorBody(_Strict):
    """The equity that the bridge guards alone, and how many readings must show it."""

    server: Server
    login: Count
    equity: Number
    readings: Count
    person: Name
    at: Moment


class _Signed(_Strict):
    schema_: Annotated[int, Field(alias="schema", ge=SCHEMA_VERSION, le=SCHEMA_VERSION)]
    key_id: Name
    algorithm: Literal["ed25519"]
    signature: Signature


class ResumeMessage(_Signed):
    """A signed resume record."""

    kind: Literal["resume"]
    resume: ResumeBody


class FloorMessage(_Signed):
    """A signed floor record."""

    kind: Literal["floor"]
    floor: FloorBody


_record_message: TypeAdapter[ResumeMessage | FloorMessage] = TypeAdapter(
    Annotated[ResumeMessage | FloorMessage, Field(discriminator="kind")]
)


def record_message(content: object) -> ResumeMessage | FloorMessage:
    """Check a record's JSON object; raises InvalidValue naming the first field that does not fit."""
    try:
        return _record_message.validate_python(content)
    except ValidationError as error:
        raise first_problem(error, "record", _KIND) from None


def record_schema() -> dict[str, Any]:
    """The JSON Schema of a signed record, drawn from the models."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"mt5fleet signed record, schema {SCHEMA_VERSION}",
        **_record_message.json_schema(by_alias=True),
    }
