"""Looks at the bridges' healths from time to time: latch, journal, and what changed at the terminals.

The first look of an account in a process, in each epoch of the ledger and after each silence of the bridge
comes before it is judged: what the ledger has forgotten or never heard of, the bridge may know.
"""

from typing import Protocol

from mt5fleet.domain.account import Account, AccountStatus, TradingState
from mt5fleet.domain.broker import Health
from mt5fleet.domain.errors import GatewayError
from mt5fleet.domain.guards import Blind, why_another
from mt5fleet.domain.record import Alert, Event, EventType, Severity
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import GuardBook, Outbox, Story
from mt5fleet.service.checkpoints import Checkpoints
from mt5fleet.service.journals import Journals
from mt5fleet.service.latching import Latching
from mt5fleet.service.settings import GuardSettings
from mt5fleet.service.telling import Notices


class WatchLedger(GuardBook, Outbox, Story, Protocol):
    """The parts of the ledger that the watch needs."""


class BridgeWatch:
    """One per process; asked for accounts whose bridge has just given a reading."""

    def __init__(
        self,
        *,
        ledger: WatchLedger,
        gateway: Gateway,
        latching: Latching,
        checkpoints: Checkpoints,
        clock: Clock,
        settings: GuardSettings,
    ) -> None:
        self._gateway = gateway
        self._latching = latching
        self._checkpoints = checkpoints
        self._clock = clock
        self._settings = settings
        self._notices = Notices(
            ledger, told_max=settings.told_max, events_looked_at=settings.changes_looked_at
        )
        self._journals = Journals(ledger, self._notices)
        self._looked: dict[str, tuple[int, float]] = {}  # in which epoch, and when
        self._shown: dict[str, tuple[str, int]] = {}  # journal and its writes

    def look(self, account: Account, status: AccountStatus, epoch: int) -> AccountStatus | Blind:
        """The account as it stands after both sides' latches were compared, when a look is due.

        Blind while the bridge cannot be asked for the first time, and while it holds another account under
        this name. Raises LedgerError.
        """
        if not self._due(status, epoch):
            return status
        try:
            health = self._gateway.health(status.account)
        except GatewayError as error:
            if self._first(status, epoch):
                return Blind(why=f"the bridge's latch cannot be read: {error}")
            return status  # the next sweep asks again
        another = why_another(account, health)
        if another:
            self.silent(account.name)
            return Blind(why=another)
        self._compare_journals(status, health)
        self._tell_changes(status.account, health)
        agreed = self._latching.agree(status, health)
        if agreed.latch_confirmed or agreed.state is not TradingState.HALTED:
            self._looked[status.account] = (epoch, self._clock.monotonic_s())
        return agreed

    def silent(self, account: str) -> None:
        """No reading came: what the bridge did meanwhile by itself is looked at when it answers again."""
        self._looked.pop(account, None)

    def _due(self, status: AccountStatus, epoch: int) -> bool:
        if self._first(status, epoch):
            return True
        looked_s = self._looked[status.account][1]
        return self._clock.monotonic_s() - looked_s >= self._settings.health_every_s

    def _first(self, status: AccountStatus, epoch: int) -> bool:
        looked = self._looked.get(status.account)
        return looked is None or looked[0] != epoch or status.memory is None

    def _compare_journals(self, status: AccountStatus, health: Health) -> None:
        """Opens look by themselves whether the journal is the bound one; here it is noticed without any."""
        self._journals.why_not(status, health)
        before = self._shown.get(status.account, ("", 0))
        self._shown[status.account] = (health.journal_id, health.journal_sequence)
        if before[0] != health.journal_id or before[1] > health.journal_sequence:
            self._checkpoints.forget(status.account)

    def _tell_changes(self, account: str, health: Health) -> None:
        if None not in (health.build_before, health.build) and health.build_before != health.build:
            self._tell_changed(account, "build", str(health.build_before), str(health.build), _NEW_BUILD)
        before_s, now_s = health.offset_before_s, health.server_offset_s
        if None not in (before_s, now_s) and before_s != now_s:
            self._tell_changed(account, "server offset", f"{before_s} s", f"{now_s} s", _NEW_OFFSET)

    def _tell_changed(self, account: str, what: str, before: str, now: str, advice: str) -> None:
        alert = Alert(
            severity=Severity.WARNING,
            title=f"The terminal of {account} has another {what}",
            text=f"It was {before} and is {now}. {advice}",
            dedupe=f"terminal:{account}:{what}:{before}:{now}",
            account=account,
        )
        numbers = {"what": what, "before": before, "now": now}
        event = Event(type=EventType.TERMINAL_CHANGED, account=account, numbers=numbers)
        self._notices.tell(alert, event, same=("what", "before", "now"))


_NEW_BUILD = "The terminal updated itself: check it with `mt5fleet bridge check` before you rely on it."
_NEW_OFFSET = "Brokers do this for summer time; at any other time look at the terminal's clock and server."
