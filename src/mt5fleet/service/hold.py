"""What one owner knows while it holds one account."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mt5fleet.domain.account import Account, AccountStatus
from mt5fleet.domain.errors import FleetError
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.record import Epoch
from mt5fleet.ports.clock import Clock


class Blocked(FleetError):
    """A fact that opens need cannot be read now: the command waits, the reason is for people."""


class LedgerTime:
    """The ledger's clock, asked once and carried on with the interval clock: no round trip per look."""

    def __init__(self, ledger_now: datetime, clock: Clock) -> None:
        self._clock = clock
        self._asked_at = ledger_now
        self._asked_s = clock.monotonic_s()

    def now(self) -> datetime:
        """The ledger's moment; late by the one answer it was read with, at most."""
        return self._asked_at + timedelta(seconds=self._clock.monotonic_s() - self._asked_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """One order that a slice moved, and where to."""

    signal_id: str
    part: int
    state: OrderState


@dataclass(slots=True, kw_only=True)
class Hold:
    """One owner's hold of one account for a slice.

    `retry_at_s` (interval clock) is when the earliest order that was not sent may be tried again;
    `halted` is set when a begin said so.
    """

    account: Account
    lease: Lease
    status: AccountStatus
    epoch: Epoch
    time: LedgerTime
    handled: list[Handled] = field(default_factory=list)
    retry_at_s: float | None = None
    halted: bool = False

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name
