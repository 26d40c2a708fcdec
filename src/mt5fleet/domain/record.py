"""Records of the ledger that people and producers read back."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome


class Severity(StrEnum):
    """How urgent an alert is."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class EventType(StrEnum):
    """Kinds of events on an account's or the fleet's stream."""

    SIGNAL_RECEIVED = "signal_received"  # recorded with its targets
    SIGNAL_REFUSED = "signal_refused"  # dead-lettered with field and rule
    ORDER_RECEIVED = "order_received"  # on the account's inbox
    ORDER_BEGUN = "order_begun"  # written ahead of the send
    ORDER_WAITING = "order_waiting"  # it cannot be judged now; told once with the reason
    ORDER_DENIED = "order_denied"
    ORDER_EXPIRED = "order_expired"
    ORDER_CANCELED = "order_canceled"
    ORDER_SUPERSEDED = "order_superseded"
    ORDER_ACCEPTED = "order_accepted"
    ORDER_FILLED = "order_filled"  # also partly
    ORDER_APPLIED = "order_applied"
    ORDER_REJECTED = "order_rejected"
    ORDER_NOT_SENT = "order_not_sent"
    ORDER_IN_DOUBT = "order_in_doubt"
    ORDER_ABANDONED = "order_abandoned"
    GUARD_BREACHED = "guard_breached"
    GUARD_BLIND = "guard_blind"  # no valid reading
    HALTED = "halted"
    HALT_CONFIRMED = "halt_confirmed"  # the bridge refuses opens, too
    HALT_RENUMBERED = "halt_renumbered"  # the bridge knew its number as lifted; the halt goes on
    FLATTEN_STEP = "flatten_step"  # one position closed or order cancelled by a flatten
    FLAT = "flat"  # the broker showed flat twice
    NOT_FLAT = "not_flat"  # a latched account shows positions or orders again
    WORKER_STARTED = "worker_started"
    WORKER_STOPPED = "worker_stopped"
    EPOCH_OPENED = "epoch_opened"
    ACCOUNT_CHANGED = "account_changed"
    MEMORY_RECALLED = "memory_recalled"  # the guards go on from the checkpoint in the bridge's journal
    TERMINAL_CHANGED = "terminal_changed"  # another build, or the server's clock moved
    JOURNAL_FAULT = "journal_fault"  # another journal, an older copy, or one that takes no writes


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact.

    The ledger's script adds sequence and time. `numbers` are what the decision used (name -> text).
    """

    type: EventType
    account: str | None = None
    signal_id: str | None = None
    key: str | None = None
    numbers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as read back: its id on the stream, and when the ledger wrote it."""

    id: str
    at: datetime
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A message to people, written with the state change.

    `dedupe` names what it is about; equal ones become one with a count.
    """

    severity: Severity
    title: str
    text: str
    dedupe: str
    account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAlert:
    """An alert in the outbox: `outbox` and `id` name it, `delivered` the channels that have it."""

    outbox: str
    id: str
    at: datetime
    alert: Alert
    delivered: tuple[str, ...]
    attempts: int
    count: int = 1  # equal alerts this one stands for


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A posted message that could not become orders: which field, which rule."""

    seq: int
    at: datetime
    signal_id: str
    producer: str
    reason: str
    field: str
    rule: str
    envelope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartTarget:
    """One order to be.

    Which account and part, under which key; `opening_key` for close, modify and cancel.
    """

    account: str
    part: int
    key: str
    opening_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRecord:
    """What intake decided about a signal, written once, before the first inbox push."""

    signal_id: str
    producer: str
    verb: str
    body_hash: str
    seq: int
    recorded_at: datetime
    envelope: str
    parts: int
    targets: tuple[PartTarget, ...]
    groups: dict[str, int]  # group name -> version it was resolved with


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRecord:
    """One order of a signal as the ledger holds it now."""

    account: str
    signal_id: str
    part: int
    key: str
    state: OrderState
    attempt: int
    reason: str  # denial reason, or empty
    sentence: str
    outcome: Outcome | None
    goal: str | None
    received_at: datetime
    begun_at: datetime | None
    finished_at: datetime | None


class SignalPhase(StrEnum):
    """Where a signal stands as a whole."""

    UNKNOWN = "unknown"  # the ledger has no trace of it
    POSTED = "posted"  # durable in the signal log, not taken in yet
    REFUSED = "refused"  # dead-lettered
    RECORDED = "recorded"  # orders exist, not all final
    FINAL = "final"  # every order is final


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalStatus:
    """What a producer reads back about one signal."""

    signal_id: str
    phase: SignalPhase
    epoch: int
    dead_letter: DeadLetter | None = None
    orders: tuple[OrderRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """A life of the ledger between two losses of memory.

    Signals created before `started_at` may have been executed earlier.
    """

    number: int
    started_at: datetime
    run_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Waiting work of one account, and when the oldest of each kind arrived (None without any)."""

    account: str
    urgent: int
    normal: int
    in_doubt: int
    oldest_urgent_at: datetime | None
    oldest_normal_at: datetime | None
    oldest_doubt_at: datetime | None
    owned: bool
    flatten_due: bool

    @property
    def oldest_at(self) -> datetime | None:
        """When the oldest waiting command of both lanes arrived."""
        return min(
            (at for at in (self.oldest_urgent_at, self.oldest_normal_at) if at is not None), default=None
        )

    @property
    def needs_owner(self) -> bool:
        """Whether somebody must come: there is work and no live owner."""
        return not self.owned and bool(self.urgent or self.normal or self.in_doubt or self.flatten_due)
