"""An approved signal: what a producer asks for, valid once built.

Prices, volumes and shares are Decimal; moments are aware UTC datetimes. Limits are named constants with
their reason.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from mt5fleet.domain.errors import InvalidValue

PARTS_MAX = 5  # take-profit parts of one signal: more makes lots below the minimum on usual accounts
TAGS_MAX = 16  # tags of one signal, so that a record stays small
TARGETS_MAX = 2000  # names in one signal; larger fan-outs use groups
ID_CHARS_MAX = 64  # characters of a signal id, producer or account name


class Verb(StrEnum):
    """What the signal asks for."""

    OPEN = "open"
    CLOSE = "close"
    MODIFY = "modify"
    CANCEL = "cancel"


class Side(StrEnum):
    """Direction of an open."""

    BUY = "buy"
    SELL = "sell"

    @property
    def opposite(self) -> "Side":
        """The side that closes this one."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Entry(StrEnum):
    """How an open enters."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"


class SizeRule(StrEnum):
    """How the volume of an open is found on each account."""

    LOTS = "lots"  # value is lots
    RISK_PERCENT = "risk_percent"  # value is percent of equity lost at the stop
    MULTIPLIER = "multiplier"  # value times the account's base lots


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A size rule with its value (> 0)."""

    rule: SizeRule
    value: Decimal

    def __post_init__(self) -> None:
        """Refuse a value that is not positive and finite."""
        _positive("size.value", self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeProfit:
    """One target: price (None leaves the part without a target) and share of the volume (0 < share <= 1)."""

    price: Decimal | None
    share: Decimal

    def __post_init__(self) -> None:
        """Refuse shares outside (0, 1] and prices that are not positive."""
        _positive("take_profits.share", self.share)
        if self.share > 1:
            raise InvalidValue("take_profits.share", "must be at most 1")
        if self.price is not None:
            _positive("take_profits.price", self.price)


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Open a position, or leave a resting order.

    `tolerance` is the price distance the fill may be worse than `price`.
    """

    symbol: str
    side: Side
    entry: Entry
    price: Decimal | None
    tolerance: Decimal | None
    size: Size
    stop_loss: Decimal | None
    take_profits: tuple[TakeProfit, ...]

    def __post_init__(self) -> None:
        """Refuse incomplete entries, wrong shares and levels on the wrong side of the entry price."""
        _name("open.symbol", self.symbol)
        if self.entry is not Entry.MARKET and self.price is None:
            raise InvalidValue("open.price", f"is required for a {self.entry} entry")
        for name in ("price", "tolerance", "stop_loss"):
            value = getattr(self, name)
            if value is not None:
                _positive(f"open.{name}", value)
        if self.tolerance is not None and self.price is None:
            raise InvalidValue("open.tolerance", "needs a price to be measured from")
        if not 1 <= len(self.take_profits) <= PARTS_MAX:
            raise InvalidValue("open.take_profits", f"needs 1 to {PARTS_MAX} parts")
        if sum(part.share for part in self.take_profits) != 1:
            raise InvalidValue("open.take_profits", "the shares must add up to exactly 1")
        _levels(self)

    @property
    def parts(self) -> int:
        """How many order parts this open has on each account."""
        return len(self.take_profits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """Close what the opening signal opened: all of it, or `volume_lots` or `share` of each part."""

    opening_id: str
    volume_lots: Decimal | None = None
    share: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse both measures at once and shares outside (0, 1]."""
        _name("close.opening_id", self.opening_id)
        if self.volume_lots is not None and self.share is not None:
            raise InvalidValue("close", "give volume_lots or share, not both")
        if self.volume_lots is not None:
            _positive("close.volume_lots", self.volume_lots)
        if self.share is not None:
            _positive("close.share", self.share)
            if self.share > 1:
                raise InvalidValue("close.share", "must be at most 1")

    @property
    def full(self) -> bool:
        """Whether everything is to be closed."""
        return self.volume_lots is None and (self.share is None or self.share == 1)


class Removal(StrEnum):
    """Marks a stop or target that is to be taken away."""

    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class Modify:
    """Change stop, target or (resting orders) entry price of what the opening signal opened.

    None keeps a value.
    """

    opening_id: str
    stop_loss: Decimal | Removal | None = None
    take_profit: Decimal | Removal | None = None
    price: Decimal | None = None

    def __post_init__(self) -> None:
        """Refuse an empty change and prices that are not positive."""
        _name("modify.opening_id", self.opening_id)
        if self.stop_loss is None and self.take_profit is None and self.price is None:
            raise InvalidValue("modify", "names nothing to change")
        for name in ("stop_loss", "take_profit", "price"):
            value = getattr(self, name)
            if isinstance(value, Decimal):
                _positive(f"modify.{name}", value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Withdraw what the opening signal left resting or has not sent yet; open positions stay."""

    opening_id: str

    def __post_init__(self) -> None:
        """Refuse an empty id."""
        _name("cancel.opening_id", self.opening_id)


type_of_verb: dict[Verb, type] = {
    Verb.OPEN: Open,
    Verb.CLOSE: Close,
    Verb.MODIFY: Modify,
    Verb.CANCEL: Cancel,
}
Instruction = Open | Close | Modify | Cancel


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who approved the signal, and when."""

    by: str
    at: datetime

    def __post_init__(self) -> None:
        """Refuse an unnamed approver and a naive moment."""
        _name("approval.by", self.by)
        _aware("approval.at", self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Accounts and groups a signal is meant for.

    A close, modify or cancel may leave both empty (all of the opening's).
    """

    accounts: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse repeated and too many names."""
        for name, values in (("targets.accounts", self.accounts), ("targets.groups", self.groups)):
            for value in values:
                _name(name, value)
            if len(set(values)) != len(values):
                raise InvalidValue(name, "names one target twice")
        if len(self.accounts) + len(self.groups) > TARGETS_MAX:
            raise InvalidValue("targets", f"names more than {TARGETS_MAX} targets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """An approved signal, as signed by its producer."""

    id: str
    producer: str
    created_at: datetime
    valid_until: datetime
    targets: Targets
    instruction: Instruction
    approval: Approval
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse empty names, naive or reversed moments, missing targets and too many tags."""
        _name("id", self.id)
        _name("producer", self.producer)
        _aware("created_at", self.created_at)
        _aware("valid_until", self.valid_until)
        if self.valid_until <= self.created_at:
            raise InvalidValue("valid_until", "must be later than created_at")
        if self.verb is Verb.OPEN and not (self.targets.accounts or self.targets.groups):
            raise InvalidValue("targets", "an open needs at least one account or group")
        if len(self.tags) > TAGS_MAX:
            raise InvalidValue("tags", f"has more than {TAGS_MAX} entries")

    @property
    def verb(self) -> Verb:
        """What the signal asks for."""
        return next(verb for verb, kind in type_of_verb.items() if isinstance(self.instruction, kind))


def _levels(order: Open) -> None:
    """Stop below and targets above a buy's entry price, the reverse for a sell.

    Market entries without price are checked later.
    """
    if order.price is None:
        return
    sign = 1 if order.side is Side.BUY else -1
    if order.stop_loss is not None and (order.price - order.stop_loss) * sign <= 0:
        raise InvalidValue("open.stop_loss", f"is on the wrong side of the entry price for a {order.side}")
    for part in order.take_profits:
        if part.price is not None and (part.price - order.price) * sign <= 0:
            raise InvalidValue(
                "open.take_profits", f"a target is on the wrong side of the entry price for a {order.side}"
            )


def _positive(name: str, value: Decimal) -> None:
    if not value.is_finite() or value <= 0:
        raise InvalidValue(name, "must be a positive number")


def _aware(name: str, value: datetime) -> None:
    if value.tzinfo is None:
        raise InvalidValue(name, "needs a time zone (UTC)")


def _name(name: str, value: str) -> None:
    if not value or len(value) > ID_CHARS_MAX or not value.isprintable() or any(c.isspace() for c in value):
        raise InvalidValue(name, f"needs 1 to {ID_CHARS_MAX} printable characters without spaces")
