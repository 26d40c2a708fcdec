"""Absence seen twice, a visibility lag apart, in one unbroken session: only then does it prove anything."""

from datetime import datetime

TRACKED_MAX = 10_000  # keys looked for at once; the oldest are forgotten and simply looked for again


class Absences:
    """Remembers since when something was looked for and not found."""

    def __init__(self, lag_s: float) -> None:
        self._lag_s = lag_s
        self._since: dict[str, tuple[datetime, int]] = {}

    def proved(self, what: str, now: datetime, breaks: int) -> bool:
        """Note an absence; True when it was there a lag ago already and the session held since."""
        first = self._since.get(what)
        if first is None or first[1] != breaks:
            self._remember(what, now, breaks)
            return False
        return (now - first[0]).total_seconds() >= self._lag_s

    def forget(self, what: str) -> None:
        """It was found, or the question is settled."""
        self._since.pop(what, None)

    def _remember(self, what: str, now: datetime, breaks: int) -> None:
        if len(self._since) >= TRACKED_MAX:
            self._since.pop(next(iter(self._since)))
        self._since[what] = (now, breaks)
