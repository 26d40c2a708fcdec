import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.person import Person, PersonKey, Role
from mt5fleet.messages import (
    RECORD_BYTES_MAX,
    Algorithm,
    FloorRecord,
    Record,
    RecordKind,
    ResumeRecord,
    SignatureInvalid,
    SigningKey,
    open_envelope,
    open_record,
    sign_record,
    verify_record,
)

AT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
KEY = SigningKey(key_id="ann-1", algorithm=Algorithm.ED25519, private=b"PLANTED-private-key-of-ann-32-by")
RESUME = ResumeRecord(server="Broker-Live", login=5001, sequence=7, reason="checked", person="ann", at=AT)
FLOOR = FloorRecord(server="Broker-Live", login=5001, equity=Decimal(9000), readings=3, person="ann", at=AT)
RECORDS = pytest.mark.parametrize("record", [RESUME, FLOOR], ids=lambda record: record.kind)


def _people(role: Role = Role.RISK, **key: datetime | str) -> dict[str, Person]:
    own = PersonKey(**{"key_id": "ann-1", "public": KEY.public, "valid_from": AT - timedelta(days=9), **key})
    return {"ann": Person(name="ann", role=role, keys=(own,))}


@pytest.mark.parametrize(
    ("record", "prefix"), [(RESUME, b"mt5fleet-resume-1\n"), (FLOOR, b"mt5fleet-floor-1\n")]
)
def test_signature_is_made_over_prefix_and_canonical_json(record: Record, prefix: bytes) -> None:
    content = json.loads(sign_record(record, KEY))

    signature = base64.b64decode(content.pop("signature"))
    # These records hold ASCII texts only, so sorted compact JSON is their RFC 8785 form.
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    Ed25519PrivateKey.from_private_bytes(KEY.private).public_key().verify(signature, prefix + canonical)
    assert set(content) == {"schema", "kind", "key_id", "algorithm", record.kind.value}


@RECORDS
def test_other_spelling_of_a_record_is_the_same_record(record: Record) -> None:
    spelt = json.dumps(dict(reversed(json.loads(sign_record(record, KEY)).items())), indent=3)

    opened = open_record(spelt)

    verify_record(opened, _people(), AT)
    assert opened.record == record


def test_every_changed_byte_of_what_was_signed_breaks_the_signature() -> None:
    opened = open_record(sign_record(RESUME, KEY))
    spoilt = [
        opened.canonical[:place] + bytes([byte ^ 1]) + opened.canonical[place + 1 :]
        for place, byte in enumerate(opened.canonical)
    ]

    for canonical in spoilt:
        with pytest.raises(SignatureInvalid):
            verify_record(replace(opened, canonical=canonical), _people(), AT)


def test_every_changed_letter_of_the_text_is_refused() -> None:
    text = sign_record(FLOOR, KEY)
    # The last letter before the padding of base64 carries bits that are no part of the signature.
    places = [place for place in range(len(text)) if place != text.index("==") - 1]

    for place in places:
        altered = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(InvalidValue):
            verify_record(open_record(altered), _people(), AT)


@pytest.mark.parametrize(
    ("record", "other"), [(RESUME, b"mt5fleet-floor-1\n"), (FLOOR, b"mt5fleet-resume-1\n")]
)
def test_signature_for_another_purpose_does_not_fit(record: Record, other: bytes) -> None:
    opened = open_record(sign_record(record, KEY))
    private = Ed25519PrivateKey.from_private_bytes(KEY.private)

    for prefix in (other, b"mt5fleet-signal-1\n", b""):
        signature = base64.b64encode(private.sign(prefix + opened.canonical)).decode()
        with pytest.raises(SignatureInvalid):
            verify_record(replace(opened, signature=signature), _people(), AT)


@RECORDS
def test_record_is_no_signal(record: Record) -> None:
    with pytest.raises(InvalidValue):
        open_envelope(sign_record(record, KEY))


@RECORDS
@pytest.mark.parametrize(
    ("people", "field", "rule"),
    [
        ({}, "person", "known"),
        (_people(Role.OPERATOR), "person", "role risk"),
        (_people(key_id="ann-2"), "key_id", "no key of this person"),
        (_people(revoked_at=AT - timedelta(days=1)), "key_id", "not good"),
        (_people(revoked_at=AT + timedelta(days=1)), "key_id", "not good"),
        (_people(valid_until=AT), "key_id", "not good"),
        (_people(valid_from=AT + timedelta(microseconds=1)), "key_id", "not good"),
        (_people(public=SigningKey.generate("x").public), "signature", "does not fit"),
        (_people(public="AAAA"), "key.public", "no Ed25519"),
    ],
)
def test_record_of_the_wrong_person_or_key_is_refused(
    record: Record, people: dict[str, Person], field: str, rule: str
) -> None:
    with pytest.raises(InvalidValue, match=rule) as refused:
        verify_record(open_record(sign_record(record, KEY)), people, AT)

    assert refused.value.field in {field, f"{record.kind}.{field}"}


@RECORDS
@pytest.mark.parametrize("at", [AT + timedelta(minutes=5), AT - timedelta(hours=24), AT])
def test_record_within_its_time_counts(record: Record, at: datetime) -> None:
    verify_record(open_record(sign_record(replace(record, at=at), KEY)), _people(), AT)


@RECORDS
@pytest.mark.parametrize(
    ("at", "rule"),
    [
        (AT + timedelta(minutes=5, microseconds=1), "5 minutes ahead"),
        (AT - timedelta(hours=24, microseconds=1), "24 hours ago"),
    ],
)
def test_record_outside_its_time_is_refused(record: Record, at: datetime, rule: str) -> None:
    with pytest.raises(InvalidValue, match=rule):
        verify_record(open_record(sign_record(replace(record, at=at), KEY)), _people(), AT)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"server": ""}, "server"),
        ({"server": "x" * 64}, "server"),
        ({"server": "a\nb"}, "server"),
        ({"login": 0}, "login"),
        ({"login": 2**63}, "login"),
        ({"sequence": 0}, "sequence"),
        ({"reason": ""}, "reason"),
        ({"reason": " "}, "reason"),
        ({"reason": "x" * 301}, "reason"),
        ({"reason": "a\u202eb"}, "reason"),
        ({"at": datetime(2026, 1, 5)}, "at"),  # noqa: DTZ001 - no zone is the point
    ],
)
def test_resume_record_that_breaks_a_rule_cannot_be_made(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        replace(RESUME, **changes)

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"equity": Decimal(0)}, "equity"),
        ({"equity": Decimal(-1)}, "equity"),
        ({"equity": Decimal("NaN")}, "equity"),
        ({"equity": Decimal("Infinity")}, "equity"),
        ({"readings": 0}, "readings"),
        ({"readings": 61}, "readings"),
        ({"login": -1}, "login"),
    ],
)
def test_floor_record_that_breaks_a_rule_cannot_be_made(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        replace(FLOOR, **changes)

    assert refused.value.field == field


@pytest.mark.parametrize(
    "record",
    [
        replace(FLOOR, equity=Decimal("1e12")),
        replace(FLOOR, equity=Decimal("0.12345678901")),
        replace(FLOOR, person="a b"),
        replace(RESUME, person="x" * 65),
    ],
)
def test_record_without_room_on_the_wire_is_not_signed(record: Record) -> None:
    with pytest.raises(InvalidValue):
        sign_record(record, KEY)


def test_people_sign_with_ed25519_only() -> None:
    shared = SigningKey(key_id="ann-1", algorithm=Algorithm.HMAC_SHA256, private=KEY.private)

    with pytest.raises(InvalidValue, match="algorithm"):
        sign_record(RESUME, shared)


def test_longest_reason_fits_however_it_is_spelt() -> None:
    text = sign_record(replace(RESUME, reason="\U0001f600" * 300), KEY)

    opened = open_record(json.dumps(json.loads(text), indent=2))

    verify_record(opened, _people(), AT)


def test_oversize_text_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidValue, match="record: is over"):
        open_record(" " * (RECORD_BYTES_MAX + 1))


@pytest.mark.parametrize(
    "text", ["[" * 8000, '{"a":' * 1600, "\ud800", '{"schema":' + "9" * 5000 + "}", "", "null"]
)
def test_hostile_text_is_refused_as_a_value(text: str) -> None:
    with pytest.raises(InvalidValue):
        open_record(text)


def test_neither_key_nor_signature_nor_misplaced_secret_shows() -> None:
    text = sign_record(RESUME, KEY)
    signature = json.loads(text)["signature"]
    content = json.loads(text)
    content["resume"]["person"] = content["key_id"] = "PLANTED secret"
    shown = [repr(open_record(text)), str(open_record(text))]

    for opened in (lambda: open_record(json.dumps(content)), lambda: open_record(text[:-1])):
        with pytest.raises(InvalidValue) as refused:
            opened()
        shown += [str(refused.value), repr(refused.value)]
    with pytest.raises(SignatureInvalid) as unfit:
        verify_record(open_record(text), _people(public=SigningKey.generate("x").public), AT)

    shown += [str(unfit.value), repr(unfit.value)]
    assert not [one for one in shown if "PLANTED" in one or signature in one]


texts = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=60)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given
counts = st.integers(1, 2**63 - 1)
resumes = st.builds(
    ResumeRecord, server=texts, login=counts, sequence=counts, reason=texts, person=names, at=moments
)
floors = st.builds(
    FloorRecord,
    server=texts,
    login=counts,
    equity=st.decimals(Decimal("0.01"), Decimal(10**11), places=2),
    readings=st.integers(1, 60),
    person=names,
    at=moments,
)


@given(record=resumes | floors)
def test_any_record_comes_back_as_it_was_signed(record: Record) -> None:
    people = {record.person: replace(_people(valid_from=record.at)["ann"], name=record.person)}

    opened = open_record(sign_record(record, KEY))

    verify_record(opened, people, record.at)
    assert opened.record == record
    assert opened.record.kind in RecordKind
