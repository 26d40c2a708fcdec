"""Tasks on the queue `notifications`."""

from celery import shared_task

from mt5fleet import messages
from tasks.runtime import Report, services


@shared_task(name=messages.TASK_NOTIFY)
def deliver(channel: str) -> Report:
    """Deliver what waits for one channel."""
    return services().deliver((channel,))


@shared_task(name=messages.TASK_OUTBOX)
def sweep() -> Report:
    """Deliver what waits for any channel."""
    return services().deliver(())
