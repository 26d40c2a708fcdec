"""The order for one account and part: the command on the inbox, what is sent, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.signal import Entry, Removal, Side, Verb

TEXT_CHARS_MAX = 300  # characters of a sentence kept in a report: enough for a person, small in the ledger


class Lane(StrEnum):
    """Which of an account's two waiting lines a command stands in."""

    URGENT = "urgent"  # closes and cancels
    NORMAL = "normal"  # opens and modifies, in arrival order


class Retry(StrEnum):
    """Whether the same order may be sent again as the next attempt."""

    NEVER = "never"
    AFTER_REPRICE = "after_reprice"  # the price moved: check it again first
    AFTER_DELAY = "after_delay"  # a passing obstacle


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One order of one account as the inbox holds it.

    `key` is the order key's text. `opening_key` is the key of the order that a close, modify or cancel
    speaks of.
    `envelope` is the signed message exactly as it was posted. `goal` is the absolute goal (JSON) fixed at
    the first begin.
    `takeovers` counts owners that ended while they held it.
    """

    key: str
    account: str
    signal_id: str
    producer: str
    part: int
    verb: Verb
    lane: Lane
    seq: int
    envelope: str
    opening_key: str | None
    created_at: datetime
    valid_until: datetime
    state: OrderState = OrderState.RECEIVED
    attempt: int = 0
    takeovers: int = 0
    begun_at: datetime | None = None
    goal: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it adds risk by its verb."""
        return self.verb is Verb.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """What `submit` sends.

    An open, sized and priced. `price` is the limit/stop price, or for market entries the price the
    tolerance is measured from. `expires_at` is the broker's expiration of a resting order.
    """

    symbol: str
    side: Side
    entry: Entry
    volume: Decimal
    price: Decimal | None
    tolerance: Decimal | None
    stop_loss: Decimal | None
    take_profit: Decimal | None
    magic: int
    comment: str
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseOrder:
    """What `close` does.

    Bring the position of `opening_key` (or of `ticket`) down to `remaining` lots (0 = all).
    """

    opening_key: str | None
    opening_magic: int | None
    ticket: int | None
    remaining: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ModifyOrder:
    """What `modify` does: absolute stop, target and entry price; None keeps, REMOVE takes away."""

    opening_key: str | None
    opening_magic: int | None
    ticket: int | None
    stop_loss: Decimal | Removal | None
    take_profit: Decimal | Removal | None
    price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """What `cancel` does: take the resting order of `opening_key` (or of `ticket`) away."""

    opening_key: str | None
    opening_magic: int | None
    ticket: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """What every order-changing call of an owner carries.

    `token` is the lease's fencing token, `attempt` counts from 1 per key, `not_after` is the latest moment
    of the send,
    `sent_at` is the ledger's time when the worker made the call, `journal_id` the journal the ledger bound
    the account to, `journal_sequence` the newest write of it that the ledger heard of.
    """

    key: str
    attempt: int
    token: int
    not_after: datetime
    sent_at: datetime
    journal_id: str | None
    journal_sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one attempt, as far as it is known.

    `sentence` tells a person what happened and what follows.
    """

    state: OrderState
    sentence: str
    retry: Retry = Retry.NEVER
    retcode: int | None = None
    last_error: int | None = None
    order_ticket: int | None = None
    deal_ticket: int | None = None
    position_ticket: int | None = None
    volume: Decimal = Decimal(0)  # filled lots
    price: Decimal | None = None  # average fill price, or the resting order's price
    existed: bool = False  # found by asking first, not sent by this call
    broker_at: datetime | None = None  # when the broker executed it
    sent_at: datetime | None = None  # when the bridge called the terminal
    denial: DenialReason | None = None  # with NOT_SENT: what the bridge's own last look refused
