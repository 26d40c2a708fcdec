"""Lines of a signal file: signed envelopes, or signals to be signed."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mt5fleet.client.key_file import ProducerSecret
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.messages import ENVELOPE_BYTES_MAX, SignedSignal, load_signal, open_envelope, sign


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """A line that is no signal: its number, field and rule."""

    number: int
    problem: str


def read_lines(lines: Iterable[str], secret: ProducerSecret | None) -> Iterator[SignedSignal | BadLine]:
    """Each line that is not empty, signed; a bad one does not stop the others."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _signed(line.strip(), secret)
        except InvalidValue as error:
            yield BadLine(number=number, problem=str(error))


def _signed(line: str, secret: ProducerSecret | None) -> SignedSignal:
    content = _object(line)
    if "signature" in content:
        return open_envelope(line)
    if secret is None:
        raise InvalidValue("key", "the line is not signed; give --key FILE")
    signal = load_signal({"producer": secret.producer, **content})
    if signal.producer != secret.producer:
        raise InvalidValue("producer", f"is {signal.producer}, but the key belongs to {secret.producer}")
    return open_envelope(sign(signal, secret.key))


def _object(line: str) -> dict[str, object]:
    if len(line) > ENVELOPE_BYTES_MAX:
        raise InvalidValue("line", f"is longer than {ENVELOPE_BYTES_MAX} characters")
    try:
        content = json.loads(line, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise InvalidValue("line", "is not JSON; each line holds one whole object") from None
    if not isinstance(content, dict):
        raise InvalidValue("line", "must be a JSON object")
    return content


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Refuse a name that stands twice: a person may have read the other one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidValue("line", "an object names one field twice")
    return found
