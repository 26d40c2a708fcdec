"""Moments on the wire: RFC 3339 in UTC, with "Z" as the zone."""

from datetime import UTC, datetime

from mt5fleet.domain.errors import InvalidValue


def read_moment(field: str, text: str) -> datetime:
    """The moment of a text that has the wire's shape; raises InvalidValue naming the field."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise InvalidValue(field, "is not a moment of the calendar") from None


def moment_text(field: str, value: datetime) -> str:
    """A moment as the wire spells it; raises InvalidValue for one without a time zone."""
    if value.tzinfo is None:
        raise InvalidValue(field, "needs a time zone (UTC)")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
