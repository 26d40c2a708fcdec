"""Keys of people and of producers as their files hold them."""

from pydantic import AwareDatetime

from mt5fleet.domain.account import ProducerKey
from mt5fleet.domain.person import PersonKey
from mt5fleet.toml_file import Name, Terms


class KeyTerms(Terms):
    """A key's name and how long it is good; the key itself is each file's own."""

    key_id: Name
    valid_from: AwareDatetime
    valid_until: AwareDatetime | None = None
    revoked_at: AwareDatetime | None = None


def moment_lines(key: PersonKey | ProducerKey) -> list[str]:
    """How long a key is good, as lines of its table; a moment that is not told is left out."""
    moments = {
        "valid_from": key.valid_from,
        "valid_until": key.valid_until,
        "revoked_at": key.revoked_at,
    }
    return [
        f"{name} = {moment.isoformat(timespec='microseconds')}"
        for name, moment in moments.items()
        if moment is not None
    ]
