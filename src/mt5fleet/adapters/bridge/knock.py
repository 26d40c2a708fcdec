"""Whether anything listens at a bridge's address, before certificates and tokens come into it."""

import socket

from mt5fleet.adapters.bridge.terms import BridgeAddress
from mt5fleet.domain.errors import Unreachable

KNOCK_S_MAX = 3.0  # one connection across a slow line


def knock(address: BridgeAddress) -> None:
    """Connect and hang up; raises Unreachable with the reason."""
    try:
        socket.create_connection((address.host, address.port), timeout=KNOCK_S_MAX).close()
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise Unreachable(f"nothing answers at {address.place} ({reason})") from None
