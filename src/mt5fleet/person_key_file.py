"""A person's private key as a file. It belongs to the person alone, never beside workers or bridges."""

from dataclasses import dataclass
from pathlib import Path

from mt5fleet.domain.errors import InvalidValue
from mt5fleet.messages import Algorithm, SigningKey
from mt5fleet.private_key import read_key, write_key

_OWNER = "person"
_USE = "signs records of this person (resume, floor), never signals"  # for whoever finds the file


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonSecret:
    """A person's name with the key they sign with."""

    person: str
    key: SigningKey


def load_person_key(path: Path) -> PersonSecret:
    """Read a person's key file; raises InvalidValue naming file and field, never what stands in it."""
    person, key = read_key(path, _OWNER, beside=frozenset({"use"}))
    if key.algorithm is not Algorithm.ED25519:
        raise InvalidValue(f"key file {path}", f"algorithm: must be {Algorithm.ED25519}")
    return PersonSecret(person=person, key=key)


def save_person_key(path: Path, secret: PersonSecret) -> None:
    """Write a person's key file once; raises InvalidValue when there is a file already, and OSError."""
    write_key(path, {_OWNER: secret.person, "use": _USE}, secret.key)
