"""A producer's private key as a file: JSON, readable by its owner only, written once."""

from dataclasses import dataclass
from pathlib import Path

from mt5fleet.messages import SigningKey
from mt5fleet.private_key import read_key, write_key

_OWNER = "producer"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerSecret:
    """A producer's name with the key it signs with."""

    producer: str
    key: SigningKey


def load_key(path: Path) -> ProducerSecret:
    """Read a key file; raises InvalidValue naming the file and the field, never what stands in it."""
    producer, key = read_key(path, _OWNER)
    return ProducerSecret(producer=producer, key=key)


def save_key(path: Path, secret: ProducerSecret) -> None:
    """Write a key file once; raises InvalidValue when there is a file already, and OSError."""
    write_key(path, {_OWNER: secret.producer}, secret.key)
