"""Ways to spoil a good record, each with the name of what is wrong."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from mt5fleet.messages import (
    FloorRecord,
    ResumeRecord,
    open_record,
    sign_record,
)
from mt5fleet.messages.signing import sign_ed25519
from mt5fleet.schema.people import AT, PERSON_KEYS
from mt5fleet.schema.refused import Spoil

_TICK = timedelta(microseconds=1)


def refused_records(resume: ResumeRecord, floor: FloorRecord) -> Iterator[tuple[str, str]]:
    """Name and text of every record that is refused."""
    yield from _by_the_wrong_person(resume, floor)
    yield "made too far ahead", _signed(replace(resume, at=AT + timedelta(minutes=5) + _TICK))
    yield "made too long ago", _signed(replace(floor, at=AT - timedelta(days=1) - _TICK))
    good = _signed(resume)
    yield "signature made for a floor", _signed_for(good, b"mt5fleet-floor-1\n")
    yield "signature made for a signal", _signed_for(good, b"mt5fleet-signal-1\n")
    yield "signature made without a prefix", _signed_for(good, b"")
    for name, spoil in _SPOILS.items():
        yield name, _spoilt(good, spoil)
    for name, spoil in _FLOOR_SPOILS.items():
        yield name, _spoilt(_signed(floor), spoil)
    yield "a field twice", good[:-1] + ',"schema":1}'
    yield "not an object", "[]"
    yield "not JSON", good[:-1]


def _by_the_wrong_person(resume: ResumeRecord, floor: FloorRecord) -> Iterator[tuple[str, str]]:
    yield "resume by an operator", _signed(replace(resume, person="bob"), "bob-1")
    yield "floor by an operator", _signed(replace(floor, person="bob"), "bob-1")
    yield "person unknown", _signed(replace(resume, person="eve"))
    yield "key of another person", _signed(resume, "bob-1")
    yield "key revoked", _signed(resume, "ann-2")
    yield "key ended", _signed(floor, "ann-3")


def _signed(record: ResumeRecord | FloorRecord, key_id: str = "ann-1") -> str:
    return sign_record(record, PERSON_KEYS[key_id])


def _signed_for(text: str, prefix: bytes) -> str:
    """The record with a good key's signature over other bytes."""
    signature = sign_ed25519(prefix + open_record(text).canonical, PERSON_KEYS["ann-1"])
    return json.dumps({**json.loads(text), "signature": base64.b64encode(signature).decode()})


def _spoilt(text: str, spoil: Spoil) -> str:
    content = json.loads(text)
    spoil(content)
    return json.dumps(content, separators=(",", ":"))


def _message(**changes: object) -> Spoil:
    return lambda content: content.update(changes)


def _resume(**changes: object) -> Spoil:
    return lambda content: content["resume"].update(changes)


def _floor(**changes: object) -> Spoil:
    return lambda content: content["floor"].update(changes)


_SPOILS: dict[str, Spoil] = {
    "server altered": _resume(server="Simulator-Live"),
    "login altered": _resume(login="5002"),
    "sequence altered": _resume(sequence="1767614400000001"),
    "reason altered": _resume(reason="none"),
    "moment altered": _resume(at="2026-01-05T11:59:41Z"),
    "other key named": _message(key_id="ann-9"),
    "other algorithm named": _message(algorithm="hmac-sha256"),
    "signature of other length": _message(signature="AAAA"),
    "signature not base64": _message(signature="?"),
    "newer schema": _message(schema=2),
    "schema as true": _message(schema=True),
    "kind altered": _message(kind="floor"),
    "kind unknown": _message(kind="halt"),
    "kind missing": lambda content: content.pop("kind"),
    "two bodies": _message(floor={}),
    "unknown field": _message(note="x"),
    "unknown field inside": _resume(trial="1"),
    "field missing": lambda content: content["resume"].pop("reason"),
    "login as JSON integer": _resume(login=5001),
    "sequence as JSON integer": _resume(sequence=1_767_614_400_000_000),
    "sequence zero": _resume(sequence="0"),
    "sequence with sign": _resume(sequence="-1"),
    "login too large": _resume(login="9223372036854775808"),
    "reason empty": _resume(reason=""),
    "reason of spaces": _resume(reason="   "),
    "reason too long": _resume(reason="x" * 301),
    "reason with a line feed": _resume(reason="a\nb"),
    "reason with hidden characters": _resume(reason="a\u202eb"),
    "server too long": _resume(server="x" * 64),
    "person with a space": _resume(person="a b"),
    "moment without zone": _resume(at="2026-01-05T11:59:40"),
    "moment in another zone": _resume(at="2026-01-05T12:59:40+01:00"),
    "moment that is none": _resume(at="2026-02-30T12:00:00Z"),
}
_FLOOR_SPOILS: dict[str, Spoil] = {
    "floor lowered": _floor(equity="1"),
    "readings raised": _floor(readings="60"),
    "equity as JSON number": _floor(equity=9000.5),
    "equity as JSON integer": _floor(equity=9000),
    "equity zero": _floor(equity="0.00"),
    "equity with sign": _floor(equity="-1"),
    "equity with exponent": _floor(equity="9e3"),
    "equity not a number": _floor(equity="NaN"),
    "readings zero": _floor(readings="0"),
    "readings too many": _floor(readings="61"),
    "readings not whole": _floor(readings="1.5"),
}
