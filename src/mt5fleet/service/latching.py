"""The second half of a halt: the bridge refuses opens, too, and only then is it announced."""

from typing import Protocol

from mt5fleet.domain.account import AccountStatus
from mt5fleet.domain.errors import GatewayError
from mt5fleet.domain.record import Alert, Severity
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import GuardBook, Outbox
from mt5fleet.service.telling import ToldOnce


class LatchLedger(GuardBook, Outbox, Protocol):
    """The parts of the ledger that a halt needs."""


class Latching:
    """Latches at the bridge until it is confirmed."""

    def __init__(self, ledger: LatchLedger, gateway: Gateway, *, told_max: int) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._told = ToldOnce(told_max)

    def confirm(self, status: AccountStatus) -> bool:
        """Whether the bridge refuses opens for this halt; alerts when it does, and while it is silent."""
        if status.latch_confirmed:
            return True
        try:
            self._gateway.latch(status.account, status.halted_seq, status.reason)
        except GatewayError as error:
            self._tell_pending(status, error)
            return False
        self._ledger.confirm_latch(status.account, status.halted_seq, alert=_halted(status))
        return True

    def _tell_pending(self, status: AccountStatus, error: GatewayError) -> None:
        subject = f"halt-pending:{status.account}:{status.halted_seq}"
        if self._told.first(subject):
            self._ledger.raise_alert(_pending(status, error, subject))


def _halted(status: AccountStatus) -> Alert:
    return Alert(
        severity=Severity.CRITICAL,
        title=f"{status.account} halted",
        text=f"{status.reason}. No open leaves any more; a flatten is due. Only a named person lifts this.",
        dedupe=f"halted:{status.account}:{status.halted_seq}",
        account=status.account,
    )


def _pending(status: AccountStatus, error: GatewayError, subject: str) -> Alert:
    return Alert(
        severity=Severity.CRITICAL,
        title=f"Halt pending on {status.account}",
        text=f"{status.reason}. The ledger refuses opens; the bridge has not confirmed yet: {error}.",
        dedupe=subject,
        account=status.account,
    )
