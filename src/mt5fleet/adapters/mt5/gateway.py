"""The gateway port over a MetaTrader5-shaped module, for one account; one call at a time."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from mt5fleet import __version__
from mt5fleet.adapters.mt5.absences import Absences
from mt5fleet.adapters.mt5.changing import cancel, modify
from mt5fleet.adapters.mt5.conversions import (
    deal_of,
    instrument_of,
    mode_of,
    position_of,
    quote_of,
    reading_of,
    resting_of,
    server_stamp_s,
)
from mt5fleet.adapters.mt5.history import HistoryIndex
from mt5fleet.adapters.mt5.lastlook import switches_off
from mt5fleet.adapters.mt5.opening import submit
from mt5fleet.adapters.mt5.reducing import close
from mt5fleet.adapters.mt5.session import DAY_S, Session
from mt5fleet.adapters.mt5.settings import TerminalSettings
from mt5fleet.adapters.mt5.settling import Question, resolve
from mt5fleet.adapters.mt5.shapes import AccountRow, Module
from mt5fleet.domain.broker import Deal, Health, Instrument, Position, Quote, Reading, RestingOrder
from mt5fleet.domain.errors import GatewayError, InvalidValue, Unanswered, Unreachable
from mt5fleet.domain.ids import magic_of
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, OpenOrder, Outcome, Permit
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.journal import Journal

KEY_CHARS = 64  # an order key is the hexadecimal text of a SHA-256
_HEX = frozenset("0123456789abcdef")


class ModuleGateway:
    """Gateway port. Calls for another account are Unreachable: this terminal holds one account only."""

    def __init__(self, module: Module, settings: TerminalSettings, journal: Journal, clock: Clock) -> None:
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

    def health(self, account: str) -> Health:
        self._require_mine(account)
        try:
            return self._health()
        except GatewayError as error:
            return self._no_health(str(error))

    def reading(self, account: str, token: int | None = None) -> Reading:
        self._enter(account, token)
        at = self._clock.now()  # before the reads: a slow terminal makes the money old, not new
        row = self._session.account()
        self._session.terminal()
        positions, orders = len(self._session.positions()), len(self._session.orders())
        return reading_of(account, row, at, positions, orders)

    def readings(self, accounts: tuple[str, ...]) -> dict[str, Reading | str]:
        return {account: self._reading_or_reason(account) for account in accounts}

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
        rows = self._session.positions()
        digits = self._account_showing(rows).currency_digits
        offset_s = self._session.offset_or_zero_s()
        return tuple(position_of(row, self._session.scale(row.symbol), digits, offset_s) for row in rows)

    def orders(self, account: str, token: int | None = None) -> tuple[RestingOrder, ...]:
        self._enter(account, token)
        rows = self._session.orders()
        self._account_showing(rows)
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

    def submit(
        self, account: str, order: OpenOrder, permit: Permit, arrived_at: datetime | None = None
    ) -> Outcome:
        """Open as the port says; `arrived_at` is when the call reached the bridge's host (default: now)."""
        arrived = self._clock.now() if arrived_at is None else arrived_at
        self._begin(account, permit)
        if order.magic != magic_of(permit.key):
            raise InvalidValue("order.magic", "is not the magic number of permit.key")
        return submit(self._session, self._history, order, permit, arrived)

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
        return resolve(self._session, self._history, self._absences, question)

    def latch(self, account: str, sequence: int, reason: str) -> None:
        """Latch as the port says; Unanswered while an open just sent may still be in the terminal."""
        self._require_mine(account)
        self._journal.set_latch(sequence, reason)
        now, may_come_s = self._clock.now(), self._settings.unanswered_s
        recent = [
            entry
            for entry in self._journal.unfinished()
            if (now - entry.written_at).total_seconds() < may_come_s
        ]
        if any(entry.operation == "submit" for entry in recent):
            raise Unanswered("latched; an open sent a moment ago may still be in the terminal: ask again")

    def _require_mine(self, account: str) -> None:
        if account != self._settings.account:
            raise Unreachable(f"this terminal holds the account {self._settings.account}, not {account}")

    def _enter(self, account: str, token: int | None) -> None:
        self._require_mine(account)
        if token is not None:
            self._journal.see_token(token)

    def _begin(self, account: str, permit: Permit) -> None:
        _require_key(permit.key)
        self._enter(account, permit.token)

    def _account_showing(self, rows: Sequence[object]) -> AccountRow:
        """The account's row; an empty list asks for more proof, what is listed may be closed without it."""
        if not rows:
            return self._session.require_synchronised()
        account = self._session.account()
        self._session.terminal()
        return account

    def _reading_or_reason(self, account: str) -> Reading | str:
        try:
            return self.reading(account)
        except GatewayError as error:
            return str(error)

    def _health(self) -> Health:
        row, terminal = self._session.account(), self._session.terminal()
        why_not = switches_off(row, terminal)
        return Health(
            connected=True,
            trade_allowed=not why_not,
            why_not=why_not,
            login=row.login,
            server=row.server,
            company=terminal.company,
            mode=mode_of(row.trade_mode),
            build=terminal.build,
            server_offset_s=self._session.offset.offset_s,
            journal_id=self._journal.id,
            newest_token=self._journal.newest_token(),
            latched=self._journal.latch() is not None,
            bridge_at=self._clock.now(),
            version=__version__,
        )

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
            server_offset_s=self._session.offset.offset_s,
            journal_id=self._journal.id,
            newest_token=self._journal.newest_token(),
            latched=self._journal.latch() is not None,
            bridge_at=self._clock.now(),
            version=__version__,
        )


def _require_key(key: str) -> None:
    if len(key) != KEY_CHARS or not _HEX.issuperset(key):
        raise InvalidValue("permit.key", f"must be an order key: {KEY_CHARS} hexadecimal digits")
