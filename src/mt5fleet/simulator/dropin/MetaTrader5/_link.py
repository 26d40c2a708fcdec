"""The connection to the broker: length-prefixed messages on one blocking socket, one call at a time.

A message is JSON, or raw bytes when the top bit of its length is set: packed rows of bars and ticks.
"""

import json
import socket
import struct
from typing import Any

HEADER = struct.Struct(">I")
"""Four bytes before each message: its length, big-endian."""

RAW_BIT = 1 << 31
"""Set in the length of a message whose body is raw bytes and not JSON."""

REQUEST_BYTES_MAX = 1 << 20
ANSWER_BYTES_MAX = 1 << 28
"""A quarter of a gibibyte: the longest history a simulated account may have."""


class LinkLostError(Exception):
    """The connection broke; `while_sending` tells whether the request had left completely."""

    def __init__(self, *, while_sending: bool) -> None:
        super().__init__("send" if while_sending else "recv")
        self.while_sending = while_sending


class Link:
    """A connection; like the vendor's pipe it waits for an answer without any time limit."""

    def __init__(self, address: str, *, connect_timeout_s: float) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=connect_timeout_s)
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: dict[str, Any]) -> Any:
        """Send one request and return its answer: a JSON object, or `bytes` when it is raw rows.

        Raises:
            LinkLostError: The broker is gone.
        """
        try:
            self._socket.sendall(encode(request))
        except OSError as error:
            raise LinkLostError(while_sending=True) from error
        try:
            (mark,) = HEADER.unpack(self._receive(HEADER.size))
            length = mark & ~RAW_BIT
            if length > ANSWER_BYTES_MAX:
                raise LinkLostError(while_sending=False)
            body = self._receive(length)
            return body if mark & RAW_BIT else json.loads(body)
        except OSError as error:
            raise LinkLostError(while_sending=False) from error

    def close(self) -> None:
        self._socket.close()

    def _receive(self, length: int) -> bytes:
        received = bytearray()
        while len(received) < length:
            piece = self._socket.recv(min(length - len(received), 1 << 20))
            if not piece:
                raise LinkLostError(while_sending=False)
            received += piece
        return bytes(received)


def encode(message: dict[str, Any]) -> bytes:
    """Return a message with its length before it."""
    body = json.dumps(message, separators=(",", ":")).encode()
    return HEADER.pack(len(body)) + body


def encode_raw(rows: bytes) -> bytes:
    """Return raw rows with their marked length before them."""
    return HEADER.pack(len(rows) | RAW_BIT) + rows
