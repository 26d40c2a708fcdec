"""A gateway in memory for tests of services: the real one's rules, scripted faults, counted executions."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.broker import Check, Deal, Health, Instrument, Position, Quote, Reading, RestingOrder
from mt5fleet.domain.errors import GatewayError, JournalUnwritable, Unanswered, Unreachable, ValueRefused
from mt5fleet.domain.latch import Binding
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.numbering import check_number
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, OpenOrder, Outcome, Permit, Retry
from mt5fleet.domain.person import Person
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import STREAM_EVERY_S_MAX, STREAM_EVERY_S_MIN
from mt5fleet.testing.fake_broker import Executed, FakeAccount, fake_instrument
from mt5fleet.testing.fake_looks import (
    dry_run,
    health_of,
    refusal_of_any,
    refusal_of_market,
    refusal_of_mode,
    refusal_of_open,
)
from mt5fleet.testing.fake_orders import (
    cancel_order,
    change_levels,
    close_position,
    levels_stand,
    open_order,
    order_of,
)
from mt5fleet.testing.fake_rules import (
    applied,
    broker_trace,
    close_volume,
    find_order,
    find_position,
    journal_answer,
    not_sent,
    require_order_key,
    unsettled,
)
from mt5fleet.testing.fake_standing import (
    Contact,
    People,
    binding,
    keep_floor,
    keep_memory,
    lift_latch,
    raise_latch,
)
from mt5fleet.testing.fake_writing import close_absent, close_attempt, conclusive, finish, write_ahead
from mt5fleet.testing.memory_journal import MemoryJournal


class Fault(StrEnum):
    """What goes wrong with an order call; each scripted fault strikes once, in order."""

    UNREACHABLE = "unreachable"  # the call provably never reached the bridge: Unreachable
    LOST_ON_WIRE = "lost_on_wire"  # the call never reached the bridge, but the caller cannot know: Unanswered
    LOST_BEFORE = "lost_before"  # in the journal, not executed, no answer: Unanswered
    LOST_AFTER = "lost_after"  # executed, no answer: Unanswered
    DOUBT_BEFORE = "doubt_before"  # not executed, the terminal cannot tell: IN_DOUBT
    DOUBT_AFTER = "doubt_after"  # executed, the terminal cannot tell: IN_DOUBT
    REJECT = "reject"  # the broker says no: REJECTED
    REQUOTE = "requote"  # the price moved: NOT_SENT, AFTER_REPRICE
    PARTIAL = "partial"  # half is filled, the rest withdrawn: CANCELED with volume


def nobody() -> Mapping[str, Person]:
    """No person at all: nobody may lift a latch or set a floor."""
    return {}


_WIRE = (Fault.UNREACHABLE, Fault.LOST_ON_WIRE)


class FakeGateway:
    """Gateway port over made-up brokers. `add` makes accounts; `executed` counts what brokers really did.

    `contact_required`: opens need a word from the ledger, as at a real bridge. `unanswered_s`: how long an
    open without an answer may come after all, so that a latch is not confirmed.
    """

    def __init__(
        self,
        clock: Clock,
        visibility_lag_s: float = 2.0,
        *,
        unanswered_s: float = 0.0,
        contact_required: bool = False,
        people: People = nobody,
    ) -> None:
        self.clock = clock
        self.visibility_lag_s = visibility_lag_s
        self.unanswered_s = unanswered_s
        self._people = people
        self._contact = Contact(clock.monotonic_s, required=contact_required)
        self.books: dict[str, FakeAccount] = {}
        self._faults: dict[str, deque[Fault]] = {}
        self._absent_since: dict[tuple[str, str], datetime] = {}

    @property
    def executed(self) -> tuple[Executed, ...]:
        """Everything brokers did, over all accounts, each account in order."""
        return tuple(item for book in self.books.values() for item in book.executed)

    def add(
        self, name: str, *, login: int = 1, server: str = "Simulator-Demo", balance: Decimal = Decimal(10_000)
    ) -> FakeAccount:
        """Add an account that knows EURUSD at 1.10000/1.10010 and USDJPY at 150.000/150.010."""
        created_at = self.clock.now() - timedelta(days=365)
        journal = MemoryJournal(f"journal-{name}", created_at)
        book = FakeAccount(
            name=name, clock=self.clock, journal=journal, login=login, server=server, balance=balance
        )
        book.instruments = {
            "EURUSD": fake_instrument("EURUSD"),
            "USDJPY": fake_instrument("USDJPY", digits=3),
        }
        self.books[name] = book
        self.set_quote(name, "EURUSD", Decimal("1.10000"), Decimal("1.10010"))
        self.set_quote(name, "USDJPY", Decimal("150.000"), Decimal("150.010"))
        return book

    def set_quote(
        self, account: str, symbol: str, bid: Decimal, ask: Decimal, at: datetime | None = None
    ) -> None:
        """Set prices; without `at` they are always fresh."""
        self.books[account].quotes[symbol] = (bid, ask, at)

    def script(self, account: str, *faults: Fault) -> None:
        """Let the next order calls of the account fail so, one fault each."""
        self._faults.setdefault(account, deque()).extend(faults)

    def fill_resting(self, account: str, ticket: int) -> Position:
        """Let the market reach a resting order."""
        book = self.books[account]
        resting = book.orders[ticket]
        book.end(resting, OrderState.FILLED)
        return book.fill(order_of(resting), resting.volume_left, resting.price, resting.ticket)

    def health(self, account: str) -> Health:
        book = self._book(account)
        return health_of(book, self._contact.age_s())

    def reading(self, account: str, token: int | None = None) -> Reading:
        return self._enter(account, token).reading()

    def readings(
        self, accounts: tuple[str, ...], ledger_at: datetime | None = None
    ) -> dict[str, Reading | str]:
        self._contact.see(ledger_at)
        return {account: self._reading_or_reason(account) for account in accounts}

    def reading_stream(self, accounts: tuple[str, ...], every_s: float) -> Iterator[dict[str, Reading | str]]:
        if not STREAM_EVERY_S_MIN <= every_s <= STREAM_EVERY_S_MAX:
            raise ValueRefused("every_s", f"must be {STREAM_EVERY_S_MIN} to {STREAM_EVERY_S_MAX} seconds")
        return self._readings_again(accounts, every_s)

    def instrument(self, account: str, symbol: str) -> Instrument | None:
        return self._enter(account, None).instruments.get(symbol)

    def quote(self, account: str, symbol: str) -> Quote | None:
        return self._enter(account, None).quote(symbol)

    def positions(self, account: str, token: int | None = None) -> tuple[Position, ...]:
        book = self._synchronised(account, token)
        return tuple(book.valued(position) for position in book.positions.values())

    def orders(self, account: str, token: int | None = None) -> tuple[RestingOrder, ...]:
        return tuple(self._synchronised(account, token).orders.values())

    def deals(self, account: str, since: datetime, until: datetime) -> tuple[Deal, ...]:
        deals = self._synchronised(account, None).deals
        return tuple(deal for deal in deals if since <= deal.at <= until)

    def check(self, account: str, order: OpenOrder) -> Check:
        return dry_run(self._enter(account, None), order)

    def submit(self, account: str, order: OpenOrder, permit: Permit) -> Outcome:
        book = self._begin(account, permit)
        if order.magic != require_order_key(permit.key):
            raise ValueRefused("order.magic", "is not the magic of permit.key")
        known = broker_trace(book, order.magic, order) or journal_answer(book.journal, permit)
        if known is not None:
            return replace(known, existed=True)
        refused = (
            refusal_of_any(book, permit)
            or refusal_of_mode(book)
            or refusal_of_open(book, permit, self._contact.age_s())
            or refusal_of_market(book, order)
        )
        if refused is not None:
            return close_attempt(book, permit, refused)
        return self._send(book, "submit", permit, lambda part: open_order(book, order, part))

    def close(self, account: str, order: CloseOrder, permit: Permit) -> Outcome:
        book = self._begin(account, permit)
        known = journal_answer(book.journal, permit)
        if known is not None:
            return replace(known, existed=True)
        position = find_position(book, order.ticket, order.opening_magic)
        if position is None or close_volume(position, order.remaining) == 0:
            return applied("nothing is left to close", existed=True)
        volume, magic = close_volume(position, order.remaining), require_order_key(permit.key)
        return self._reduce(
            book,
            "close",
            permit,
            lambda part: close_position(book, position, volume * part, magic),
            needs_journal=order.ticket is None or order.remaining > 0,
        )

    def modify(self, account: str, order: ModifyOrder, permit: Permit) -> Outcome:
        book = self._begin(account, permit)
        known = journal_answer(book.journal, permit)
        if known is not None:
            return replace(known, existed=True)
        position = find_position(book, order.ticket, order.opening_magic)
        resting = find_order(book, order.ticket, order.opening_magic)
        if position is None and resting is None:
            return Outcome(state=OrderState.REJECTED, sentence="there is nothing left to modify")
        if levels_stand(position or resting, order):
            return applied("the levels stand already", existed=True)
        refused = refusal_of_any(book, permit) or refusal_of_mode(book)
        if refused is not None:
            return close_attempt(book, permit, refused)
        return self._send(
            book, "modify", permit, lambda _: change_levels(book, position, resting, order, permit.key)
        )

    def cancel(self, account: str, order: CancelOrder, permit: Permit) -> Outcome:
        book = self._begin(account, permit)
        known = journal_answer(book.journal, permit)
        if known is not None:
            return replace(known, existed=True)
        resting = find_order(book, order.ticket, order.opening_magic)
        if resting is None:
            return applied("the order does not rest any more", existed=True)
        return self._reduce(
            book,
            "cancel",
            permit,
            lambda _: cancel_order(book, resting, permit.key),
            needs_journal=order.ticket is None,
        )

    def resolve(
        self, account: str, key: str, magic: int, attempt: int, token: int, since: datetime
    ) -> Outcome:
        book = self._enter(account, token)
        if not book.synchronised:
            return Outcome(state=OrderState.IN_DOUBT, sentence="the terminal has not caught up yet")
        known = broker_trace(book, magic, None) or conclusive(book.journal.entries(key))
        if known is not None:
            return replace(known, existed=True)
        if unsettled(book.journal, key) and not self._absent_twice(account, key):
            return Outcome(state=OrderState.IN_DOUBT, sentence="absent so far: look again")
        return close_absent(book, key, attempt)

    def latch(self, account: str, sequence: int, reason: str) -> None:
        raise_latch(self._book(account), sequence, reason, self.unanswered_s)

    def unlatch(self, account: str, record: str) -> None:
        lift_latch(self._book(account), record, self._people)

    def checkpoint(self, account: str, memory: GuardMemory) -> None:
        keep_memory(self._book(account), memory)

    def memory(self, account: str) -> GuardMemory | None:
        return self._book(account).journal.memory()

    def floor(self, account: str, record: str) -> None:
        keep_floor(self._book(account), record, self._people)

    def bind(self, account: str, journal_id: str | None, sequence: int) -> Binding:
        return binding(self._book(account).journal, journal_id, sequence)

    def _book(self, account: str) -> FakeAccount:
        if account not in self.books:
            raise Unreachable(f"no bridge serves the account {account}")
        return self.books[account]

    def _enter(self, account: str, token: int | None) -> FakeAccount:
        book = self._book(account)
        if not book.connected:
            raise Unreachable(f"the terminal of {account} is not connected")
        if token is not None:
            check_number("token", token, book.clock.now())
            with suppress(JournalUnwritable):
                book.journal.see_token(token)
        book.expire()
        return book

    def _synchronised(self, account: str, token: int | None) -> FakeAccount:
        book = self._enter(account, token)
        if not book.synchronised:
            raise Unreachable(f"the terminal of {account} has not caught up with its broker yet")
        return book

    def _begin(self, account: str, permit: Permit) -> FakeAccount:
        require_order_key(permit.key)
        fault = self._take(account, *_WIRE)
        if fault is Fault.UNREACHABLE:
            raise Unreachable(f"the bridge of {account} refused the connection")
        if fault is Fault.LOST_ON_WIRE:
            raise Unanswered(f"the bridge of {account} gave no answer")
        return self._synchronised(account, permit.token)

    def _take(self, account: str, *kinds: Fault) -> Fault | None:
        waiting = self._faults.get(account)
        return waiting.popleft() if waiting and waiting[0] in kinds else None

    def _readings_again(
        self, accounts: tuple[str, ...], every_s: float
    ) -> Iterator[dict[str, Reading | str]]:
        while True:  # until the caller stops asking
            yield self.readings(accounts)
            self.clock.sleep_s(every_s)

    def _reduce(
        self,
        book: FakeAccount,
        operation: str,
        permit: Permit,
        execute: Callable[[Decimal], Outcome],
        *,
        needs_journal: bool,
    ) -> Outcome:
        """Send what only reduces risk; a latch, a silent ledger and a wrong mode do not stop it."""
        refused = refusal_of_any(book, permit)
        if refused is not None:
            return close_attempt(book, permit, refused)
        return self._send(book, operation, permit, execute, needs_journal=needs_journal)

    def _send(
        self,
        book: FakeAccount,
        operation: str,
        permit: Permit,
        execute: Callable[[Decimal], Outcome],
        *,
        needs_journal: bool = True,
    ) -> Outcome:
        """Write ahead, then execute once; faults strike here."""
        refused = write_ahead(book, operation, permit, needs_journal=needs_journal)
        if refused is not None:
            return refused
        fault = self._take(book.name, *(kind for kind in Fault if kind not in _WIRE))
        if fault in (Fault.LOST_BEFORE, Fault.DOUBT_BEFORE):
            return _silence(book, fault)
        if fault in (Fault.REJECT, Fault.REQUOTE):
            outcome = _refusal(fault)
        else:
            outcome = execute(Decimal("0.5") if fault is Fault.PARTIAL else Decimal(1))
        if fault in (Fault.LOST_AFTER, Fault.DOUBT_AFTER):
            return _silence(book, fault)
        finish(book, permit, outcome)
        return outcome

    def _absent_twice(self, account: str, key: str) -> bool:
        first = self._absent_since.setdefault((account, key), self.clock.now())
        return (self.clock.now() - first).total_seconds() >= self.visibility_lag_s

    def _reading_or_reason(self, account: str) -> Reading | str:
        try:
            return self.reading(account)
        except GatewayError as error:
            return str(error)


def _silence(book: FakeAccount, fault: Fault | None) -> Outcome:
    if fault in (Fault.LOST_BEFORE, Fault.LOST_AFTER):
        raise Unanswered(f"the bridge of {book.name} gave no answer in time")
    return Outcome(state=OrderState.IN_DOUBT, sentence="outcome unknown: checking the account")


def _refusal(fault: Fault | None) -> Outcome:
    if fault is Fault.REQUOTE:
        return not_sent("the price moved before the broker could fill it", Retry.AFTER_REPRICE, retcode=10004)
    return Outcome(state=OrderState.REJECTED, sentence="the broker refused the order", retcode=10006)
