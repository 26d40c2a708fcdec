"""Tasks on the queue `urgent`."""

from celery import shared_task

from mt5fleet import messages
from tasks.runtime import Report, services


@shared_task(name=messages.TASK_URGENT)
def wake(accounts: list[str]) -> Report:
    """These accounts have closes, cancels or a flatten waiting."""
    return services().drain(tuple(accounts), urgent=True)
