"""How long ago the bridge heard of the ledger: without it nobody would tell the bridge of a halt."""

from datetime import datetime

from mt5fleet.ports.clock import Clock


class LedgerContact:
    """The newest word from the ledger, brought by whoever asked it just before.

    The same moment told twice counts once: a worker that lost the ledger can only repeat what it knew.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._newest: datetime | None = None
        self._seen_s: float | None = None

    def see(self, ledger_at: datetime | None) -> None:
        """Take note of what the ledger's clock said; None tells nothing."""
        if ledger_at is None or ledger_at == self._newest:
            return
        self._newest, self._seen_s = ledger_at, self._clock.monotonic_s()

    def age_s(self) -> float | None:
        """Seconds since the ledger was heard of; None: not yet."""
        return None if self._seen_s is None else self._clock.monotonic_s() - self._seen_s
