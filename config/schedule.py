"""What beat asks for, and how often. A tick carries nothing: missing, late and repeated ones are harmless."""

from typing import Any

from mt5fleet import messages

SWEEP_PERIOD_S = 2.0  # a lost wake-up costs at most this and the time of the repair
GUARDS_PERIOD_S = 1.0  # how long a drawdown can go unseen between orders; beat is too coarse below a second
HEARTBEAT_PERIOD_S = 10.0
OUTBOX_PERIOD_S = 2.0  # alerts wake their delivery themselves; this finds the ones whose wake-up was lost
LATE_PERIODS = 3  # ticks that may be missing before workers do the work themselves


def beat_schedule() -> dict[str, dict[str, Any]]:
    """Entries for beat; a tick that waited longer than its period has a successor already, so it runs out."""
    periods = {
        messages.TASK_SWEEP: SWEEP_PERIOD_S,
        messages.TASK_GUARDS: GUARDS_PERIOD_S,
        messages.TASK_HEARTBEAT: HEARTBEAT_PERIOD_S,
        messages.TASK_OUTBOX: OUTBOX_PERIOD_S,
    }
    return {
        task: {"task": task, "schedule": period_s, "options": {"expires": period_s}}
        for task, period_s in periods.items()
    }
