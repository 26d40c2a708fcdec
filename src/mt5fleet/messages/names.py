"""Names on the wire: queues, task names, schema version. Producers send by these names and import no task."""

SCHEMA_VERSION = 1  # of the envelope and the signal inside it

QUEUE_SIGNALS = "signals"
QUEUE_EXECUTION = "execution"
QUEUE_URGENT = "urgent"
QUEUE_GUARDS = "guards"
QUEUE_HEARTBEAT = "heartbeat"
QUEUE_NOTIFICATIONS = "notifications"
QUEUES = (
    QUEUE_SIGNALS,
    QUEUE_EXECUTION,
    QUEUE_URGENT,
    QUEUE_GUARDS,
    QUEUE_HEARTBEAT,
    QUEUE_NOTIFICATIONS,
)

TASK_SUBMIT = "mt5fleet.signals.submit"  # posts the envelope it is given, for producers that own a Celery app
TASK_INTAKE = "mt5fleet.signals.wake"
TASK_EXECUTE = "mt5fleet.execution.wake"
TASK_URGENT = "mt5fleet.urgent.wake"
TASK_SWEEP = "mt5fleet.execution.sweep"
TASK_GUARDS = "mt5fleet.guards.sweep"
TASK_HEARTBEAT = "mt5fleet.heartbeat.beat"
TASK_NOTIFY = "mt5fleet.notifications.deliver"
TASK_OUTBOX = "mt5fleet.notifications.sweep"
