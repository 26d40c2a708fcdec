"""What the ledger keeps for the guards: latch, memory, last readings, and the journal of each account."""

from typing import Protocol

from mt5fleet.domain.account import AccountStatus, GuardMemory
from mt5fleet.domain.broker import Reading
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.record import Alert, Event


class GuardBook(Protocol):
    """Latch, guard memory and last readings of accounts."""

    def account_status(self, account: str) -> AccountStatus:
        """State, latch and memory of an account."""
        ...

    def judge(
        self,
        account: str,
        reading: Reading,
        memory: GuardMemory,
        *,
        halt_reason: str | None,
        events: tuple[Event, ...],
        alert: Alert | None,
    ) -> AccountStatus:
        """Write memory and verdict in one step; `halt_reason` raises the latch.

        A latched account stays as it is, and is told only once. A memory whose sequence is not above the
        stored one changes nothing but a new latch.
        """
        ...

    def halt(
        self, account: str, reason: str, *, events: tuple[Event, ...], alert: Alert | None, above: int = 0
    ) -> AccountStatus:
        """Raise the latch with flatten due; repeated calls change nothing.

        Its sequence is at least `above`: that of a latch found at the bridge.
        """
        ...

    def renumber_halt(self, account: str, sequence: int, above: int) -> AccountStatus:
        """Give the halt of exactly this sequence one above `above`, unconfirmed; any other stays as it is.

        For a bridge that refuses the sequence because a person lifted it. Nothing is lifted here.
        """
        ...

    def confirm_latch(self, account: str, sequence: int, *, alert: Alert | None) -> None:
        """Record that the bridge refuses opens for this latch."""
        ...

    def flatten_step(self, lease: Lease, events: tuple[Event, ...]) -> int:
        """Count a round of a flatten, with its receipts; gives the new number of rounds."""
        ...

    def seen_flat(self, lease: Lease, *, alert: Alert | None) -> AccountStatus:
        """Record that the broker showed flat twice; flatten is not due any more until something appears."""
        ...

    def not_flat(self, account: str, *, alert: Alert | None) -> None:
        """Record that a latched account shows positions or orders again: flatten is due."""
        ...

    def bind_journal(self, account: str, journal_id: str, sequence: int) -> str:
        """Bind the account to a journal at first sight; gives the one it is bound to.

        Of the bound journal the highest `sequence` (its durable writes) is kept.
        """
        ...

    def mark_older_journal(self, account: str, journal_id: str) -> None:
        """Record that the bound journal was shown as an older copy; another one changes nothing.

        The mark stays: the copy's own new writes would soon make it look like the journal it is not.
        """
        ...

    def last_reading(self, account: str) -> Reading | None:
        """The reading of the newest judgement, None when there was none."""
        ...
