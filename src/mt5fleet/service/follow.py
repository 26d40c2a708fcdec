"""Follows resting orders to their end: what the broker shows is recorded; a failed read changes nothing."""

from mt5fleet.domain.errors import GatewayError, StaleToken
from mt5fleet.domain.ids import magic_of
from mt5fleet.domain.lifecycle import TRANSITIONS, OrderState
from mt5fleet.domain.order import Command
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import Inbox
from mt5fleet.service.hold import Hold
from mt5fleet.service.recorder import Recorder

_S = OrderState
_ENDS = frozenset(
    {_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED}
)  # evidence, not its lack


class Follow:
    """Compares ACCEPTED and PARTIALLY_FILLED orders with the broker's list."""

    def __init__(self, *, inbox: Inbox, gateway: Gateway, recorder: Recorder) -> None:
        self._inbox = inbox
        self._gateway = gateway
        self._recorder = recorder

    def run(self, hold: Hold) -> None:
        """Ask about each order that does not rest in full any more. Raises StaleToken and LedgerError."""
        resting = self._inbox.resting(hold.name)
        if not resting:
            return
        untouched = self._untouched(hold)
        if untouched is None:
            return
        for command in resting:
            if magic_of(command.key) not in untouched:
                self._ask(hold, command)

    def _untouched(self, hold: Hold) -> frozenset[int] | None:
        """Magics of orders that rest with their whole volume; None when the list cannot be had."""
        try:
            orders = self._gateway.orders(hold.name, hold.lease.token)
        except StaleToken:
            raise
        except GatewayError:
            return None  # the next sweep asks again
        return frozenset(order.magic for order in orders if order.volume_left == order.volume)

    def _ask(self, hold: Hold, command: Command) -> None:
        try:
            outcome = self._gateway.resolve(
                hold.name,
                command.key,
                magic_of(command.key),
                command.attempt,
                hold.lease.token,
                command.created_at,
            )
        except StaleToken:
            raise
        except GatewayError:
            return  # the next sweep asks again
        moved = outcome.state in _ENDS and outcome.state in TRANSITIONS[command.state]
        if moved:
            self._recorder.write(hold, command, outcome, {"by": "follow"})
