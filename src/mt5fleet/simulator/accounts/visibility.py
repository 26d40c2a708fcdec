"""What a terminal is shown of an account: the books, or the books of a moment ago.

With a lag, a change shows in the order the vendor's servers show it: positions and waiting orders after a
third of the lag, the history's orders after two thirds, deals after all of it.
"""

from collections import deque
from dataclasses import dataclass

from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.accounts.rows import Change, Closed, Deal, Order, Position

_LANES = 3  # positions and waiting orders, history orders, deals


@dataclass(frozen=True, slots=True)
class _Waiting:
    noted_ms: int
    due_ms: int
    change: Change

    def shows(self, now_ms: int) -> bool:
        """Tell whether its time has come; a clock that was set back hides nothing for as long as that."""
        return self.due_ms <= now_ms or now_ms < self.noted_ms


class LaggedView:
    """A copy of one account's books that follows them `lag_ms` behind."""

    def __init__(self, book: AccountBook, lag_ms: int) -> None:
        self._shown = book.copy()
        self._waiting: tuple[deque[_Waiting], ...] = tuple(deque() for _ in range(_LANES))
        self.lag_ms = lag_ms

    def follow(self, change: Change, now_ms: int) -> None:
        """Note a change of the books; it will show when its time has come."""
        lane = _lane(change)
        due_ms = now_ms + self.lag_ms * (lane + 1) // _LANES
        self._waiting[lane].append(_Waiting(now_ms, due_ms, change))

    def book(self, now_ms: int) -> AccountBook:
        """Return what shows now."""
        for lane in self._waiting:
            while lane and lane[0].shows(now_ms):
                self._shown.apply(lane.popleft().change)
        return self._shown


class Views:
    """What each account shows; accounts without a lag show the books themselves."""

    def __init__(self) -> None:
        self._lagged: dict[int, LaggedView] = {}

    def set_lag(self, book: AccountBook, lag_ms: int) -> None:
        """Let an account's records show that much later from now on; 0 shows everything at once."""
        if lag_ms == 0:
            self._lagged.pop(book.login, None)
        elif book.login in self._lagged:
            self._lagged[book.login].lag_ms = lag_ms
        else:
            self._lagged[book.login] = LaggedView(book, lag_ms)

    def forget(self, login: int) -> None:
        self._lagged.pop(login, None)

    def follow(self, login: int, changes: tuple[Change, ...], now_ms: int) -> None:
        view = self._lagged.get(login)
        if view is not None:
            for change in changes:
                view.follow(change, now_ms)

    def shown(self, book: AccountBook, now_ms: int) -> AccountBook:
        view = self._lagged.get(book.login)
        return book if view is None else view.book(now_ms)


def _lane(change: Change) -> int:
    match change:
        case Position() | Closed():
            return 0
        case Order():
            return 1 if change.state.is_final else 0
        case Deal():
            return 2
