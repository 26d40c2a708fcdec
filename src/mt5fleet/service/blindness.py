"""Tells people of an account that shows no valid reading, once per episode."""

from datetime import datetime
from typing import Protocol

from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.guards import Blind
from mt5fleet.domain.record import Alert, Event, EventType, Severity
from mt5fleet.ports.clock import Clock
from mt5fleet.service.settings import GuardSettings
from mt5fleet.service.telling import NoticeLedger, Notices


class BlindLedger(NoticeLedger, Protocol):
    """The parts of the ledger that this needs."""

    def now(self) -> datetime:
        """The ledger's clock."""
        ...


class Blindness:
    """An episode is named by the last good reading, whichever worker notices it first."""

    def __init__(self, ledger: BlindLedger, clock: Clock, settings: GuardSettings) -> None:
        self._ledger = ledger
        self._clock = clock
        self._settings = settings
        self._notices = Notices(
            ledger, told_max=settings.told_max, events_looked_at=settings.events_looked_at
        )
        self._never_seen_s: dict[str, float] = {}  # when this process first looked in vain

    def tell(self, account: str, blind: Blind, memory: GuardMemory | None) -> None:
        """Tell when it has lasted for a while; `memory` is of the last good reading. Raises LedgerError."""
        if self._lasted_s(account, memory) < self._settings.blind_alert_s:
            return
        since = "never seen" if memory is None else memory.last_at.isoformat()
        event = Event(type=EventType.GUARD_BLIND, account=account, numbers={"why": blind.why, "since": since})
        alert = Alert(
            severity=Severity.CRITICAL,
            title=f"No valid reading of {account}",
            text=f"{blind.why}. Opens wait; nothing is closed. Look at its terminal and bridge.",
            dedupe=f"blind:{account}:{since}",
            account=account,
        )
        self._notices.tell(alert, event, same=("since",))

    def _lasted_s(self, account: str, memory: GuardMemory | None) -> float:
        """A fleet that starts has not failed to see anything yet."""
        if memory is None:
            now_s = self._clock.monotonic_s()
            return now_s - self._never_seen_s.setdefault(account, now_s)
        return (self._ledger.now() - memory.last_at).total_seconds()
