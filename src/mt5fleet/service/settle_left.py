"""Settles what the owner before left on its way, from the broker's evidence only."""

from dataclasses import replace

from mt5fleet.domain.errors import GatewayError, StaleToken
from mt5fleet.domain.ids import magic_of
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Command, Outcome
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import Inbox
from mt5fleet.service.hold import Hold
from mt5fleet.service.recorder import POISON, Recorder
from mt5fleet.service.settings import ExecutionSettings

_S = OrderState


class LeftOrders:
    """Orders that are SUBMITTING or IN_DOUBT when an account changes hands."""

    def __init__(
        self, *, inbox: Inbox, gateway: Gateway, recorder: Recorder, settings: ExecutionSettings
    ) -> None:
        self._inbox = inbox
        self._gateway = gateway
        self._recorder = recorder
        self._settings = settings

    def run(self, hold: Hold, left: tuple[Command, ...]) -> None:
        """Ask the broker about each; what it cannot tell stays in doubt.

        Raises StaleToken and LedgerError.
        """
        for command in left:
            if command.state is _S.SUBMITTING and command.takeovers >= self._settings.takeovers_max:
                sentence = f"{command.takeovers} owners ended while they held it: settle it by name"
                self._recorder.doubt(hold, command, sentence, reason=POISON)
            elif not self._set_aside(hold, command):
                self._settle(hold, command)

    def _set_aside(self, hold: Hold, command: Command) -> bool:
        """Whether owners ended over this one: asking again might end the next."""
        if command.state is not _S.IN_DOUBT:
            return False
        order = self._inbox.order(hold.name, command.key)
        return order is not None and order.reason == POISON

    def _settle(self, hold: Hold, command: Command) -> None:
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
        except GatewayError as error:
            outcome = Outcome(state=_S.IN_DOUBT, sentence=str(error))
        shown = _for_command(command, outcome)
        if shown.state is not command.state:
            self._recorder.write(hold, command, shown, {"by": "resolve", "attempt": str(command.attempt)})


def _for_command(command: Command, outcome: Outcome) -> Outcome:
    """A doubt about an order that this epoch never sent, proved absent, is an order not sent yet."""
    if command.attempt == 0 and outcome.state is _S.NOT_SENT:
        return replace(outcome, state=_S.RECEIVED)
    return outcome
