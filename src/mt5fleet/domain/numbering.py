"""Numbers that only grow: fencing tokens, halts, checkpoints.

Whoever makes one takes the larger of the last one plus one and the ledger's clock in microseconds. A bridge
keeps the largest that it was shown for ever. One that is absurdly large would leave no room above it: no
later owner, halt or checkpoint would ever count again.
"""

from datetime import UTC, datetime, timedelta

from mt5fleet.domain.errors import ValueRefused

AHEAD_MAX = timedelta(days=3650)  # no clock of a ledger is off by that much, and there is room above it
_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # an earlier clock of ours is a dead battery: it decides nothing
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


def number_max(now: datetime) -> int:
    """The largest number that may be kept at this moment; it grows faster than numbers are made."""
    return (max(now, _EARLIEST) + AHEAD_MAX - _ZERO) // timedelta(microseconds=1)


def check_number(field: str, number: int, now: datetime) -> None:
    """Raise ValueRefused for a number after which no other could follow."""
    if number > number_max(now):
        raise ValueRefused(field, f"is {number}, ten years ahead of the bridge: nothing could follow")
