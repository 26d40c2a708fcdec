"""The terminals of one machine: each has a path, one logged-in account and one Market Watch for all clients.

A client that names no path is on the terminal of its account, which no `login` of others moves: with many
terminals on one machine the vendor picks one by chance, and a test cannot want that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from mt5fleet.simulator.config import SimulatorConfig, TerminalPaths
from mt5fleet.simulator.host.fault_terms import FaultTerms, RecordList
from mt5fleet.simulator.host.price_calls import WatchedBooks
from mt5fleet.simulator.host.refusals import (
    authorization_failed,
    call_failed,
    no_connection,
    not_ready,
    terminal_not_found,
)
from mt5fleet.simulator.terms.account import AccountTerms

Parameters: TypeAlias = Mapping[str, Any]
Accounts: TypeAlias = Mapping[int, AccountTerms]

TERMINALS_MAX = 5_000
"""Terminals of one machine; a client that names a new path each time has lost count."""


class Client(Protocol):
    """Whoever is connected to a terminal."""

    def drop(self) -> None:
        """Lose the connection at once."""

    def show_all(self) -> None:
        """Show every list again."""


@dataclass(frozen=True, slots=True)
class EmptyWindow:
    """Lists that are empty, with success, until a time of the broker's clock."""

    until_ms: int
    lists: tuple[RecordList, ...] = tuple(RecordList)

    def covers(self, name: RecordList, now_ms: int) -> bool:
        return name in self.lists and now_ms < self.until_ms


NO_WINDOW = EmptyWindow(0, ())


@dataclass(slots=True, eq=False)
class Terminal:
    """One terminal; what its clients share."""

    path: str
    login: int | None = None
    has_path: bool = True
    known: set[int] = field(default_factory=set)  # accounts whose passwords it remembers
    chosen: dict[str, bool] = field(default_factory=dict)  # Market Watch, where it differs from the usual
    books: WatchedBooks = field(default_factory=WatchedBooks)
    clients: set[Client] = field(default_factory=set)
    away_until_ms: int = 0
    syncs_ms: int = 0  # after the restart under way
    empty: EmptyWindow = NO_WINDOW

    def require_up(self, now_ms: int) -> None:
        """Raise CallRefusedError while it is restarting."""
        if now_ms < self.away_until_ms:
            raise not_ready()

    def come_up(self, now_ms: int) -> None:
        """Begin the synchronisation that follows a restart."""
        if self.syncs_ms:
            self.empty = EmptyWindow(now_ms + self.syncs_ms)
            self.syncs_ms = 0

    def restart(self, terms: FaultTerms, now_ms: int) -> None:
        """Drop every client; nobody gets in for `lasts_ms`."""
        self.away_until_ms = now_ms + terms.lasts_ms
        self.syncs_ms = terms.sync_ms
        for client in list(self.clients):
            client.drop()

    def recover(self) -> None:
        """End a restart and every empty list."""
        self.away_until_ms, self.syncs_ms, self.empty = 0, 0, NO_WINDOW
        for client in self.clients:
            client.show_all()


class Terminals:
    """Every terminal of the machine, by path or by account."""

    def __init__(self, config: SimulatorConfig, accounts: Accounts) -> None:
        self._rule = config.terminal_paths
        self._attach_login = config.attach_login
        self._accounts = accounts
        self._by_login: dict[int, Terminal] = {}
        self._by_path = {
            terms.path: Terminal(terms.path, terms.login, known={terms.login} if terms.login else set())
            for terms in config.terminals
        }

    def entered(self, parameters: Parameters, now_ms: int) -> Terminal:
        """Return the terminal that an `initialize` names, logged in as it asks.

        Raises:
            CallRefusedError: No such terminal, it is restarting, or the account is refused.
        """
        path = str(parameters.get("path") or "")
        found = self._at(path, parameters) if path else None
        if found is not None:
            found.require_up(now_ms)
        return self._logged_in(found, parameters, now_ms)

    def switched(self, terminal: Terminal, parameters: Parameters, now_ms: int) -> Terminal:
        """Log a terminal in to another account, for all its clients; return where the caller is now.

        Raises:
            CallRefusedError: The account is refused; the terminal stays where it was.
        """
        if parameters.get("login") is None:
            raise authorization_failed()
        return self._logged_in(terminal if terminal.has_path else None, parameters, now_ms)

    def login_of(self, parameters: Parameters) -> int | None:
        """Return the account an `initialize` is about, for faults that strike it; None: not known."""
        found = self._by_path.get(str(parameters.get("path") or ""))
        return self._wanted(found, parameters)

    def restart(self, terms: FaultTerms, now_ms: int) -> None:
        """Restart the terminals of one account, or all."""
        for login in self._accounts if terms.login is None else [terms.login]:
            self._own(login)
        for terminal in (*self._by_path.values(), *self._by_login.values()):
            if terms.login is None or terminal.login == terms.login:
                terminal.restart(terms, now_ms)

    def recover(self, login: int | None) -> None:
        """End what the terminals of one account, or all, still suffer from."""
        for terminal in (*self._by_path.values(), *self._by_login.values()):
            if login is None or terminal.login == login:
                terminal.recover()

    def _at(self, path: str, parameters: Parameters) -> Terminal:
        if path in self._by_path:
            return self._by_path[path]
        is_missing = self._rule is TerminalPaths.EXISTING and not parameters.get("path_exists", True)
        if self._rule is TerminalPaths.LISTED or is_missing:
            raise terminal_not_found(path)
        if len(self._by_path) >= TERMINALS_MAX:
            raise call_failed()
        self._by_path[path] = Terminal(path)
        return self._by_path[path]

    def _logged_in(self, found: Terminal | None, parameters: Parameters, now_ms: int) -> Terminal:
        account = self._accounts.get(self._wanted(found, parameters) or 0)
        if account is None or not self._is_allowed(found, account, parameters):
            raise authorization_failed()
        terminal = found or self._own(account.login)
        terminal.require_up(now_ms)
        terminal.login = account.login
        terminal.known.add(account.login)
        terminal.come_up(now_ms)
        return terminal

    def _wanted(self, found: Terminal | None, parameters: Parameters) -> int | None:
        login = parameters.get("login")
        if login is not None:
            return int(login)  # 0 names nobody, and is refused
        if found is not None and found.login is not None:
            return found.login
        if self._attach_login is not None:
            return self._attach_login
        return next(iter(self._accounts)) if len(self._accounts) == 1 else None

    def _is_allowed(self, found: Terminal | None, account: AccountTerms, parameters: Parameters) -> bool:
        if parameters.get("server") not in (None, "", account.server):
            return False
        if parameters.get("password"):
            return bool(parameters["password"] == account.password)
        if not parameters.get("login") or not account.password:
            return True
        remembered = found is not None and account.login in found.known
        return remembered or account.login == self._attach_login

    def _own(self, login: int) -> Terminal:
        return self._by_login.setdefault(login, Terminal("simulator", login, has_path=False))


def require_connected(terminal: Terminal | None) -> Terminal:
    """Return the terminal; raises CallRefusedError when a client has none."""
    if terminal is None:
        raise no_connection()
    return terminal
