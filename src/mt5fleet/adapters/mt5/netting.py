"""Netting accounts: while a close of a symbol is in doubt, a second one could turn the position round.

Source: the project's design, section 5 "The other verbs".
"""

import json

from mt5fleet.adapters.mt5.codes import MarginCode
from mt5fleet.adapters.mt5.lastlook import not_sent
from mt5fleet.adapters.mt5.session import Session
from mt5fleet.adapters.mt5.shapes import AccountRow
from mt5fleet.domain.order import Outcome, Retry
from mt5fleet.ports.journal import JournalEntry


def refusal_of_second_close(session: Session, account: AccountRow, symbol: str) -> Outcome | None:
    """Why this symbol must not be closed once more now; None on hedging accounts, where tickets protect."""
    if account.margin_mode == MarginCode.RETAIL_HEDGING or not _in_doubt(session, symbol):
        return None
    return not_sent(
        f"a close of {symbol} is in doubt, and on a netting account a second one could turn the position"
        " round; it goes once the first can come no more",
        retry=Retry.AFTER_DELAY,
    )


def _in_doubt(session: Session, symbol: str) -> bool:
    """Whether a close was handed over lately whose end is not known, as when the process ended in it."""
    now, may_come_s = session.clock.now(), session.settings.unanswered_s
    return any(
        _closes(entry, symbol) and (now - entry.written_at).total_seconds() < may_come_s
        for entry in session.journal.unfinished()
    )


def _closes(entry: JournalEntry, symbol: str) -> bool:
    return entry.operation == "close" and _symbol(entry, symbol) == symbol


def _symbol(entry: JournalEntry, unknown: str) -> object:
    """The symbol that was sent; an entry that does not tell counts as the one in question."""
    return json.loads(entry.request).get("sent", {}).get("symbol", unknown)
