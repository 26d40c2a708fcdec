"""Values that ledger tests put in: each complete, each field replaceable by name."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from mt5fleet.domain.account import Account, GuardMemory
from mt5fleet.domain.broker import Mode, Reading
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Command, Lane, Outcome
from mt5fleet.domain.record import Alert, DeadLetter, Event, EventType, PartTarget, Severity, SignalRecord
from mt5fleet.domain.signal import Verb

BORN = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
_LANES = {
    Verb.OPEN: Lane.NORMAL,
    Verb.MODIFY: Lane.NORMAL,
    Verb.CLOSE: Lane.URGENT,
    Verb.CANCEL: Lane.URGENT,
}


def a_command(key: str, verb: Verb = Verb.OPEN, **changed: Any) -> Command:
    """A command of account "a"; its signal is named after its key."""
    values: dict[str, Any] = {
        "key": key,
        "account": "a",
        "signal_id": f"s-{key}",
        "producer": "desk",
        "part": 0,
        "verb": verb,
        "lane": _LANES[verb],
        "seq": 1,
        "envelope": f"envelope of {key}",
        "opening_key": None,
        "created_at": BORN,
        "valid_until": BORN + timedelta(hours=1),
    }
    return Command(**(values | changed))


def an_outcome(state: OrderState, **changed: Any) -> Outcome:
    """An outcome with a sentence that names the state."""
    return Outcome(**({"state": state, "sentence": f"it is {state}"} | changed))


def an_alert(dedupe: str = "subject", **changed: Any) -> Alert:
    """A warning about `dedupe`."""
    values: dict[str, Any] = {
        "severity": Severity.WARNING,
        "title": f"about {dedupe}",
        "text": "something happened",
        "dedupe": dedupe,
    }
    return Alert(**(values | changed))


def an_event(kind: EventType = EventType.ORDER_FILLED, **changed: Any) -> Event:
    """An event of account "a"."""
    return Event(**({"type": kind, "account": "a", "numbers": {"lots": "0.10"}} | changed))


def a_reading(account: str = "a", **changed: Any) -> Reading:
    """A healthy reading of 10,000 USD."""
    values: dict[str, Any] = {
        "account": account,
        "at": BORN,
        "source": "test",
        "currency": "USD",
        "balance": Decimal(10_000),
        "equity": Decimal("9999.50"),
        "credit": Decimal(0),
        "margin": Decimal(0),
        "margin_free": Decimal("9999.50"),
        "profit": Decimal("-0.50"),
        "leverage": 100,
        "positions": 1,
        "orders": 0,
    }
    return Reading(**(values | changed))


def a_memory(sequence: int = 1, **changed: Any) -> GuardMemory:
    """Guard memory that goes with `a_reading`."""
    values: dict[str, Any] = {
        "peak_equity": Decimal(10_000),
        "first_balance": Decimal(10_000),
        "last_equity": Decimal("9999.50"),
        "last_balance": Decimal(10_000),
        "last_at": BORN,
        "cash_flow_total": Decimal(0),
        "sequence": sequence,
    }
    return GuardMemory(**(values | changed))


def an_account(name: str = "a", **changed: Any) -> Account:
    """A demo account."""
    return Account(**({"name": name, "server": "Demo-1", "login": 1001, "mode": Mode.DEMO} | changed))


def a_record(signal_id: str, *targets: PartTarget, **changed: Any) -> SignalRecord:
    """A record of an open with the given targets."""
    values: dict[str, Any] = {
        "signal_id": signal_id,
        "producer": "desk",
        "verb": "open",
        "body_hash": "hash",
        "seq": 1,
        "recorded_at": BORN,
        "envelope": "envelope",
        "parts": 1,
        "targets": targets,
        "groups": {"all": 3},
    }
    return SignalRecord(**(values | changed))


def a_target(key: str, account: str = "a") -> PartTarget:
    """Part 0 of a signal on an account."""
    return PartTarget(account=account, part=0, key=key, opening_key=None)


def a_letter(signal_id: str, seq: int = 1, **changed: Any) -> DeadLetter:
    """A refusal for a bad symbol."""
    values: dict[str, Any] = {
        "seq": seq,
        "at": BORN,
        "signal_id": signal_id,
        "producer": "desk",
        "reason": "schema_invalid",
        "field": "open.symbol",
        "rule": "is required",
        "envelope": "envelope",
    }
    return DeadLetter(**(values | changed))
