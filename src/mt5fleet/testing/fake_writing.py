"""The fake bridge's journal around a send: written ahead, closed, finished, and what it proves."""

from contextlib import suppress

from mt5fleet.domain.errors import JournalUnwritable, Latched
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome, Permit, Retry
from mt5fleet.ports.journal import JournalEntry
from mt5fleet.testing.fake_broker import FakeAccount
from mt5fleet.testing.fake_looks import halted
from mt5fleet.testing.fake_rules import not_sent, unsettled


def write_ahead(book: FakeAccount, operation: str, permit: Permit, *, needs_journal: bool) -> Outcome | None:
    """Why the send stays here; None when it may go."""
    entry = JournalEntry(
        key=permit.key,
        attempt=permit.attempt,
        token=permit.token,
        operation=operation,
        request="{}",
        written_at=book.clock.now(),
        outcome=None,
        tombstone=False,
    )
    try:
        book.journal.write(entry)
    except Latched as latched:
        return close_attempt(book, permit, halted(latched.reason))
    except JournalUnwritable:
        return not_sent("the journal takes no writes", Retry.AFTER_DELAY) if needs_journal else None
    return None


def close_attempt(book: FakeAccount, permit: Permit, refused: Outcome) -> Outcome:
    """The refusal; this attempt will never be sent."""
    with suppress(JournalUnwritable):
        book.journal.bury(permit.key, permit.attempt)
    return refused


def finish(book: FakeAccount, permit: Permit, outcome: Outcome) -> None:
    """Store the outcome of what was written ahead."""
    if any(entry.attempt == permit.attempt for entry in book.journal.entries(permit.key)):
        with suppress(JournalUnwritable):
            book.journal.finish(permit.key, permit.attempt, outcome)


def close_absent(book: FakeAccount, key: str, attempt: int) -> Outcome:
    """What was proved absent is closed for ever; a doubt stays while that cannot be written."""
    try:
        for entry in unsettled(book.journal, key):
            book.journal.bury(key, entry.attempt)
        if attempt > 0:
            book.journal.bury(key, attempt)
    except JournalUnwritable as full:
        return Outcome(state=OrderState.IN_DOUBT, sentence=f"outcome unknown: {full}")
    return not_sent("the broker shows no trace; this attempt will never be sent", Retry.AFTER_DELAY)


def conclusive(entries: tuple[JournalEntry, ...]) -> Outcome | None:
    """The newest outcome that says the order is settled for good."""
    settled = [entry.outcome for entry in entries if entry.outcome is not None]
    unclear = (OrderState.NOT_SENT, OrderState.IN_DOUBT)
    return next((outcome for outcome in reversed(settled) if outcome.state not in unclear), None)
