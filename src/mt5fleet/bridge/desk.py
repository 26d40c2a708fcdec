"""One account in the bridge: its child for what needs the terminal, its journal for what stands without it.

Invariants: a newer token is on disk before its call is answered, and an older one is refused when its call's
turn has come; a latch is on disk before its call waits; a journal that takes no write stops opens, changes
and partial closes, and neither reads nor what closes or withdraws a whole ticket.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeVar, cast

from google.protobuf.message import DecodeError, Message

from mt5fleet import __version__
from mt5fleet.adapters.bridge.operations import Operation, Place, operation_of
from mt5fleet.adapters.bridge.problems import error_of
from mt5fleet.adapters.bridge.protocol.child_pb2 import Answer, Call, Start
from mt5fleet.adapters.mt5.contact import LedgerContact
from mt5fleet.adapters.mt5.standing import People, Standing
from mt5fleet.adapters.sqlite.journal import SqliteJournal
from mt5fleet.bridge.journal_frames import JOURNAL_S_MAX, Errand, JournalCounter, view_of
from mt5fleet.bridge.settings import BridgeLimits, ChildConfig
from mt5fleet.bridge.supervision import Child
from mt5fleet.bridge.turn import Lane
from mt5fleet.domain.broker import Health
from mt5fleet.domain.errors import (
    GatewayError,
    InvalidValue,
    JournalUnwritable,
    StaleToken,
    Unanswered,
    Unreachable,
)
from mt5fleet.domain.numbering import check_number
from mt5fleet.domain.order import CancelOrder, CloseOrder, Permit
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.journal import JournalEntry

_REDUCING = frozenset({"close", "cancel"})
_UNREADABLE = "the terminal's process answered what cannot be read"

T = TypeVar("T")


class Desk:
    """Answers every operation of one account; many may be asked at once, the terminal carries out one."""

    def __init__(
        self,
        config: ChildConfig,
        limits: BridgeLimits,
        environment: dict[str, str],
        clock: Clock,
        journal: SqliteJournal,
        people: People,
        contact: LedgerContact,
    ) -> None:
        self.config = config
        self.journal = journal
        self.standing = Standing(
            journal,
            server=config.server,
            login=config.login,
            people=people,
            clock=clock,
            unanswered_s=config.unanswered_s,
        )
        self._limits = limits
        self._clock = clock
        self._contact = contact
        self._child = Child(config, limits, environment, clock, self._greeting)
        # One thread: what stands for an account is decided in the order it was asked for.
        self._desk_work = ThreadPoolExecutor(1, thread_name_prefix=f"desk-{config.account}")

    @property
    def pid(self) -> int | None:
        """The child's process, None while there is none."""
        return self._child.pid

    def start(self) -> None:
        """Keep a terminal's process running from now on; an account that is refused gets none."""
        self._child.start()

    async def stop(self) -> None:
        """Let the call in hand end, then end the terminal's process."""
        await self._child.stop()
        self._desk_work.shutdown(wait=False)

    async def call(self, name: str, **arguments: object) -> object:
        """An operation of the gateway port by its name, with the port's errors."""
        operation = operation_of(name)
        request = operation.pack(arguments, self.config.account)
        return _value(operation, await self._answer(operation, request, self._clock.now(), Lane.OWNER))

    async def ask(self, operation: Operation, request: Message, arrived_at: datetime) -> Message:
        """The answer to one call that reached the host at `arrived_at`; raises the port's errors."""
        return await self._answer(operation, request, arrived_at, Lane.OTHERS)

    async def _answer(
        self, operation: Operation, request: Message, arrived_at: datetime, lane: Lane
    ) -> Message:
        """`lane` is for calls that have none of their own by what they ask."""
        account, arguments = operation.unpack(request)
        if account != self.config.account:
            raise Unreachable(f"this terminal holds the account {self.config.account}, not {account}")
        if operation.place is Place.STANDING:
            return operation.pack_answer(await self._standing_answer(operation.name, arguments))
        if operation.place is not Place.TERMINAL:
            raise InvalidValue("operation", f"{operation.name} is not a call of one account")
        if operation.name == "health":
            return operation.pack_answer(await self._health(operation, request, arrived_at, lane))
        return await self._in_terminal(operation, request, arguments, arrived_at, lane)

    async def _standing_answer(self, name: str, arguments: dict[str, object]) -> object:
        if name == "latch":
            await self._latch(**arguments)
            return None
        work = cast("Callable[..., object]", getattr(self.standing, name))
        return await self._at_desk(partial(work, **arguments))

    async def _latch(self, **arguments: object) -> None:
        """Kept first, then answered once no open is in the terminal."""
        keep = cast("Callable[..., None]", self.standing.keep_latch)
        await self._at_desk(partial(keep, **arguments))
        try:
            async with self._child.turn():
                left = self.standing.open_may_be_in_terminal()
        except Unreachable as error:
            raise Unanswered(f"latched; calls ahead of it are still in hand ({error}): ask again") from None
        if left:
            raise Unanswered("latched; an open sent a moment ago may still be in the terminal: ask again")

    async def _at_desk(self, work: Callable[[], T]) -> T:
        """Work that may wait for the disk, done to its end also when its caller leaves."""
        loop = asyncio.get_running_loop()
        done = loop.run_in_executor(self._desk_work, work)
        try:
            return await asyncio.wait_for(asyncio.shield(done), self._limits.order_s)
        except TimeoutError:
            sentence = f"{self.config.account}: the journal did not answer within {self._limits.order_s} s"
            raise Unanswered(sentence) from None

    async def _health(
        self, operation: Operation, request: Message, arrived_at: datetime, lane: Lane
    ) -> Health:
        """The terminal's health, or why there is none, with what stands for the account."""
        if not self.journal.writable:
            with suppress(JournalUnwritable):
                await _within(self.journal.probe_soon())
        try:
            answer = await self._in_terminal(operation, request, {}, arrived_at, lane)
            health = cast("Health", _value(operation, answer))
        except GatewayError as error:
            health = self._no_health(str(error))
        return self.standing.dress(health, self._contact.age_s())

    def _no_health(self, reason: str) -> Health:
        return Health(
            connected=False,
            trade_allowed=False,
            why_not=(reason,),
            login=None,
            server=None,
            company=None,
            mode=None,
            build=None,
            server_offset_s=None,
            journal_id=self.journal.id,
            newest_token=self.journal.newest_token(),
            bridge_at=self._clock.now(),
            version=__version__,
            shadow=self.config.shadow,
        )

    async def _in_terminal(
        self,
        operation: Operation,
        request: Message,
        arguments: dict[str, object],
        arrived_at: datetime,
        lane: Lane,
    ) -> Message:
        prepare = partial(self._prepared, operation, request, arguments, arrived_at)
        deadline_s = self._limits.order_s if operation.order_time else self._limits.read_s
        answer: Answer = await self._child.ask(prepare, deadline_s, _lane(operation.name, arguments, lane))
        if answer.HasField("problem"):
            raise error_of(answer.problem)
        try:
            return operation.answer.FromString(answer.value)
        except DecodeError:
            raise Unanswered(f"{self.config.account}: {_UNREADABLE}") from None

    async def _prepared(
        self, operation: Operation, request: Message, arguments: dict[str, object], arrived_at: datetime
    ) -> tuple[Call, JournalCounter]:
        """What the child is handed when the call's turn has come; raises StaleToken and Unreachable."""
        errand, token = _errand(operation.name, arguments)
        _, entries = await asyncio.gather(self._see_token(token), self._entries(errand))
        call = Call(
            operation=operation.name,
            request=request.SerializeToString(),
            ledger_age_s=self._contact.age_s(),
            journal=view_of(self.journal, self._clock.now(), errand.key, entries),
        )
        call.arrived_at.FromDatetime(arrived_at)
        return call, JournalCounter(self.config.account, self.journal, errand)

    async def _see_token(self, token: int | None) -> None:
        """A newer token is on disk before anything is answered; where the disk refuses it, it counts here.

        What must not go on then is refused when its attempt is written.
        """
        if token is None:
            return
        check_number("token", token, self._clock.now())
        with suppress(JournalUnwritable):
            await _within(self.journal.see_token_soon(token))
        if token < self.journal.newest_token():
            raise StaleToken(self.journal.newest_token())

    async def _entries(self, errand: Errand) -> tuple[JournalEntry, ...]:
        if not errand.key:
            return ()
        try:
            return await _within(self.journal.entries_soon(errand.key))
        except JournalUnwritable as error:
            if not errand.needs_journal:
                return ()
            raise Unreachable(f"{self.config.account}: {error}") from None

    def _greeting(self) -> tuple[Start, JournalCounter]:
        view = view_of(self.journal, self._clock.now())
        counter = JournalCounter(self.config.account, self.journal, Errand(operation="start"))
        return Start(journal=view), counter


def _value(operation: Operation, answer: Message) -> object:
    """An answer that cannot be read is none, and no fault of the caller's arguments."""
    try:
        return operation.unpack_answer(answer)
    except InvalidValue as error:
        raise Unanswered(f"{operation.name}: {_UNREADABLE} ({error})") from None


async def _within(future: "Future[T]") -> T:
    """The journal's answer; raises JournalUnwritable also when there is none in time."""
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), JOURNAL_S_MAX)
    except TimeoutError:
        raise JournalUnwritable(f"the journal did not answer within {JOURNAL_S_MAX} s") from None


def _lane(operation: str, arguments: dict[str, object], otherwise: Lane) -> Lane:
    """Where the call stands in line; whether its token is too old shows when its turn has come."""
    if operation in _REDUCING:
        return Lane.REDUCE
    is_owners = "permit" in arguments or arguments.get("token") is not None
    return Lane.OWNER if is_owners else otherwise


def _errand(operation: str, arguments: dict[str, object]) -> tuple[Errand, int | None]:
    """What the call may do in the journal, and the fencing token that it carries."""
    permit = arguments.get("permit")
    if isinstance(permit, Permit):
        needs = not _ends_in_the_same_place(arguments["order"])
        errand = Errand(operation=operation, key=permit.key, permit=permit, needs_journal=needs)
        return errand, permit.token
    key, token = arguments.get("key", ""), arguments.get("token")
    return Errand(operation=operation, key=str(key)), token if isinstance(token, int) else None


def _ends_in_the_same_place(order: object) -> bool:
    """Whether it may go without knowing what was sent before: a ticket that is closed whole, or withdrawn."""
    if isinstance(order, CloseOrder):
        return order.ticket is not None and order.remaining == 0
    return isinstance(order, CancelOrder) and order.ticket is not None
