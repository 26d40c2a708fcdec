"""What the in-memory ledger keeps, and the rules its parts share: one lock, one clock, microseconds."""

from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import RLock

from mt5fleet.adapters.redis.microtime import epoch_number, from_us, to_us
from mt5fleet.adapters.redis.settings import LedgerSettings
from mt5fleet.domain.account import Account, Group, GuardMemory, Producer
from mt5fleet.domain.broker import Reading
from mt5fleet.domain.errors import LeaseLost
from mt5fleet.domain.lease import LOG, Lease
from mt5fleet.domain.order import Command, Lane, Outcome
from mt5fleet.domain.record import Alert, DeadLetter, Epoch, Event, Severity, SignalRecord, StoredEvent
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.ledger import LogEntry

FLEET = "fleet"
LOG_OUTBOX = "log"
_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


@dataclass(slots=True)
class LeaseSlot:
    """The lease of a log or account: `token` is the newest one given out, `floor` the highest known."""

    owner: str = ""
    token: int = 0
    floor: int = 0
    deadline_us: int = 0
    ttl_ms: int = 0
    wake_until_us: int = 0


@dataclass(slots=True)
class OrderSlot:
    """One order: the command with its present state, and what the record shows beside it."""

    command: Command
    arrival_us: int
    not_before_us: int = 0
    token: int = 0
    not_after_us: int = 0
    waits_open: bool = False
    opening_canceled: bool = False
    opening_known: bool = True
    reason: str = ""
    sentence: str = ""
    outcome: Outcome | None = None
    finished_at: datetime | None = None


@dataclass(slots=True)
class GuardSlot:
    """Latch, memory and last reading of an account."""

    reducing: bool = False
    reason: str = ""
    since: datetime | None = None
    halted_seq: int = 0
    resumed_seq: int = 0
    confirmed: bool = False
    flatten_due: bool = False
    flat_at: datetime | None = None
    rounds: int = 0
    memory: GuardMemory | None = None
    reading: Reading | None = None
    journal_id: str | None = None
    journal_sequence: int = 0
    journal_older: bool = False

    @property
    def halted(self) -> bool:
        """Whether the latch is up."""
        return self.halted_seq > self.resumed_seq


@dataclass(slots=True)
class AlertSlot:
    """One alert of an outbox."""

    alert: Alert
    at_us: int
    due_us: int
    count: int = 1
    attempts: int = 0
    delivered: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Stream:
    """Events in order; ids never go back, even if the clock does."""

    events: list[StoredEvent] = field(default_factory=list)
    last_us: int = 0
    repeat: int = 0


@dataclass(slots=True)
class OutboxSlot:
    """Pending alerts by id, and the newest one of each subject."""

    alerts: dict[str, AlertSlot] = field(default_factory=dict)
    newest: dict[str, str] = field(default_factory=dict)
    last_id: int = 0


@dataclass(slots=True)
class AccountSlot:
    """Everything of one account."""

    lease: LeaseSlot = field(default_factory=LeaseSlot)
    hand: str = ""
    intake_token: int = 0
    intake_seq: int = 0
    arrival_us: int = 0
    orders: dict[str, OrderSlot] = field(default_factory=dict)
    lanes: dict[Lane, dict[str, int]] = field(default_factory=lambda: {lane: {} for lane in Lane})
    doubt: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    resting: set[str] = field(default_factory=set)
    tombstones: dict[str, int] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)
    guard: GuardSlot = field(default_factory=GuardSlot)


@dataclass(slots=True)
class Memory:
    """One life of the store; a wipe replaces it as a whole."""

    accounts: dict[str, AccountSlot] = field(default_factory=dict)
    log_lease: LeaseSlot = field(default_factory=LeaseSlot)
    last_seq: int = 0
    ids: dict[str, tuple[str, int]] = field(default_factory=dict)
    entries: dict[int, LogEntry] = field(default_factory=dict)
    records: dict[str, SignalRecord] = field(default_factory=dict)
    dead: dict[str, DeadLetter] = field(default_factory=dict)
    dead_order: list[DeadLetter] = field(default_factory=list)
    epoch: Epoch | None = None
    rates: dict[tuple[str, int], int] = field(default_factory=dict)
    streams: dict[str, Stream] = field(default_factory=dict)
    outboxes: dict[str, OutboxSlot] = field(default_factory=dict)
    registered: dict[str, Account] = field(default_factory=dict)
    groups: dict[str, tuple[Group, ...]] = field(default_factory=dict)
    group_newest: dict[str, int] = field(default_factory=dict)
    producers: dict[str, Producer] = field(default_factory=dict)
    revision: int = 0
    beats: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    full_until_us: int = 0


class MemoryStore:
    """Shared ground of the parts of the in-memory ledger."""

    def __init__(self, clock: Clock, settings: LedgerSettings | None = None) -> None:
        """Start empty; the clock given is the ledger's clock."""
        self._clock = clock
        self._settings = LedgerSettings() if settings is None else settings
        self._lock = RLock()
        self._memory = Memory()
        self._run = 1

    def wipe(self) -> None:
        """Forget everything, as a store does that lost its disk."""
        with self._lock:
            self._memory = Memory()
            self._run += 1

    def restart(self) -> None:
        """Come back with everything kept and another run id."""
        with self._lock:
            self._run += 1

    def backup(self) -> Memory:
        """Everything as it is now, for `restore`."""
        with self._lock:
            return deepcopy(self._memory)

    def restore(self, backup: Memory) -> None:
        """Come back as a store does that lost its newest writes."""
        with self._lock:
            self._memory = deepcopy(backup)
            self._run += 1

    def now(self) -> datetime:
        return self._clock.now()

    def _now_us(self) -> int:
        return to_us(self._clock.now())

    def _account(self, name: str) -> AccountSlot:
        return self._memory.accounts.setdefault(name, AccountSlot())

    def _slot_of(self, lease: Lease) -> LeaseSlot:
        return self._memory.log_lease if lease.resource == LOG else self._account(lease.resource).lease

    def _grant(self, slot: LeaseSlot, resource: str, owner: str, ttl_ms: int) -> Lease | None:
        """A new lease with a larger token, unless one lives."""
        now = self._now_us()
        if slot.deadline_us > now:
            return None
        slot.token = slot.floor = max(slot.floor + 1, now)
        slot.owner, slot.ttl_ms, slot.wake_until_us = owner, ttl_ms, 0
        slot.deadline_us = now + ttl_ms * 1_000
        return Lease(resource=resource, owner=owner, token=slot.token, deadline=from_us(slot.deadline_us))

    def _need_newest(self, lease: Lease) -> LeaseSlot:
        slot = self._slot_of(lease)
        if slot.token != lease.token:
            raise LeaseLost(f"lease of {lease.resource}: token {lease.token} is not the newest any more")
        return slot

    def _need_live(self, lease: Lease) -> LeaseSlot:
        slot = self._need_newest(lease)
        if slot.deadline_us <= self._now_us():
            raise LeaseLost(f"lease of {lease.resource}: its deadline has passed")
        return slot

    def _renew(self, slot: LeaseSlot, for_ms: int | None = None) -> None:
        """Extend a lease that was not given back; never shorten it."""
        if slot.deadline_us:
            more = slot.ttl_ms if for_ms is None else for_ms
            slot.deadline_us = max(slot.deadline_us, self._now_us() + more * 1_000)

    def _claim_wake(self, slot: LeaseSlot, for_ms: int) -> bool:
        now = self._now_us()
        if slot.deadline_us > now or slot.wake_until_us > now:
            return False
        slot.wake_until_us = now + for_ms * 1_000
        return True

    def _write_event(self, stream_name: str, event: Event) -> None:
        stream = self._memory.streams.setdefault(stream_name, Stream())
        now = self._now_us()
        if now > stream.last_us:
            stream.last_us, stream.repeat = now, 0
        else:
            stream.repeat += 1
        entry = f"{stream.last_us}-{stream.repeat}"
        stream.events.append(StoredEvent(id=entry, at=from_us(stream.last_us), event=event))
        del stream.events[: -self._settings.events_max]

    def _write_alert(self, outbox_name: str, alert: Alert | None) -> None:
        """Add an alert, or count it on an equal one no channel has; the graver text stands."""
        if alert is None:
            return
        outbox = self._memory.outboxes.setdefault(outbox_name, OutboxSlot())
        equal = outbox.alerts.get(outbox.newest.get(alert.dedupe, ""))
        if equal is None or equal.delivered:
            self._append_alert(outbox, AlertSlot(alert, self._now_us(), self._now_us()))
            return
        equal.count += 1
        if _RANK[alert.severity] >= _RANK[equal.alert.severity]:
            equal.alert = alert

    def _append_alert(self, outbox: OutboxSlot, slot: AlertSlot) -> None:
        outbox.last_id = max(outbox.last_id + 1, self._now_us())
        outbox.alerts[str(outbox.last_id)] = slot
        outbox.newest[slot.alert.dedupe] = str(outbox.last_id)

    def _epoch_now(self) -> Epoch:
        """The epoch that stands; opens one after a wipe or a restart."""
        run_id = f"memory-{self._run}"
        kept = self._memory.epoch
        if kept is None or kept.run_id != run_id:
            now = self._now_us()
            number = epoch_number(0 if kept is None else kept.number, now)
            kept = self._memory.epoch = Epoch(number=number, started_at=from_us(now), run_id=run_id)
        return kept


def account_stream(account: str) -> str:
    """Name of an account's stream and outbox."""
    return f"acc:{account}"


def stored(command: Command) -> Command:
    """A command as it is when it is new on an inbox, whatever the caller left in it."""
    return replace(command, attempt=0, takeovers=0, begun_at=None, goal=None)
