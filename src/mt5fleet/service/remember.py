"""What the guards remember after a reading: the peak, with deposits and withdrawals taken out of it.

What the ledger has lost, the bridge's checkpoint may still know: it is asked before the ledger is believed.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.broker import Deal, Reading
from mt5fleet.domain.drawdown import Flow, explained_flow, first_memory, flow_by_time, remembered
from mt5fleet.domain.errors import GatewayError
from mt5fleet.domain.guards import Blind
from mt5fleet.domain.ids import is_ours
from mt5fleet.domain.record import Alert, Event, EventType, Severity
from mt5fleet.ports.gateway import Gateway
from mt5fleet.service.settings import GuardSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The new memory; `alert` and `events` say what people must know about how it was made."""

    memory: GuardMemory
    alert: Alert | None = None
    events: tuple[Event, ...] = ()


class Remember:
    """Carries guard memory from reading to reading; asks for deals only when the balance changed."""

    def __init__(self, gateway: Gateway, settings: GuardSettings) -> None:
        self._gateway = gateway
        self._settings = settings
        self._unexplained_at: dict[str, datetime] = {}  # the first reading that the deals did not explain
        self._asked: dict[str, int] = {}  # the epoch in which the bridge was asked for its checkpoint

    def after(
        self, account: str, reading: Reading, memory: GuardMemory | None, epoch: int
    ) -> Remembered | Blind:
        """The memory that a valid reading makes, or why there is none yet.

        `memory` is the ledger's, of its `epoch`; a checkpoint at the bridge that knows more takes its place.
        """
        try:
            checkpoint = self._checkpoint(account, memory, epoch)
        except GatewayError as error:
            return Blind(why=f"the bridge's checkpoint of the guards' memory cannot be read: {error}")
        try:
            made = self._made(account, reading, memory, checkpoint)
        except GatewayError as error:
            return Blind(why=f"deals cannot be read: {error}")
        if isinstance(made, Remembered):
            self._asked[account] = epoch
        return made

    def _checkpoint(self, account: str, memory: GuardMemory | None, epoch: int) -> GuardMemory | None:
        """The bridge's memory where the ledger's is missing, older or forgetful, else None."""
        if memory is not None and self._asked.get(account) == epoch:
            return None
        kept = self._gateway.memory(account)
        if kept is None or memory is None or kept.sequence > memory.sequence:
            return kept
        # Numbered above the ledger's, which went on from an older file before that was noticed.
        return replace(kept, sequence=memory.sequence) if memory.forgot(kept) else None

    def _made(
        self, account: str, reading: Reading, memory: GuardMemory | None, checkpoint: GuardMemory | None
    ) -> Remembered | Blind:
        if checkpoint is not None:
            made = self._next(account, reading, checkpoint)
            return (
                made if isinstance(made, Blind) else replace(made, events=(_recalled(account, checkpoint),))
            )
        if memory is None:
            return self._first(account, reading)
        return self._next(account, reading, memory)

    def _first(self, account: str, reading: Reading) -> Remembered:
        """Opens need memory, so an account with orders of ours and without memory was known before."""
        since = reading.at - timedelta(days=self._settings.first_sight_days)
        deals = self._deals(account, since, reading)
        known_before = any(is_ours(deal.magic) for deal in deals)
        alert = _peak_lost(account, reading) if known_before else None
        return Remembered(memory=first_memory(reading, deals), alert=alert)

    def _next(self, account: str, reading: Reading, memory: GuardMemory) -> Remembered | Blind:
        if reading.balance == memory.last_balance:
            flow = Flow(amount=reading.balance - memory.last_balance, last_deal=memory.last_deal)
            return self._explained(account, reading, memory, flow)
        deals = self._deals(account, memory.last_at, reading)
        explained = explained_flow(memory, reading, deals)
        if explained is not None:
            return self._explained(account, reading, memory, explained)
        first_at = self._unexplained_at.setdefault(account, reading.at)
        if (reading.at - first_at).total_seconds() < self._settings.unexplained_s:
            return Blind(why="the deals shown do not explain the change of the balance yet")
        del self._unexplained_at[account]
        flow = flow_by_time(memory, reading, deals)
        alert = _by_time(account, reading, memory, flow)
        return Remembered(memory=remembered(memory, reading, flow), alert=alert)

    def _explained(self, account: str, reading: Reading, memory: GuardMemory, flow: Flow) -> Remembered:
        self._unexplained_at.pop(account, None)
        return Remembered(memory=remembered(memory, reading, flow))

    def _deals(self, account: str, since: datetime, reading: Reading) -> tuple[Deal, ...]:
        margin = timedelta(seconds=self._settings.deals_window_s)
        return self._gateway.deals(account, since - margin, reading.at + margin)


def _recalled(account: str, checkpoint: GuardMemory) -> Event:
    numbers = {
        "peak_equity": str(checkpoint.peak_equity),
        "first_balance": str(checkpoint.first_balance),
        "cash_flow_total": str(checkpoint.cash_flow_total),
        "sequence": str(checkpoint.sequence),
        "as_of": checkpoint.last_at.isoformat(),
    }
    return Event(type=EventType.MEMORY_RECALLED, account=account, numbers=numbers)


def _peak_lost(account: str, reading: Reading) -> Alert:
    return Alert(
        severity=Severity.CRITICAL,
        title=f"The peak equity of {account} was lost",
        text=f"The fleet traded here before; ledger and bridge know nothing of it: drawdown is measured from "
        f"{reading.equity} {reading.currency} now. Compare it with the account's history, and halt the "
        "account if its drawdown is past what you accept.",
        dedupe=f"peak-lost:{account}",
        account=account,
    )


def _by_time(account: str, reading: Reading, memory: GuardMemory, flow: Flow) -> Alert:
    return Alert(
        severity=Severity.WARNING,
        title=f"The balance of {account} is not explained by its deals",
        text=f"It went from {memory.last_balance} to {reading.balance}; deals of that time show deposits and "
        f"withdrawals of {flow.amount}, the rest counts as profit or loss. Look at the account's history.",
        dedupe=f"unexplained:{account}",
        account=account,
    )
