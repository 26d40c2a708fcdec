"""After the ledger lost its memory: what an earlier epoch may have executed is asked about first."""

from datetime import timedelta

from mt5fleet.domain.errors import GatewayError, StaleToken
from mt5fleet.domain.ids import magic_of
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Command
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import Inbox
from mt5fleet.service.hold import Blocked, Hold
from mt5fleet.service.recorder import Recorder
from mt5fleet.service.settings import ExecutionSettings

_UNSENT = frozenset({OrderState.RECEIVED, OrderState.NOT_SENT})


class Replays:
    """Commands whose signal, or whose last attempt, is older than the ledger's present epoch."""

    def __init__(
        self, *, inbox: Inbox, gateway: Gateway, recorder: Recorder, settings: ExecutionSettings
    ) -> None:
        self._inbox = inbox
        self._gateway = gateway
        self._recorder = recorder
        self._settings = settings

    def absent(self, hold: Hold, command: Command) -> bool:
        """Whether the broker has no trace of the order, so that it may go on as a new one.

        Otherwise what the broker shows is recorded. Raises Blocked when it cannot be asked.
        """
        if not self.older(hold, command):
            return True
        try:
            outcome = self._gateway.resolve(
                hold.name, command.key, magic_of(command.key), 0, hold.lease.token, command.created_at
            )
        except StaleToken:
            raise
        except GatewayError as error:
            raise Blocked(f"the broker must be asked first: {error}") from error
        if outcome.state is OrderState.NOT_SENT:
            return True
        self._recorder.doubt(hold, command, f"found in an earlier epoch: {outcome.sentence}")
        if outcome.state is not OrderState.IN_DOUBT:
            self._recorder.write(hold, command, outcome, {"by": "resolve", "epoch": str(hold.epoch.number)})
        return False

    def ask_about_opening(self, hold: Hold, opening_key: str) -> None:
        """Ask about an unsent opening before a close or cancel withdraws it: it may have been executed.

        What the broker shows is recorded. Raises Blocked when it cannot be asked.
        """
        opening = self._inbox.command(hold.name, opening_key)
        if opening is not None and opening.state in _UNSENT:
            self.absent(hold, opening)

    def older(self, hold: Hold, command: Command) -> bool:
        """Whether an earlier epoch may have sent it (again); this epoch's own attempts are written down."""
        newest = hold.epoch.started_at + timedelta(seconds=self._settings.skew_s)
        if command.state is OrderState.RECEIVED and command.attempt == 0:
            return command.created_at <= newest
        if command.state is not OrderState.NOT_SENT or command.begun_at is None:
            return False
        return command.begun_at <= newest
