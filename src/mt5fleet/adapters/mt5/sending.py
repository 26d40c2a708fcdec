"""The only place that sends: journal first, `order_send` exactly once, judge, journal the outcome."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from mt5fleet.adapters.mt5.requests import Request
from mt5fleet.adapters.mt5.retcodes import Meaning, meaning, meaning_of_silence
from mt5fleet.adapters.mt5.session import Session
from mt5fleet.adapters.mt5.shapes import SendRow
from mt5fleet.domain.errors import GatewayError
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import TEXT_CHARS_MAX, Outcome, Permit, Retry
from mt5fleet.ports.journal import JournalEntry

_COMMENT_CHARS_MAX = 60  # of the broker's own words in a sentence
_SUCCESSES = (OrderState.FILLED, OrderState.PARTIALLY_FILLED, OrderState.ACCEPTED, OrderState.APPLIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """One thing to send: `asked` is the domain order as JSON, `read_back` makes the outcome of a success."""

    operation: str
    asked: str
    request: Request
    read_back: Callable[[SendRow, Meaning], Outcome]


def send(session: Session, permit: Permit, shipment: Shipment) -> Outcome:
    """Write ahead, send once, and write down what came of it."""
    sent_at = session.clock.now()
    session.journal.write(
        JournalEntry(
            key=permit.key,
            attempt=permit.attempt,
            token=permit.token,
            operation=shipment.operation,
            request=json.dumps({"asked": json.loads(shipment.asked), "sent": shipment.request}),
            written_at=sent_at,
            outcome=None,
            tombstone=False,
        )
    )
    # The write may have taken long (a frozen process, a slow disk): the time is looked at once more.
    outcome = _late(session, permit) or _sent(session, shipment)
    outcome = replace(outcome, sent_at=sent_at, sentence=outcome.sentence[:TEXT_CHARS_MAX])
    session.journal.finish(permit.key, permit.attempt, outcome)
    return outcome


def asked_of(entry: JournalEntry) -> str:
    """The domain order of a journal entry, as JSON."""
    return json.dumps(json.loads(entry.request)["asked"])


def _late(session: Session, permit: Permit) -> Outcome | None:
    if session.clock.now() <= permit.not_after:
        return None
    return Outcome(
        state=OrderState.NOT_SENT,
        sentence="not sent: the time for this attempt was over once the journal was written",
        retry=Retry.AFTER_DELAY,
    )


def _sent(session: Session, shipment: Shipment) -> Outcome:
    answer = session.module.order_send(shipment.request)
    return _silence(session) if answer is None else _judged(answer, shipment)


def _silence(session: Session) -> Outcome:
    code, text = session.module.last_error()
    judged = meaning_of_silence(code, text)
    return Outcome(state=judged.outcome, sentence=_worded(judged, text), retry=judged.retry, last_error=code)


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
        sentence=_worded(judged, answer.comment),
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


def _worded(judged: Meaning, said: str) -> str:
    """The table's sentence with the broker's own words."""
    prefix = {
        OrderState.NOT_SENT: "not executed: ",
        OrderState.REJECTED: "rejected: ",
        OrderState.IN_DOUBT: "outcome unknown: ",
    }.get(judged.outcome, "")
    words = "".join(c for c in said if c.isprintable())[:_COMMENT_CHARS_MAX]
    return f"{prefix}{judged.sentence}" + (f" ('{words}')" if words else "")
