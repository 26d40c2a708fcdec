"""A producer's private key as a file: JSON, readable by its owner only, written once."""

import base64
import binascii
import json
from dataclasses import dataclass
from pathlib import Path

from mt5fleet.domain.errors import InvalidValue
from mt5fleet.messages import Algorithm, SigningKey
from mt5fleet.private_file import write_private

_FIELDS = {"producer", "key_id", "algorithm", "private"}
_CHARS_MAX = 4096  # a key file has some 200 characters


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducerSecret:
    """A producer's name with the key it signs with."""

    producer: str
    key: SigningKey


def load_key(path: Path) -> ProducerSecret:
    """Read a key file; raises InvalidValue naming the file and the field, never what stands in it."""
    field = f"key file {path}"
    try:
        with path.open(encoding="utf-8") as opened:
            content = json.loads(opened.read(_CHARS_MAX))
    except (OSError, ValueError) as error:
        raise InvalidValue(field, f"cannot be read ({type(error).__name__})") from None
    if not isinstance(content, dict) or set(content) != _FIELDS:
        raise InvalidValue(field, f"needs exactly the fields {', '.join(sorted(_FIELDS))}")
    if not all(isinstance(value, str) for value in content.values()):
        raise InvalidValue(field, "holds a field that is no text")
    return ProducerSecret(producer=content["producer"], key=_key(field, content))


def save_key(path: Path, secret: ProducerSecret) -> None:
    """Write a key file once; raises InvalidValue when there is a file already, and OSError."""
    content = {
        "producer": secret.producer,
        "key_id": secret.key.key_id,
        "algorithm": secret.key.algorithm.value,
        "private": base64.b64encode(secret.key.private).decode(),
    }
    try:
        write_private(path, json.dumps(content, indent=2) + "\n")
    except FileExistsError:
        raise InvalidValue(f"key file {path}", "is there already; a key is never overwritten") from None


def _key(field: str, content: dict[str, str]) -> SigningKey:
    try:
        return SigningKey(
            key_id=content["key_id"],
            algorithm=Algorithm(content["algorithm"]),
            private=base64.b64decode(content["private"], validate=True),
        )
    except binascii.Error:
        raise InvalidValue(field, "private: is not base64") from None
    except ValueError:
        raise InvalidValue(field, f"algorithm: must be one of {', '.join(Algorithm)}") from None
