"""Limits of the use cases: every number with its unit in the name and its reason beside it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeSettings:
    """How much intake takes at once, and which moments it accepts."""

    lease_ttl_ms: int = 5_000  # another worker takes over within the 10 s that recovery may last
    batch_entries: int = 100  # one round trip per step for all of them; 6 MB at the largest envelopes
    commands_per_push: int = 2_000  # one round trip's worth; a larger signal goes alone
    slice_s: float = (
        20.0  # then the worker's slot is free again; only one owner can take in, so handing on is rare
    )
    skew_s: float = 5.0  # producers' clocks may be this far ahead of the ledger's
    ahead_days_max: int = 7  # ids are kept a day longer than this, so that no replay looks new
    replay_days_max: int = 14  # how far back a replay into a new epoch may reach: as long as orders are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class FlattenSettings:
    """How a flatten proceeds."""

    deadline_ms: int = 5_000  # latest send of one close after its decision
    closes_per_round: int = 20  # then the lease is renewed and the books are read again
    visibility_lag_s: float = 1.0  # between the two reads that show flat: a broker's books settle within it
    rounds_per_pass: int = 4  # a broker that refuses is not asked a thousand times; the sweep comes again
    round_pause_s: float = 0.25  # between rounds: what was refused this instant may pass the next
    stuck_alert_s: float = 15.0  # after the halt: a flatten that cannot even read the account is told, too
    rounds_alert: int = 5  # rounds after which people are told that the account is still not flat
    pass_s: float = 3.0  # one pass; below the lease's life, the sweep starts the next one


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSettings:
    """How long one owner works on an account, and how often it tries."""

    lease_ttl_ms: int = 5_000  # with the sweep's 2 s, an account trades again within 10 s of a kill
    slice_commands: int = 50  # so that no account starves another
    slice_s: float = 2.0  # the same for slow terminals; as long as the sweep's period
    deadline_ms: int = 5_000  # latest send after the write-ahead: an older decision is not the present one
    attempts_max: int = 5  # sends of one order; each is closed with proof before the next
    takeovers_max: int = 3  # owners that may end holding one command before it is set aside
    retry_base_ms: int = 100  # a requote is over in about this time
    retry_max_ms: int = 2_000  # a passing obstacle is looked at again at least with every sweep
    wait_in_slice_ms: int = 500  # shorter retries are waited for by the owner, longer ones by the sweep
    skew_s: float = 5.0  # signals made this shortly after an epoch began may belong to the one before
    woken_for_ms: int = 2_000  # one wake-up per account in this time: the sweep's period
    health_age_s: float = 2.0  # mode, journal and latch; the bridge looks again before every send
    instrument_age_s: float = 60.0  # trading rules of a symbol change at most daily
    follow_every_s: float = 2.0  # how often resting orders are compared with the broker
    signals_cached_max: int = 2_000  # opened and verified messages kept per process, about 4 KB each
    notices_max: int = 10_000  # waiting orders whose reason was told already, so that it is told once
    events_looked_at: int = (
        200  # for whether another worker told of a journal; a busy account may tell it twice
    )
    flatten: FlattenSettings = field(default_factory=FlattenSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """How the guard sweep looks at accounts."""

    batch_accounts: int = 50  # accounts in one call to the gateway, so that one answer stays below a second
    wait_s: float = 2.0  # for the slowest bridge; the next sweep leaves it alone while it is being waited for
    late_s: float = 5.0  # a sweep that starts later than this is dropped: the next one sees newer readings
    blind_alert_s: float = 10.0  # without a valid reading for this long, people are told
    health_every_s: float = 10.0  # how often a latch at the bridge is looked for
    events_looked_at: int = 200  # for whether another worker told a silence; a busy account may tell it twice
    changes_looked_at: int = 2_000  # events; the same for what a terminal shows for as long as it runs
    checkpoints_max: int = 20  # of one bridge's accounts in one sweep: a durable write takes milliseconds
    unexplained_s: float = 10.0  # then cash flows are counted by time, and people are told
    first_sight_days: int = 366  # how far back orders of ours are looked for at an account without memory
    deals_window_s: float = 86_400.0  # widened each way, so that a wrong server offset hides no cash flow
    told_max: int = 10_000  # episodes remembered per process, so that each is told once


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """How alerts are delivered."""

    batch_alerts: int = 100  # one task's work; the rest waits for the next
    claim_ms: int = 30_000  # one worker's time for a batch; when it dies, another sends the rest after it
    retry_base_ms: int = 2_000  # a channel's short outage
    retry_max_ms: int = 300_000  # a long outage is tried every five minutes, for as long as it lasts


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSettings:
    """How lost wake-ups are repaired."""

    batch_accounts: int = 500  # accounts asked about in one round trip
    woken_for_ms: int = 2_000  # one wake-up per account in this time: the sweep's period
    follow_every_s: float = 5.0  # how often accounts with resting orders are woken to look at them


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatSettings:
    """How long a heartbeat is kept."""

    keep_ms: int = 60_000  # six beats of 10 s: a part that is silent for longer is missing
