"""Keys and signatures. No key material is ever shown."""

import base64
import binascii
import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mt5fleet.domain.errors import InvalidValue

SECRET_BYTES_MIN = 32  # as long as the hash (RFC 2104, section 3)


class SignatureInvalid(InvalidValue):
    """The signature does not fit the message and the key. Never shows key material."""


class Algorithm(StrEnum):
    """How a message is signed."""

    ED25519 = "ed25519"  # the fleet holds only the public half, so no worker can forge a message
    HMAC_SHA256 = "hmac-sha256"  # a shared secret, for producers that cannot do Ed25519


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """What a producer signs with: a 32-byte Ed25519 seed or a shared secret, never shown."""

    key_id: str
    algorithm: Algorithm
    private: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse keys of the wrong length."""
        if self.algorithm is Algorithm.ED25519 and len(self.private) != 32:  # noqa: PLR2004 - RFC 8032, 5.1.5
            raise InvalidValue("key.private", "an Ed25519 key has 32 bytes")
        if self.algorithm is Algorithm.HMAC_SHA256 and len(self.private) < SECRET_BYTES_MIN:
            raise InvalidValue("key.private", f"a shared secret needs at least {SECRET_BYTES_MIN} bytes")

    @classmethod
    def generate(cls, key_id: str, algorithm: Algorithm = Algorithm.ED25519) -> "SigningKey":
        """A new key from the operating system's randomness."""
        return cls(key_id=key_id, algorithm=algorithm, private=secrets.token_bytes(SECRET_BYTES_MIN))

    @property
    def public(self) -> str:
        """The public half in base64. Raises InvalidValue for a shared secret, which has none."""
        if self.algorithm is not Algorithm.ED25519:
            raise InvalidValue("key.algorithm", "a shared secret has no public half")
        raw = Ed25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw()
        return base64.b64encode(raw).decode()


def sign_ed25519(content: bytes, key: SigningKey) -> bytes:
    """The signature of these bytes; raises InvalidValue for a key of another algorithm."""
    if key.algorithm is not Algorithm.ED25519:
        raise InvalidValue("key.algorithm", f"must be {Algorithm.ED25519}")
    return Ed25519PrivateKey.from_private_bytes(key.private).sign(content)


def verify_ed25519(public: str, signature: bytes, content: bytes) -> None:
    """Raise SignatureInvalid unless the private half of `public` (base64) signed these bytes."""
    try:
        key = Ed25519PublicKey.from_public_bytes(unarmoured("key.public", public))
    except ValueError:
        raise SignatureInvalid("key.public", "is no Ed25519 public key") from None
    try:
        key.verify(signature, content)
    except InvalidSignature:
        raise SignatureInvalid("signature", "does not fit the message and the key") from None


def unarmoured(name: str, text: str) -> bytes:
    """The bytes of a base64 text; raises SignatureInvalid naming the field."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SignatureInvalid(name, "is not base64") from None
