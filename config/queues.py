"""Queues and routes, from the names of the wire contract."""

from kombu.entity import Exchange, Queue

from mt5fleet import messages

#: The default exchange: a named one loses messages without a word when its binding keys vanish from Redis.
ANONYMOUS = Exchange("", type="direct")  # type: ignore[no-untyped-call]  # kombu publishes no types


def queues() -> tuple[Queue, ...]:
    """One queue for each worker role; a worker without -Q consumes all of them."""
    return tuple(map(_queue, messages.QUEUES))


def routes() -> dict[str, dict[str, str]]:
    """Where each task goes, whoever sends it."""
    queue_of = {
        messages.TASK_SUBMIT: messages.QUEUE_SIGNALS,
        messages.TASK_INTAKE: messages.QUEUE_SIGNALS,
        messages.TASK_EXECUTE: messages.QUEUE_EXECUTION,
        messages.TASK_SWEEP: messages.QUEUE_EXECUTION,
        messages.TASK_URGENT: messages.QUEUE_URGENT,
        messages.TASK_GUARDS: messages.QUEUE_GUARDS,
        messages.TASK_HEARTBEAT: messages.QUEUE_HEARTBEAT,
        messages.TASK_NOTIFY: messages.QUEUE_NOTIFICATIONS,
        messages.TASK_OUTBOX: messages.QUEUE_NOTIFICATIONS,
    }
    return {task: {"queue": queue} for task, queue in queue_of.items()}


def _queue(name: str) -> Queue:
    return Queue(name, exchange=ANONYMOUS, routing_key=name)  # type: ignore[no-untyped-call]  # as above
