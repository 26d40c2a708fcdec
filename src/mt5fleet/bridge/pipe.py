"""Frames between a bridge and a child: four bytes of length (big-endian), then one message of child.proto.

Nothing else is ever read from a pipe: what is no frame of the expected type ends the conversation.
"""

from asyncio import StreamReader
from typing import BinaryIO, TypeVar

from google.protobuf.message import DecodeError, Message

from mt5fleet.domain.errors import FleetError

FRAME_BYTES_MAX = 16 * 1024 * 1024  # a day's deals of a busy account; more is not ours
HEADER_BYTES = 4

M = TypeVar("M", bound=Message)


class BadFrame(FleetError):
    """The other side sent something that is no frame of ours; the pipe is of no more use."""


class PipeEnded(FleetError):
    """The other side closed the pipe, between two frames or in the middle of one."""


def pack_frame(message: Message) -> bytes:
    """A message as one frame; raises BadFrame when it is too large."""
    body = message.SerializeToString()
    return _allowed(len(body)).to_bytes(HEADER_BYTES, "big") + body


def read_frame(stream: BinaryIO, kind: type[M]) -> M:
    """The next message of a blocking stream; raises PipeEnded and BadFrame."""
    length = _allowed(int.from_bytes(_exactly(stream, HEADER_BYTES), "big"))
    return _parsed(_exactly(stream, length), kind)


async def read_frame_async(stream: StreamReader, kind: type[M]) -> M:
    """The next message of an asyncio stream; raises PipeEnded and BadFrame."""
    try:
        length = _allowed(int.from_bytes(await stream.readexactly(HEADER_BYTES), "big"))
        return _parsed(await stream.readexactly(length), kind)
    except (EOFError, ConnectionError):  # IncompleteReadError is an EOFError
        raise PipeEnded("the other side closed the pipe") from None


def _allowed(length: int) -> int:
    if length > FRAME_BYTES_MAX:
        raise BadFrame(f"frame: {length} bytes, at most {FRAME_BYTES_MAX} are allowed")
    return length


def _parsed(body: bytes, kind: type[M]) -> M:
    """The message; one without content, or of an unknown kind, is no frame of ours either."""
    try:
        message = kind.FromString(body)
    except DecodeError:
        raise BadFrame("frame: is no message of child.proto") from None
    if message.WhichOneof("content") is None:
        raise BadFrame("frame: has no content that is known here")
    return message


def _exactly(stream: BinaryIO, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = stream.read(count - len(parts))
        if not part:
            raise PipeEnded("the other side closed the pipe")
        parts += part
    return bytes(parts)
