"""The story of one signal: its message, and for each account what was checked, sent, answered, when."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from mt5fleet.cli.output import plain, printable, say, shown, table
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.record import DeadLetter, OrderRecord, SignalRecord, SignalStatus, StoredEvent
from mt5fleet.domain.signal import Signal
from mt5fleet.messages import SignedSignal, dump_signal, open_envelope
from mt5fleet.ports.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything the ledger holds of a signal; `signed` is None when the message cannot be read."""

    status: SignalStatus
    record: SignalRecord | None
    signed: SignedSignal | None
    events: tuple[StoredEvent, ...]


def read_story(ledger: Ledger, signal_id: str) -> Story:
    """Collect it. Raises LedgerUnavailable."""
    status, record = ledger.status(signal_id), ledger.record_of(signal_id)
    envelope = record.envelope if record is not None else _buried(status.dead_letter)
    return Story(
        status=status,
        record=record,
        signed=None if envelope is None else _opened(envelope),
        events=ledger.signal_events(signal_id),
    )


def of_account(story: Story, account: str | None) -> Story:
    """The part of a story that concerns one account; the whole one without a name."""
    if account is None:
        return story
    orders = tuple(order for order in story.status.orders if order.account == account)
    events = tuple(stored for stored in story.events if stored.event.account in {None, account})
    return replace(story, status=replace(story.status, orders=orders), events=events)


def tell_story(story: Story) -> None:
    """For people."""
    say(f"signal {story.status.signal_id}: {story.status.phase}")
    if story.signed is not None:
        table("Message", ("what", "value"), _message(story.signed))
    if story.status.dead_letter is not None:
        letter = story.status.dead_letter
        say(printable(f"refused at {shown(letter.at)}: {letter.reason}: {letter.field}: {letter.rule}"))
    for account in sorted({order.account for order in story.status.orders}):
        say("")
        say(f"account {account}")
        for order in story.status.orders:
            if order.account == account:
                _tell_order(story, order)


def story_json(story: Story) -> dict[str, object]:
    """For programs."""
    signed, record, letter = story.signed, story.record, story.status.dead_letter
    return {
        "signal_id": story.status.signal_id,
        "phase": story.status.phase,
        "epoch": story.status.epoch,
        "signal": None if signed is None else dump_signal(signed.signal),
        "key_id": None if signed is None else signed.key_id,
        "body_hash": None if signed is None else signed.body_hash,
        "recorded_at": None if record is None else shown(record.recorded_at),
        "groups": {} if record is None else record.groups,
        "dead_letter": None if letter is None else plain(DeadLetter, letter),
        "orders": [_order_json(story, order) for order in story.status.orders],
        "events": [plain(StoredEvent, event) for event in story.events],
    }


def _buried(letter: DeadLetter | None) -> str | None:
    return None if letter is None else letter.envelope


def _opened(envelope: str) -> SignedSignal | None:
    try:
        return open_envelope(envelope)
    except InvalidValue:
        return None  # that is why it was refused; the dead letter says which field


def _message(signed: SignedSignal) -> Iterator[tuple[str, object]]:
    signal = signed.signal
    yield "producer", f"{signal.producer} (key {signed.key_id})"
    yield "approved", f"by {signal.approval.by} at {shown(signal.approval.at)}"
    yield "created", signal.created_at
    yield "valid until", signal.valid_until
    yield (
        "targets",
        ", ".join([*signal.targets.accounts, *(f"group {name}" for name in signal.targets.groups)]),
    )
    yield "verb", signal.verb
    yield from _instruction(signal)
    for name, text in signal.tags.items():
        yield f"tag {name}", text


def _instruction(signal: Signal) -> Iterator[tuple[str, object]]:
    fields = dump_signal(signal)[signal.verb.value]
    if isinstance(fields, dict):
        for name, value in fields.items():
            yield name.replace("_", " "), _joined(value)


def _joined(value: object) -> str:
    match value:
        case dict():
            return " ".join(f"{name}={_joined(one)}" for name, one in value.items())
        case list():
            return "; ".join(_joined(one) for one in value)
        case _:
            return str(value)


def _tell_order(story: Story, order: OrderRecord) -> None:
    reason = f" ({order.reason})" if order.reason else ""
    say(printable(f"  part {order.part}: {order.state}{reason}: {order.sentence}"))
    outcome = order.outcome
    if outcome is not None and outcome.order_ticket is not None:
        say(
            f"    broker: order {outcome.order_ticket} deal {shown(outcome.deal_ticket)} "
            f"position {shown(outcome.position_ticket)} retcode {shown(outcome.retcode)} "
            f"{shown(outcome.volume)} lots at {shown(outcome.price)}"
        )
    say("    " + "  ".join(_stages(story, order)))
    for stored in _events_of(story, order):
        numbers = " ".join(f"{name}={value}" for name, value in stored.event.numbers.items())
        say(printable(f"    {shown(stored.at)}  {stored.event.type}  {numbers}").rstrip())


def _events_of(story: Story, order: OrderRecord) -> list[StoredEvent]:
    return [stored for stored in story.events if stored.event.key == order.key]


def _stages(story: Story, order: OrderRecord) -> Iterator[str]:
    """Each stage with the milliseconds since the one before; clocks of several machines meet here."""
    before: datetime | None = None
    for name, at in _moments(story, order):
        since = "" if before is None else f" +{_ms(before, at):.1f} ms"
        yield f"{name}{since}"
        before = at


def _moments(story: Story, order: OrderRecord) -> Iterator[tuple[str, datetime]]:
    outcome = order.outcome
    moments = (
        ("created", None if story.signed is None else story.signed.signal.created_at),
        ("recorded", None if story.record is None else story.record.recorded_at),
        ("queued", order.received_at),
        ("begun", order.begun_at),
        ("sent", None if outcome is None else outcome.sent_at),
        ("finished", order.finished_at),
    )
    return ((name, at) for name, at in moments if at is not None)


def _ms(before: datetime, at: datetime) -> float:
    return (at - before).total_seconds() * 1000


def _order_json(story: Story, order: OrderRecord) -> dict[str, object]:
    shown_order = plain(OrderRecord, order)
    moments = {name: shown(at) for name, at in _moments(story, order)}
    return {"order": shown_order, "moments": moments}
