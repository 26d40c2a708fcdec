"""People who may decide for the fleet: who they are, what they may sign, with which keys."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What a person may sign."""

    RISK = "risk"  # lifts halts and sets floors
    OPERATOR = "operator"  # settles orders in doubt, binds journals


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonKey:
    """An Ed25519 public key (base64) of a person and how long it is good."""

    key_id: str
    public: str
    valid_from: datetime
    valid_until: datetime | None = None
    revoked_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        """Whether a signature made with it counts at this moment."""
        if self.revoked_at is not None or now < self.valid_from:
            return False
        return self.valid_until is None or now < self.valid_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A named person with one role."""

    name: str
    role: Role
    keys: tuple[PersonKey, ...]
