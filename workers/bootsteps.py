"""What a worker does beside its tasks: events of its life, beat's work when beat is silent, metrics."""

from typing import Any

from celery import bootsteps

from workers import bootstrap
from workers.metrics import serve_metrics
from workers.watch import Watch


class FleetStep(bootsteps.StartStopStep):
    """Starts after the pool, stops before it: what a task may still need stays until the last one ended."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: Any, **options: Any) -> None:
        """Keep nothing of the worker: which queues it consumes is known only at the start."""
        super().__init__(parent, **options)
        self._watch: Watch | None = None

    def start(self, parent: Any) -> None:
        """Fill an emptied ledger, say that the worker is there, begin to watch."""
        process = bootstrap.process()
        process.came()
        serve_metrics(process.told.settings, process.metrics)
        self._watch = Watch(process.services.ticks(tuple(parent.app.amqp.queues.consume_from)))
        self._watch.start()

    def stop(self, parent: Any) -> None:
        """Stop watching; say that the worker goes."""
        if self._watch is not None:
            self._watch.stop()
        bootstrap.process().goes()
