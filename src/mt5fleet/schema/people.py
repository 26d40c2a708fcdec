"""The people of the record vectors, with their keys; the keys are public, never use them."""

from datetime import UTC, datetime, timedelta

from mt5fleet.domain.person import Person, PersonKey, Role
from mt5fleet.messages import Algorithm, SigningKey

AT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)  # the bridge's clock in every vector
PERSON_KEYS = {
    key_id: SigningKey(key_id=key_id, algorithm=Algorithm.ED25519, private=bytes(range(first, first + 32)))
    for key_id, first in {"ann-1": 64, "ann-2": 96, "ann-3": 128, "bob-1": 160}.items()
}


def people() -> dict[str, Person]:
    """Ann may lift halts; her second key is revoked and her third has ended. Bob is no risk person."""
    yesterday = AT - timedelta(days=1)
    ann = (_key("ann-1"), _key("ann-2", revoked_at=yesterday), _key("ann-3", valid_until=yesterday))
    return {
        "ann": Person(name="ann", role=Role.RISK, keys=ann),
        "bob": Person(name="bob", role=Role.OPERATOR, keys=(_key("bob-1"),)),
    }


def _key(
    key_id: str, *, valid_until: datetime | None = None, revoked_at: datetime | None = None
) -> PersonKey:
    return PersonKey(
        key_id=key_id,
        public=PERSON_KEYS[key_id].public,
        valid_from=AT - timedelta(days=30),
        valid_until=valid_until,
        revoked_at=revoked_at,
    )
