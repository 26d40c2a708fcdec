"""One owner's slice of one account: flatten if due, settle what was left, then command after command.

The lease decides who works, the ledger what may begin, the bridge what may leave.
An error that is not handled here leaves the lease to run out, and the next owner settles what was on its way.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mt5fleet.domain.account import Account
from mt5fleet.domain.errors import LeaseLost, StaleToken
from mt5fleet.domain.record import Epoch
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import Acquired, GuardBook, Inbox, Outbox, Story
from mt5fleet.ports.waker import Waker
from mt5fleet.service.carry_out import CarryOut
from mt5fleet.service.flatten import Flatten
from mt5fleet.service.fleet import FleetSource
from mt5fleet.service.follow import Follow
from mt5fleet.service.hold import Blocked, Handled, Hold, LedgerTime
from mt5fleet.service.latching import Latching
from mt5fleet.service.recorder import Recorder
from mt5fleet.service.seals import SignalReader
from mt5fleet.service.settings import ExecutionSettings
from mt5fleet.service.settle_left import LeftOrders
from mt5fleet.service.waking import Waking

_OVER = "the slice is over"
_RETRY_SLACK_S = 0.005  # the ledger's clock and the interval clock agree no better than this


class DrainLedger(Inbox, GuardBook, Outbox, Story, Protocol):
    """The parts of the ledger that execution needs."""

    def now(self) -> datetime:
        """The ledger's clock."""
        ...

    def epoch(self) -> Epoch:
        """The current epoch."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainReport:
    """What a slice did. `waiting`: work may be left; `reason` says why it ended, empty when all was done."""

    account: str
    handled: tuple[Handled, ...]
    waiting: bool
    reason: str


class Drain:
    """Carries out waiting commands; one object per process, `run` may be called by many threads."""

    def __init__(
        self,
        *,
        ledger: DrainLedger,
        gateway: Gateway,
        fleet: FleetSource,
        signals: SignalReader,
        waker: Waker,
        clock: Clock,
        settings: ExecutionSettings,
    ) -> None:
        self._ledger = ledger
        self._fleet = fleet
        self._waker = waker
        self._clock = clock
        self._settings = settings
        self._followed_s: dict[str, float] = {}
        self._recorder = recorder = Recorder(ledger, ledger, clock, settings)
        self._carry_out = CarryOut(
            ledger=ledger, gateway=gateway, signals=signals, recorder=recorder, clock=clock, settings=settings
        )
        self._left = LeftOrders(inbox=ledger, gateway=gateway, recorder=recorder, settings=settings)
        self._follow = Follow(inbox=ledger, gateway=gateway, recorder=recorder)
        latching = Latching(ledger, gateway, told_max=settings.notices_max)
        self._flatten = Flatten(
            ledger=ledger, gateway=gateway, latching=latching, clock=clock, settings=settings.flatten
        )

    def run(self, account: str, owner: str) -> DrainReport:
        """Work on one account for a slice; raises LedgerError when the ledger fails."""
        told = self._fleet.now_told().accounts.get(account)
        if told is None:
            return DrainReport(
                account=account, handled=(), waiting=False, reason="not an account of the fleet"
            )
        acquired = self._ledger.acquire(account, owner, self._settings.lease_ttl_ms)
        if acquired is None:
            return DrainReport(account=account, handled=(), waiting=False, reason="another worker holds it")
        hold = self._hold(told, acquired)
        try:
            return self._held(hold, acquired)
        except LeaseLost:
            return _report(hold, waiting=True, reason="the lease was lost: its next owner settles")

    def _hold(self, account: Account, acquired: Acquired) -> Hold:
        return Hold(
            account=account,
            lease=acquired.lease,
            status=acquired.status,
            epoch=self._ledger.epoch(),
            time=LedgerTime(self._ledger.now(), self._clock),
        )

    def _held(self, hold: Hold, acquired: Acquired) -> DrainReport:
        try:
            reason = self._slice(hold, acquired)
        except StaleToken as stale:
            self._ledger.raise_token(hold.name, stale.newest)
            self._ledger.release(hold.lease, force=True)
            return _report(hold, waiting=True, reason="the bridge has seen a newer owner")
        if not reason:
            return _report(hold, waiting=False, reason="")
        self._ledger.release(hold.lease, force=True)
        if reason is _OVER:
            self._hand_on(hold)
        return _report(hold, waiting=True, reason=reason)

    def _slice(self, hold: Hold, acquired: Acquired) -> str:
        """Why the slice ended; an empty text means the lease was given back with nothing left to do."""
        flattening = self._flatten.run(hold) if hold.status.flatten_due else ""
        self._left.run(hold, acquired.left)
        self._follow_if_due(hold)
        reason = self._commands(hold)
        if hold.halted and not flattening:
            flattening = self._flatten_now(hold)
        if reason or flattening:
            return reason or flattening
        return "" if self._ledger.release(hold.lease, force=False) else _OVER

    def _commands(self, hold: Hold) -> str:
        end_s = self._clock.monotonic_s() + self._settings.slice_s
        for _ in range(self._settings.slice_commands):
            if self._clock.monotonic_s() >= end_s:
                return _OVER
            command = self._ledger.next(hold.lease)
            if command is None and not self._waited_for_retry(hold, end_s):
                return ""
            if command is None:
                continue
            try:
                self._carry_out.run(hold, command)
            except Blocked as blocked:
                self._recorder.wait(hold, command, str(blocked))
                return str(blocked)
        return _OVER

    def _waited_for_retry(self, hold: Hold, end_s: float) -> bool:
        """Whether an unsent order can be tried again now: a short wait is cheaper than a wake-up."""
        if hold.retry_at_s is None:
            return False
        wait_s = max(hold.retry_at_s - self._clock.monotonic_s(), 0) + _RETRY_SLACK_S
        hold.retry_at_s = None
        if wait_s * 1000 > self._settings.wait_in_slice_ms or self._clock.monotonic_s() + wait_s >= end_s:
            return False
        self._clock.sleep_s(wait_s)
        return True

    def _follow_if_due(self, hold: Hold) -> None:
        now_s = self._clock.monotonic_s()
        if (
            now_s - self._followed_s.get(hold.name, -self._settings.follow_every_s)
            < self._settings.follow_every_s
        ):
            return
        self._followed_s[hold.name] = now_s
        self._follow.run(hold)

    def _flatten_now(self, hold: Hold) -> str:
        """A halt that came up during the slice is not left to the next wake-up."""
        hold.status = self._ledger.account_status(hold.name)
        return self._flatten.run(hold) if hold.status.flatten_due else ""

    def _hand_on(self, hold: Hold) -> None:
        backlog = self._ledger.backlog((hold.name,))[0]
        if backlog.needs_owner and self._ledger.mark_woken(hold.name, self._settings.woken_for_ms):
            urgent = {hold.name} if backlog.urgent else set[str]()
            Waking(self._waker).accounts(urgent=urgent, normal={hold.name})


def _report(hold: Hold, *, waiting: bool, reason: str) -> DrainReport:
    """Each order once, with the last state that this slice gave it."""
    last = {(item.signal_id, item.part): item for item in hold.handled}
    return DrainReport(account=hold.name, handled=tuple(last.values()), waiting=waiting, reason=reason)
