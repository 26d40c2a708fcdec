"""Tasks on the queue `execution`."""

from celery import shared_task

from mt5fleet import messages
from tasks.runtime import Report, services


@shared_task(name=messages.TASK_EXECUTE)
def wake(accounts: list[str]) -> Report:
    """These accounts have commands waiting."""
    return services().drain(tuple(accounts), urgent=False)


@shared_task(name=messages.TASK_SWEEP)
def sweep() -> Report:
    """Look for waiting work that nobody was woken for."""
    return services().sweep()
