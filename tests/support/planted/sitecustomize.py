"""Takes two safeguards out of every process that is started with this folder on PYTHONPATH.

The ledger's claim: each open is sent a second time, as if another worker had been granted the same order.
Asking first: the bridge looks neither at the broker's records nor at its journal before it sends.
A counter of doubled orders that stays at 0 on such a fleet counts nothing.
"""

from dataclasses import replace

from mt5fleet.adapters.bridge.gateway import BridgeGateway
from mt5fleet.adapters.mt5 import opening
from mt5fleet.domain.order import OpenOrder, Outcome, Permit

_submit = BridgeGateway.submit


def _submit_twice(self: BridgeGateway, account: str, order: OpenOrder, permit: Permit) -> Outcome:
    _submit(self, account, order, permit)
    return _submit(self, account, order, replace(permit, attempt=permit.attempt + 1))


BridgeGateway.submit = _submit_twice  # type: ignore[method-assign]  # the planted fault
opening.at_broker = lambda *_, **__: None  # type: ignore[assignment]  # the planted fault
opening._in_journal = lambda *_: None  # type: ignore[assignment]  # the planted fault
