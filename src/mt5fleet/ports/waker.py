"""Wake-ups: they carry no truth, so losing or repeating one costs time only."""

from typing import Protocol


class Waker(Protocol):
    """Sends wake-ups through the queues."""

    def wake_intake(self) -> None:
        """Somebody posted a signal. Raises WakeFailed, as the others do."""
        ...

    def wake_execution(self, accounts: tuple[str, ...]) -> None:
        """Accounts have normal commands waiting."""
        ...

    def wake_urgent(self, accounts: tuple[str, ...]) -> None:
        """Accounts have closes, cancels or a flatten waiting."""
        ...

    def wake_notifications(self) -> None:
        """Alerts wait in the outbox."""
        ...


class WakeFailed(Exception):
    """The queue did not take the wake-up, or gave no answer; the sweep repairs it."""
