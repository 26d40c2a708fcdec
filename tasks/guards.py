"""Tasks on the queue `guards`."""

from celery import shared_task

from mt5fleet import messages
from tasks.runtime import Report, services


@shared_task(name=messages.TASK_GUARDS)
def sweep() -> Report:
    """Check every account against its limits."""
    return services().check_guards()
