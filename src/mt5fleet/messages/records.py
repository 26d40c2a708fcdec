"""Signed records of people: how they are made, opened and checked.

Signed are a prefix that names the kind (`mt5fleet-resume-1` or `mt5fleet-floor-1`) and a line feed, then the
RFC 8785 form of the record without its signature. So no signature of one kind, and none of a signal, fits
another kind.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.person import Person, PersonKey, Role
from mt5fleet.messages.moments import moment_text, read_moment
from mt5fleet.messages.names import SCHEMA_VERSION
from mt5fleet.messages.record_wire import (
    REASON_CHARS_MAX,
    SERVER_CHARS_MAX,
    FloorMessage,
    ResumeMessage,
    record_message,
)
from mt5fleet.messages.signing import (
    Algorithm,
    SignatureInvalid,
    SigningKey,
    sign_ed25519,
    unarmoured,
    verify_ed25519,
)
from mt5fleet.messages.strict_json import canonical, parsed

RECORD_BYTES_MAX = 8 * 1024  # the longest reason fits with every character escaped
AHEAD_MAX = timedelta(minutes=5)  # clocks of people's machines may be off by this much
AGE_MAX = timedelta(hours=24)  # an answer to today's halt; an old one says nothing about today
READINGS_MAX = 60  # at a reading a second; a floor that waits for longer than a minute protects nobody

_LOGIN_MAX = _SEQUENCE_MAX = 2**63 - 1  # what the journal can keep
_WHOLE = "record"  # what errors call the message as a whole


class RecordKind(StrEnum):
    """What a record does."""

    RESUME = "resume"  # lifts one halt of one account
    FLOOR = "floor"  # sets the equity that the bridge guards while the ledger is away


_PREFIXES = {
    RecordKind.RESUME: b"mt5fleet-resume-1\n",
    RecordKind.FLOOR: b"mt5fleet-floor-1\n",
}
_ROLES = {
    RecordKind.RESUME: Role.RISK,
    RecordKind.FLOOR: Role.RISK,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRecord:
    """A person lifts the halt `sequence` of the account (server, login), and says why."""

    server: str
    login: int
    sequence: int
    reason: str
    person: str
    at: datetime

    def __post_init__(self) -> None:
        """Refuse values that break a rule."""
        _check_account(self.server, self.login, self.at)
        _within("sequence", self.sequence, _SEQUENCE_MAX)
        _check_text("reason", self.reason, REASON_CHARS_MAX)

    @property
    def kind(self) -> RecordKind:
        """What the record does."""
        return RecordKind.RESUME


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorRecord:
    """A person sets the floor of the account (server, login).

    `equity` is in the account's currency; `readings` in a row must show it.
    """

    server: str
    login: int
    equity: Decimal
    readings: int
    person: str
    at: datetime

    def __post_init__(self) -> None:
        """Refuse values that break a rule."""
        _check_account(self.server, self.login, self.at)
        if not self.equity.is_finite() or self.equity <= 0:
            raise InvalidValue("equity", "must be above 0")
        _within("readings", self.readings, READINGS_MAX)

    @property
    def kind(self) -> RecordKind:
        """What the record does."""
        return RecordKind.FLOOR


Record = ResumeRecord | FloorRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRecord:
    """An opened record, whose signature nobody has checked yet.

    `canonical` are the RFC 8785 bytes that were signed after the prefix of the kind.
    """

    record: Record
    key_id: str
    algorithm: str
    signature: str = field(repr=False)
    text: str = field(repr=False)
    canonical: bytes = field(repr=False)


def sign_record(record: Record, key: SigningKey) -> str:
    """The signed text; raises InvalidValue when the record does not fit the wire or the key is no Ed25519."""
    content: dict[str, object] = {
        "schema": SCHEMA_VERSION,
        "kind": record.kind.value,
        "key_id": key.key_id,
        "algorithm": Algorithm.ED25519.value,
        record.kind.value: dump_record(record),
    }
    signature = sign_ed25519(_PREFIXES[record.kind] + canonical(content, _WHOLE), key)
    text = canonical({**content, "signature": base64.b64encode(signature).decode()}, _WHOLE).decode()
    open_record(text)  # what the bridge would refuse by its form is refused here
    return text


def open_record(text: str) -> SignedRecord:
    """Read a record without checking its signature; raises InvalidValue naming field and rule."""
    if len(text.encode(errors="surrogatepass")) > RECORD_BYTES_MAX:
        raise InvalidValue(_WHOLE, f"is over {RECORD_BYTES_MAX} bytes")
    content = parsed(text, _WHOLE)
    message = record_message(content)
    unsigned = {name: value for name, value in content.items() if name != "signature"}
    return SignedRecord(
        record=_record(message),
        key_id=message.key_id,
        algorithm=message.algorithm,
        signature=message.signature,
        text=text,
        canonical=canonical(unsigned, _WHOLE),
    )


def verify_record(signed: SignedRecord, people: Mapping[str, Person], now: datetime) -> None:
    """Return only when the person named may sign this, did so with a key that is good now, and lately.

    Raises InvalidValue naming field and rule, SignatureInvalid when the signature does not fit.
    """
    record = signed.record
    key = _key(signed, people, now)
    if signed.algorithm != Algorithm.ED25519:
        raise SignatureInvalid("algorithm", f"must be {Algorithm.ED25519}")
    content = _PREFIXES[record.kind] + signed.canonical
    verify_ed25519(key.public, unarmoured("signature", signed.signature), content)
    if record.at > now + AHEAD_MAX:
        raise InvalidValue(_path(record, "at"), "is more than 5 minutes ahead of the bridge's clock")
    if record.at < now - AGE_MAX:
        raise InvalidValue(_path(record, "at"), "is more than 24 hours ago; sign it anew")


def dump_record(record: Record) -> dict[str, str]:
    """The record's own JSON object."""
    common = {
        "server": record.server,
        "login": str(record.login),
        "person": record.person,
        "at": moment_text("at", record.at),
    }
    if isinstance(record, ResumeRecord):
        return {**common, "sequence": str(record.sequence), "reason": record.reason}
    return {**common, "equity": format(record.equity, "f"), "readings": str(record.readings)}


def _record(message: ResumeMessage | FloorMessage) -> Record:
    try:
        return _resume(message) if isinstance(message, ResumeMessage) else _floor(message)
    except InvalidValue as error:
        raise InvalidValue(f"{message.kind}.{error.field}", error.rule) from None


def _resume(message: ResumeMessage) -> ResumeRecord:
    body = message.resume
    return ResumeRecord(
        server=body.server,
        login=int(body.login),
        sequence=int(body.sequence),
        reason=body.reason,
        person=body.person,
        at=read_moment("at", body.at),
    )


def _floor(message: FloorMessage) -> FloorRecord:
    body = message.floor
    return FloorRecord(
        server=body.server,
        login=int(body.login),
        equity=Decimal(body.equity),
        readings=int(body.readings),
        person=body.person,
        at=read_moment("at", body.at),
    )


def _key(signed: SignedRecord, people: Mapping[str, Person], now: datetime) -> PersonKey:
    """The key that must have signed: the person is known, has the role, and the key is theirs and good."""
    record = signed.record
    person = people.get(record.person)
    if person is None:
        raise InvalidValue(_path(record, "person"), "is nobody known here (people.toml)")
    role = _ROLES[record.kind]
    if person.role is not role:
        raise InvalidValue(_path(record, "person"), f"needs the role {role}")
    keys = [key for key in person.keys if key.key_id == signed.key_id]
    if not keys:
        raise InvalidValue("key_id", "is no key of this person known here (people.toml)")
    if not all(key.is_good(now) for key in keys):
        raise InvalidValue("key_id", "is not good now: revoked, replaced or not begun")
    return keys[0]


def _path(record: Record, name: str) -> str:
    return f"{record.kind}.{name}"


def _check_account(server: str, login: int, at: datetime) -> None:
    _check_text("server", server, SERVER_CHARS_MAX)
    _within("login", login, _LOGIN_MAX)
    if at.tzinfo is None:
        raise InvalidValue("at", "needs a time zone (UTC)")


def _check_text(name: str, text: str, chars_max: int) -> None:
    if not text.strip() or len(text) > chars_max or not text.isprintable():
        raise InvalidValue(name, f"needs 1 to {chars_max} printable characters")


def _within(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise InvalidValue(name, f"must be 1 to {most}")
