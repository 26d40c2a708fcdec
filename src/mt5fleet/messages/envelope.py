"""The signed message: how it is made, opened and checked.

Signed are the bytes `mt5fleet-signal-1` and a line feed, then the RFC 8785 form of
{"schema", "key_id", "algorithm", "signal"}.
A signature by another key, over other bytes or for another use never fits.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mt5fleet.domain.account import ProducerKey
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.signal import Signal
from mt5fleet.messages import wire
from mt5fleet.messages.convert import dump_signal, load_signal
from mt5fleet.messages.names import SCHEMA_VERSION

ENVELOPE_BYTES_MAX = 64 * 1024  # one entry of the signal log; thousands of targets fit when they are groups
SECRET_BYTES_MIN = 32  # as long as the hash (RFC 2104, section 3)
_PREFIX = b"mt5fleet-signal-1\n"  # these signatures serve no other purpose


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedSignal:
    """An opened envelope.

    `canonical` are the RFC 8785 bytes that were signed after the prefix, `body_hash` is their SHA-256 in hex.
    """

    signal: Signal
    key_id: str
    algorithm: str
    signature: str
    body_hash: str
    envelope: str
    canonical: bytes = field(repr=False)


def sign(signal: Signal, key: SigningKey) -> str:
    """The envelope of a signal; raises InvalidValue when it is too large or does not fit the wire."""
    content: dict[str, object] = {
        "schema": SCHEMA_VERSION,
        "key_id": key.key_id,
        "algorithm": key.algorithm.value,
        "signal": dump_signal(signal),
    }
    signature = _signature(_PREFIX + _canonical(content), key)
    envelope = _canonical({**content, "signature": base64.b64encode(signature).decode()})
    _limited(envelope)
    return envelope.decode()


def open_envelope(envelope: str) -> SignedSignal:
    """Read an envelope without checking its signature; raises InvalidValue naming field and rule."""
    content = _parsed(envelope)
    body = wire.envelope_body(content)
    signal = load_signal(body.signal)
    unsigned = {name: value for name, value in content.items() if name != "signature"}
    canonical = _canonical(unsigned)
    return SignedSignal(
        signal=signal,
        key_id=body.key_id,
        algorithm=body.algorithm,
        signature=body.signature,
        body_hash=hashlib.sha256(canonical).hexdigest(),
        envelope=envelope,
        canonical=canonical,
    )


def verify(signed: SignedSignal, key: ProducerKey, secret_of: Callable[[str], bytes]) -> None:
    """Raise SignatureInvalid unless `key` made the signature.

    `secret_of` gives the shared secret of the name in `key.public`.
    Whether the key is still good (dates, revocation) is the caller's question.
    """
    if signed.key_id != key.key_id:
        raise SignatureInvalid("key_id", "is not the id of the key it is checked with")
    if signed.algorithm != key.algorithm:
        raise SignatureInvalid("algorithm", "is not the algorithm of this key")
    content = _PREFIX + signed.canonical
    signature = _decoded("signature", signed.signature)
    if key.algorithm == Algorithm.ED25519:
        _verify_ed25519(key, signature, content)
    else:
        expected = hmac.digest(secret_of(key.public), content, hashlib.sha256)
        if not hmac.compare_digest(expected, signature):
            raise SignatureInvalid("signature", "does not fit the message and the key")


def _signature(content: bytes, key: SigningKey) -> bytes:
    if key.algorithm is Algorithm.ED25519:
        return Ed25519PrivateKey.from_private_bytes(key.private).sign(content)
    return hmac.digest(key.private, content, hashlib.sha256)


def _verify_ed25519(key: ProducerKey, signature: bytes, content: bytes) -> None:
    try:
        public = Ed25519PublicKey.from_public_bytes(_decoded("key.public", key.public))
    except ValueError:
        raise SignatureInvalid("key.public", "is no Ed25519 public key") from None
    try:
        public.verify(signature, content)
    except InvalidSignature:
        raise SignatureInvalid("signature", "does not fit the message and the key") from None


def _parsed(envelope: str) -> dict[str, object]:
    _limited(envelope.encode(errors="surrogatepass"))
    try:
        content = json.loads(
            envelope, object_pairs_hook=_once, parse_float=_no_float, parse_constant=_no_float
        )
    except (ValueError, RecursionError):
        raise InvalidValue("envelope", "is not JSON") from None
    if not isinstance(content, dict):
        raise InvalidValue("envelope", "must be a JSON object")
    return content


def _limited(envelope: bytes) -> None:
    if len(envelope) > ENVELOPE_BYTES_MAX:
        raise InvalidValue("envelope", f"is over {ENVELOPE_BYTES_MAX} bytes; name groups, not accounts")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse a name that stands twice: two readers could see two different orders."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidValue("envelope", "an object names one field twice")
    return found


def _no_float(_text: str) -> object:
    raise InvalidValue("envelope", "holds a JSON number with a fraction; write numbers as decimal strings")


def _canonical(content: dict[str, object]) -> bytes:
    try:
        return rfc8785.dumps(content)  # type: ignore[arg-type]  # texts, lists and objects only
    except rfc8785.CanonicalizationError:
        raise InvalidValue("envelope", "has no canonical form (RFC 8785)") from None


def _decoded(name: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SignatureInvalid(name, "is not base64") from None
