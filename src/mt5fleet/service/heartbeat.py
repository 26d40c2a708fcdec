"""Heartbeats that carry progress: a part that lives and does nothing is seen."""

from dataclasses import dataclass, field
from typing import Protocol

from mt5fleet.domain.record import Event, EventType
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.ledger import Story
from mt5fleet.service.settings import HeartbeatSettings


class HeartbeatLedger(Story, Protocol):
    """The parts of the ledger that heartbeats need."""

    def check_memory(self) -> int | None:
        """Percent of the store's memory in use, None without a limit."""
        ...


@dataclass(slots=True)
class Progress:
    """What a process did lately: how often, and when last. Counting is all that other code does with it."""

    counts: dict[str, int] = field(default_factory=dict)
    last_s: dict[str, float] = field(default_factory=dict)

    def note(self, what: str, now_s: float, times: int = 1) -> None:
        """Count something that was done at `now_s` (interval clock)."""
        self.counts[what] = self.counts.get(what, 0) + times
        self.last_s[what] = now_s

    def shown(self, now_s: float) -> dict[str, str]:
        """Counts and ages as texts."""
        counts = {what: str(count) for what, count in self.counts.items()}
        ages = {f"{what}_age_s": f"{now_s - at_s:.1f}" for what, at_s in self.last_s.items()}
        return counts | ages


class Heartbeat:
    """Beats for one part (a worker, a bridge)."""

    def __init__(
        self, ledger: HeartbeatLedger, clock: Clock, progress: Progress, settings: HeartbeatSettings
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._progress = progress
        self._settings = settings

    def started(self, part: str, version: str) -> None:
        """Say that a worker has begun to work."""
        self._tell(EventType.WORKER_STARTED, part, version)

    def stopped(self, part: str, version: str) -> None:
        """Say that a worker ends by request."""
        self._tell(EventType.WORKER_STOPPED, part, version)

    def beat(self, part: str) -> dict[str, str]:
        """Store a heartbeat with progress, and have the ledger measure its memory. Raises LedgerError."""
        shown = self._progress.shown(self._clock.monotonic_s())
        percent = self._ledger.check_memory()
        if percent is not None:
            shown["ledger_memory_percent"] = str(percent)
        self._ledger.beat(part, shown, self._settings.keep_ms)
        return shown

    def _tell(self, kind: EventType, part: str, version: str) -> None:
        self._ledger.emit(Event(type=kind, numbers={"part": part, "version": version}))
