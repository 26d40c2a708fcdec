"""What the journal alone says about sending an attempt of a key, and what it is told of its end."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from mt5fleet.domain.errors import JournalUnwritable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome, Permit, Retry
from mt5fleet.ports.journal import AttemptJournal, JournalEntry

_NOT_SETTLED = (OrderState.IN_DOUBT, OrderState.NOT_SENT)
# The broker did not answer the terminal in time; the terminal lost its broker. Both may have handed it over.
_NOT_HEARD = (None, 10012, 10031)


def settled(entries: Sequence[JournalEntry]) -> Outcome | None:
    """The outcome that settles the key for good: executed, or refused by the broker."""
    outcomes = [entry.outcome for entry in entries if entry.outcome is not None]
    return next((outcome for outcome in reversed(outcomes) if outcome.state not in _NOT_SETTLED), None)


def unsettled(entries: Sequence[JournalEntry]) -> tuple[JournalEntry, ...]:
    """Attempts that were handed to the terminal and whose end nobody knows."""
    return tuple(entry for entry in entries if not entry.tombstone and _unclear(entry))


def is_unheard(outcome: Outcome) -> bool:
    """Whether no word of the broker stands behind a doubt: the send may still be carried out."""
    return outcome.state is OrderState.IN_DOUBT and outcome.retcode in _NOT_HEARD


def is_closed(entries: Sequence[JournalEntry], attempt: int) -> bool:
    """Whether this attempt may not be sent any more: it, or a later one, is in the journal already."""
    return any(entry.attempt >= attempt for entry in entries)


def as_known(outcome: Outcome) -> Outcome:
    """An outcome found instead of sent; a doubt or a closed attempt is no finding."""
    return replace(outcome, existed=outcome.state not in _NOT_SETTLED)


def closed_for_ever() -> Outcome:
    """The answer to an attempt that was closed without execution."""
    return Outcome(
        state=OrderState.NOT_SENT,
        sentence="not sent: this attempt was closed before; only a new attempt may be sent",
        retry=Retry.AFTER_DELAY,
    )


def earlier_in_doubt(entries: Sequence[JournalEntry]) -> Outcome:
    """The answer while an earlier send has no known end."""
    attempts = ", ".join(str(entry.attempt) for entry in entries)
    return Outcome(
        state=OrderState.IN_DOUBT,
        sentence=f"outcome unknown: attempt {attempts} was handed to the terminal and is not settled yet",
    )


def close_attempt(journal: AttemptJournal, permit: Permit) -> None:
    """Close an attempt that was refused before it was sent.

    A journal that takes no write lets no open go either, so nothing is lost when it does not take this one.
    """
    with suppress(JournalUnwritable):
        journal.bury(permit.key, permit.attempt)


def note_outcome(journal: AttemptJournal, key: str, attempt: int, outcome: Outcome) -> None:
    """Store an outcome where the journal takes it; without it the attempt is settled at the broker later."""
    with suppress(JournalUnwritable):
        journal.finish(key, attempt, outcome)


def _unclear(entry: JournalEntry) -> bool:
    return entry.outcome is None or entry.outcome.state is OrderState.IN_DOUBT
