"""The one thread that touches the journal's file: everything that waits is written in one transaction.

Invariants: a durable write is resolved after its fsync; writes are applied in the order they came; one that
breaks a rule fails alone, a disk that fails fails all of its transaction; what is read back was committed.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeAlias, TypeVar

from mt5fleet.adapters.sqlite.rows import write_account
from mt5fleet.adapters.sqlite.schema import open_file
from mt5fleet.adapters.sqlite.state import AccountState
from mt5fleet.domain.errors import FleetError, JournalUnwritable

BATCH_MAX = 256  # writes of one transaction: some hundred kilobytes at most
CLOSE_S_MAX = 10.0  # for what waits when it is closed; a disk that hangs must not keep the process
WAITING_MAX = 4096  # writes in line; more means that the disk hangs

T = TypeVar("T")
Rule: TypeAlias = Callable[[AccountState], AccountState | None]
Rows: TypeAlias = Callable[[sqlite3.Connection], None]


def no_rows(connection: sqlite3.Connection) -> None:
    """The account's own row is all that changes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Write:
    """One change of one account. `rule` is asked when its turn comes; `rows` writes what is beside the state.

    `is_stricter`: it forbids something, so it counts in memory also when the disk refuses it.
    """

    account: int
    rule: Rule
    rows: Rows = no_rows
    is_durable: bool = True
    is_stricter: bool = False
    future: "Future[None]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Read(Generic[T]):
    """A question to the file, answered outside of any transaction."""

    ask: Callable[[sqlite3.Connection], T]
    future: "Future[T]" = field(default_factory=Future)

    def answer(self, connection: sqlite3.Connection) -> None:
        """Ask and resolve the future."""
        try:
            self.future.set_result(self.ask(connection))
        except sqlite3.Error as error:
            self.future.set_exception(JournalUnwritable(f"the journal does not answer ({error})"))
        except Exception as error:  # noqa: BLE001  # the thread's boundary: handed to whoever asked
            self.future.set_exception(error)


# Any: questions of every type wait in one line, and each has a future of its own type.
_Item: TypeAlias = Write | Read[Any] | None
_FAULTS_OF_ONE = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


class GroupWriter:
    """Owns the connection. `commits` counts synced transactions, `writes` the durable writes they held."""

    def __init__(self, path: Path) -> None:
        self.commits = 0
        self.writes = 0
        self.is_writable = True
        self._path = path
        self._connection = open_file(path)
        self._states: dict[int, AccountState] = {}
        self._queue: SimpleQueue[_Item] = SimpleQueue()
        self._door = threading.Lock()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def state(self, account: int) -> AccountState:
        """What is committed, or counts although the disk refused it."""
        return self._states[account]

    def adopt(self, account: int, state: AccountState) -> None:
        """Know an account from now on; before its first write."""
        self._states[account] = state

    def read(self, ask: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        """Put a question in line."""
        item = Read(ask=ask)
        self._put(item)
        return item.future

    def write(self, item: Write) -> "Future[None]":
        """Put a write in line; one that changes nothing is answered at once."""
        state = self._states[item.account]
        if item.rows is no_rows and not state.owed:
            try:
                if item.rule(state) is None:
                    item.future.set_result(None)
                    return item.future
            except FleetError as error:
                item.future.set_exception(error)
                return item.future
        self._put(item)
        return item.future

    def close(self) -> None:
        """Write what waits, then release the file; a disk that hangs is left to the process's end."""
        with self._door:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
        self._thread.join(CLOSE_S_MAX)

    def _put(self, item: "Write | Read[T]") -> None:
        with self._door:
            if self._is_closed:
                item.future.set_exception(JournalUnwritable(f"{self._path.name}: is closed"))
            elif self._queue.qsize() >= WAITING_MAX:
                item.future.set_exception(
                    JournalUnwritable(f"{self._path.name}: {WAITING_MAX} writes wait for the disk already")
                )
            else:
                self._queue.put(item)

    def _run(self) -> None:
        is_open = True
        while is_open:
            taken = self._take()
            is_open = None not in taken
            items = [item for item in taken if item and item.future.set_running_or_notify_cancel()]
            writes = [item for item in items if isinstance(item, Write)]
            if writes:
                self._write_all(writes)
            for item in items:
                if isinstance(item, Read):
                    item.answer(self._connection)
        self._connection.close()

    def _take(self) -> list[_Item]:
        """Wait for one, then take whatever waits with it."""
        taken = [self._queue.get()]
        with suppress(Empty):
            while len(taken) < BATCH_MAX and taken[-1] is not None:
                taken.append(self._queue.get_nowait())
        return taken

    def _write_all(self, writes: Sequence[Write]) -> None:
        is_synced = any(write.is_durable for write in writes)
        drafts: dict[int, AccountState] = {}
        refused: dict[Write, Exception] = {}
        try:
            with self._transaction(is_synced=is_synced):
                for write in writes:
                    self._apply(write, drafts, refused)
        except Exception as error:  # noqa: BLE001  # the thread's boundary: whoever wrote must be answered
            self._fail(writes, error)
            return
        self._states.update(drafts)
        self.is_writable = True
        self.commits += is_synced
        self.writes += sum(write.is_durable for write in writes if write not in refused)
        for write in writes:
            _resolve(write, refused.get(write))

    def _apply(self, write: Write, drafts: dict[int, AccountState], refused: dict[Write, Exception]) -> None:
        """One write inside the transaction; what breaks a rule leaves nothing behind and stops nobody."""
        draft = drafts.get(write.account, self._states[write.account])
        self._connection.execute("SAVEPOINT one")
        try:
            changed = write.rule(draft) or (draft if draft.owed else None)
            if changed is not None:
                grown = replace(changed, sequence=changed.sequence + write.is_durable, owed=False)
                write.rows(self._connection)
                write_account(self._connection, write.account, grown)
                drafts[write.account] = grown
        except Exception as error:
            if _is_of_the_disk(error):
                raise
            self._connection.execute("ROLLBACK TO one")
            refused[write] = error
        self._connection.execute("RELEASE one")

    @contextmanager
    def _transaction(self, *, is_synced: bool) -> Iterator[None]:
        # Source: SQLite documentation "PRAGMA synchronous": FULL syncs the log at every commit, NORMAL not.
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if is_synced else 'NORMAL'}")
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # some failures of a disk end the transaction by themselves
                self._connection.execute("ROLLBACK")
            raise

    def _fail(self, writes: Sequence[Write], error: Exception) -> None:
        """Nothing of the transaction is on disk; what forbids something counts all the same."""
        self.is_writable = False
        failed = JournalUnwritable(f"{self._path.name}: the disk did not take a write ({error})")
        for write in writes:
            _resolve(write, self._hold(write) or failed)

    def _hold(self, write: Write) -> FleetError | None:
        if not write.is_stricter:
            return None
        state = self._states[write.account]
        try:
            self._states[write.account] = replace(write.rule(state) or state, owed=True)
        except FleetError as refused:
            return refused
        return None


def _is_of_the_disk(error: Exception) -> bool:
    """Whether the file refused, so that nothing else of the transaction can be trusted either."""
    if isinstance(error, _FAULTS_OF_ONE):
        return False
    return isinstance(error, sqlite3.Error | OSError)


def _resolve(write: Write, error: Exception | None) -> None:
    if error is None:
        write.future.set_result(None)
    else:
        write.future.set_exception(error)
