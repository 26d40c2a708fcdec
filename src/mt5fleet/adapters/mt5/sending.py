"""The only place that sends: journal first, `order_send` exactly once, judge, journal the outcome."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from mt5fleet.adapters.mt5.attempts import close_attempt, note_outcome
from mt5fleet.adapters.mt5.lastlook import halted, not_sent
from mt5fleet.adapters.mt5.requests import Request
from mt5fleet.adapters.mt5.retcodes import Meaning, meaning, meaning_of_silence
from mt5fleet.adapters.mt5.session import Session
from mt5fleet.adapters.mt5.shapes import SendRow
from mt5fleet.domain.errors import GatewayError, JournalUnwritable, Latched, Unreachable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import TEXT_CHARS_MAX, Outcome, Permit, Retry
from mt5fleet.ports.journal import JournalEntry

_COMMENT_CHARS_MAX = 60  # of the broker's own words in a sentence
_SUCCESSES = (OrderState.FILLED, OrderState.PARTIALLY_FILLED, OrderState.ACCEPTED, OrderState.APPLIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """One thing to send: `asked` is the domain order as JSON, `read_back` makes the outcome of a success.

    `needs_journal` False: it names a ticket, and sending it twice ends in the same place.
    """

    operation: str
    asked: str
    request: Request
    read_back: Callable[[SendRow, Meaning], Outcome]
    needs_journal: bool = True


def send(session: Session, permit: Permit, shipment: Shipment) -> Outcome:
    """Write ahead, send once, and write down what came of it.

    The journal is the last gate: what it refuses to write is not sent. Only where it takes no write at all,
    what names a ticket and does no harm when sent twice (`needs_journal` False) goes without it: getting out
    comes first. Raises StaleToken as the journal does.
    """
    sent_at = session.clock.now()
    try:
        session.journal.write(_entry(permit, shipment, sent_at))
    except Latched as error:
        close_attempt(session.journal, permit)
        return halted(error.reason)
    except JournalUnwritable as error:
        return _not_kept(error) if shipment.needs_journal else _unjournaled(session, permit, shipment)
    outcome = _shortened(_carried_out(session, permit, shipment), sent_at)
    note_outcome(session.journal, permit.key, permit.attempt, outcome)
    return outcome


def asked_of(entry: JournalEntry) -> str:
    """The domain order of a journal entry, as JSON."""
    return json.dumps(json.loads(entry.request)["asked"])


def _entry(permit: Permit, shipment: Shipment, at: datetime) -> JournalEntry:
    return JournalEntry(
        key=permit.key,
        attempt=permit.attempt,
        token=permit.token,
        operation=shipment.operation,
        request=json.dumps({"asked": json.loads(shipment.asked), "sent": shipment.request}),
        written_at=at,
        outcome=None,
        tombstone=False,
    )


def _not_kept(error: JournalUnwritable) -> Outcome:
    sentence = f"nothing leaves without the bridge's journal, which takes no writes now ({error})"
    return not_sent(sentence, retry=Retry.AFTER_DELAY)


def _unjournaled(session: Session, permit: Permit, shipment: Shipment) -> Outcome:
    sent_at = session.clock.now()
    outcome = _carried_out(session, permit, shipment)
    sentence = f"without the bridge's journal, which takes no writes: {outcome.sentence}"
    return _shortened(replace(outcome, sentence=sentence), sent_at)


def _carried_out(session: Session, permit: Permit, shipment: Shipment) -> Outcome:
    return _too_late(session, permit) or _sent(session, shipment)


def _too_late(session: Session, permit: Permit) -> Outcome | None:
    """The write may have taken long (a frozen process, a slow disk): time and account are looked at again."""
    if session.clock.now() > permit.not_after:
        return not_sent(
            "the time for this attempt was over once the journal was written", retry=Retry.AFTER_DELAY
        )
    try:
        session.account()
    except Unreachable as error:
        return not_sent(str(error), retry=Retry.AFTER_DELAY)
    return None


def _shortened(outcome: Outcome, sent_at: datetime) -> Outcome:
    return replace(outcome, sent_at=sent_at, sentence=outcome.sentence[:TEXT_CHARS_MAX])


def _sent(session: Session, shipment: Shipment) -> Outcome:
    answer = session.module.order_send(shipment.request)
    return _silence(session) if answer is None else _judged(answer, shipment)


def _silence(session: Session) -> Outcome:
    code, text = session.module.last_error()
    judged = meaning_of_silence(code, text)
    return Outcome(state=judged.outcome, sentence=told(judged, text), retry=judged.retry, last_error=code)


def _judged(answer: SendRow, shipment: Shipment) -> Outcome:
    judged = meaning(answer.retcode)
    if judged.outcome is OrderState.ACCEPTED and shipment.operation != "submit":
        # A change that was taken and not carried out yet: only its goal tells when it is.
        judged = replace(
            judged, outcome=OrderState.IN_DOUBT, sentence="taken by the broker, not carried out yet"
        )
    if judged.outcome in _SUCCESSES:
        return replace(_read_back(answer, judged, shipment), retcode=answer.retcode)
    return Outcome(
        state=judged.outcome,
        sentence=told(judged, answer.comment),
        retry=judged.retry,
        retcode=answer.retcode,
        order_ticket=answer.order or None,
    )


def _read_back(answer: SendRow, judged: Meaning, shipment: Shipment) -> Outcome:
    """The outcome of a success; a terminal lost right after it must not look as if nothing had been sent."""
    try:
        return shipment.read_back(answer, judged)
    except GatewayError as error:
        return Outcome(
            state=OrderState.IN_DOUBT,
            sentence=f"outcome unknown: the broker carried it out, then: {error}",
            order_ticket=answer.order or None,
        )


def with_words(sentence: str, said: str) -> str:
    """A sentence of ours followed by the broker's own words, if it had any."""
    words = "".join(c for c in said if c.isprintable())[:_COMMENT_CHARS_MAX]
    return f"{sentence} ('{words}')" if words else sentence


def told(judged: Meaning, said: str) -> str:
    """What a person is told of an answer: the table's sentence with the broker's own words."""
    prefix = {
        OrderState.NOT_SENT: "not executed: ",
        OrderState.REJECTED: "rejected: ",
        OrderState.IN_DOUBT: "outcome unknown: ",
    }.get(judged.outcome, "")
    return f"{prefix}{with_words(judged.sentence, said)}"
