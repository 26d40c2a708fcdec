"""Brings the guards' memory into the bridges' journals, where it outlives the ledger."""

from collections.abc import Mapping
from decimal import Decimal

from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.errors import GatewayError
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import Gateway

_Essence = tuple[Decimal, Decimal, Decimal, Decimal, Decimal, int]


class Checkpoints:
    """Keeps what this process knows to be in the journals; what differs from it is due."""

    def __init__(self, gateway: Gateway, clock: Clock, *, each_run_max: int) -> None:
        """`each_run_max`: checkpoints of one run; the rest stays due."""
        self._gateway = gateway
        self._clock = clock
        self._each_run_max = each_run_max
        self._kept: dict[str, _Essence] = {}
        self._tried_s: dict[str, float] = {}

    def run(self, memories: Mapping[str, GuardMemory]) -> int:
        """Write what changed, the longest untried first; gives how many failed, which stay due.

        The first failure ends the run: a silent bridge is not waited for once per account.
        """
        due = [name for name, memory in memories.items() if self._kept.get(name) != _essence(memory)]
        for account in sorted(due, key=lambda name: self._tried_s.get(name, -1.0))[: self._each_run_max]:
            if not self._written(account, memories[account]):
                return 1
        return 0

    def forget(self, account: str) -> None:
        """The account's journal is not the one it was: its first checkpoint is due."""
        self._kept.pop(account, None)

    def _written(self, account: str, memory: GuardMemory) -> bool:
        self._tried_s[account] = self._clock.monotonic_s()
        try:
            self._gateway.checkpoint(account, memory)
        except GatewayError:
            return False
        self._kept[account] = _essence(memory)
        return True


def _essence(memory: GuardMemory) -> _Essence:
    """What cannot be read from the broker again; `last_balance` and `last_deal` belong together."""
    return (
        memory.peak_equity,
        memory.first_balance,
        memory.cash_flow_total,
        memory.last_balance,
        memory.last_credit,
        memory.last_deal,
    )
