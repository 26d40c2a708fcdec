"""The right to work on one account (or on the signal log) for a while."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """`token` only grows; `deadline` is the ledger's time after which another owner may come."""

    resource: str  # account name, or LOG
    owner: str
    token: int
    deadline: datetime


LOG = "signal-log"  # resource name of the intake lease; accounts may not be called so
