"""The operations of the gateway port that need the terminal, for one account; one call at a time."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from mt5fleet.adapters.mt5.absences import Absences
from mt5fleet.adapters.mt5.changing import cancel, modify
from mt5fleet.adapters.mt5.checking import check
from mt5fleet.adapters.mt5.context import CallContext
from mt5fleet.adapters.mt5.conversions import (
    deal_of,
    instrument_of,
    position_of,
    quote_of,
    reading_of,
    resting_of,
    server_stamp_s,
)
from mt5fleet.adapters.mt5.fitness import health_of
from mt5fleet.adapters.mt5.history import HistoryIndex
from mt5fleet.adapters.mt5.opening import submit
from mt5fleet.adapters.mt5.reducing import close
from mt5fleet.adapters.mt5.session import DAY_S, Session
from mt5fleet.adapters.mt5.settings import TerminalSettings
from mt5fleet.adapters.mt5.settling import Question, resolve
from mt5fleet.adapters.mt5.shapes import AccountRow, Module
from mt5fleet.domain.broker import Check, Deal, Health, Instrument, Position, Quote, Reading, RestingOrder
from mt5fleet.domain.errors import JournalUnwritable, Unreachable, ValueRefused
from mt5fleet.domain.ids import magic_of
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.numbering import check_number
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, OpenOrder, Outcome, Permit
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.journal import AttemptJournal

__all__ = ["CallContext", "Terminal"]

Row = TypeVar("Row")

KEY_CHARS = 64  # an order key is the hexadecimal text of a SHA-256
_HEX = frozenset("0123456789abcdef")


class Terminal:
    """One account's terminal behind the port's operations.

    Calls for another account are Unreachable: this terminal holds one account only.
    """

    def __init__(
        self, module: Module, settings: TerminalSettings, journal: AttemptJournal, clock: Clock
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._clock = clock
        self._session = Session(module, settings, journal, clock)
        self._history = HistoryIndex()
        self._absences = Absences(settings.visibility_lag_s)

    def learn_offset(self) -> None:
        """Learn the server's distance from UTC ahead of the first call that needs it, if ticks arrive."""
        with suppress(Unreachable):
            self._session.known_offset_s()

    def begin_anew(self) -> None:
        """The terminal was connected again: it may show less than it did, and proofs start over."""
        self._session.begin_anew()

    def require_mine(self, account: str) -> None:
        """Raise Unreachable for another account than this terminal's."""
        if account != self._settings.account:
            raise Unreachable(f"this terminal holds the account {self._settings.account}, not {account}")

    def health(self, account: str) -> Health:
        """What the terminal says of itself, and what prevents trading; `Standing.dress` adds what stands."""
        self.require_mine(account)
        return health_of(self._session)

    def reading(self, account: str, token: int | None = None) -> Reading:
        self._enter(account, token)
        at = self._clock.now()  # before the reads: a slow terminal makes the money old, not new
        row = self._session.account()
        self._session.terminal()
        positions = self._believed(self._session.positions)
        orders = self._believed(self._session.orders)
        return reading_of(account, row, at, len(positions), len(orders))

    def instrument(self, account: str, symbol: str) -> Instrument | None:
        self._enter(account, None)
        row = self._session.symbol(symbol)
        return None if row is None else instrument_of(row)

    def quote(self, account: str, symbol: str) -> Quote | None:
        self._enter(account, None)
        if self._session.symbol(symbol) is None:
            return None
        tick = self._session.tick(symbol)
        if tick is None:
            return None
        return quote_of(symbol, tick, self._session.scale(symbol), self._session.known_offset_s())

    def positions(self, account: str, token: int | None = None) -> tuple[Position, ...]:
        self._enter(account, token)
        rows = self._believed(self._session.positions)
        digits = self._connected_account().currency_digits
        offset_s = self._session.offset_or_zero_s()
        return tuple(position_of(row, self._session.scale(row.symbol), digits, offset_s) for row in rows)

    def orders(self, account: str, token: int | None = None) -> tuple[RestingOrder, ...]:
        self._enter(account, token)
        rows = self._believed(self._session.orders)
        self._connected_account()
        offset_s = self._session.offset_or_zero_s()
        return tuple(resting_of(row, self._session.scale(row.symbol), offset_s) for row in rows)

    def deals(self, account: str, since: datetime, until: datetime) -> tuple[Deal, ...]:
        self._enter(account, None)
        digits = self._session.require_synchronised().currency_digits
        offset_s = self._session.offset_or_zero_s()
        first_s, last_s = server_stamp_s(since, offset_s) - DAY_S, server_stamp_s(until, offset_s) + DAY_S
        rows = self._session.deals(first_s, last_s)
        deals = (deal_of(row, self._session.scale(row.symbol), digits, offset_s) for row in rows)
        return tuple(deal for deal in deals if since <= deal.at <= until)

    def check(self, account: str, order: OpenOrder) -> Check:
        self._enter(account, None)
        return check(self._session, order)

    def submit(self, account: str, order: OpenOrder, permit: Permit, context: CallContext) -> Outcome:
        self._begin(account, permit)
        if order.magic != magic_of(permit.key):
            raise ValueRefused("order.magic", "is not the magic number of permit.key")
        return submit(self._session, self._history, order, permit, context)

    def close(self, account: str, order: CloseOrder, permit: Permit) -> Outcome:
        self._begin(account, permit)
        return close(self._session, self._absences, order, permit)

    def modify(self, account: str, order: ModifyOrder, permit: Permit) -> Outcome:
        self._begin(account, permit)
        return modify(self._session, self._absences, order, permit)

    def cancel(self, account: str, order: CancelOrder, permit: Permit) -> Outcome:
        self._begin(account, permit)
        return cancel(self._session, self._absences, order, permit)

    def resolve(
        self, account: str, key: str, magic: int, attempt: int, token: int, since: datetime
    ) -> Outcome:
        _require_key(key)
        self._enter(account, token)
        question = Question(key=key, magic=magic, attempt=attempt, since=since)
        try:
            return resolve(self._session, self._history, self._absences, question)
        except JournalUnwritable as error:
            # Without its tombstone the attempt may still be sent: nothing is proved.
            return Outcome(state=OrderState.IN_DOUBT, sentence=f"outcome unknown: {error}")

    def _enter(self, account: str, token: int | None) -> None:
        """Refuse an older token, and keep a newer one where the journal takes it.

        Where it does not, reads and closes by ticket go on, and everything else is refused at its own write.
        """
        self.require_mine(account)
        if token is not None:
            check_number("token", token, self._clock.now())
            with suppress(JournalUnwritable):
                self._journal.see_token(token)

    def _begin(self, account: str, permit: Permit) -> None:
        _require_key(permit.key)
        self._enter(account, permit.token)

    def _believed(self, read: Callable[[], Sequence[Row]]) -> Sequence[Row]:
        """A list; an empty one asks for proof and is read again after it, what is listed needs none.

        A terminal that was started a moment ago lists nothing, with success. A proof that comes after the
        reading proves nothing: the terminal may have caught up in between.
        """
        rows = read()
        if rows:
            return rows
        self._session.require_synchronised()
        return read()

    def _connected_account(self) -> AccountRow:
        account = self._session.account()
        self._session.terminal()
        return account


def _require_key(key: str) -> None:
    if len(key) != KEY_CHARS or not _HEX.issuperset(key):
        raise ValueRefused("permit.key", f"must be an order key: {KEY_CHARS} hexadecimal digits")
