"""Ways to spoil a good message, each with the name of what is wrong."""

import json
from collections.abc import Callable, Iterator
from typing import Any

Spoil = Callable[[dict[str, Any]], object]


def altered_envelopes(envelope: str) -> Iterator[tuple[str, str]]:
    """Name and text of every spoilt copy."""
    for name, spoil in _SPOILS.items():
        content = json.loads(envelope)
        spoil(content)
        yield name, json.dumps(content, separators=(",", ":"))
    yield "a field twice", envelope[:-1] + ',"schema":1}'
    yield "not an object", "[]"
    yield "not JSON", envelope[:-1]


def _spoil_open(**changes: object) -> Spoil:
    return lambda content: content["signal"]["open"].update(changes)


def _spoil_signal(**changes: object) -> Spoil:
    return lambda content: content["signal"].update(changes)


def _spoil_envelope(**changes: object) -> Spoil:
    return lambda content: content.update(changes)


_SPOILS: dict[str, Spoil] = {
    "volume altered": _spoil_open(size={"rule": "lots", "value": "1.10"}),
    "stop altered": _spoil_open(stop_loss="1.0700"),
    "target altered": _spoil_signal(targets={"accounts": ["other"], "groups": []}),
    "life prolonged": _spoil_signal(valid_until="2026-01-06T12:00:00Z"),
    "signed by another key": _spoil_envelope(key_id="legacy-1"),
    "other algorithm named": _spoil_envelope(algorithm="hmac-sha256"),
    "signature of other length": _spoil_envelope(signature="AAAA"),
    "signature not base64": _spoil_envelope(signature="?"),
    "newer schema": _spoil_envelope(schema=2),
    "schema as true": _spoil_envelope(schema=True),
    "unknown field": _spoil_signal(urgent="yes"),
    "unknown field inside": _spoil_open(stoploss="1.07"),
    "price as JSON number": _spoil_open(price=1.0825),
    "volume as JSON integer": _spoil_open(size={"rule": "lots", "value": 1}),
    "volume with exponent": _spoil_open(size={"rule": "lots", "value": "1e2"}),
    "volume with sign": _spoil_open(size={"rule": "lots", "value": "-0.1"}),
    "volume zero": _spoil_open(size={"rule": "lots", "value": "0.00"}),
    "volume not a number": _spoil_open(size={"rule": "lots", "value": "NaN"}),
    "number with leading zero": _spoil_open(stop_loss="01.08"),
    "moment without zone": _spoil_signal(created_at="2026-01-05T12:00:00"),
    "moment in another zone": _spoil_signal(created_at="2026-01-05T13:00:00+01:00"),
    "moment that is none": _spoil_signal(created_at="2026-02-30T12:00:00Z"),
    "ends before it begins": _spoil_signal(valid_until="2026-01-05T11:00:00Z"),
    "verb unknown": _spoil_signal(verb="hedge"),
    "verb and object differ": _spoil_signal(verb="close"),
    "two verbs": _spoil_signal(cancel={"opening_id": "x"}),
    "no target": _spoil_signal(targets={"accounts": [], "groups": []}),
    "target twice": _spoil_signal(targets={"accounts": ["a", "a"], "groups": []}),
    "shares above one": _spoil_open(take_profits=[{"share": "0.6"}, {"share": "0.6"}]),
    "no part": _spoil_open(take_profits=[]),
    "id with a space": _spoil_signal(id="a b"),
    "id with a line feed": _spoil_signal(id="a\n"),
    "id too long": _spoil_signal(id="x" * 65),
    "tag with hidden characters": _spoil_signal(tags={"note": "a\u202eb"}),
    "limit entry without price": _spoil_open(entry="limit"),
}
