"""What the ledger answers, and what is posted to it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mt5fleet.domain.account import AccountStatus
from mt5fleet.domain.lease import Lease
from mt5fleet.domain.order import Command


class PostResult(StrEnum):
    """What became of a posted message."""

    POSTED = "posted"
    EXISTS = "exists"  # same id, same body
    CONFLICT = "conflict"  # same id, other body; the first one stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """Answer to a post. `wake`: nobody is coming, so the caller wakes intake."""

    result: PostResult
    seq: int
    epoch: int
    wake: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A message to be posted; `body_hash` tells whether two messages of one id say the same."""

    signal_id: str
    body_hash: str
    envelope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """A posted message waiting for intake; `buried`: its refusal is stored, and only settling it is left."""

    seq: int
    posted_at: datetime
    signal_id: str
    body_hash: str
    envelope: str
    buried: bool = False


class PushResult(StrEnum):
    """What became of one pushed command."""

    PUSHED = "pushed"
    EXISTS = "exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """Answer to a push. `wake`: no live owner and nobody woken lately."""

    results: tuple[PushResult, ...]
    wake: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquired:
    """A lease together with what its owner has to know. `left` are commands the former owner left
    SUBMITTING, and doubts.
    """

    lease: Lease
    status: AccountStatus
    left: tuple[Command, ...]


class BeginRefusal(StrEnum):
    """Why `begin` wrote nothing."""

    STATE = "state"  # the order is not RECEIVED or NOT_SENT any more
    ATTEMPTS = "attempts"  # no attempts left
    HALTED = "halted"
    REDUCING = "reducing"
    DOUBT = "doubt"  # another order of the account is in doubt: opens wait
    OPENING_UNSETTLED = "opening_unsettled"  # the opening order is SUBMITTING or IN_DOUBT: the close waits
    WITHDRAWN = "withdrawn"  # an earlier close or cancel left a tombstone for this open
    EXPIRED = "expired"  # valid_until has passed by the ledger's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Written ahead: `attempt` may be sent until `not_after`. `goal` is the one fixed at the first begin.

    `opening_canceled`: the opening order had not been sent and was cancelled in the same step (nothing is
    left to send).
    `opening_known`: the ledger holds the opening order; when not, a tombstone for it was left.
    """

    attempt: int
    begun_at: datetime
    not_after: datetime
    goal: str | None
    opening_canceled: bool
    opening_known: bool
