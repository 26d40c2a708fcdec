import json
from pathlib import Path

import pytest

import mt5fleet.schema
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.messages import SignatureInvalid, dump_signal, open_envelope, verify
from mt5fleet.schema.make import _KEYS, producer_key, rendered

FOLDER = Path(mt5fleet.schema.__file__).parent
VECTORS = json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))
KEYS = {key.key_id: key for key in _KEYS}


def _names(group: str) -> list[str]:
    return [vector["name"] for vector in VECTORS[group]]


def test_files_are_what_the_script_writes() -> None:
    shipped = {name: (FOLDER / name).read_text(encoding="utf-8") for name in rendered()}

    assert shipped == rendered(), "run `python -m mt5fleet.schema.make`"


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=_names("accepted"))
def test_good_message_opens_and_its_signature_fits(vector: dict[str, str]) -> None:
    key = KEYS[vector["key_id"]]

    opened = open_envelope(vector["envelope"])
    verify(opened, producer_key(key), lambda name: KEYS[name].private)

    assert dump_signal(opened.signal) == vector["signal"]
    assert opened.canonical.decode() == vector["canonical"]
    assert (opened.body_hash, opened.signature) == (vector["body_hash"], vector["signature"])


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=_names("refused"))
def test_spoilt_message_is_refused_with_its_field(vector: dict[str, str]) -> None:
    kind = SignatureInvalid if vector["why"] == "signature" else InvalidValue

    with pytest.raises(kind) as refused:
        verify(open_envelope(vector["envelope"]), producer_key(_KEYS[0]), lambda _: b"")

    assert refused.value.field == vector["field"]
    assert isinstance(refused.value, SignatureInvalid) == (vector["why"] == "signature")


def test_schema_lists_every_field_and_no_number() -> None:
    schema = json.loads((FOLDER / "signal.schema.json").read_text(encoding="utf-8"))

    opening = schema["$defs"]["OpenBody"]
    assert set(opening["properties"]) == {
        "symbol",
        "side",
        "entry",
        "price",
        "tolerance",
        "size",
        "stop_loss",
        "take_profits",
    }
    assert opening["additionalProperties"] is False
    assert '"number"' not in json.dumps(schema)
    assert '"integer"' not in json.dumps(schema)
