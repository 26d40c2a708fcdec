"""Signals in one call: the fields people write every day, with a new id and a short life."""

import random
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypedDict, TypeVar, Unpack

from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.signal import (
    Approval,
    Cancel,
    Close,
    Entry,
    Instruction,
    Modify,
    Open,
    Removal,
    Side,
    Signal,
    Size,
    SizeRule,
    TakeProfit,
    Targets,
)
from mt5fleet.messages import new_signal_id
from mt5fleet.ports.clock import Clock

# A market moves on: after a minute an opening that nobody carried out is better not carried out.
OPEN_VALID_S = 60
# Getting out stays right for longer, and a queue in trouble must not drop it.
REDUCE_VALID_S = 3600

Number = Decimal | int | str
E = TypeVar("E", bound=StrEnum)


class Common(TypedDict, total=False):
    """What every builder takes.

    accounts, groups: whom it is for; a close, modify or cancel without them means the opening's targets.
    valid_for_s: seconds from now until the signal expires.
    approved_by: who or which policy approved it; the producer itself when left out.
    tags: small texts kept with the signal.
    signal_id: an id of your own; a new ULID when left out.
    """

    accounts: Iterable[str]
    groups: Iterable[str]
    valid_for_s: float
    approved_by: str
    tags: Mapping[str, str]
    signal_id: str


class SignalBuilder:
    """Makes signals of one producer; nothing is sent. Numbers are Decimal, int or text, never float."""

    def __init__(self, producer: str, clock: Clock, chance: random.Random) -> None:
        self.producer = producer
        self._clock = clock
        self._chance = chance

    def open(  # noqa: PLR0913 - keyword-only, one argument per field of an order
        self,
        symbol: str,
        side: Side | str,
        *,
        lots: Number | None = None,
        risk_percent: Number | None = None,
        multiplier: Number | None = None,
        stop_loss: Number | None = None,
        take_profit: Number | None = None,
        take_profits: Iterable[tuple[Number | None, Number]] = (),
        entry: Entry | str = Entry.MARKET,
        price: Number | None = None,
        tolerance: Number | None = None,
        **common: Unpack[Common],
    ) -> Signal:
        """An opening signal; the other arguments are those of `Common`.

        Args:
            symbol: the signal's name of the symbol; each account may map it to its broker's.
            side: "buy" or "sell".
            lots: size in lots. Exactly one of `lots`, `risk_percent`, `multiplier` is given.
            risk_percent: size as percent of equity that is lost at the stop.
            multiplier: size as a multiple of the account's base lots.
            stop_loss: price of the stop; most accounts refuse an open without one.
            take_profit: price of one target for the whole volume.
            take_profits: instead of `take_profit`: (price or None, share of the volume); shares add up to 1.
            entry: "market", "limit" or "stop".
            price: of a limit or stop entry, or the price `tolerance` is measured from.
            tolerance: how much worse than `price` the fill may be, as a price distance.
            common: see `Common`; the signal is valid for OPEN_VALID_S unless told otherwise.

        Raises:
            InvalidValue: a field breaks a rule.
        """
        instruction = Open(
            symbol=symbol,
            side=_member(Side, "open.side", side),
            entry=_member(Entry, "open.entry", entry),
            price=_number("open.price", price),
            tolerance=_number("open.tolerance", tolerance),
            size=_size(lots, risk_percent, multiplier),
            stop_loss=_number("open.stop_loss", stop_loss),
            take_profits=_targets(take_profit, tuple(take_profits)),
        )
        return self._signal(instruction, OPEN_VALID_S, common)

    def close(
        self,
        opening_id: str,
        *,
        volume_lots: Number | None = None,
        share: Number | None = None,
        **common: Unpack[Common],
    ) -> Signal:
        """Close what `opening_id` opened: all of it, or `volume_lots` or `share` of each part.

        Raises InvalidValue.
        """
        instruction = Close(
            opening_id=opening_id,
            volume_lots=_number("close.volume_lots", volume_lots),
            share=_number("close.share", share),
        )
        return self._signal(instruction, REDUCE_VALID_S, common)

    def modify(
        self,
        opening_id: str,
        *,
        stop_loss: Number | None = None,
        take_profit: Number | None = None,
        price: Number | None = None,
        **common: Unpack[Common],
    ) -> Signal:
        """Change stop, target or a resting order's price; "remove" takes a stop or target away.

        Raises InvalidValue.
        """
        instruction = Modify(
            opening_id=opening_id,
            stop_loss=_level("modify.stop_loss", stop_loss),
            take_profit=_level("modify.take_profit", take_profit),
            price=_number("modify.price", price),
        )
        return self._signal(instruction, OPEN_VALID_S, common)

    def cancel_order(self, opening_id: str, **common: Unpack[Common]) -> Signal:
        """Withdraw what `opening_id` left resting or has not sent; positions stay. Raises InvalidValue."""
        return self._signal(Cancel(opening_id=opening_id), REDUCE_VALID_S, common)

    def _signal(self, instruction: Instruction, valid_for_s: float, common: Common) -> Signal:
        now = self._clock.now()
        signal_id = common.get("signal_id")
        return Signal(
            id=new_signal_id(self._clock, self._chance) if signal_id is None else signal_id,
            producer=self.producer,
            created_at=now,
            valid_until=_later(now, common.get("valid_for_s", valid_for_s)),
            targets=Targets(
                accounts=_names("targets.accounts", common.get("accounts", ())),
                groups=_names("targets.groups", common.get("groups", ())),
            ),
            instruction=instruction,
            approval=Approval(by=common.get("approved_by", self.producer), at=now),
            tags=dict(common.get("tags", {})),
        )


def _names(field: str, names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str):  # would be read as a list of letters
        raise InvalidValue(field, "must be a list of names")
    return tuple(names)


def _size(lots: Number | None, risk_percent: Number | None, multiplier: Number | None) -> Size:
    given = [
        (rule, value)
        for rule, value in (
            (SizeRule.LOTS, lots),
            (SizeRule.RISK_PERCENT, risk_percent),
            (SizeRule.MULTIPLIER, multiplier),
        )
        if value is not None
    ]
    if len(given) != 1:
        raise InvalidValue("open.size", "give exactly one of lots, risk_percent, multiplier")
    rule, value = given[0]
    return Size(rule=rule, value=_decimal(f"open.size ({rule})", value))


def _targets(
    single: Number | None, several: tuple[tuple[Number | None, Number], ...]
) -> tuple[TakeProfit, ...]:
    if single is not None and several:
        raise InvalidValue("open.take_profits", "give take_profit or take_profits, not both")
    if not several:
        return (TakeProfit(price=_number("open.take_profit", single), share=Decimal(1)),)
    return tuple(
        TakeProfit(
            price=_number("open.take_profits.price", price), share=_decimal("open.take_profits.share", share)
        )
        for price, share in several
    )


def _level(field: str, value: Number | None) -> Decimal | Removal | None:
    return Removal.REMOVE if value == Removal.REMOVE else _number(field, value)


def _number(field: str, value: Number | None) -> Decimal | None:
    return None if value is None else _decimal(field, value)


def _decimal(field: str, value: Number) -> Decimal:
    """Exact numbers only: a float has been rounded before it arrives here."""
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, str)):
        raise InvalidValue(field, 'must be Decimal, int or text such as "1.0825", not float')
    try:
        return Decimal(value)
    except InvalidOperation:
        raise InvalidValue(field, "is not a number") from None


def _later(now: datetime, seconds: float) -> datetime:
    if not seconds > 0:
        raise InvalidValue("valid_for_s", "must be above 0")
    return now + timedelta(seconds=seconds)


def _member(kind: type[E], field: str, value: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise InvalidValue(field, f"must be one of {', '.join(kind)}") from None
