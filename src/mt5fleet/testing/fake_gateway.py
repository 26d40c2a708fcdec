"""A gateway in memory for tests of services: the real one's rules, scripted faults, counted executions."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from mt5fleet.domain.broker import Deal, Health, Instrument, Position, Quote, Reading, RestingOrder
from mt5fleet.domain.errors import GatewayError, InvalidValue, Unanswered, Unreachable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, OpenOrder, Outcome, Permit, Retry
from mt5fleet.domain.signal import Entry, Removal
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.journal import JournalEntry
from mt5fleet.testing.fake_broker import Executed, FakeAccount, fake_instrument
from mt5fleet.testing.fake_rules import (
    applied,
    broker_trace,
    close_volume,
    find_order,
    find_position,
    journal_answer,
    last_look,
    not_sent,
    require_order_key,
    unsettled,
)
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


_WIRE = (Fault.UNREACHABLE, Fault.LOST_ON_WIRE)


class FakeGateway:
    """Gateway port over made-up brokers. `add` makes accounts; `executed` counts what brokers really did."""

    def __init__(self, clock: Clock, visibility_lag_s: float = 2.0) -> None:
        self.clock = clock
        self.visibility_lag_s = visibility_lag_s
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
        return book.fill(_order_of(resting), resting.volume_left, resting.price, resting.ticket)

    def health(self, account: str) -> Health:
        book = self._book(account)
        why_not = () if book.connected else (f"the terminal of {account} is not connected: restart it",)
        return Health(
            connected=book.connected,
            trade_allowed=book.connected,
            why_not=why_not,
            login=book.login,
            server=book.server,
            company="mt5fleet simulator",
            mode=book.mode,
            build=5000,
            server_offset_s=0,
            journal_id=book.journal.id,
            newest_token=book.journal.newest_token(),
            latched=book.journal.latch() is not None,
            bridge_at=self.clock.now(),
            version="fake",
        )

    def reading(self, account: str, token: int | None = None) -> Reading:
        return self._enter(account, token).reading()

    def readings(self, accounts: tuple[str, ...]) -> dict[str, Reading | str]:
        return {account: self._reading_or_reason(account) for account in accounts}

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

    def submit(self, account: str, order: OpenOrder, permit: Permit) -> Outcome:
        book = self._begin(account, permit)
        if order.magic != require_order_key(permit.key):
            raise InvalidValue("order.magic", "is not the magic of permit.key")
        known = broker_trace(book, order.magic, order) or journal_answer(book.journal, permit)
        if known is not None:
            return replace(known, existed=True)
        refused = last_look(book, order, permit)
        if refused is not None:
            book.journal.bury(permit.key, permit.attempt)
            return refused
        return self._send(book, "submit", permit, lambda part: _open(book, order, part))

    def close(self, account: str, order: CloseOrder, permit: Permit) -> Outcome:
        book = self._begin(account, permit)
        known = journal_answer(book.journal, permit)
        if known is not None:
            return replace(known, existed=True)
        position = find_position(book, order.ticket, order.opening_magic)
        if position is None or close_volume(position, order.remaining) == 0:
            return applied("nothing is left to close", existed=True)
        volume, magic = close_volume(position, order.remaining), require_order_key(permit.key)
        return self._send(book, "close", permit, lambda part: _close(book, position, volume * part, magic))

    def modify(self, account: str, order: ModifyOrder, permit: Permit) -> Outcome:
        book = self._begin(account, permit)
        known = journal_answer(book.journal, permit)
        if known is not None:
            return replace(known, existed=True)
        position = find_position(book, order.ticket, order.opening_magic)
        resting = find_order(book, order.ticket, order.opening_magic)
        if position is None and resting is None:
            return Outcome(state=OrderState.REJECTED, sentence="there is nothing left to modify")
        if _stands(position or resting, order):
            return applied("the levels stand already", existed=True)
        return self._send(
            book, "modify", permit, lambda _: _modify(book, position, resting, order, permit.key)
        )

    def cancel(self, account: str, order: CancelOrder, permit: Permit) -> Outcome:
        book = self._begin(account, permit)
        known = journal_answer(book.journal, permit)
        if known is not None:
            return replace(known, existed=True)
        resting = find_order(book, order.ticket, order.opening_magic)
        if resting is None:
            return applied("the order does not rest any more", existed=True)
        return self._send(book, "cancel", permit, lambda _: _cancel(book, resting, permit.key))

    def resolve(
        self, account: str, key: str, magic: int, attempt: int, token: int, since: datetime
    ) -> Outcome:
        book = self._enter(account, token)
        if not book.synchronised:
            return Outcome(state=OrderState.IN_DOUBT, sentence="the terminal has not caught up yet")
        known = broker_trace(book, magic, None) or _conclusive(book.journal.entries(key))
        if known is not None:
            return replace(known, existed=True)
        if unsettled(book.journal, key) and not self._absent_twice(account, key):
            return Outcome(state=OrderState.IN_DOUBT, sentence="absent so far: look again")
        for entry in unsettled(book.journal, key):
            book.journal.bury(key, entry.attempt)
        if attempt > 0:
            book.journal.bury(key, attempt)
        return not_sent("the broker shows no trace; this attempt will never be sent", Retry.AFTER_DELAY)

    def latch(self, account: str, sequence: int, reason: str) -> None:
        self._book(account).journal.set_latch(sequence, reason)

    def _book(self, account: str) -> FakeAccount:
        if account not in self.books:
            raise Unreachable(f"no bridge serves the account {account}")
        return self.books[account]

    def _enter(self, account: str, token: int | None) -> FakeAccount:
        book = self._book(account)
        if not book.connected:
            raise Unreachable(f"the terminal of {account} is not connected")
        if token is not None:
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

    def _send(
        self, book: FakeAccount, operation: str, permit: Permit, execute: Callable[[Decimal], Outcome]
    ) -> Outcome:
        """Write ahead, then execute once; faults strike here."""
        _write(book, operation, permit)
        fault = self._take(book.name, *(kind for kind in Fault if kind not in _WIRE))
        if fault in (Fault.LOST_BEFORE, Fault.DOUBT_BEFORE):
            return _silence(book, fault)
        if fault in (Fault.REJECT, Fault.REQUOTE):
            outcome = _refusal(fault)
        else:
            outcome = execute(Decimal("0.5") if fault is Fault.PARTIAL else Decimal(1))
        if fault in (Fault.LOST_AFTER, Fault.DOUBT_AFTER):
            return _silence(book, fault)
        book.journal.finish(permit.key, permit.attempt, outcome)
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


def _write(book: FakeAccount, operation: str, permit: Permit) -> None:
    book.journal.write(
        JournalEntry(
            key=permit.key,
            attempt=permit.attempt,
            token=permit.token,
            operation=operation,
            request="{}",
            written_at=book.clock.now(),
            outcome=None,
            tombstone=False,
        )
    )


def _open(book: FakeAccount, order: OpenOrder, part: Decimal) -> Outcome:
    if order.entry is not Entry.MARKET:
        resting = book.rest(order, order.price or Decimal(0))
        book.record("submit", resting, order.magic, order.volume)
    else:
        quote = book.quote(order.symbol)
        price = Decimal(0) if quote is None else quote.entry_price(order.side)
        position = book.fill(order, order.volume * part, price)
        book.record("submit", position, order.magic, position.volume)
    shown = broker_trace(book, order.magic, replace(order, volume=order.volume))
    if shown is None:
        raise InvalidValue("order", "was executed and cannot be found")
    return replace(shown, existed=False, sent_at=book.clock.now(), retcode=10009)


def _close(book: FakeAccount, position: Position, volume: Decimal, magic: int) -> Outcome:
    deal = book.reduce(position, volume, magic)
    book.record("close", position, magic, volume)
    return Outcome(
        state=OrderState.FILLED,
        sentence=f"closed {volume} lots of position {position.ticket} at {deal.price}",
        retcode=10009,
        deal_ticket=deal.ticket,
        position_ticket=position.ticket,
        volume=volume,
        price=deal.price,
        broker_at=deal.at,
        sent_at=book.clock.now(),
    )


def _modify(
    book: FakeAccount, position: Position | None, resting: RestingOrder | None, order: ModifyOrder, key: str
) -> Outcome:
    if position is not None:
        book.positions[position.ticket] = replace(
            position,
            stop_loss=_level(position.stop_loss, order.stop_loss),
            take_profit=_level(position.take_profit, order.take_profit),
        )
        book.record("modify", position, require_order_key(key), position.volume)
    elif resting is not None:
        book.orders[resting.ticket] = replace(
            resting,
            stop_loss=_level(resting.stop_loss, order.stop_loss),
            take_profit=_level(resting.take_profit, order.take_profit),
            price=resting.price if order.price is None else order.price,
        )
        book.record("modify", resting, require_order_key(key), resting.volume)
    return applied("the levels are set", existed=False)


def _cancel(book: FakeAccount, resting: RestingOrder, key: str) -> Outcome:
    book.end(resting, OrderState.CANCELED)
    book.record("cancel", resting, require_order_key(key), resting.volume_left)
    return applied(f"order {resting.ticket} is withdrawn", existed=False)


def _level(now: Decimal | None, wanted: Decimal | Removal | None) -> Decimal | None:
    if isinstance(wanted, Removal):
        return None
    return now if wanted is None else wanted


def _stands(item: Position | RestingOrder | None, order: ModifyOrder) -> bool:
    if item is None:
        return False
    levels = _level(item.stop_loss, order.stop_loss) == item.stop_loss
    levels = levels and _level(item.take_profit, order.take_profit) == item.take_profit
    moved = isinstance(item, RestingOrder) and order.price not in (None, item.price)
    return levels and not moved


def _order_of(resting: RestingOrder) -> OpenOrder:
    return OpenOrder(
        symbol=resting.symbol,
        side=resting.side,
        entry=Entry(resting.entry),
        volume=resting.volume,
        price=resting.price,
        tolerance=None,
        stop_loss=resting.stop_loss,
        take_profit=resting.take_profit,
        magic=resting.magic,
        comment=resting.comment,
        created_at=resting.placed_at,
        expires_at=resting.expires_at,
    )


def _conclusive(entries: tuple[JournalEntry, ...]) -> Outcome | None:
    """The newest outcome that says the order is settled for good."""
    settled = [entry.outcome for entry in entries if entry.outcome is not None]
    unclear = (OrderState.NOT_SENT, OrderState.IN_DOUBT)
    return next((outcome for outcome in reversed(settled) if outcome.state not in unclear), None)
