"""Whether a bridge's journal is the one that its account is bound to, whole and taking writes.

What P1 rests on is written there: a journal that may lack attempts blocks opens until a named person says
otherwise. Closes go on.
"""

from typing import Protocol

from mt5fleet.domain.account import AccountStatus
from mt5fleet.domain.broker import Health
from mt5fleet.domain.record import Alert, Event, EventType, Severity
from mt5fleet.ports.ledger import GuardBook, Outbox, Story
from mt5fleet.service.telling import Notices

_REBIND = "a named person has to bind it again"
_SAME = ("fault", "journal_id", "writes")


class JournalLedger(GuardBook, Outbox, Story, Protocol):
    """The parts of the ledger that journals need."""


class Journals:
    """Binds journals at first sight, and tells once of one that must not be trusted."""

    def __init__(self, ledger: JournalLedger, notices: Notices) -> None:
        self._ledger = ledger
        self._notices = notices

    def why_not(self, status: AccountStatus, health: Health) -> str:
        """Why opens must wait, or an empty text.

        `status` was read before `health` was asked for: else a write in between would make a sound journal
        look like an older copy of itself. Raises LedgerError.
        """
        bound = self._ledger.bind_journal(status.account, health.journal_id, health.journal_sequence)
        if bound != health.journal_id:
            shown = f"the bridge shows {health.journal_id}"
            why = f"{status.account} is bound to journal {bound}, {shown}: {_REBIND}"
            self._tell("another", status.account, health.journal_id, "", why)
        elif _older(status, health):
            self._ledger.mark_older_journal(status.account, health.journal_id)
            why = f"the bridge shows an older copy of the journal of {status.account}: {_REBIND}"
            self._tell("older", status.account, health.journal_id, "", why)
        elif not health.journal_writable:
            why = f"the journal of {status.account} takes no writes: look at the disk beside its bridge"
            # It does not grow until it is mended, so its writes tell one fault from the next.
            self._tell("unwritable", status.account, health.journal_id, str(health.journal_sequence), why)
        else:
            why = ""
        return why

    def _tell(self, fault: str, account: str, journal_id: str, writes: str, why: str) -> None:
        alert = Alert(
            severity=Severity.CRITICAL,
            title=f"The journal of {account} cannot be trusted",
            text=f"{why}. Opens wait; closes go on.",
            dedupe=f"journal:{account}:{fault}:{journal_id}:{writes}",
            account=account,
        )
        numbers = {"fault": fault, "journal_id": journal_id, "writes": writes, "why": why}
        event = Event(type=EventType.JOURNAL_FAULT, account=account, numbers=numbers)
        self._notices.tell(alert, event, same=_SAME)


def _older(status: AccountStatus, health: Health) -> bool:
    if status.journal_id != health.journal_id:
        return False
    return status.journal_older or health.journal_sequence < status.journal_sequence
