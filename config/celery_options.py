"""Celery's options, each with its reason. The queue only wakes; no message is the only record of anything."""

from typing import Any

from config.queues import queues, routes
from config.schedule import beat_schedule
from mt5fleet import messages
from mt5fleet.adapters.celery import transport

JSON = "json"
CLIENT_NAME = "mt5fleet-worker"  # shown by the broker's CLIENT LIST


def celery_options(broker_url: str, *, pool: str | None, slots: int) -> dict[str, Any]:
    """Every option the fleet sets; `slots` wake-ups are worked on at once by one worker.

    No pool leaves Celery's own default, prefork.

    Raises InvalidValue for a broker address that is unsafe.
    """
    return {
        **transport.connection_settings(broker_url),
        "broker_transport_options": transport.options(CLIENT_NAME),
        **_connection_options(),
        **_content_options(),
        **_task_options(),
        **_worker_options(pool, slots),
        "task_queues": queues(),
        "task_routes": routes(),
        "task_default_queue": messages.QUEUE_SIGNALS,
        "task_default_exchange": "",
        "task_default_routing_key": messages.QUEUE_SIGNALS,
        "task_create_missing_queues": False,  # a mistyped -Q ends the worker at once instead of idling
        "beat_schedule": beat_schedule(),
        "beat_scheduler": "celery.beat:Scheduler",  # in memory: entries are fixed, and a file can be damaged
        "beat_max_loop_interval": 1,  # the shortest period
    }


def _connection_options() -> dict[str, Any]:
    return {
        "broker_connection_retry_on_startup": True,  # parts start in any order
        "broker_connection_max_retries": None,  # the default gives up after 100 and ends the worker
        "broker_connection_timeout": 3,
        "task_publish_retry": True,
        # Once: a failed publish may have been delivered, and the sweep repairs the rest.
        "task_publish_retry_policy": {
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.2,
            "interval_max": 0.2,
        },
    }


def _content_options() -> dict[str, Any]:
    return {
        "accept_content": [JSON],
        "result_accept_content": [JSON],
        "task_serializer": JSON,
        "result_serializer": JSON,
        "event_serializer": JSON,
        "result_backend": None,  # results are in the ledger; Flower reads the short ones from events
        "task_ignore_result": True,
        "enable_utc": True,
    }


def _task_options() -> dict[str, Any]:
    return {
        "task_acks_late": True,  # a killed worker's wake-up comes back; a repeated one finds nothing to do
        "task_reject_on_worker_lost": True,
        "task_acks_on_failure": True,  # not repeated: the sweep wakes again while work waits
        "task_acks_on_timeout": True,
        "task_send_sent_event": False,  # more than halves the publishing rate, and Flower needs no sender
        "task_track_started": False,
    }


def _worker_options(pool: str | None, slots: int) -> dict[str, Any]:
    return {
        "worker_pool": pool,  # the default is measured: docs/decisions/0004-worker-pool.md
        "worker_concurrency": slots,
        "worker_prefetch_multiplier": 1,  # a message held back here is one that no other worker can take
        "worker_send_task_events": True,  # Flower shows what it hears and nothing else
        "worker_hijack_root_logger": False,  # config.logging owns the log
        "worker_redirect_stdouts": False,
        "worker_disable_rate_limits": True,  # delays live in the ledger
        # A thread in a terminal call cannot be cancelled; a parallel second run meets the lease.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
    }
