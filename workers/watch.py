"""Does beat's work when beat is silent: a thread of every worker, outside Celery's own loop and pools.

A tick that ran leaves a mark in the ledger for LATE_PERIODS periods, whoever asked for it. A worker that
finds no mark runs the tick itself, and its mark keeps the others from doing the same.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mt5fleet.domain.errors import FleetError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One of beat's ticks: what to do, and how to see whether somebody did it lately."""

    name: str
    period_s: float
    late: Callable[[], bool]
    run: Callable[[], object]


class Watch:
    """Looks at every tick once in each of its periods, until stopped."""

    def __init__(self, ticks: Sequence[Tick]) -> None:
        """One thread for each tick: a slow guard check must not delay the sweep."""
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._follow, args=(tick,), name=f"watch-{tick.name}", daemon=True)
            for tick in ticks
        ]

    def start(self) -> None:
        """Begin to look."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop looking; a tick that runs ends by itself."""
        self._stop.set()

    def _follow(self, tick: Tick) -> None:
        while True:
            try:
                if tick.late():
                    tick.run()
            except FleetError as error:
                logger.warning("tick %s: %s", tick.name, error)
            except Exception:
                # The thread is the last one that would notice; it must outlive whatever a tick runs into.
                logger.exception("tick %s failed", tick.name)
            if self._stop.wait(tick.period_s):
                return
