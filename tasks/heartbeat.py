"""Tasks on the queue `heartbeat`."""

from celery import shared_task

from mt5fleet import messages
from tasks.runtime import Report, services


@shared_task(name=messages.TASK_HEARTBEAT)
def beat() -> Report:
    """Record who is alive."""
    return services().beat()
