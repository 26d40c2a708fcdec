"""Tasks on the queue `signals`."""

from celery import shared_task

from mt5fleet import messages
from tasks.runtime import Report, services


@shared_task(name=messages.TASK_SUBMIT)
def submit(envelope: str) -> Report:
    """Write a signed message to the signal log, for producers that send through Celery."""
    return services().submit(envelope)


@shared_task(name=messages.TASK_INTAKE)
def wake() -> Report:
    """Somebody posted a signal."""
    return services().take_in()
