"""A connection that waits as the vendor's does: with the interpreter's lock held.

The vendor's functions never release the lock, so while a terminal does not answer every thread of the program
stands still, and no watchdog inside it can act. Calls through `ctypes.PyDLL` hold the lock, too.

Source: POSIX.1-2017, "poll"; Windows Sockets 2 reference, "WSAPoll".
"""

import ctypes
import sys

from ._link import Link

READABLE_POSIX, READABLE_WINDOWS = 0x0001, 0x0300
FOR_EVER = -1

INTERRUPTIONS_MAX = 1_000
"""Signals that may end a wait early before it is given up to an ordinary one."""


class HoldingLink(Link):
    """A connection; nothing of this program runs while it waits for an answer."""

    def _receive(self, length: int) -> bytes:
        for _ in range(INTERRUPTIONS_MAX):
            if _poll(self._socket.fileno()) >= 0:
                break
        return super()._receive(length)


class _Posix(ctypes.Structure):
    _fields_ = (("socket", ctypes.c_int), ("events", ctypes.c_short), ("seen", ctypes.c_short))


class _Windows(ctypes.Structure):
    _fields_ = (("socket", ctypes.c_size_t), ("events", ctypes.c_short), ("seen", ctypes.c_short))


if sys.platform == "win32":

    def _poll(socket: int) -> int:
        """Wait until a socket can be read; negative when a signal came first."""
        asked = _Windows(socket, READABLE_WINDOWS, 0)
        return int(ctypes.PyDLL("ws2_32").WSAPoll(ctypes.byref(asked), 1, FOR_EVER))

else:

    def _poll(socket: int) -> int:
        """Wait until a socket can be read; negative when a signal came first."""
        asked = _Posix(socket, READABLE_POSIX, 0)
        return int(ctypes.PyDLL(None).poll(ctypes.byref(asked), ctypes.c_ulong(1), FOR_EVER))
