"""After the ledger lost its memory: what an earlier epoch may have executed is asked about first."""

from datetime import timedelta

from mt5fleet.domain.errors import GatewayError, StaleToken
from mt5fleet.domain.ids import magic_of
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Command
from mt5fleet.ports.gateway import Gateway
from mt5fleet.service.hold import Blocked, Hold
from mt5fleet.service.recorder import Recorder
from mt5fleet.service.settings import ExecutionSettings


class Replays:
    """Commands whose signal is older than the ledger's present epoch."""

    def __init__(self, *, gateway: Gateway, recorder: Recorder, settings: ExecutionSettings) -> None:
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

    def older(self, hold: Hold, command: Command) -> bool:
        """Whether an earlier epoch may have sent it; this epoch's own attempts are written down."""
        newest = hold.epoch.started_at + timedelta(seconds=self._settings.skew_s)
        untouched = command.state is OrderState.RECEIVED and command.attempt == 0
        return untouched and command.created_at <= newest
