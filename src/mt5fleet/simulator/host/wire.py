"""Messages between terminals, operators and the broker: one answer per request.

Four bytes of length (big-endian), then JSON; with the length's top bit set, raw bytes (`_link.RAW_BIT`).
"""

import asyncio
import json
from typing import Any

from mt5fleet.simulator.dropin.MetaTrader5._link import HEADER, REQUEST_BYTES_MAX, encode, encode_raw

__all__ = ["MalformedMessageError", "encode", "encode_raw", "read_message"]


class MalformedMessageError(Exception):
    """The peer does not speak this protocol."""


async def read_message(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """Return the next message, or None when the peer has closed the connection.

    Raises:
        MalformedMessageError: Too long, or not a JSON object.
    """
    try:
        (length,) = HEADER.unpack(await reader.readexactly(HEADER.size))
        if length > REQUEST_BYTES_MAX:
            raise MalformedMessageError(f"message of {length} bytes; at most {REQUEST_BYTES_MAX}")
        body = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return _parsed(body)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)
    except ValueError as error:
        raise MalformedMessageError("message is not JSON") from error
    if not isinstance(message, dict):
        raise MalformedMessageError("message is not a JSON object")
    return message
