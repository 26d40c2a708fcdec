"""Test vectors of people's signed records; the same every time."""

import base64
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.person import Person, PersonKey
from mt5fleet.messages import (
    FloorRecord,
    Record,
    ResumeRecord,
    SignatureInvalid,
    dump_record,
    open_record,
    sign_record,
    verify_record,
)
from mt5fleet.messages.moments import moment_text
from mt5fleet.schema.people import AT, PERSON_KEYS, people
from mt5fleet.schema.refused_records import refused_records

_RESUME = ResumeRecord(
    server="Simulator-Demo",
    login=5001,
    sequence=1_767_614_400_000_000,
    reason="Risk sized down, checked with the desk",
    person="ann",
    at=AT - timedelta(seconds=20),
)
_FLOOR = FloorRecord(
    server="Simulator-Demo", login=5001, equity=Decimal(9000), readings=3, person="ann", at=_RESUME.at
)
_RECORDS: dict[str, Record] = {
    "resume": _RESUME,
    "resume with letters outside ASCII": replace(
        _RESUME, server="Broker & Söhne Live 2", reason='größte Position zu, "all" checked 平仓'
    ),
    "floor": _FLOOR,
    "floor with decimals": replace(_FLOOR, equity=Decimal("9000.50"), readings=60, login=2**63 - 1),
    "made 5 minutes ahead": replace(_RESUME, at=AT + timedelta(minutes=5)),
    "made a day ago": replace(_FLOOR, at=AT - timedelta(days=1)),
}


def record_vectors() -> dict[str, object]:
    """People, records that are accepted with every step on the way, and records that are refused."""
    refused = refused_records(_RESUME, _FLOOR)
    return {
        "about": "Test vectors of mt5fleet's records of people; the keys are public, never use them.",
        "prefixes": {"resume": "mt5fleet-resume-1\n", "floor": "mt5fleet-floor-1\n"},
        "now": moment_text("now", AT),
        "people": [_person(person) for person in people().values()],
        "accepted": [_accepted(name, record) for name, record in _RECORDS.items()],
        "refused": [_refused(name, text) for name, text in refused],
    }


def _person(person: Person) -> dict[str, object]:
    return {"name": person.name, "role": person.role.value, "keys": [_key(key) for key in person.keys]}


def _key(key: PersonKey) -> dict[str, str]:
    shown = {
        "key_id": key.key_id,
        "private": base64.b64encode(PERSON_KEYS[key.key_id].private).decode(),
        "public": key.public,
    }
    moments: dict[str, datetime | None] = {
        "valid_from": key.valid_from,
        "valid_until": key.valid_until,
        "revoked_at": key.revoked_at,
    }
    return {**shown, **{name: moment_text(name, at) for name, at in moments.items() if at is not None}}


def _accepted(name: str, record: Record) -> dict[str, object]:
    text = sign_record(record, PERSON_KEYS["ann-1"])
    opened = open_record(text)
    verify_record(opened, people(), AT)
    return {
        "name": name,
        "kind": record.kind.value,
        "record": dump_record(record),
        "canonical": opened.canonical.decode(),
        "signature": opened.signature,
        "text": text,
    }


def _refused(name: str, text: str) -> dict[str, str]:
    try:
        verify_record(open_record(text), people(), AT)
    except InvalidValue as error:
        why = "signature" if isinstance(error, SignatureInvalid) else "rule"
        return {"name": name, "text": text, "field": error.field, "why": why}
    raise SystemExit(f"vector '{name}' is accepted")
