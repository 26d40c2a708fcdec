"""What a terminal is told about the call that it carries out, beyond the call's own arguments."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallContext:
    """When the call reached the bridge's host, and how long ago the bridge had heard of the ledger then.

    `ledger_age_s` None: not since the bridge started.
    """

    arrived_at: datetime
    ledger_age_s: float | None
