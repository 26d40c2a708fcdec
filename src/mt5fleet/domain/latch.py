"""What stands for an account at its bridge: the latch that refuses opens, and the journal it is kept in."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """A standing refusal of every open.

    `sequence` names the halt it belongs to and only grows. `local`: the bridge raised it itself while the
    ledger was away.
    """

    sequence: int
    reason: str
    at: datetime
    local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The equity at which a bridge that has lost the ledger latches and closes by itself.

    `readings` fresh readings in a row must show it. `person` signed it at `signed_at`.
    """

    equity: Decimal
    readings: int
    person: str
    signed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A bridge's journal of one account.

    `sequence` counts its durable writes: a lower one is an older copy.
    """

    journal_id: str
    sequence: int
    created_at: datetime
