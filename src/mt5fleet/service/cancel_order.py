"""Carries out a cancel: the unsent is withdrawn in the ledger, what rests is withdrawn at the broker."""

from mt5fleet.codec import encode
from mt5fleet.domain.ids import magic_of
from mt5fleet.domain.order import CancelOrder, Command
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import BeginRefusal, Inbox
from mt5fleet.service.close_order import WITHDRAWN
from mt5fleet.service.hold import Hold
from mt5fleet.service.permits import permit
from mt5fleet.service.recorder import Recorder
from mt5fleet.service.sending import sent
from mt5fleet.service.settings import ExecutionSettings


class CancelOrders:
    """Cancels on accounts that the caller holds; also of halted accounts."""

    def __init__(
        self, *, inbox: Inbox, gateway: Gateway, recorder: Recorder, settings: ExecutionSettings
    ) -> None:
        self._inbox = inbox
        self._gateway = gateway
        self._recorder = recorder
        self._settings = settings

    def run(self, hold: Hold, command: Command, opening_key: str) -> None:
        """Move one cancel as far as it goes now; raises StaleToken and the ledger's errors."""
        order = CancelOrder(opening_key=opening_key, opening_magic=magic_of(opening_key), ticket=None)
        begun = self._inbox.begin(
            hold.lease,
            command.key,
            adds_risk=False,
            goal=encode(CancelOrder, order),
            full=True,
            deadline_ms=self._settings.deadline_ms,
            attempts_max=self._settings.attempts_max,
        )
        if isinstance(begun, BeginRefusal):
            self._recorder.refused(hold, command, begun)
            return
        if begun.opening_canceled:
            self._recorder.write(hold, command, WITHDRAWN)
            return
        carried = permit(hold, command, begun, hold.status.journal_id)
        answer = sent(lambda: self._gateway.cancel(hold.name, order, carried))
        self._recorder.write(hold, command, answer.outcome, {"attempt": str(begun.attempt)})
        if answer.stale is not None:
            raise answer.stale
