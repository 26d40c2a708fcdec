"""Frames on the wire: four bytes of length, then JSON. Nothing else is ever read from a peer."""

import json
from asyncio import StreamReader
from typing import BinaryIO, TypeAlias

from mt5fleet.domain.errors import FleetError

FRAME_BYTES_MAX = 16 * 1024 * 1024  # a day's deals of a busy account; more is not ours
HEADER_BYTES = 4

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
Message: TypeAlias = dict[str, Json]


class BadFrame(FleetError):
    """The peer sent something that is no frame of ours; the connection is of no more use."""


class Ended(FleetError):
    """The peer closed the connection between two frames, or in the middle of one."""


def packed(message: Message) -> bytes:
    """A message as one frame."""
    body = json.dumps(message, separators=(",", ":")).encode()
    if len(body) > FRAME_BYTES_MAX:
        raise BadFrame(f"frame: {len(body)} bytes, at most {FRAME_BYTES_MAX} are allowed")
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def read_frame(stream: BinaryIO, bytes_max: int = FRAME_BYTES_MAX) -> Message:
    """The next message of a blocking stream; raises Ended and BadFrame."""
    header = _exactly(stream, HEADER_BYTES)
    return unpacked(_exactly(stream, _length(header, bytes_max)))


async def read_frame_async(stream: StreamReader, bytes_max: int = FRAME_BYTES_MAX) -> Message:
    """The next message of an asyncio stream; raises Ended and BadFrame."""
    try:
        header = await stream.readexactly(HEADER_BYTES)
        return unpacked(await stream.readexactly(_length(header, bytes_max)))
    except (EOFError, ConnectionError):  # IncompleteReadError is an EOFError
        raise Ended("the peer closed the connection") from None


def unpacked(body: bytes) -> Message:
    """The message of a frame's body; raises BadFrame."""
    try:
        message = json.loads(body)
    except ValueError:
        raise BadFrame("frame: is not JSON") from None
    if not isinstance(message, dict):
        raise BadFrame("frame: is not a JSON object")
    return message


def _length(header: bytes, bytes_max: int) -> int:
    length = int.from_bytes(header, "big")
    if length > bytes_max:
        raise BadFrame(f"frame: {length} bytes, at most {bytes_max} are allowed")
    return length


def _exactly(stream: BinaryIO, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = stream.read(count - len(parts))
        if not part:
            raise Ended("the peer closed the connection")
        parts += part
    return bytes(parts)
