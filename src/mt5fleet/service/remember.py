"""What the guards remember after a reading: the peak, with deposits and withdrawals taken out of it."""

from datetime import datetime, timedelta

from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.broker import Deal, Reading
from mt5fleet.domain.drawdown import Flow, explained_flow, first_memory, flow_by_time, remembered
from mt5fleet.domain.errors import GatewayError
from mt5fleet.domain.guards import Blind
from mt5fleet.ports.gateway import Gateway
from mt5fleet.service.settings import GuardSettings


class Remember:
    """Carries guard memory from reading to reading; asks for deals only when the balance changed."""

    def __init__(self, gateway: Gateway, settings: GuardSettings) -> None:
        self._gateway = gateway
        self._settings = settings

    def after(self, account: str, reading: Reading, memory: GuardMemory | None) -> GuardMemory | Blind:
        """The memory that a valid reading makes, or why there is none yet."""
        try:
            if memory is None:
                return first_memory(reading, self._deals(account, reading.at, reading))
            flow = self._flow(account, reading, memory)
        except GatewayError as error:
            return Blind(why=f"deals cannot be read: {error}")
        if flow is None:
            return Blind(why="the deals shown do not explain the change of the balance yet")
        return remembered(memory, reading, flow)

    def _flow(self, account: str, reading: Reading, memory: GuardMemory) -> Flow | None:
        if reading.balance == memory.last_balance:
            return Flow(amount=reading.balance - memory.last_balance, last_deal=memory.last_deal)
        deals = self._deals(account, memory.last_at, reading)
        flow = explained_flow(memory, reading, deals)
        waited_s = (reading.at - memory.last_at).total_seconds()
        if flow is None and waited_s >= self._settings.unexplained_s:
            return flow_by_time(memory, reading, deals)
        return flow

    def _deals(self, account: str, since: datetime, reading: Reading) -> tuple[Deal, ...]:
        margin = timedelta(seconds=self._settings.deals_window_s)
        return self._gateway.deals(account, since - margin, reading.at + margin)
