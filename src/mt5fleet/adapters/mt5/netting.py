"""Netting accounts: while a close of a symbol is in doubt, a second one could turn the position round.

Source: the project's design, section 5 "The other verbs".
"""

import json
from datetime import datetime

from mt5fleet.adapters.mt5.codes import MarginCode
from mt5fleet.adapters.mt5.lastlook import not_sent
from mt5fleet.adapters.mt5.session import Session
from mt5fleet.adapters.mt5.shapes import AccountRow
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome, Retry
from mt5fleet.ports.journal import JournalEntry


def refusal_of_second_close(session: Session, account: AccountRow, symbol: str) -> Outcome | None:
    """Why this symbol must not be closed once more now; None on hedging accounts, where tickets protect."""
    if account.margin_mode == MarginCode.RETAIL_HEDGING:
        return None
    now = session.clock.now()
    if not (_doubtful(session, symbol, now) or _unanswered(session, symbol, now)):
        return None
    return not_sent(
        f"a close of {symbol} is in doubt, and on a netting account a second one could turn the position"
        " round; it goes once the first can come no more",
        retry=Retry.AFTER_DELAY,
    )


def note_close(session: Session, symbol: str, key: str, outcome: Outcome) -> None:
    """Remember a close whose end the terminal could not tell, for as long as it may come."""
    now, known = session.clock.now(), session.doubtful_closes
    for late in [kept for kept, (_, at) in known.items() if not _may_come(session, at, now)]:
        del known[late]
    if outcome.state is OrderState.IN_DOUBT:
        known[key] = (symbol, now)


def _doubtful(session: Session, symbol: str, now: datetime) -> bool:
    return any(
        name == symbol and _may_come(session, at, now) for name, at in session.doubtful_closes.values()
    )


def _unanswered(session: Session, symbol: str, now: datetime) -> bool:
    """Whether a close was handed over lately that nobody heard of again, as when the process ended in it."""
    return any(
        _closes(entry, symbol) and _may_come(session, entry.written_at, now)
        for entry in session.journal.unfinished()
    )


def _closes(entry: JournalEntry, symbol: str) -> bool:
    return entry.operation == "close" and json.loads(entry.request)["sent"]["symbol"] == symbol


def _may_come(session: Session, sent_at: datetime, now: datetime) -> bool:
    return (now - sent_at).total_seconds() < session.settings.unanswered_s
