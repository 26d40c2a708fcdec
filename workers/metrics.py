"""Figures for Prometheus: the real backlog, read from the ledger when asked, and orders by state.

The queues' own lengths are no backlog: they count wake-ups. Under prefork the counter stays empty: children
have counters of their own.
"""

import logging
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config.settings import Settings
from mt5fleet.domain.errors import LedgerError
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.record import Backlog
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.ledger import Ledger
from mt5fleet.service.heartbeat import Progress

ACCOUNTS_PER_ASK = 500  # accounts in one round trip, as in the sweep

logger = logging.getLogger(__name__)


class FleetMetrics:
    """The figures of one process."""

    def __init__(self, ledger: Ledger, progress: Progress, clock: Clock) -> None:
        """Nothing is asked before the first scrape; `progress` goes into the worker's heartbeat."""
        self._progress = progress
        self._clock = clock
        self.registry = CollectorRegistry()
        self._orders = Counter(
            "mt5fleet_orders", "Orders that reached this state.", ["state"], registry=self.registry
        )
        self.registry.register(_BacklogCollector(ledger))

    def count(self, states: Iterable[OrderState]) -> None:
        """Orders that moved to these states in this process."""
        for state in states:
            self._orders.labels(state.value).inc()

    def worked(self, what: str, times: int) -> None:
        """This was done, so many times."""
        if times:
            self._progress.note(what, self._clock.monotonic_s(), times)


def serve_metrics(settings: Settings, metrics: FleetMetrics) -> None:
    """Answer scrapes when a port is set. A taken port costs the figures, not the worker."""
    if settings.metrics_port is None:
        return
    try:
        start_http_server(settings.metrics_port, addr=settings.metrics_host, registry=metrics.registry)
    except OSError as error:
        logger.error("no metrics on port %d: %s", settings.metrics_port, error)  # noqa: TRY400 - no traceback needed


class _BacklogCollector(Collector):
    """Reads the backlog at each scrape."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def describe(self) -> list[Metric]:
        """Nothing: otherwise registering would already ask the ledger."""
        return []

    def collect(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("mt5fleet_waiting", "Signals, orders by lane, doubts.", labels=["lane"])
        oldest = GaugeMetricFamily(
            "mt5fleet_waiting_oldest_seconds", "Age of the oldest, 0 when none.", labels=["lane"]
        )
        up = GaugeMetricFamily("mt5fleet_ledger_up", "Whether the ledger answered this scrape.")
        try:
            self._fill(waiting, oldest)
        except LedgerError as error:  # absent figures, never zeros
            logger.warning("no backlog for this scrape: %s", error)
            up.add_metric([], 0)
        else:
            up.add_metric([], 1)
        yield from (waiting, oldest, up)

    def _fill(self, waiting: GaugeMetricFamily, oldest: GaugeMetricFamily) -> None:
        now = self._ledger.now()
        count, oldest_at, _ = self._ledger.log_backlog()
        found = self._accounts()
        lanes = {
            "signals": [(count, oldest_at)],
            "urgent": [(one.urgent, one.oldest_urgent_at) for one in found],
            "normal": [(one.normal, one.oldest_normal_at) for one in found],
            "in_doubt": [(one.in_doubt, one.oldest_doubt_at) for one in found],
        }
        for lane, counts in lanes.items():
            since = min((at for _, at in counts if at is not None), default=None)
            waiting.add_metric([lane], sum(waits for waits, _ in counts))
            oldest.add_metric([lane], 0.0 if since is None else max(0.0, (now - since).total_seconds()))

    def _accounts(self) -> list[Backlog]:
        names = tuple(self._ledger.accounts())
        shares = (names[i : i + ACCOUNTS_PER_ASK] for i in range(0, len(names), ACCOUNTS_PER_ASK))
        return [one for share in shares for one in self._ledger.backlog(share)]
