"""Resolve: what became of an attempt, from journal and broker; it never sends.

NOT_SENT is said only after a tombstone, and a tombstone is written only on proof: the journal shows that
nothing left the bridge, or the broker shows no trace in two looks a visibility lag apart, after the time that
the terminal may take.
Source: the project's design, section 5 "The key, and asking first", and section 6.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from mt5fleet.adapters.mt5.absences import Absences
from mt5fleet.adapters.mt5.attempts import as_known, is_unheard, note_outcome, settled, unsettled
from mt5fleet.adapters.mt5.changing import modify_stands
from mt5fleet.adapters.mt5.codes import DealEntryCode
from mt5fleet.adapters.mt5.evidence import Evidence, closing_outcome, gather, opening_outcome
from mt5fleet.adapters.mt5.goals import ended_state, find_order, find_position
from mt5fleet.adapters.mt5.history import HistoryIndex
from mt5fleet.adapters.mt5.sending import asked_of
from mt5fleet.adapters.mt5.session import Session
from mt5fleet.codec import decode
from mt5fleet.domain.errors import Unreachable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, OpenOrder, Outcome, Retry
from mt5fleet.ports.journal import JournalEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which attempt of which key; attempt 0 asks for any. `since` is when the signal was created."""

    key: str
    magic: int
    attempt: int
    since: datetime


def resolve(session: Session, index: HistoryIndex, absences: Absences, question: Question) -> Outcome:
    """The true outcome, NOT_SENT with proof, or IN_DOUBT while there is neither."""
    entries = session.journal.entries(question.key)
    session.account()
    session.terminal()
    found = _found(session, index, question, entries)
    if found is not None:
        for entry in unsettled(entries):
            note_outcome(session.journal, entry.key, entry.attempt, found)
        absences.forget(question.key)
        return as_known(found)
    known = settled(entries)
    if known is not None:
        return as_known(known)
    return _absent(session, absences, question, entries)


def _found(
    session: Session, index: HistoryIndex, question: Question, entries: tuple[JournalEntry, ...]
) -> Outcome | None:
    """What the broker shows for the key, by the kind of order that was sent."""
    operation = next((entry.operation for entry in entries if entry.operation), "submit")
    evidence = gather(session, index, question.magic, question.since)
    if operation == "submit":
        opened = opening_outcome(evidence, _opened(entries))
        return closing_outcome(evidence) if opened is None or _past(opened, entries) else opened
    if operation == "close":
        found = _closed(session, closing_outcome(evidence), question) or _close_goal(session, entries)
        return found or _closing(evidence)
    return _change_goal(session, entries, operation)


def _past(found: Outcome, entries: tuple[JournalEntry, ...]) -> bool:
    """A refused order in the history belongs to the attempt in question only if no other was sent."""
    return found.state is OrderState.REJECTED and (len(entries) != 1 or not unsettled(entries))


def _opened(entries: tuple[JournalEntry, ...]) -> OpenOrder | None:
    asked = [entry for entry in entries if entry.request]
    return decode(OpenOrder, asked_of(asked[-1])) if asked else None


def _closed(session: Session, closed: Outcome | None, question: Question) -> Outcome | None:
    """What was closed, CANCELED when the broker ended the order before all of it was; None: not known yet."""
    if closed is None:
        return None
    rows = session.history_orders(*session.window_s(question.since))
    ended = next((row for row in rows if row.ticket == closed.order_ticket), None)
    if ended is None:
        return None
    left = session.scale(ended.symbol).volume(ended.volume_current)
    if left == 0:
        return closed
    rest = f"; {left} lots could not be closed"
    return replace(closed, state=OrderState.CANCELED, sentence=closed.sentence + rest)


def _closing(evidence: Evidence) -> Outcome | None:
    """A close that the broker still works on: its order rests, or has deals and no known end."""
    trace = [row.ticket for row in evidence.resting]
    trace += [row.order for row in evidence.deals if row.entry != DealEntryCode.IN]
    if not trace:
        return None
    sentence = f"outcome unknown: the broker still works on the closing order {trace[0]}"
    return Outcome(state=OrderState.IN_DOUBT, sentence=sentence, order_ticket=trace[0])


def _close_goal(session: Session, entries: tuple[JournalEntry, ...]) -> Outcome | None:
    """A close whose goal is true is applied; a missing position counts only once it is proved absent."""
    order = decode(CloseOrder, _last_asked(entries))
    position = find_position(session, order.ticket, order.opening_magic)
    if position is None:
        return None
    left = session.scale(position.symbol).volume(position.volume)
    return _applied("the position holds no more than the goal") if left <= order.remaining else None


def _change_goal(session: Session, entries: tuple[JournalEntry, ...], operation: str) -> Outcome | None:
    if operation == "cancel":
        return _cancel_goal(session, decode(CancelOrder, _last_asked(entries)))
    order = decode(ModifyOrder, _last_asked(entries))
    position = find_position(session, order.ticket, order.opening_magic)
    resting = None if position else find_order(session, order.ticket, order.opening_magic)
    return _applied("the levels stand") if modify_stands(session, order, position, resting) else None


def _cancel_goal(session: Session, cancel: CancelOrder) -> Outcome | None:
    """A cancel is applied once the broker shows how the order ended; that it is not listed proves nothing."""
    if find_order(session, cancel.ticket, cancel.opening_magic) is not None:
        return None
    with suppress(Unreachable):
        session.require_synchronised()
        ended = ended_state(session, cancel.ticket, cancel.opening_magic)
        return None if ended is None else _applied(f"the order rests no more: {ended.name.lower()}")
    return None


def _absent(
    session: Session, absences: Absences, question: Question, entries: tuple[JournalEntry, ...]
) -> Outcome:
    """No trace at the broker: proof or doubt."""
    try:
        session.require_synchronised()
    except Unreachable as reason:
        return Outcome(state=OrderState.IN_DOUBT, sentence=f"outcome unknown: {reason}")
    open_ones = unsettled(entries)
    if not _nothing_left(session, question, open_ones) and not _twice(session, absences, question, open_ones):
        return Outcome(state=OrderState.IN_DOUBT, sentence="outcome unknown: absent so far; looking again")
    absences.forget(question.key)
    for attempt in {*(entry.attempt for entry in open_ones), question.attempt} - {0}:
        session.journal.bury(question.key, attempt)
    return Outcome(
        state=OrderState.NOT_SENT,
        sentence="not sent: the broker shows no trace of it, and this attempt will never be sent",
        retry=Retry.AFTER_DELAY,
    )


def _nothing_left(session: Session, question: Question, open_ones: tuple[JournalEntry, ...]) -> bool:
    """Whether the journal alone proves it: it is older than the signal and holds no send without an end."""
    return not open_ones and session.journal.created_at <= question.since


def _twice(
    session: Session, absences: Absences, question: Question, open_ones: tuple[JournalEntry, ...]
) -> bool:
    """Absent in two looks a lag apart, both after the time the terminal may take to carry out a send."""
    now = session.clock.now()
    if any((now - entry.written_at).total_seconds() < _may_come_s(session, entry) for entry in open_ones):
        return False
    return absences.proved(question.key, now, session.breaks)


def _may_come_s(session: Session, entry: JournalEntry) -> float:
    """How long after it was written a send may still be carried out."""
    unanswered = entry.outcome is None or is_unheard(entry.outcome)
    long = unanswered and not _harmless_twice(entry)
    return session.settings.unanswered_s if long else session.settings.settle_s


def _harmless_twice(entry: JournalEntry) -> bool:
    """What ends in the same place when it is carried out twice need not wait: getting out comes first."""
    if entry.operation == "close":
        return decode(CloseOrder, asked_of(entry)).remaining == 0
    return entry.operation in ("modify", "cancel")


def _last_asked(entries: tuple[JournalEntry, ...]) -> str:
    return asked_of([entry for entry in entries if entry.request][-1])


def _applied(sentence: str) -> Outcome:
    return Outcome(state=OrderState.APPLIED, sentence=sentence)
