"""A private key as a file: JSON, readable by its owner only, written once."""

import base64
import binascii
import json
from collections.abc import Mapping
from pathlib import Path

from mt5fleet.domain.errors import InvalidValue
from mt5fleet.messages import Algorithm, SigningKey
from mt5fleet.private_file import write_private

_KEY_FIELDS = frozenset({"key_id", "algorithm", "private"})
_CHARS_MAX = 4096  # a key file has some 200 characters
_OWNERS = frozenset({"producer", "person"})  # fields that say whose key a file holds


def write_key(path: Path, owner: Mapping[str, str], key: SigningKey) -> None:
    """Write a key and whose it is, once; raises InvalidValue when there is a file already, and OSError."""
    content = {
        **owner,
        "key_id": key.key_id,
        "algorithm": key.algorithm.value,
        "private": base64.b64encode(key.private).decode(),
    }
    try:
        write_private(path, json.dumps(content, indent=2) + "\n")
    except FileExistsError:
        raise InvalidValue(f"key file {path}", "is there already; a key is never overwritten") from None


def read_key(path: Path, owner: str, *, beside: frozenset[str] = frozenset()) -> tuple[str, SigningKey]:
    """The name in the field `owner`, and the key; raises InvalidValue naming file and field, never a value.

    `beside` are the other fields of such a file. A key of one kind of owner is never taken for another's.
    """
    field = f"key file {path}"
    try:
        with path.open(encoding="utf-8") as opened:
            content = json.loads(opened.read(_CHARS_MAX))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidValue(field, f"cannot be read ({type(error).__name__})") from None
    if not isinstance(content, dict):
        raise InvalidValue(field, "is no JSON object")
    _check_owner(field, owner, content)
    wanted = {owner, *beside, *_KEY_FIELDS}
    if set(content) != wanted:
        raise InvalidValue(field, f"needs exactly the fields {', '.join(sorted(wanted))}")
    if not all(isinstance(value, str) for value in content.values()):
        raise InvalidValue(field, "holds a field that is no text")
    return content[owner], _key(field, content)


def _check_owner(field: str, owner: str, content: Mapping[str, object]) -> None:
    others = sorted(_OWNERS & set(content) - {owner})
    if others:
        raise InvalidValue(field, f"is the key of a {others[0]}; this needs the key of a {owner}")


def _key(field: str, content: Mapping[str, str]) -> SigningKey:
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
