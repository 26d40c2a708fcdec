"""Limits and times of the ledger; the in-memory twin reads the same ones."""

from dataclasses import dataclass, fields

from mt5fleet.domain.errors import InvalidValue

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerSettings:
    """How long the ledger keeps things, and how much of each; every number has its reason beside it."""

    prefix: str = "mt5fleet:"  # of every key, so that one server can hold several fleets
    wake_ms: int = 2_000  # one wake-up per log or account in this time: as long as the sweep's period
    lease_slack_ms: int = 1_000  # a lease outlives the send's deadline by this: time to write the outcome
    id_keep_ms: int = 8 * _DAY_MS  # longest accepted valid_until (7 days) plus skew, so that no replay is new
    tombstone_keep_ms: int = 8 * _DAY_MS  # the same: a late open cannot come after that
    record_keep_ms: int = 14 * _DAY_MS  # a week longer than a signal lives, for whoever asks late
    record_resting_keep_ms: int = 400 * _DAY_MS  # a resting order may live at the broker for a year
    order_keep_ms: int = 14 * _DAY_MS  # after its final state; longer than ids, so that no replay finds a gap
    events_max: int = 10_000  # per stream, approximately; about 3 MB
    dead_letters_max: int = 10_000  # the newest are kept
    left_max: int = 1_000  # doubts handed to a new owner at once; the oldest first
    urgent_scan_max: int = 1_000  # urgent commands looked through for a runnable one
    resting_max: int = 1_000  # followed at once; brokers allow fewer resting orders
    group_versions_max: int = 20  # old versions serve signals made before a change
    memory_percent_max: int = 75  # of maxmemory; above it no signal is accepted, the rest serves finishing
    memory_flag_ms: int = 30_000  # three heartbeats: a refusal may not outlive its measurement for long
    outbox_rebuild_ms: int = 30_000  # how often the index of outboxes is compared with the accounts
    pending_scan_max: int = 200  # due alerts looked at per outbox; equal ones are merged, so few are due
    epoch_check_s: float = 1.0  # how long the server's run id is taken as read
    script_flags: bool = True  # off for servers that do not know `#!lua flags=` (fakeredis)

    def __post_init__(self) -> None:
        """Refuse limits that are not positive, and tombstones shorter than ids."""
        for item in fields(self):
            value = getattr(self, item.name)
            if not isinstance(value, (str, bool)) and value <= 0:
                raise InvalidValue(f"ledger.{item.name}", "must be above 0")
        if self.order_keep_ms < self.id_keep_ms or self.record_keep_ms < self.id_keep_ms:
            raise InvalidValue("ledger.order_keep_ms", "orders and records must be kept as long as ids")
