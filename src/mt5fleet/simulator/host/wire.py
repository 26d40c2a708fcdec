"""Messages between terminals, operators and the broker: one answer per request.

Four bytes of length (big-endian), then JSON; with the length's top bit set, raw bytes (`_link.RAW_BIT`).
"""

import json
from typing import Any

from mt5fleet.simulator.dropin.MetaTrader5._link import HEADER, REQUEST_BYTES_MAX, encode, encode_raw

__all__ = ["MalformedMessageError", "encode", "encode_raw", "next_message"]


class MalformedMessageError(Exception):
    """The peer does not speak this protocol."""


def next_message(received: bytearray) -> dict[str, Any] | None:
    """Take the first message off what was received; None when it is not there whole yet.

    Raises:
        MalformedMessageError: Too long, or not a JSON object.
    """
    if len(received) < HEADER.size:
        return None
    (length,) = HEADER.unpack_from(received)
    if length > REQUEST_BYTES_MAX:
        raise MalformedMessageError(f"message of {length} bytes; at most {REQUEST_BYTES_MAX}")
    end = HEADER.size + length
    if len(received) < end:
        return None
    body = bytes(received[HEADER.size : end])
    del received[:end]
    return _parsed(body)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except ValueError as error:
        raise MalformedMessageError("message is not JSON") from error
    if not isinstance(message, dict):
        raise MalformedMessageError("message is not a JSON object")
    return message
