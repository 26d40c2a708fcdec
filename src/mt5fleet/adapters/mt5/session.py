"""One logged-in connection to a terminal: what it says, and whether what it does not say may be believed."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from mt5fleet.adapters.mt5.codes import DealType, LastError
from mt5fleet.adapters.mt5.conversions import Scale, rounded, scale_of
from mt5fleet.adapters.mt5.offset import OffsetWatch
from mt5fleet.adapters.mt5.settings import TerminalSettings
from mt5fleet.adapters.mt5.shapes import (
    AccountRow,
    DealRow,
    Module,
    OrderRow,
    PositionRow,
    SymbolRow,
    TerminalRow,
    TickRow,
)
from mt5fleet.domain.errors import JournalUnwritable, Unreachable
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.journal import AttemptJournal

Row = TypeVar("Row")

BEGINNING_S = 0  # server stamp before every deal
DAY_S = 86_400  # added to "now" in server stamps, so that a wrong offset hides nothing
OFFSET_SYMBOLS_MAX = 10  # symbols looked at to learn the offset
OFFSET_LOOKS_MAX = 20  # looks before giving up for now
OFFSET_PAUSE_S = 0.1  # between two looks

_log = logging.getLogger("mt5fleet.bridge.terminal")

_SENTENCES = {
    LastError.AUTH_FAILED: "the broker refused login, server or password: check the account's configuration",
    LastError.IPC_INIT_FAILED: "the terminal was not found or could not be started: check terminal_path",
    LastError.NO_CONNECTION: "the terminal is not connected to the bridge",
    LastError.IPC_TIMEOUT: "the terminal did not become ready: is a dialog open, is the server name right?",
}


class Session:
    """Reads of one terminal: a failed one raises Unreachable, emptiness counts only when synchronised."""

    def __init__(
        self, module: Module, settings: TerminalSettings, journal: AttemptJournal, clock: Clock
    ) -> None:
        self.module = module
        self.settings = settings
        self.journal = journal
        self.clock = clock
        self.offset = OffsetWatch(settings.server_offset_s)
        self.breaks = 0  # how often the session was lost; absences seen before a break prove nothing after it
        self._symbols: dict[str, SymbolRow] = {}

    def begin_anew(self) -> None:
        """The connection was lost: what was seen before it proves nothing any more."""
        self.breaks += 1

    def account(self) -> AccountRow:
        """The account's row, of the right login and server."""
        row = self._require(self.module.account_info())
        if (row.login, row.server) != (self.settings.login, self.settings.server):
            self.begin_anew()
            wanted = f"{self.settings.login} on {self.settings.server}"
            raise Unreachable(
                f"the terminal is logged in as {row.login} on {row.server}, configured is {wanted}"
            )
        return row

    def terminal(self) -> TerminalRow:
        """The terminal's row, connected to its broker."""
        row = self._require(self.module.terminal_info())
        self._see_build(row.build)
        if not row.connected:
            self.begin_anew()
            raise Unreachable("the terminal has no connection to its broker: check its network and login")
        return row

    def require_synchronised(self) -> AccountRow:
        """The account's row when absence may be believed; raises Unreachable when not.

        That is: connected, right login, and the newest known deal visible (at first sight: all the money).
        """
        account = self.account()
        self.terminal()
        newest = self.journal.newest_deal()
        if not (self._shows(newest) if newest else self._history_explains(account)):
            raise Unreachable("the terminal has not caught up with its broker yet: its history is incomplete")
        return account

    def positions(self) -> Sequence[PositionRow]:
        """Open positions; an empty list that the margin contradicts is refused."""
        rows = self.require(self.module.positions_get())
        # Some brokers take margin for resting orders, too; then it contradicts nothing.
        if not rows and self.account().margin > 0 and not self.orders():
            raise Unreachable(
                "the terminal lists no positions while margin is in use: it has not caught up yet"
            )
        return rows

    def orders(self) -> Sequence[OrderRow]:
        """Resting orders."""
        return self.require(self.module.orders_get())

    def history_orders(self, since_s: int, until_s: int) -> Sequence[OrderRow]:
        """Ended orders between two server stamps."""
        return self.require(self.module.history_orders_get(since_s, until_s))

    def deals(self, since_s: int, until_s: int) -> Sequence[DealRow]:
        """Deals between two server stamps; remembers the newest."""
        rows = self.require(self.module.history_deals_get(since_s, until_s))
        self.see_deals(rows)
        return rows

    def deals_of_position(self, ticket: int) -> Sequence[DealRow]:
        """Every deal of one position."""
        return self.require(self.module.history_deals_get(position=ticket))

    def see_deals(self, rows: Sequence[DealRow]) -> None:
        """Remember the newest of these deals, where the journal takes it."""
        if rows:
            with suppress(JournalUnwritable):
                self.journal.see_deal(max(row.ticket for row in rows))

    def symbol(self, name: str) -> SymbolRow | None:
        """Rules of a symbol, read now; None when the terminal does not know it."""
        row = self.module.symbol_info(name)
        if row is None:
            self._require_unknown()
            return None
        if not row.select and self.module.symbol_select(name, True):
            row = self.require(self.module.symbol_info(name))
        self._symbols[name] = row
        return row

    def scale(self, name: str) -> Scale:
        """Digits of a symbol; they never change, so they are asked once."""
        if not name:
            return Scale()
        row = self._symbols.get(name) or self.symbol(name)
        return Scale() if row is None else scale_of(row)

    def tick(self, name: str) -> TickRow | None:
        """The newest tick; None when there is none."""
        row = self.module.symbol_info_tick(name)
        if row is None:
            self._require_unknown()
            return None
        self.offset.see(name, row.time_msc, self.clock.now())
        return row if row.bid > 0 and row.ask > 0 else None

    def known_offset_s(self) -> int:
        """The server's offset; looks at passing ticks for a short while when it is not known yet."""
        if self.offset.offset_s is None:
            self._watch_ticks()
        if self.offset.offset_s is None:
            raise Unreachable(
                "the server's distance from UTC is not known: no fresh tick yet (market closed?);"
                " set server_offset_s for this account if it never ticks"
            )
        return self.offset.offset_s

    def offset_or_zero_s(self) -> int:
        """The offset for stamps that only people read."""
        return self.offset.offset_s or 0

    def window_s(self, since: datetime) -> tuple[int, int]:
        """Server stamps from a day before a moment to a day after now: wide enough for any offset."""
        return int(since.timestamp()) - DAY_S, int(self.clock.now().timestamp()) + DAY_S

    def require(self, answer: Row | None) -> Row:
        """The answer of a read; raises Unreachable with the terminal's reason when there is none."""
        return self._require(answer)

    def _require(self, answer: Row | None) -> Row:
        if answer is not None:
            return answer
        code, text = self.module.last_error()
        self.begin_anew()
        raise Unreachable(_SENTENCES.get(LastError(code), text) if code in set(LastError) else text)

    def _see_build(self, build: int) -> None:
        """Remember the terminal's build: it updates itself, and a new build may behave differently."""
        known = self.journal.builds()
        if known[-1:] == (build,):
            return
        if known:
            _log.warning("the terminal's build changed from %s to %s", known[-1], build)
        with suppress(JournalUnwritable):
            self.journal.see_build(build)

    def _shows(self, ticket: int) -> bool:
        # Peers disagree whether `ticket` names the deal or its order, so an empty answer is checked in full.
        if self.require(self.module.history_deals_get(ticket=ticket)):
            return True
        return any(row.ticket == ticket for row in self._every_deal())

    def _history_explains(self, account: AccountRow) -> bool:
        """At first sight every deal must be there: they add up to the balance."""
        digits = account.currency_digits
        deals = self._every_deal()
        # A credit is kept beside the balance.
        total = sum((_cash(row, digits) for row in deals if row.type != DealType.CREDIT), Decimal(0))
        if total != rounded(account.balance, digits):
            return False
        self.see_deals(deals)
        return True

    def _every_deal(self) -> Sequence[DealRow]:
        return self.require(self.module.history_deals_get(BEGINNING_S, self.window_s(self.clock.now())[1]))

    def _require_unknown(self) -> None:
        """None for a symbol must mean that there is no such symbol."""
        code, _ = self.module.last_error()
        if code not in (LastError.NOT_FOUND, LastError.OK):
            self._require(None)

    def _watch_ticks(self) -> None:
        rows = self.require(self.module.symbols_get())
        newest = sorted((row for row in rows if row.select), key=lambda row: -row.time)[:OFFSET_SYMBOLS_MAX]
        for _ in range(OFFSET_LOOKS_MAX):
            for row in newest:
                self.tick(row.name)
            if self.offset.offset_s is not None or not newest:
                return
            self.clock.sleep_s(OFFSET_PAUSE_S)


def _cash(row: DealRow, digits: int) -> Decimal:
    return sum(
        (rounded(part, digits) for part in (row.profit, row.swap, row.commission, row.fee)), Decimal(0)
    )
