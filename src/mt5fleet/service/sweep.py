"""Repairs lost wake-ups: waiting work without a live owner is woken again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from mt5fleet.ports.clock import Clock
from mt5fleet.ports.ledger import Inbox, Outbox, SignalLog
from mt5fleet.ports.waker import Waker
from mt5fleet.service.fleet import FleetSource
from mt5fleet.service.settings import SweepSettings
from mt5fleet.service.waking import Waking


class SweepLedger(SignalLog, Inbox, Outbox, Protocol):
    """The parts of the ledger that the sweep needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """Which accounts were woken, and whether intake and notifications were."""

    urgent: tuple[str, ...]
    normal: tuple[str, ...]
    intake: bool
    notifications: bool
    wakes_failed: int


class Sweep:
    """Looks for waiting work; one object per process."""

    def __init__(
        self,
        *,
        ledger: SweepLedger,
        fleet: FleetSource,
        waker: Waker,
        clock: Clock,
        settings: SweepSettings,
    ) -> None:
        self._ledger = ledger
        self._fleet = fleet
        self._waker = waker
        self._clock = clock
        self._settings = settings
        self._followed_s: float | None = None

    def run(self) -> SweepReport:
        """One sweep; repeating it costs wake-ups at most. Raises LedgerError."""
        waking = Waking(self._waker)
        urgent, normal = self._accounts()
        waking.accounts(urgent=urgent, normal=normal)
        intake, notifications = self._log_waits(), bool(self._ledger.pending(1))
        if intake:
            waking.intake()
        if notifications:
            waking.notifications()
        return SweepReport(
            urgent=tuple(sorted(urgent)),
            normal=tuple(sorted(normal - urgent)),
            intake=intake,
            notifications=notifications,
            wakes_failed=waking.failed,
        )

    def _accounts(self) -> tuple[set[str], set[str]]:
        urgent, normal = set[str](), set[str]()
        names = tuple(self._fleet.now_told().accounts)
        resting = self._resting(names)
        for batch in _batches(names, self._settings.batch_accounts):
            for waiting in self._ledger.backlog(batch):
                due = waiting.needs_owner or (waiting.account in resting and not waiting.owned)
                if due and self._ledger.mark_woken(waiting.account, self._settings.woken_for_ms):
                    first = waiting.urgent or waiting.flatten_due
                    (urgent if first else normal).add(waiting.account)
        return urgent, normal

    def _resting(self, names: tuple[str, ...]) -> frozenset[str]:
        """Accounts with orders to be followed, looked for less often than for waiting work."""
        now_s = self._clock.monotonic_s()
        if self._followed_s is not None and now_s - self._followed_s < self._settings.follow_every_s:
            return frozenset()
        self._followed_s = now_s
        return frozenset(name for name in names if self._ledger.resting(name))

    def _log_waits(self) -> bool:
        entries, _, owned = self._ledger.log_backlog()
        return entries > 0 and not owned


def _batches(names: tuple[str, ...], size: int) -> Iterator[tuple[str, ...]]:
    for first in range(0, len(names), size):
        yield names[first : first + size]
