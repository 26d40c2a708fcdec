"""The signed message: how it is made, opened and checked.

Signed are the bytes `mt5fleet-signal-1` and a line feed, then the RFC 8785 form of
{"schema", "key_id", "algorithm", "signal"}.
A signature by another key, over other bytes or for another use never fits.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field

from mt5fleet.domain.account import ProducerKey
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.signal import Signal
from mt5fleet.messages import wire
from mt5fleet.messages.convert import dump_signal, load_signal
from mt5fleet.messages.names import SCHEMA_VERSION
from mt5fleet.messages.signing import (
    Algorithm,
    SignatureInvalid,
    SigningKey,
    sign_ed25519,
    unarmoured,
    verify_ed25519,
)
from mt5fleet.messages.strict_json import canonical, parsed

ENVELOPE_BYTES_MAX = 64 * 1024  # one entry of the signal log; thousands of targets fit when they are groups
_WHOLE = "envelope"  # what errors call the message as a whole
_PREFIX = b"mt5fleet-signal-1\n"  # these signatures serve no other purpose


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
    signature = _signature(_PREFIX + canonical(content, _WHOLE), key)
    envelope = canonical({**content, "signature": base64.b64encode(signature).decode()}, _WHOLE)
    _limited(envelope)
    return envelope.decode()


def open_envelope(envelope: str) -> SignedSignal:
    """Read an envelope without checking its signature; raises InvalidValue naming field and rule."""
    _limited(envelope.encode(errors="surrogatepass"))
    content = parsed(envelope, _WHOLE)
    body = wire.envelope_body(content)
    signal = load_signal(body.signal)
    unsigned = {name: value for name, value in content.items() if name != "signature"}
    signed = canonical(unsigned, _WHOLE)
    return SignedSignal(
        signal=signal,
        key_id=body.key_id,
        algorithm=body.algorithm,
        signature=body.signature,
        body_hash=hashlib.sha256(signed).hexdigest(),
        envelope=envelope,
        canonical=signed,
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
    signature = unarmoured("signature", signed.signature)
    if key.algorithm == Algorithm.ED25519:
        verify_ed25519(key.public, signature, content)
    else:
        expected = hmac.digest(secret_of(key.public), content, hashlib.sha256)
        if not hmac.compare_digest(expected, signature):
            raise SignatureInvalid("signature", "does not fit the message and the key")


def _signature(content: bytes, key: SigningKey) -> bytes:
    if key.algorithm is Algorithm.ED25519:
        return sign_ed25519(content, key)
    return hmac.digest(key.private, content, hashlib.sha256)


def _limited(envelope: bytes) -> None:
    if len(envelope) > ENVELOPE_BYTES_MAX:
        raise InvalidValue("envelope", f"is over {ENVELOPE_BYTES_MAX} bytes; name groups, not accounts")
