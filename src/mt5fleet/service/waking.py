"""Wake-ups carry no truth: one that the queue did not take is counted, and the sweep repairs it."""

from mt5fleet.ports.waker import WakeFailed, Waker


class Waking:
    """Sends wake-ups once per batch and counts the ones that failed."""

    def __init__(self, waker: Waker) -> None:
        self._waker = waker
        self.failed = 0

    def intake(self) -> None:
        """Somebody posted a signal."""
        try:
            self._waker.wake_intake()
        except WakeFailed:
            self.failed += 1

    def accounts(self, *, urgent: set[str], normal: set[str]) -> None:
        """Accounts have work waiting; one that has urgent work is named on the urgent queue only."""
        try:
            if urgent:
                self._waker.wake_urgent(tuple(sorted(urgent)))
            if normal - urgent:
                self._waker.wake_execution(tuple(sorted(normal - urgent)))
        except WakeFailed:
            self.failed += 1

    def notifications(self) -> None:
        """Alerts wait in the outbox."""
        try:
            self._waker.wake_notifications()
        except WakeFailed:
            self.failed += 1
