"""The bridge's half of a halt: it refuses opens, too, and only then is the halt announced.

A latch found at either side is copied to the other. Its absence lifts nothing. Both sides know a halt by one
sequence, because a resume record names exactly one.
"""

from dataclasses import replace
from typing import Protocol

from mt5fleet.domain.account import AccountStatus, TradingState
from mt5fleet.domain.broker import Health
from mt5fleet.domain.errors import FleetError, GatewayError, StaleLatch
from mt5fleet.domain.latch import Latch
from mt5fleet.domain.order import TEXT_CHARS_MAX
from mt5fleet.domain.record import Alert, Event, EventType, Severity
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import GuardBook, Outbox
from mt5fleet.service.telling import ToldOnce

_NUMBERS_MAX = 2  # tried at once: the ledger's and one above what the bridge says; the next sweep goes on
_BY_BRIDGE = "the bridge halted it while the ledger was away"


class LatchLedger(GuardBook, Outbox, Protocol):
    """The parts of the ledger that a halt needs."""


class Latching:
    """Latches at the bridge until it is confirmed, and in the ledger what the bridge has latched."""

    def __init__(self, ledger: LatchLedger, gateway: Gateway, *, told_max: int) -> None:
        self._ledger = ledger
        self._gateway = gateway
        self._told = ToldOnce(told_max)

    def confirm(self, status: AccountStatus) -> AccountStatus:
        """The halt as it stands after the bridge was asked to refuse opens for it.

        `latch_confirmed` says whether it does. Alerts when it does, and while it is silent. A number that a
        person lifted at the bridge is not accepted there: the halt gets one above it and goes on.
        """
        for _ in range(_NUMBERS_MAX):
            if status.latch_confirmed or status.state is not TradingState.HALTED:
                return status
            try:
                self._gateway.latch(status.account, status.halted_seq, status.reason[:TEXT_CHARS_MAX])
            except StaleLatch as stale:
                status = self._renumbered(status, stale.lifted)
            except GatewayError as error:
                # A refused number, too, must keep nobody from guarding the others, nor from closing.
                self._tell_pending(status, error)
                return status
            else:
                self._ledger.confirm_latch(status.account, status.halted_seq, alert=_halted(status))
                return replace(status, latch_confirmed=True)
        return status

    def agree(self, status: AccountStatus, health: Health) -> AccountStatus:
        """Copy a latch that one side does not know to the other; gives the account as it stands then.

        A halt that was not confirmed yet is left to `confirm`.
        """
        latch = health.latch
        if status.state is not TradingState.HALTED:
            return status if latch is None else self._copied(status, latch)
        if latch is not None and latch.sequence > status.halted_seq:
            self._tell_local(status.account, latch)
            return self._ledger.renumber_halt(status.account, status.halted_seq, latch.sequence)
        forgotten = status.latch_confirmed and (latch is None or latch.sequence < status.halted_seq)
        return self.confirm(replace(status, latch_confirmed=False)) if forgotten else status

    def _copied(self, status: AccountStatus, latch: Latch) -> AccountStatus:
        numbers = {"reason": _reason(latch), "by": "bridge", "sequence": str(latch.sequence)}
        event = Event(
            type=EventType.HALTED, account=status.account, numbers=numbers | {"at": latch.at.isoformat()}
        )
        return self._ledger.halt(
            status.account,
            _reason(latch),
            events=(event,),
            alert=_local(status.account, latch) if latch.local else None,
            above=latch.sequence,
        )

    def _renumbered(self, status: AccountStatus, lifted: int) -> AccountStatus:
        """Told after it is written: a crash in between costs this alert, and the halt's own comes anew."""
        account, before = status.account, status.halted_seq
        renumbered = self._ledger.renumber_halt(account, before, lifted)
        if renumbered.halted_seq != before:
            self._ledger.raise_alert(_lifted_there(renumbered, lifted))
        return renumbered

    def _tell_local(self, account: str, latch: Latch) -> None:
        if latch.local and self._told.first(_local_subject(account, latch)):
            self._ledger.raise_alert(_local(account, latch))

    def _tell_pending(self, status: AccountStatus, error: FleetError) -> None:
        subject = f"halt-pending:{status.account}:{status.halted_seq}"
        if self._told.first(subject):
            self._ledger.raise_alert(_pending(status, error, subject))


def _reason(latch: Latch) -> str:
    said = latch.reason or "the bridge tells no reason"
    return (f"{_BY_BRIDGE}: {said}" if latch.local else said)[:TEXT_CHARS_MAX]


def _halted(status: AccountStatus) -> Alert:
    return Alert(
        severity=Severity.CRITICAL,
        title=f"{status.account} halted",
        text=f"{status.reason}. No open leaves any more; a flatten is due. Only a named person lifts this.",
        dedupe=f"halted:{status.account}:{status.halted_seq}",
        account=status.account,
    )


def _local(account: str, latch: Latch) -> Alert:
    return Alert(
        severity=Severity.CRITICAL,
        title=f"{account} was halted by its bridge",
        text=f"{_reason(latch)}. It refuses opens since {latch.at.isoformat()} and closes by itself.",
        dedupe=_local_subject(account, latch),
        account=account,
    )


def _local_subject(account: str, latch: Latch) -> str:
    return f"halted-locally:{account}:{latch.sequence}"


def _lifted_there(status: AccountStatus, lifted: int) -> Alert:
    return Alert(
        severity=Severity.CRITICAL,
        title=f"{status.account} stays halted",
        text=f"A person lifted latch {lifted} at the bridge. The ledger's halt stands, now as "
        f"{status.halted_seq}: {status.reason}. To trade again, resume this one.",
        dedupe=f"halt-renumbered:{status.account}:{status.halted_seq}",
        account=status.account,
    )


def _pending(status: AccountStatus, error: FleetError, subject: str) -> Alert:
    return Alert(
        severity=Severity.CRITICAL,
        title=f"Halt pending on {status.account}",
        text=f"{status.reason}. The ledger refuses opens; the bridge has not confirmed yet: {error}.",
        dedupe=subject,
        account=status.account,
    )
