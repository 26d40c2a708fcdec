"""People of the contract tests, and what they sign."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from mt5fleet.domain.person import Person, PersonKey, Role
from mt5fleet.messages import Algorithm, FloorRecord, ResumeRecord, SigningKey, sign_record
from mt5fleet.ports.clock import Clock
from tests.contract.gateway.terms import LOGIN, SERVER

RISK_KEY, OPERATOR_KEY, STRANGER_KEY = (
    SigningKey(key_id=name, algorithm=Algorithm.ED25519, private=bytes([number]) * 32)
    for number, name in enumerate(("rita-1", "otto-1", "mallory-1"), start=1)
)
RISK, OPERATOR = "rita", "otto"
PEOPLE = {
    name: Person(
        name=name,
        role=role,
        keys=(PersonKey(key_id=key.key_id, public=key.public, valid_from=datetime(2026, 1, 1, tzinfo=UTC)),),
    )
    for name, role, key in ((RISK, Role.RISK, RISK_KEY), (OPERATOR, Role.OPERATOR, OPERATOR_KEY))
}


def resume_of(
    clock: Clock,
    sequence: int,
    *,
    person: str = RISK,
    key: SigningKey = RISK_KEY,
    age_s: float = 0,
    login: int = LOGIN,
) -> str:
    """A signed resume record."""
    at = clock.now() - timedelta(seconds=age_s)
    record = ResumeRecord(
        server=SERVER, login=login, sequence=sequence, reason="looked into it", person=person, at=at
    )
    return sign_record(record, key)


def floor_of(
    clock: Clock,
    equity: str,
    *,
    person: str = RISK,
    key: SigningKey = RISK_KEY,
    age_s: float = 0,
    login: int = LOGIN,
) -> str:
    """A signed floor record."""
    at = clock.now() - timedelta(seconds=age_s)
    record = FloorRecord(server=SERVER, login=login, equity=Decimal(equity), readings=3, person=person, at=at)
    return sign_record(record, key)
