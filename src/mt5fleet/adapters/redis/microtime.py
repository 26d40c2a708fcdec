"""Moments as whole microseconds since 1970: exact in the doubles of Lua until the year 2255."""

from datetime import UTC, datetime, timedelta

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO = timedelta(microseconds=1)
EPOCH_ZERO_US = 1_577_836_800_000_000  # 2020-01-01T00:00:00Z, from which epoch numbers are counted


def to_us(moment: datetime) -> int:
    """Microseconds of an aware moment."""
    return (moment - _ZERO) // _MICRO


def from_us(micros: int) -> datetime:
    """The aware UTC moment of microseconds."""
    return _ZERO + micros * _MICRO


def epoch_number(last: int, now_us: int) -> int:
    """The next epoch's number: microseconds since 2020, so that it grows also across a forgotten one."""
    return max(last + 1, now_us - EPOCH_ZERO_US)
