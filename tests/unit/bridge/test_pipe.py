import asyncio
import io

import pytest

from mt5fleet.adapters.bridge.protocol.child_pb2 import Answer, Call, FromChild, JournalDone, ToChild
from mt5fleet.bridge.pipe import (
    FRAME_BYTES_MAX,
    BadFrame,
    PipeEnded,
    pack_frame,
    read_frame,
    read_frame_async,
)

CALL = ToChild(call=Call(operation="health", number=7))
DONE = ToChild(journal_done=JournalDone(sequence=3))


def read_all(octets: bytes, count: int = 1) -> list[ToChild]:
    stream = io.BytesIO(octets)
    return [read_frame(stream, ToChild) for _ in range(count)]


def read_all_async(octets: bytes, count: int = 1) -> list[ToChild]:
    async def read() -> list[ToChild]:
        stream = asyncio.StreamReader()
        stream.feed_data(octets)
        stream.feed_eof()
        return [await read_frame_async(stream, ToChild) for _ in range(count)]

    return asyncio.run(read())


@pytest.fixture(params=[read_all, read_all_async], ids=["blocking", "async"])
def read(request: pytest.FixtureRequest) -> object:
    return request.param


def test_frames_come_out_as_they_went_in(read: type[object]) -> None:
    assert read(pack_frame(CALL) + pack_frame(DONE), 2) == [CALL, DONE]


@pytest.mark.parametrize("cut", [0, 1, 3, 4, 5])
def test_an_end_in_the_middle_is_an_end(read: type[object], cut: int) -> None:
    with pytest.raises(PipeEnded):
        read(pack_frame(CALL)[:cut])


@pytest.mark.parametrize(
    "octets",
    [
        b"\x00\x00\x00\x03\xff\xff\xff",
        b"\x00\x00\x00\x00",
        (FRAME_BYTES_MAX + 1).to_bytes(4, "big"),
        pack_frame(FromChild(see_deal=9)),
    ],
    ids=["no message", "empty", "too long", "of the other side"],
)
def test_what_is_no_frame_of_ours_is_refused(read: type[object], octets: bytes) -> None:
    with pytest.raises(BadFrame):
        read(octets + b"x" * 100)


def test_a_message_that_is_too_large_is_not_sent() -> None:
    with pytest.raises(BadFrame, match="at most 16777216 are allowed"):
        pack_frame(FromChild(answer=Answer(value=b"x" * FRAME_BYTES_MAX)))
