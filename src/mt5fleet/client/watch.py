"""How one signal is followed: when to look again, what is news, when it is over. No input or output."""

from mt5fleet.domain.errors import LedgerUnavailable
from mt5fleet.domain.record import SignalPhase, SignalStatus
from mt5fleet.ports.clock import Clock

PAUSE_S_FIRST = 0.02  # most signals are final within some hundredths of a second
PAUSE_S_MAX = 0.5  # of a signal that rests at the broker for hours
_GROWTH = 1.5


def is_settled(status: SignalStatus) -> bool:
    """Whether nothing more will happen to the signal by itself: every order final, or the signal refused."""
    return status.phase in (SignalPhase.FINAL, SignalPhase.REFUSED)


class Watch:
    """Looks at one signal until it is settled or the time is over."""

    def __init__(self, clock: Clock, timeout_s: float) -> None:
        self._clock = clock
        self._until_s = clock.monotonic_s() + timeout_s
        self._pause_s = PAUSE_S_FIRST
        self._last: SignalStatus | None = None
        self._silence: LedgerUnavailable | None = None

    def is_news(self, status: SignalStatus) -> bool:
        """Take a status; whether it differs from the one before."""
        changed = status != self._last
        self._last, self._silence = status, None
        if changed:
            self._pause_s = PAUSE_S_FIRST
        return changed

    def missed(self, error: LedgerUnavailable) -> None:
        """Take a look that had no answer."""
        self._silence = error

    def pause_s(self) -> float | None:
        """Seconds until the next look; None when it is over. Raises what a silent last look raised."""
        left_s = self._until_s - self._clock.monotonic_s()
        if left_s <= 0 and self._silence is not None:
            raise self._silence
        if left_s <= 0 or (self._last is not None and is_settled(self._last)):
            return None
        pause_s, self._pause_s = self._pause_s, min(self._pause_s * _GROWTH, PAUSE_S_MAX)
        return min(pause_s, left_s)
