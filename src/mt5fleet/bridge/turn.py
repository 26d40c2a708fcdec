"""Whose call is next at one terminal: what reduces risk first, then the owner and everybody else by turns.

Without lanes, a program that only reads could fill the line and keep closes and the owner out of it.
"""

import asyncio
from collections import deque
from enum import StrEnum

from mt5fleet.domain.errors import Unreachable


class Lane(StrEnum):
    """Who goes first; in arrival order within a lane."""

    LATCH = "latch"  # takes no time in the terminal
    REDUCE = "reduce"  # closes and cancels
    OWNER = "owner"  # carries the account's fencing token, or comes from the bridge itself
    OTHERS = "others"  # reads outside of a lease, the guards' among them


class Turn:
    """One holder at a time; each lane has its own limit of calls that wait."""

    def __init__(self, name: str, waiting_max: int) -> None:
        self._name = name
        self._waiting_max = waiting_max
        self._lanes: dict[Lane, deque[asyncio.Future[None]]] = {lane: deque() for lane in Lane}
        self._is_taken = False
        self._owner_is_next = True

    @property
    def waiting(self) -> int:
        """Calls in line, in all lanes."""
        return sum(map(len, self._lanes.values()))

    async def take(self, lane: Lane, within_s: float) -> None:
        """Come back as the holder; raises Unreachable when the lane is full or no turn comes in time."""
        if not self._is_taken:
            self._is_taken = True
            return
        line = self._lanes[lane]
        if len(line) >= self._waiting_max:
            raise Unreachable(f"{self._name}: {len(line)} calls wait already")
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(mine)
        try:
            await asyncio.wait((mine,), timeout=within_s)
        except asyncio.CancelledError:
            self._leave(line, mine)
            raise
        if not mine.done():
            line.remove(mine)
            raise Unreachable(f"{self._name}: no turn within {within_s} s")

    def release(self) -> None:
        """Hand the turn to the next in line, if anybody waits."""
        for lane in self._order():
            if self._lanes[lane]:
                self._owner_is_next = lane is not Lane.OWNER
                self._lanes[lane].popleft().set_result(None)
                return
        self._is_taken = False

    def _order(self) -> tuple[Lane, ...]:
        """Which lanes to look into; an owner that never stops does not blind the guards, who read, too."""
        by_turns = (Lane.OWNER, Lane.OTHERS) if self._owner_is_next else (Lane.OTHERS, Lane.OWNER)
        return (Lane.LATCH, Lane.REDUCE, *by_turns)

    def _leave(self, line: deque[asyncio.Future[None]], mine: "asyncio.Future[None]") -> None:
        """A caller that goes away gives back what it was handed in the same moment."""
        if mine.done():
            self.release()
        else:
            line.remove(mine)
