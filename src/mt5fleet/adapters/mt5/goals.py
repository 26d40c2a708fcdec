"""What close, modify and cancel share: finding what they speak of, and answers that need no send."""

from datetime import datetime

from mt5fleet.adapters.mt5.attempts import (
    close_attempt,
    closed_for_ever,
    is_closed,
    settled,
    unsettled,
)
from mt5fleet.adapters.mt5.codes import BrokerOrderState
from mt5fleet.adapters.mt5.lastlook import Look, refusal_of_any, refusal_of_mode
from mt5fleet.adapters.mt5.session import Session
from mt5fleet.adapters.mt5.shapes import OrderRow, PositionRow
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome, Permit, Retry
from mt5fleet.ports.journal import JournalEntry

HISTORY_FROM = datetime.fromisoformat("2000-01-01T00:00:00+00:00")  # before any MetaTrader 5 account


def find_position(session: Session, ticket: int | None, magic: int | None) -> PositionRow | None:
    """The open position with this ticket, or opened under this magic."""
    rows = session.positions()
    if ticket is not None:
        return next((row for row in rows if ticket in (row.ticket, row.identifier)), None)
    return next((row for row in rows if row.magic == magic), None)


def reached(sentence: str) -> Outcome:
    """The goal was true without sending anything."""
    return Outcome(state=OrderState.APPLIED, sentence=sentence, existed=True)


def not_visible(what: str) -> Outcome:
    """Nothing was sent, since the terminal may not show yet what is to be changed."""
    return Outcome(
        state=OrderState.NOT_SENT,
        sentence=f"not sent: {what} is not visible yet; looking again",
        retry=Retry.AFTER_DELAY,
    )


def look_refusal(session: Session, permit: Permit, *, reduces: bool) -> Outcome | None:
    """Why this may not leave now, closed for this attempt; None when it may."""
    look = Look(
        settings=session.settings,
        account=session.account(),
        terminal=session.terminal(),
        permit=permit,
        now=session.clock.now(),
    )
    refused = refusal_of_any(look) or (None if reduces else refusal_of_mode(look))
    if refused is not None:
        close_attempt(session.journal, permit)
    return refused


def journal_says(entries: tuple[JournalEntry, ...], attempt: int) -> Outcome | None:
    """What the journal knows about a change: its end, or that this attempt is closed."""
    return settled(entries) or (
        closed_for_ever() if is_closed(entries, attempt) and not unsettled(entries) else None
    )


def find_order(session: Session, ticket: int | None, magic: int | None) -> OrderRow | None:
    """The resting order with this ticket, or placed under this magic."""
    rows = session.orders()
    if ticket is not None:
        return next((row for row in rows if row.ticket == ticket), None)
    return next((row for row in rows if row.magic == magic), None)


def ended_state(session: Session, ticket: int | None, magic: int | None) -> BrokerOrderState | None:
    """How a resting order ended, None when the history does not show it."""
    rows = session.history_orders(*session.window_s(HISTORY_FROM))
    found = (row for row in rows if (row.ticket == ticket if ticket is not None else row.magic == magic))
    return next((BrokerOrderState(row.state) for row in found), None)
