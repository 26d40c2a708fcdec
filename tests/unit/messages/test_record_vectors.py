import json
from pathlib import Path

import pytest

import mt5fleet.schema
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.messages import SignatureInvalid, dump_record, open_record, sign_record, verify_record
from mt5fleet.schema.people import AT, PERSON_KEYS, people

FOLDER = Path(mt5fleet.schema.__file__).parent
VECTORS = json.loads((FOLDER / "record-vectors.json").read_text(encoding="utf-8"))


def _names(group: str) -> list[str]:
    return [vector["name"] for vector in VECTORS[group]]


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=_names("accepted"))
def test_good_record_opens_and_its_signature_fits(vector: dict[str, str]) -> None:
    opened = open_record(vector["text"])
    verify_record(opened, people(), AT)

    assert dump_record(opened.record) == vector["record"]
    assert (opened.record.kind, opened.canonical.decode()) == (vector["kind"], vector["canonical"])
    assert opened.signature == vector["signature"]
    assert sign_record(opened.record, PERSON_KEYS["ann-1"]) == vector["text"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=_names("refused"))
def test_spoilt_record_is_refused_with_its_field(vector: dict[str, str]) -> None:
    with pytest.raises(InvalidValue) as refused:
        verify_record(open_record(vector["text"]), people(), AT)

    assert refused.value.field == vector["field"]
    assert isinstance(refused.value, SignatureInvalid) == (vector["why"] == "signature")


def test_schema_refuses_unknown_fields_and_numbers() -> None:
    schema = json.loads((FOLDER / "record.schema.json").read_text(encoding="utf-8"))

    bodies = {name: body for name, body in schema["$defs"].items() if name.endswith("Body")}
    assert {name: set(body["properties"]) for name, body in bodies.items()} == {
        "ResumeBody": {"server", "login", "sequence", "reason", "person", "at"},
        "FloorBody": {"server", "login", "equity", "readings", "person", "at"},
    }
    assert all(kind["additionalProperties"] is False for kind in schema["$defs"].values())
    assert {field["type"] for body in bodies.values() for field in body["properties"].values()} == {"string"}
