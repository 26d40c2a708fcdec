"""Wake-ups by task name: the sender imports no task, the message names accounts and nothing else."""

from collections.abc import Iterator

import redis
from celery import Celery
from kombu.exceptions import KombuError, OperationalError

from mt5fleet.adapters.celery import transport
from mt5fleet.messages import (
    QUEUE_EXECUTION,
    QUEUE_NOTIFICATIONS,
    QUEUE_SIGNALS,
    QUEUE_URGENT,
    TASK_EXECUTE,
    TASK_INTAKE,
    TASK_OUTBOX,
    TASK_URGENT,
)
from mt5fleet.ports.waker import WakeFailed

ACCOUNTS_PER_WAKE_UP_MAX = 8  # a wake-up is one worker's share; more accounts are shared between workers
# One more try: a lost wake-up costs one sweep (2 s), less than waiting longer here.
RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}


def publisher(broker_url: str, *, role: str = "mt5fleet-producer") -> Celery:
    """A Celery app that only publishes, without result backend. Raises InvalidValue for an unsafe address."""
    app = Celery(role, set_as_current=False)
    app.conf.update(
        transport.connection_settings(broker_url),
        broker_transport_options=transport.options(role, socket_timeout_s=transport.PRODUCER_TIMEOUT_S),
        broker_connection_timeout=transport.PRODUCER_TIMEOUT_S,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        task_publish_retry_policy=RETRY_POLICY,
    )
    return app


class CeleryWaker:
    """Waker over a Celery app, or over a broker address (then with a publishing app of its own)."""

    def __init__(self, broker: Celery | str) -> None:
        self._app = publisher(broker) if isinstance(broker, str) else broker

    def wake_intake(self) -> None:
        self._send(TASK_INTAKE, QUEUE_SIGNALS)

    def wake_execution(self, accounts: tuple[str, ...]) -> None:
        for share in _shares(accounts):
            self._send(TASK_EXECUTE, QUEUE_EXECUTION, share)

    def wake_urgent(self, accounts: tuple[str, ...]) -> None:
        for share in _shares(accounts):
            self._send(TASK_URGENT, QUEUE_URGENT, share)

    def wake_notifications(self) -> None:
        self._send(TASK_OUTBOX, QUEUE_NOTIFICATIONS)

    def _send(self, task: str, queue: str, accounts: tuple[str, ...] | None = None) -> None:
        try:
            self._app.send_task(
                task,
                args=[] if accounts is None else [list(accounts)],
                queue=queue,
                serializer="json",
                ignore_result=True,
                retry=True,
                retry_policy=RETRY_POLICY,
                argsrepr=f"({', '.join(accounts or ())})",  # what Flower shows
                kwargsrepr="{}",
            )
        except (OperationalError, KombuError, redis.RedisError, OSError) as error:
            # Its text can hold the broker's address with its password: only its kind is told.
            raise WakeFailed(
                f"{queue}: the broker did not take the wake-up ({type(error).__name__})"
            ) from None


def _shares(accounts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(accounts), ACCOUNTS_PER_WAKE_UP_MAX):
        yield accounts[start : start + ACCOUNTS_PER_WAKE_UP_MAX]
