"""The Celery app: `celery -A workers.app worker | beat | flower`. Options are read when Celery asks."""

import sys
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_init, worker_process_init

from config.celery_options import celery_options
from config.logging import configure_logging
from mt5fleet.domain.errors import FleetError
from tasks import execution, guards, heartbeat, notifications, signals, urgent
from workers import bootstrap
from workers.bootsteps import FleetStep

PREFORK = "prefork"
TASKS = (execution, guards, heartbeat, notifications, signals, urgent)


def _options() -> dict[str, Any]:
    """Celery's options, when it first asks; a wrong setting ends the program with one sentence each."""
    try:
        told = bootstrap.told()
        pool = None if _prefork_asked(sys.argv) else told.fleet.workers.pool
        return celery_options(told.broker_url, pool=pool, slots=told.slots + told.urgent_slots)
    except FleetError as error:
        raise SystemExit(f"mt5fleet: {error}") from None


def _prefork_asked(arguments: list[str]) -> bool:
    """Celery takes `-P prefork` for its own default, which a configured pool would replace."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    wanted = {("-P", PREFORK), ("--pool", PREFORK)}
    return f"--pool={PREFORK}" in arguments or any(pair in wanted for pair in pairs)


app = Celery("mt5fleet", include=[module.__name__ for module in TASKS])
app.add_defaults(_options)
app.steps["worker"].add(FleetStep)


@setup_logging.connect
def _on_logging(**_: Any) -> None:
    """Replace Celery's own log lines, in worker and beat."""
    told = bootstrap.told()
    configure_logging(told.settings.log_format, told.settings.log_level, told.redaction, sys.stderr)


@worker_init.connect
def _on_worker(sender: Any, **_: Any) -> None:
    """The only hook that the threads pool runs; under prefork it is the parent's."""
    bootstrap.start(sender.hostname)


@worker_process_init.connect
def _on_child(**_: Any) -> None:
    """A forked child may not share the parent's connections and threads."""
    bootstrap.start_child()
