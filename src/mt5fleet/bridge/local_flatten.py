"""Brings one account to flat from beside its terminal, while nobody else can.

Works from the broker's own list, by ticket. Every withdrawal and close has a key of latch, ticket and round;
rounds are numbered by the time since the latch, so that a restarted bridge never takes an old number for a
new attempt. A failed read closes nothing. A newer fencing token ends it: somebody holds the account again.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeVar

from mt5fleet.bridge.settings import ChildConfig
from mt5fleet.domain.account import Foreign
from mt5fleet.domain.broker import Position, Reading, RestingOrder
from mt5fleet.domain.errors import FleetError, GatewayError, InvariantBroken, StaleToken, Unanswered
from mt5fleet.domain.flat import may_touch, nothing_open, worst_first
from mt5fleet.domain.ids import order_key
from mt5fleet.domain.latch import Floor, Latch
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CancelOrder, CloseOrder, Outcome, Permit
from mt5fleet.ports.clock import Clock

_log = logging.getLogger("mt5fleet.bridge.last_resort")

_WENT = (OrderState.FILLED, OrderState.APPLIED, OrderState.PARTIALLY_FILLED)
_TICKETS_TOLD_MAX = 10  # closed tickets in one log line; the journal holds every one

Value = TypeVar("Value")
Pause = Callable[[float], Awaitable[None]]
Item = RestingOrder | Position
_Item = TypeVar("_Item", RestingOrder, Position)


class StandingLike(Protocol):
    """What the last resort asks of what stands for an account."""

    def kept_floor(self) -> Floor | None:
        """The floor of the newest signed record."""
        ...

    def latch_locally(self, reason: str) -> Latch:
        """Latch durably; a latch that stands already is given back."""
        ...

    def open_may_be_in_terminal(self) -> bool:
        """Whether an open that was sent may still be carried out."""
        ...


class JournalLike(Protocol):
    """What the last resort reads from the account's journal."""

    @property
    def id(self) -> str:
        """The journal's own identity."""
        ...

    def newest_token(self) -> int:
        """The newest fencing token seen."""
        ...

    def latch(self) -> Latch | None:
        """The latch that stands."""
        ...


class DeskLike(Protocol):
    """One account of this bridge: its configuration, what stands for it, and calls to its terminal."""

    @property
    def config(self) -> ChildConfig:
        """What the bridge was told about the account."""
        ...

    @property
    def standing(self) -> StandingLike:
        """Latch and floor."""
        ...

    @property
    def journal(self) -> JournalLike:
        """The account's journal."""
        ...

    async def call(self, name: str, **arguments: object) -> object:
        """An operation of the gateway port, with its errors."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the last resort closes."""

    deadline_s: float = 5.0  # latest send after the decision: an older decision is not the present one
    call_s_max: float = 30.0  # above the desk's own deadlines: a desk that keeps none holds up one call only
    rounds_per_pass: int = 4  # then ledger, latch and floor are looked at as a whole again
    closes_per_round: int = 20  # then the books are read again
    round_pause_s: float = 0.25  # between rounds: what was refused this instant may pass the next
    refused_s_max: float = 30.0  # between passes that moved nothing: a closed market lasts a weekend


class Ending(StrEnum):
    """How one pass of closing ended."""

    FLAT = "flat"  # two reads apart showed nothing
    CLOSING = "closing"  # something was taken away, more is listed or not proved yet
    REFUSED = "refused"  # nothing that was tried went
    UNREAD = "unread"  # the account could not be read
    LEFT = "left"  # sending is not ours any more


@dataclass(slots=True)
class Receipts:
    """What one local flatten did so far, for people."""

    sends: int = 0
    closed: int = 0
    withdrawn: int = 0
    tickets: list[int] = field(default_factory=list)

    def add(self, item: Item) -> None:
        """Count one that went."""
        if isinstance(item, RestingOrder):
            self.withdrawn += 1
        else:
            self.closed += 1
        if item.ticket not in self.tickets and len(self.tickets) < _TICKETS_TOLD_MAX:
            self.tickets.append(item.ticket)

    @property
    def sentence(self) -> str:
        """The counts, with the first tickets."""
        named = ", ".join(str(ticket) for ticket in self.tickets)
        more = "" if self.closed + self.withdrawn <= len(self.tickets) else " and more"
        tickets = f" (tickets {named}{more})" if named else ""
        return f"{self.sends} sent, {self.closed} closed, {self.withdrawn} withdrawn{tickets}"


class LocalFlatten:
    """Closes one account under one latch, pass by pass."""

    def __init__(
        self,
        desk: DeskLike,
        latch: Latch,
        clock: Clock,
        may_send: Callable[[], bool],
        pause: Pause,
        pace: Pace,
    ) -> None:
        self.latch = latch
        self.receipts = Receipts()
        self.is_flat = False
        self._desk = desk
        self._clock = clock
        self._may_send = may_send
        self._pause = pause
        self._pace = pace
        self._token = 0
        self._round_number = 0
        self._refusals: Counter[int] = Counter()

    async def run(self) -> Ending:
        """One pass. Raises StaleToken when a newer owner has spoken."""
        # One token for the whole pass: an owner that comes in between is newer and is obeyed.
        self._token = self._desk.journal.newest_token()
        try:
            return await self._rounds()
        except StaleToken:
            raise
        except GatewayError as error:
            _log.warning("%s: last resort: the account cannot be read: %s", self._name, error)
            return Ending.UNREAD

    async def _rounds(self) -> Ending:
        ending = Ending.CLOSING
        for _ in range(self._pace.rounds_per_pass):
            items = await self._books()
            if not items:
                return await self._prove_flat()
            self.is_flat = False
            ending = await self._round(items)
            if ending is not Ending.CLOSING:
                break
            await self._pause(self._pace.round_pause_s)
        return ending

    async def _round(self, items: tuple[Item, ...]) -> Ending:
        since_ms = round((self._clock.now() - self.latch.at) / timedelta(milliseconds=1))
        self._round_number = max(self._round_number + 1, since_ms)
        gone = 0
        for item in items[: self._pace.closes_per_round]:
            if not self._may_send():
                return Ending.LEFT
            gone += await self._take_away(item)
        return Ending.CLOSING if gone else Ending.REFUSED

    async def _books(self) -> tuple[Item, ...]:
        """Resting orders first, so that nothing fills behind the closes; then positions, worst loss first.

        Orders are read before positions: one that fills in between is seen twice, not never. What was refused
        before goes behind what was not, so that a closed market holds up no other symbol.
        """
        orders = await self._orders()
        positions = await self._ask_all("positions", Position)
        if isinstance(orders, GatewayError):
            if not positions:
                raise orders
            orders = ()  # what is listed is closed meanwhile; flat is shown by both lists only
        listed: tuple[Item, ...] = (*orders, *worst_first(positions))
        self._forget_gone({item.ticket for item in listed})
        foreign = self._desk.config.foreign
        mine = [item for item in listed if may_touch(foreign, item.magic)]
        return tuple(sorted(mine, key=lambda item: self._refusals[item.ticket]))

    async def _orders(self) -> tuple[RestingOrder, ...] | GatewayError:
        try:
            return await self._ask_all("orders", RestingOrder)
        except StaleToken:
            raise
        except GatewayError as error:
            return error

    def _forget_gone(self, listed: set[int]) -> None:
        for ticket in [ticket for ticket in self._refusals if ticket not in listed]:
            del self._refusals[ticket]

    async def _take_away(self, item: Item) -> bool:
        """Whether it went, in whole or in part; what came of it is logged either way."""
        self.receipts.sends += 1
        try:
            outcome = await self._send(item)
        except StaleToken:
            raise
        except FleetError as error:
            self._refusals[item.ticket] += 1
            _log.warning("%s: %s: %s", self._name, _told(item), error)
            return False
        went = outcome.state in _WENT or outcome.volume > 0
        if went:
            self.receipts.add(item)
        else:
            self._refusals[item.ticket] += 1
        level = logging.INFO if went else logging.WARNING
        _log.log(level, "%s: %s: %s, %s", self._name, _told(item), outcome.state, outcome.sentence)
        return went

    async def _send(self, item: Item) -> Outcome:
        permit = self._permit(item.ticket)
        if isinstance(item, RestingOrder):
            withdrawal = CancelOrder(opening_key=None, opening_magic=None, ticket=item.ticket)
            return await self._ask("cancel", Outcome, order=withdrawal, permit=permit)
        closing = CloseOrder(opening_key=None, opening_magic=None, ticket=item.ticket, remaining=Decimal(0))
        return await self._ask("close", Outcome, order=closing, permit=permit)

    def _permit(self, ticket: int) -> Permit:
        config, now = self._desk.config, self._clock.now()
        name = f"last-resort-{self.latch.sequence}-{ticket}"
        return Permit(
            key=order_key(config.server, config.login, name, self._round_number).text,
            attempt=1,
            token=self._token,
            not_after=now + timedelta(seconds=self._pace.deadline_s),
            sent_at=now,
            journal_id=self._desk.journal.id,
        )

    async def _prove_flat(self) -> Ending:
        """Two synchronised reads a visibility lag apart; a single empty list proves nothing."""
        if self.is_flat:
            return Ending.FLAT
        why_not = await self._why_not_flat()
        if not why_not:
            await self._pause(self._desk.config.visibility_lag_s)
            appeared = await self._books()
            why_not = "something appeared between two reads" if appeared else await self._why_not_flat()
        if why_not:
            _log.warning("%s: last resort: not flat yet: %s", self._name, why_not)
            return Ending.CLOSING
        self.is_flat = True
        _log.warning(
            "%s: last resort: flat: two reads %.1f s apart show no position and no order; %s",
            self._name,
            self._desk.config.visibility_lag_s,
            self.receipts.sentence,
        )
        return Ending.FLAT

    async def _why_not_flat(self) -> str:
        """Where foreign positions are left alone, the money cannot tell."""
        if self._desk.standing.open_may_be_in_terminal():
            return "an open sent before the latch may still be carried out"
        if self._desk.config.foreign is Foreign.LEAVE:
            return ""
        reading = await self._ask("reading", Reading, token=self._token)
        if nothing_open(reading):
            return ""
        return (
            f"nothing is listed, and margin {reading.margin}, equity {reading.equity}, balance "
            f"{reading.balance}, credit {reading.credit} say that something is open"
        )

    async def _ask_all(self, name: str, kind: type[_Item]) -> tuple[_Item, ...]:
        listed: tuple[object, ...] = await self._ask(name, tuple, token=self._token)
        return tuple(checked(kind, item) for item in listed)

    async def _ask(self, name: str, kind: type[Value], **arguments: object) -> Value:
        return await ask(self._desk, kind, self._pace.call_s_max, name, **arguments)

    @property
    def _name(self) -> str:
        return self._desk.config.account


async def ask(desk: DeskLike, kind: type[Value], seconds: float, name: str, **arguments: object) -> Value:
    """The desk's answer as a value of its type; Unanswered when the desk keeps no deadline of its own."""
    try:
        return checked(kind, await asyncio.wait_for(desk.call(name, **arguments), seconds))
    except TimeoutError:
        raise Unanswered(f"{name}: no answer within {seconds:g} s") from None


def checked(kind: type[Value], answer: object) -> Value:
    """The answer, which must be of this type."""
    if not isinstance(answer, kind):
        raise InvariantBroken(f"the desk answered {type(answer).__name__} instead of {kind.__name__}")
    return answer


def _told(item: Item) -> str:
    if isinstance(item, RestingOrder):
        return f"withdraw order {item.ticket} ({item.volume_left} lots of {item.symbol})"
    return f"close position {item.ticket} ({item.volume} lots of {item.symbol}, profit {item.profit})"
