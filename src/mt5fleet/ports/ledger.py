"""The fleet's durable memory, as the services see it. The store's clock decides leases and deadlines.

Errors of every operation: LedgerUnavailable (nothing is known about the write), LedgerFull (nothing was written).
With a lease also LeaseLost (nothing was written). Every operation can be repeated with the same result.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from mt5fleet.domain.account import Account, AccountStatus, Group, GuardMemory, Producer
from mt5fleet.domain.broker import Reading
from mt5fleet.domain.errors import LedgerError
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Command, Outcome
from mt5fleet.domain.record import (
    Alert,
    Backlog,
    DeadLetter,
    Epoch,
    Event,
    OrderRecord,
    PendingAlert,
    SignalRecord,
    SignalStatus,
    StoredEvent,
)


class PostResult(StrEnum):
    """What became of a posted message."""

    POSTED = "posted"
    EXISTS = "exists"  # same id, same body
    CONFLICT = "conflict"  # same id, other body; the first one stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Answer to a post. `wake`: nobody is coming, so the caller wakes intake."""

    result: PostResult
    seq: int
    epoch: int
    wake: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A message to be posted; `body_hash` tells whether two messages of one id say the same."""

    signal_id: str
    body_hash: str
    envelope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """A posted message waiting for intake."""

    seq: int
    posted_at: datetime
    signal_id: str
    body_hash: str
    envelope: str


class SignalLog(Protocol):
    """The durable list of posted signals, and what intake made of them."""

    def post(self, signal_id: str, body_hash: str, envelope: str) -> Posted:
        """Write a message once, durably as the store is configured."""
        ...

    def post_many(self, postings: tuple[Posting, ...]) -> tuple[Posted | LedgerError, ...]:
        """Post in the order given in one round trip; each on its own, with an error in the place of a refused one."""
        ...

    def acquire_log(self, owner: str, ttl_ms: int) -> Lease | None:
        """Become the one intake owner; None when another lease lives."""
        ...

    def waiting(self, lease: Lease, limit: int) -> tuple[LogEntry, ...]:
        """The oldest entries not settled yet; renews the lease."""
        ...

    def record(self, record: SignalRecord) -> SignalRecord:
        """Write a record once; an existing one is given back and stands."""
        ...

    def record_of(self, signal_id: str) -> SignalRecord | None:
        """The record of a signal, None when there is none."""
        ...

    def bury(self, lease: Lease, letter: DeadLetter, alert: Alert | None) -> None:
        """Store a refusal with its field and rule, readable by the producer."""
        ...

    def settle(self, lease: Lease, seq: int) -> None:
        """Mark every entry up to and including `seq` as done; call only when all its commands are on their inboxes."""
        ...

    def release_log(self, lease: Lease) -> bool:
        """Give the intake lease back; False (and the lease stays) when entries wait."""
        ...

    def status(self, signal_id: str) -> SignalStatus:
        """Where a signal stands, with every order of it."""
        ...

    def log_backlog(self) -> tuple[int, datetime | None, bool]:
        """Entries waiting for intake, the oldest one's moment, and whether a live owner exists."""
        ...

    def dead_letters(self, limit: int) -> tuple[DeadLetter, ...]:
        """The newest refusals, newest first."""
        ...

    def epoch(self) -> Epoch:
        """The current epoch; opens one when the store was emptied or its run id changed."""
        ...

    def count_signal(self, producer: str, per_minute_max: int) -> bool:
        """Count one signal of a producer in the current minute; False when it is above the limit."""
        ...


class PushResult(StrEnum):
    """What became of one pushed command."""

    PUSHED = "pushed"
    EXISTS = "exists"
    CANCELED = "canceled"  # an earlier close or cancel left a tombstone for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """Answer to a push. `wake`: no live owner and nobody woken lately."""

    results: tuple[PushResult, ...]
    wake: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquired:
    """A lease together with what its owner has to know. `left` are commands the former owner left SUBMITTING, and doubts."""

    lease: Lease
    status: AccountStatus
    left: tuple[Command, ...]


class BeginRefusal(StrEnum):
    """Why `begin` wrote nothing."""

    STATE = "state"  # the order is not RECEIVED or NOT_SENT any more
    ATTEMPTS = "attempts"  # no attempts left
    HALTED = "halted"
    REDUCING = "reducing"
    DOUBT = "doubt"  # another order of the account is in doubt: opens wait
    OPENING_UNSETTLED = "opening_unsettled"  # the opening order is SUBMITTING or IN_DOUBT: the close waits
    EXPIRED = "expired"  # valid_until has passed by the ledger's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Written ahead: `attempt` may be sent until `not_after`. `goal` is the one fixed at the first begin.

    `opening_canceled`: the opening order had not been sent and was cancelled in the same step (nothing is left to send).
    `opening_known`: the ledger holds the opening order; when not, a tombstone for it was left.
    """

    attempt: int
    begun_at: datetime
    not_after: datetime
    goal: str | None
    opening_canceled: bool
    opening_known: bool


class Inbox(Protocol):
    """An account's waiting commands, its lease, and the states of its orders."""

    def push(self, account: str, intake_token: int, commands: tuple[Command, ...]) -> Pushed:
        """Append commands that are not there yet, in order. Raises LeaseLost when a newer intake token has pushed."""
        ...

    def push_many(self, intake_token: int, commands: dict[str, tuple[Command, ...]]) -> dict[str, Pushed | LedgerError]:
        """Push to many accounts in one round trip; each account is all or nothing, an error of one is given in its place.

        Conflict stands for commands older (lower seq) than the newest one on that inbox.
        """
        ...

    def acquire(self, account: str, owner: str, ttl_ms: int) -> Acquired | None:
        """Become the account's one owner; None when another lease lives. Counts a takeover on the command left in hand."""
        ...

    def next(self, lease: Lease) -> Command | None:
        """The next runnable command, urgent before normal; None when nothing can run now. Takes it in hand; renews the lease.

        Urgent commands whose `not_before` is ahead or whose opening is unsettled are passed over; the normal lane is strictly
        in order, and its opens wait while an order of the account is in doubt.
        """
        ...

    def fix_plan(self, lease: Lease, signal_id: str, plan: str) -> str:
        """Write the volumes of a signal's parts once; gives the plan that stands."""
        ...

    def begin(
        self, lease: Lease, key: str, *, adds_risk: bool, goal: str | None, full: bool, deadline_ms: int, attempts_max: int
    ) -> Begun | BeginRefusal:
        """Write ahead: RECEIVED or NOT_SENT becomes SUBMITTING with token, attempt + 1 and time; extends the lease.

        For a close or cancel (`full`: of everything) an opening order that is RECEIVED or NOT_SENT is cancelled in the same step.
        """
        ...

    def finish(
        self,
        lease: Lease,
        key: str,
        outcome: Outcome,
        *,
        reason: str,
        events: tuple[Event, ...],
        alert: Alert | None,
        retry_after_ms: int,
    ) -> OrderState:
        """Record what became of a command in hand, all or nothing: state by the table, report, events, alert, inbox, lease.

        Used for outcomes of a send, for refusals before it (DENIED, EXPIRED, CANCELED, SUPERSEDED) and for settled doubts.
        Final, ACCEPTED, PARTIALLY_FILLED and IN_DOUBT orders leave the inbox; NOT_SENT stays until `retry_after_ms` is over.
        Raises InvalidTransition when the table does not allow the move.
        """
        ...

    def release(self, lease: Lease, *, force: bool) -> bool:
        """Give the lease back; without `force` False (and the lease stays) when a command is runnable; with `force` it always
        goes, and the account is marked as waiting when commands remain."""
        ...

    def abandon_in_hand(self, lease: Lease) -> None:
        """Say that the command in hand ended without harm, so that no takeover is counted on it."""
        ...

    def raise_token(self, account: str, above: int) -> None:
        """Make the account's next token larger than `above` (the bridge has seen it)."""
        ...

    def backlog(self, accounts: tuple[str, ...]) -> tuple[Backlog, ...]:
        """Waiting work of each account."""
        ...

    def mark_woken(self, account: str, for_ms: int) -> bool:
        """Claim the account's wake flag; False when it was woken lately or a live owner exists."""
        ...

    def order(self, account: str, key: str) -> OrderRecord | None:
        """One order as it stands."""
        ...

    def resting(self, account: str) -> tuple[Command, ...]:
        """Orders that are ACCEPTED or PARTIALLY_FILLED, so that their end can be followed."""
        ...


class GuardBook(Protocol):
    """Latch, guard memory and last readings of accounts."""

    def account_status(self, account: str) -> AccountStatus:
        """State, latch and memory of an account."""
        ...

    def judge(
        self,
        account: str,
        reading: Reading,
        memory: GuardMemory,
        *,
        halt_reason: str | None,
        events: tuple[Event, ...],
        alert: Alert | None,
    ) -> AccountStatus:
        """Write memory and verdict in one step; `halt_reason` raises the latch (a latched account stays as it is).

        A memory whose sequence is not above the stored one changes nothing but a new latch.
        """
        ...

    def halt(self, account: str, reason: str, *, events: tuple[Event, ...], alert: Alert | None) -> AccountStatus:
        """Raise the latch with flatten due; repeated calls change nothing."""
        ...

    def confirm_latch(self, account: str, sequence: int, *, alert: Alert | None) -> None:
        """Record that the bridge refuses opens for this latch."""
        ...

    def flatten_step(self, lease: Lease, events: tuple[Event, ...]) -> int:
        """Count a round of a flatten, with its receipts; gives the new number of rounds."""
        ...

    def seen_flat(self, lease: Lease, *, alert: Alert | None) -> AccountStatus:
        """Record that the broker showed flat twice; flatten is not due any more until something appears."""
        ...

    def not_flat(self, account: str, *, alert: Alert | None) -> None:
        """Record that a latched account shows positions or orders again: flatten is due."""
        ...

    def bind_journal(self, account: str, journal_id: str) -> str:
        """Bind the account to a journal at first sight; gives the one it is bound to."""
        ...

    def last_reading(self, account: str) -> Reading | None:
        """The reading of the newest judgement, None when there was none."""
        ...


class Outbox(Protocol):
    """Alerts waiting for delivery, written with the state changes they speak of."""

    def raise_alert(self, alert: Alert, events: tuple[Event, ...] = ()) -> None:
        """Write an alert (and fleet events) that belongs to no account's state change."""
        ...

    def pending(self, limit: int) -> tuple[PendingAlert, ...]:
        """Alerts not delivered everywhere and due now, oldest first."""
        ...

    def delivered(self, alert: PendingAlert, channel: str, *, all_channels: frozenset[str]) -> None:
        """Record one channel's delivery; the alert leaves when every channel has it."""
        ...

    def defer(self, alert: PendingAlert, retry_after_ms: int) -> None:
        """Count a failed attempt and try again later."""
        ...


class Registry(Protocol):
    """What the fleet was told: accounts, groups, producers."""

    def accounts(self) -> dict[str, Account]:
        """Every account by name."""
        ...

    def groups(self) -> dict[str, tuple[Group, ...]]:
        """Every group by name, all kept versions, oldest first."""
        ...

    def producers(self) -> dict[str, Producer]:
        """Every producer by name."""
        ...

    def apply(self, accounts: Iterable[Account], groups: dict[str, tuple[str, ...]]) -> None:
        """Make accounts and groups exactly these; changed groups get a new version."""
        ...

    def put_producer(self, producer: Producer) -> None:
        """Store a producer, replacing the one of the same name."""
        ...

    def revision(self) -> int:
        """Number that changes with every change here, 0 when nothing was ever told; for caches."""
        ...


class Story(Protocol):
    """What happened, read back in order."""

    def account_events(self, account: str, limit: int) -> tuple[StoredEvent, ...]:
        """The newest events of an account, oldest first."""
        ...

    def signal_events(self, signal_id: str) -> tuple[StoredEvent, ...]:
        """Events of one signal over all its accounts, by time."""
        ...

    def fleet_events(self, limit: int) -> tuple[StoredEvent, ...]:
        """The newest events that belong to no account, oldest first."""
        ...

    def emit(self, event: Event) -> None:
        """Write an event that belongs to no state change (worker started, ...)."""
        ...

    def beat(self, part: str, progress: dict[str, str], keep_ms: int) -> None:
        """Store a heartbeat of a part (worker, bridge, account) with its progress, for `keep_ms`."""
        ...

    def beats(self) -> dict[str, dict[str, str]]:
        """Heartbeats that have not run out, by part; each with `at` (ISO 8601)."""
        ...


class Ledger(SignalLog, Inbox, GuardBook, Outbox, Registry, Story, Protocol):
    """The whole ledger; services take the narrowest part they need."""

    def now(self) -> datetime:
        """The ledger's clock."""
        ...

    def check_memory(self) -> int | None:
        """Percent of the store's memory in use, None without a limit; above the limit posts are refused (LedgerFull) for a
        while, so the heartbeat calls this. Finishing, latching and alerts go on."""
        ...
