"""The fleet's durable memory, as the services see it. The store's clock decides leases and deadlines.

Errors of every operation: LedgerUnavailable (nothing is known about the write), LedgerFull (nothing was
written). With a lease also LeaseLost (nothing was written). Every operation can be repeated with the same
result.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from mt5fleet.domain.account import Account, Group, Producer
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
from mt5fleet.ports.guard_book import GuardBook
from mt5fleet.ports.ledger_answers import (
    Acquired,
    BeginRefusal,
    Begun,
    LogEntry,
    Posted,
    Posting,
    PostResult,
    Pushed,
    PushResult,
)

__all__ = [
    "Acquired",
    "BeginRefusal",
    "Begun",
    "GuardBook",
    "Inbox",
    "Ledger",
    "LogEntry",
    "Outbox",
    "PostResult",
    "Posted",
    "Posting",
    "PushResult",
    "Pushed",
    "Registry",
    "SignalLog",
    "Story",
]


class SignalLog(Protocol):
    """The durable list of posted signals, and what intake made of them."""

    def post(self, signal_id: str, body_hash: str, envelope: str) -> Posted:
        """Write a message once, durably as the store is configured.

        An epoch is opened only where there is none; that a store restarted is seen by `epoch`.
        """
        ...

    def post_many(self, postings: tuple[Posting, ...]) -> tuple[Posted | LedgerError, ...]:
        """Post in the order given in one round trip; each on its own, with an error in its place."""
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
        """Mark every entry up to and including `seq` as done; only when all its commands are on inboxes."""
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


class Inbox(Protocol):
    """An account's waiting commands, its lease, and the states of its orders."""

    def push(self, account: str, intake_token: int, commands: tuple[Command, ...]) -> Pushed:
        """Append commands that are not there yet, in order.

        Raises LeaseLost when a newer intake token has pushed, and Conflict for a new command that is
        older (lower seq) than the newest one there; nothing was written then.
        """
        ...

    def push_many(
        self, intake_token: int, commands: dict[str, tuple[Command, ...]]
    ) -> dict[str, Pushed | LedgerError]:
        """Push to many accounts in one round trip; each account is all or nothing, with an error in its
        place.
        """
        ...

    def acquire(self, account: str, owner: str, ttl_ms: int) -> Acquired | None:
        """Become the account's one owner; None when another lease lives.

        Counts a takeover on the command in hand when the former owner neither released nor abandoned it.
        """
        ...

    def next(self, lease: Lease) -> Command | None:
        """The next runnable command, taken in hand; None when nothing can run now. Renews the lease.

        Urgent commands come first; those whose retry is not due yet, or whose opening is on its way, are
        passed over. The normal lane is strictly in order, and its opens wait while an order of the
        account is in doubt.
        """
        ...

    def fix_plan(self, lease: Lease, signal_id: str, plan: str) -> str:
        """Write the volumes of a signal's parts once; gives the plan that stands."""
        ...

    def begin(
        self,
        lease: Lease,
        key: str,
        *,
        adds_risk: bool,
        goal: str | None,
        full: bool,
        deadline_ms: int,
        attempts_max: int,
    ) -> Begun | BeginRefusal:
        """Write ahead: RECEIVED or NOT_SENT becomes SUBMITTING with token, attempt + 1 and time; extends
        the lease.

        A close or cancel of everything (`full`) cancels an opening order that is RECEIVED or NOT_SENT in
        the same step; a partial close and a modify wait for it. Repeated by the same lease it gives the
        same attempt.
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
        """Record what became of a command, all or nothing: state, report, events, alert, inbox, lease.

        Used for outcomes of a send, for refusals before it (DENIED, EXPIRED, CANCELED, SUPERSEDED) and
        for settled doubts. Final, ACCEPTED, PARTIALLY_FILLED and IN_DOUBT orders leave the inbox;
        NOT_SENT stays until `retry_after_ms` is over. Repeated with the same outcome it changes nothing.
        Raises InvalidTransition when the table does not allow the move, or the order is not there.
        """
        ...

    def release(self, lease: Lease, *, force: bool) -> bool:
        """Give the lease back.

        Without `force` False, and the lease stays, while a command is runnable. With `force` it always
        goes, and the backlog shows that commands wait.
        """
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

    def command(self, account: str, key: str) -> Command | None:
        """One command as it stands, None when there is none; a final one has no envelope any more."""
        ...

    def resting(self, account: str) -> tuple[Command, ...]:
        """Orders that are ACCEPTED or PARTIALLY_FILLED, so that their end can be followed."""
        ...


class Outbox(Protocol):
    """Alerts waiting for delivery, written with the state changes they speak of."""

    def raise_alert(self, alert: Alert, events: tuple[Event, ...] = ()) -> None:
        """Write an alert (and fleet events) that belongs to no account's state change."""
        ...

    def pending(self, limit: int) -> tuple[PendingAlert, ...]:
        """Alerts not delivered everywhere and due now, oldest first."""
        ...

    def claim(self, alert: PendingAlert, for_ms: int) -> bool:
        """Take a due alert for a while; False when another worker has taken it. It stays pending."""
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
        """Percent of the store's memory in use, None without a limit.

        Above the limit posts are refused (LedgerFull) for a while, so the heartbeat calls this.
        Finishing, latching and alerts go on.
        """
        ...
