"""Remembers what was told: a state that lasts is told once, not with every look at it."""

from typing import Protocol

from mt5fleet.domain.errors import LedgerError
from mt5fleet.domain.record import Alert, Event
from mt5fleet.ports.ledger import Outbox, Story


class ToldOnce:
    """A bounded set of subjects; when it is full the oldest are forgotten, and may be told again."""

    def __init__(self, subjects_max: int) -> None:
        self._subjects_max = subjects_max
        self._told: dict[str, None] = {}

    def first(self, subject: str) -> bool:
        """Whether this subject was not told yet; it counts as told from now on."""
        if subject in self._told:
            return False
        while len(self._told) >= self._subjects_max:
            del self._told[next(iter(self._told))]
        self._told[subject] = None
        return True

    def over(self, subject: str) -> None:
        """The state has ended: its next appearance is told again."""
        self._told.pop(subject, None)


class NoticeLedger(Outbox, Story, Protocol):
    """The parts of the ledger that a notice needs."""


class Notices:
    """Tells of a finding on an account by alert and event, once for all workers."""

    def __init__(self, ledger: NoticeLedger, *, told_max: int, events_looked_at: int) -> None:
        """`events_looked_at`: the account's newest events, in which another worker's telling is found."""
        self._ledger = ledger
        self._events_looked_at = events_looked_at
        self._told = ToldOnce(told_max)

    def tell(self, alert: Alert, event: Event, *, same: tuple[str, ...]) -> None:
        """Tell it, unless it was told; `same` names the event's numbers that make it the same finding.

        Raises LedgerError; it is not told then.
        """
        if not self._told.first(alert.dedupe):
            return
        try:
            if not self._told_by_another(event, same):
                # The alert first: a crash in between repeats it, and loses none.
                self._ledger.raise_alert(alert)
                self._ledger.emit(event)
        except LedgerError:
            self._told.over(alert.dedupe)
            raise

    def _told_by_another(self, event: Event, same: tuple[str, ...]) -> bool:
        if event.account is None:
            return False
        newest = self._ledger.account_events(event.account, self._events_looked_at)
        told = [item.event.numbers for item in newest if item.event.type is event.type]
        return any(all(numbers.get(name) == event.numbers.get(name) for name in same) for numbers in told)
