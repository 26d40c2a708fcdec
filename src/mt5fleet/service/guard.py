"""The guard sweep: a reading of every account, its verdict, and the latch when a limit is reached.

The ledger latches first, so that no open begins; then the bridge, so that none leaves.
Unknown is never a breach.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol

from mt5fleet.domain.account import Account, AccountStatus, Foreign, GuardMemory, TradingState
from mt5fleet.domain.broker import Reading
from mt5fleet.domain.errors import GatewayError
from mt5fleet.domain.guards import Blind, Breached, judge, why_blind
from mt5fleet.domain.ids import is_ours
from mt5fleet.domain.record import Alert, Epoch, Event, EventType, Severity
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import GuardBook, Outbox, Story
from mt5fleet.ports.spread import Spread
from mt5fleet.ports.waker import Waker
from mt5fleet.service.blindness import Blindness
from mt5fleet.service.bridge_watch import BridgeWatch
from mt5fleet.service.checkpoints import Checkpoints
from mt5fleet.service.fleet import FleetSource
from mt5fleet.service.hold import LedgerTime
from mt5fleet.service.latching import Latching
from mt5fleet.service.remember import Remember
from mt5fleet.service.settings import GuardSettings
from mt5fleet.service.waking import Waking


class GuardLedger(GuardBook, Outbox, Story, Protocol):
    """The parts of the ledger that guards need."""

    def now(self) -> datetime:
        """The ledger's clock."""
        ...

    def epoch(self) -> Epoch:
        """The current epoch."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardReport:
    """What one sweep saw, by account name. `dropped`: it came too late and looked at nothing.

    `late_bridges` have not answered yet; their accounts are not among the others. `checkpoints_failed` are
    tried again by the next sweep.
    """

    judged: int
    blind: tuple[str, ...]
    breached: tuple[str, ...]
    unconfirmed: tuple[str, ...]
    dropped: bool
    wakes_failed: int = 0
    late_bridges: tuple[str, ...] = ()
    checkpoints_failed: int = 0


@dataclass(slots=True)
class _Tally:
    judged: int = 0
    blind: list[str] = field(default_factory=list)
    breached: list[str] = field(default_factory=list)
    unconfirmed: list[str] = field(default_factory=list)
    wake: set[str] = field(default_factory=set)
    memories: dict[str, GuardMemory] = field(default_factory=dict)
    wakes_failed: int = 0
    checkpoints_failed: int = 0


class GuardSweep:
    """Looks at every enabled account; one object per process."""

    def __init__(
        self,
        *,
        ledger: GuardLedger,
        gateway: Gateway,
        fleet: FleetSource,
        waker: Waker,
        clock: Clock,
        spread: Spread,
        settings: GuardSettings,
    ) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._fleet = fleet
        self._waker = waker
        self._clock = clock
        self._settings = settings
        self._remember = Remember(gateway, settings)
        self._latching = Latching(ledger, gateway, told_max=settings.told_max)
        self._checkpoints = Checkpoints(gateway, clock, each_run_max=settings.checkpoints_max)
        self._watch = BridgeWatch(
            ledger=ledger,
            gateway=gateway,
            latching=self._latching,
            checkpoints=self._checkpoints,
            clock=clock,
            settings=settings,
        )
        self._blindness = Blindness(ledger, clock, settings)
        self._spread = spread

    def run(self, scheduled_at: datetime | None = None) -> GuardReport:
        """One sweep, all bridges at the same time; a late one (see settings) is dropped, the next sees more.

        Raises LedgerError.
        """
        now = self._ledger.now()
        if scheduled_at is not None and (now - scheduled_at).total_seconds() > self._settings.late_s:
            return _report([], dropped=True)
        epoch = self._ledger.epoch().number
        work = {
            bridge: partial(self._bridge, accounts, epoch)
            for bridge, accounts in _by_bridge(self._fleet.now_told().accounts.values()).items()
        }
        if len(work) == 1:
            return _report([one() for one in work.values()], dropped=False)
        tallies, late = self._spread.run(work, self._settings.wait_s)
        return _report(tallies, dropped=False, late=late)

    def _bridge(self, accounts: list[Account], epoch: int) -> _Tally:
        """One sweep over the accounts of one bridge."""
        tally = _Tally()
        for batch in _batches(accounts, self._settings.batch_accounts):
            # Asked for this very call: the answer is the bridge's proof that the ledger is there.
            asked_at = self._ledger.now()
            time = LedgerTime(asked_at, self._clock)
            readings, read_at = self._readings(batch, asked_at), time.now()
            for account in batch:
                answer = readings.get(account.name, "the bridge gave no answer")
                self._look(account, _usable(account, answer, read_at), epoch, tally)
        waking = Waking(self._waker)
        waking.accounts(urgent=tally.wake, normal=set())
        tally.wakes_failed = waking.failed
        tally.checkpoints_failed = self._checkpoints.run(tally.memories)
        return tally

    def _readings(self, batch: list[Account], asked_at: datetime) -> dict[str, Reading | str]:
        try:
            return self._gateway.readings(tuple(account.name for account in batch), ledger_at=asked_at)
        except GatewayError as error:
            return {account.name: str(error) for account in batch}

    def _look(self, account: Account, answer: Reading | Blind, epoch: int, tally: _Tally) -> None:
        """The bridge is asked more only where a reading came: a silent one is not waited for again."""
        status = self._ledger.account_status(account.name)
        judged: AccountStatus | Blind
        if isinstance(answer, Blind):
            self._watch.silent(account.name)
            judged = answer
        else:
            judged = self._watch.look(account, status, epoch)
            if isinstance(judged, AccountStatus):
                status = judged
                judged = self._judged(account, answer, status, epoch)
        if isinstance(judged, Blind):
            tally.blind.append(account.name)
            self._blindness.tell(account.name, judged, status.memory)
        else:
            tally.judged += 1
            status = judged
            if status.memory is not None:
                tally.memories[account.name] = status.memory
        if status.state is TradingState.HALTED:
            self._watch_halted(account, status, answer, tally)

    def _judged(
        self, account: Account, reading: Reading, status: AccountStatus, epoch: int
    ) -> AccountStatus | Blind:
        """Write memory and verdict in one step; a breach raises the ledger's latch in the same one."""
        known = self._remember.after(account.name, reading, status.memory, epoch)
        if isinstance(known, Blind):
            return known
        verdict = judge(reading, known.memory, account.limits)
        halt = verdict if isinstance(verdict, Breached) and status.state is not TradingState.HALTED else None
        return self._ledger.judge(
            account.name,
            reading,
            known.memory,
            halt_reason=None if halt is None else halt.sentence,
            events=(*known.events, *(() if halt is None else _breach_events(account.name, halt))),
            alert=known.alert,  # the halt is announced when the bridge has confirmed it, or stays silent
        )

    def _watch_halted(
        self, account: Account, status: AccountStatus, answer: Reading | Blind, tally: _Tally
    ) -> None:
        """A new halt is flattened at once; a flat one is flattened again when something appears."""
        if not self._latching.confirm(status).latch_confirmed:
            tally.unconfirmed.append(account.name)
        if account.shadow:
            return  # nothing is sent there, so nobody has to come
        if status.flatten_due and status.flatten_rounds == 0:
            tally.breached.append(account.name)
            tally.wake.add(account.name)
        elif not status.flatten_due and self._holds_something(account, answer):
            self._ledger.not_flat(account.name, alert=_reappeared(account.name, status))
            tally.wake.add(account.name)

    def _holds_something(self, account: Account, answer: Reading | Blind) -> bool:
        if isinstance(answer, Blind) or (answer.positions == 0 and answer.orders == 0):
            return False
        if account.foreign is Foreign.FLATTEN:
            return True
        try:
            positions = self._gateway.positions(account.name)
            orders = self._gateway.orders(account.name)
        except GatewayError:
            return False  # not known now; the next sweep looks again
        magics = [position.magic for position in positions] + [order.magic for order in orders]
        return any(is_ours(magic) for magic in magics)


def _batches(accounts: list[Account], size: int) -> Iterator[list[Account]]:
    for first in range(0, len(accounts), size):
        yield accounts[first : first + size]


def _usable(account: Account, answer: Reading | str, now: datetime) -> Reading | Blind:
    if isinstance(answer, str):
        return Blind(why=answer)
    why = why_blind(answer, now, account.limits.reading_age_s_max)
    return answer if why is None else Blind(why=why)


def _breach_events(account: str, breach: Breached) -> tuple[Event, ...]:
    numbers = {"limit": breach.limit} | breach.numbers
    return (
        Event(type=EventType.GUARD_BREACHED, account=account, numbers=numbers),
        Event(type=EventType.HALTED, account=account, numbers={"reason": breach.sentence}),
    )


def _reappeared(account: str, status: AccountStatus) -> Alert:
    return Alert(
        severity=Severity.CRITICAL,
        title=f"{account} is halted and not flat any more",
        text="A position or order appeared on the halted account; it is taken away again.",
        dedupe=f"reappeared:{account}:{status.halted_seq}",
        account=account,
    )


def _by_bridge(accounts: Iterable[Account]) -> dict[str, list[Account]]:
    found: dict[str, list[Account]] = {}
    for account in accounts:
        if account.enabled:
            found.setdefault(account.bridge, []).append(account)
    return found


def _report(tallies: list[_Tally], *, dropped: bool, late: tuple[str, ...] = ()) -> GuardReport:
    return GuardReport(
        judged=sum(tally.judged for tally in tallies),
        blind=tuple(name for tally in tallies for name in tally.blind),
        breached=tuple(name for tally in tallies for name in tally.breached),
        unconfirmed=tuple(name for tally in tallies for name in tally.unconfirmed),
        dropped=dropped,
        wakes_failed=sum(tally.wakes_failed for tally in tallies),
        late_bridges=late,
        checkpoints_failed=sum(tally.checkpoints_failed for tally in tallies),
    )
