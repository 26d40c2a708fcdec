"""Posting a signed message for someone who reached the fleet through the queue instead of the ledger."""

from typing import Protocol

from mt5fleet.domain.record import Alert, Severity
from mt5fleet.messages import open_envelope
from mt5fleet.ports.ledger import Outbox, Posted, PostResult, SignalLog
from mt5fleet.ports.waker import Waker
from mt5fleet.service.telling import ToldOnce
from mt5fleet.service.waking import Waking

_TOLD_MAX = 10_000  # conflicts told once each per process


class SubmitLedger(SignalLog, Outbox, Protocol):
    """The parts of the ledger that posting needs."""


class Submit:
    """Writes the same record as the producer's client does, then wakes intake."""

    def __init__(self, ledger: SubmitLedger, waker: Waker) -> None:
        self._ledger = ledger
        self._waker = waker
        self._told = ToldOnce(_TOLD_MAX)

    def run(self, envelope: str) -> Posted:
        """Post once; a repeat with the same body is answered "exists".

        Raises InvalidValue for what no status could be kept of (no readable id), and LedgerError.
        """
        signed = open_envelope(envelope)
        posted = self._ledger.post(signed.signal.id, signed.body_hash, envelope)
        if posted.result is PostResult.CONFLICT and self._told.first(signed.signal.id):
            self._ledger.raise_alert(conflict_alert(signed.signal.id, signed.signal.producer))
        if posted.wake:
            Waking(self._waker).intake()
        return posted


def conflict_alert(signal_id: str, producer: str) -> Alert:
    """The alert for one id used for two bodies."""
    return Alert(
        severity=Severity.CRITICAL,
        title="One signal id, two bodies",
        text=f"Signal {signal_id} of {producer} was posted again with another body: the first one stands.",
        dedupe=f"conflict:{signal_id}",
    )
