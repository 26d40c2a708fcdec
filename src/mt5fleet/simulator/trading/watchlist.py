"""Price levels that something waits for, so that a quote looks only at what it reaches.

Each symbol has four heaps: levels reached when Bid falls or rises to them, and the same for Ask. A level that
was moved or withdrawn stays in its heap until it is reached or the heap is tidied; `_known` says what counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from heapq import heapify, heappop, heappush
from typing import TypeAlias

from mt5fleet.simulator.prices.quotes import Quote

TIDY_MIN = 256
"""Levels a heap may hold before it is looked through for withdrawn ones."""


class Move(IntEnum):
    """Which side of the quote must go where; the number is the place of the heap."""

    BID_FALLS = 0
    BID_RISES = 1
    ASK_FALLS = 2
    ASK_RISES = 3

    @property
    def falls(self) -> bool:
        return self in (Move.BID_FALLS, Move.ASK_FALLS)


Level: TypeAlias = tuple[Move, Decimal]
_Entry: TypeAlias = tuple[Decimal, int, int]  # level (negative where the price must fall), ticket, login


@dataclass(slots=True)
class _Heap:
    entries: list[_Entry] = field(default_factory=list)
    tidy_at: int = TIDY_MIN


@dataclass(slots=True)
class _Symbol:
    heaps: tuple[_Heap, ...] = field(default_factory=lambda: tuple(_Heap() for _ in Move))
    awake: dict[int, int] = field(default_factory=dict)  # ticket -> login: due at every quote


class Watchlist:
    """Tickets and the levels they wait for."""

    def __init__(self) -> None:
        self._symbols: dict[str, _Symbol] = {}
        self._known: dict[int, tuple[str, tuple[Level, ...]]] = {}

    def watch(self, symbol: str, login: int, ticket: int, levels: tuple[Level, ...]) -> None:
        """Wait for these levels and no others; no level at all means that every quote is waited for."""
        watched = self._symbols.setdefault(symbol, _Symbol())
        _, before = self._known.get(ticket, ("", ()))
        self._known[ticket] = (symbol, levels)
        for level in levels:
            if level not in before:
                self._push(watched.heaps[level[0]], level, ticket, login)
        if levels:
            watched.awake.pop(ticket, None)
        else:
            watched.awake[ticket] = login

    def drop(self, ticket: int) -> None:
        """Wait for nothing any more."""
        symbol, _ = self._known.pop(ticket, ("", ()))
        if symbol:
            self._symbols[symbol].awake.pop(ticket, None)

    def reached(self, symbol: str, quote: Quote) -> list[tuple[int, int]]:
        """Return (ticket, login) of all whose level this quote reaches, in order of tickets.

        They are watched on: whoever handles them says what they wait for next, or drops them.
        """
        watched = self._symbols.get(symbol)
        if watched is None:
            return []
        due = dict(watched.awake)
        prices = (-quote.bid, quote.bid, -quote.ask, quote.ask)
        for move, heap, price in zip(Move, watched.heaps, prices, strict=True):
            for entry in self._popped(move, heap, price):
                due[entry[1]] = entry[2]
        return sorted(due.items())

    def _popped(self, move: Move, heap: _Heap, price: Decimal) -> Iterator[_Entry]:
        kept: set[_Entry] = set()
        while heap.entries and heap.entries[0][0] <= price:
            entry = heappop(heap.entries)
            if self._counts(move, entry):
                kept.add(entry)
        for entry in sorted(kept):
            heappush(heap.entries, entry)
            yield entry

    def _counts(self, move: Move, entry: _Entry) -> bool:
        key, ticket, _ = entry
        _, levels = self._known.get(ticket, ("", ()))
        return (move, -key if move.falls else key) in levels

    def _push(self, heap: _Heap, level: Level, ticket: int, login: int) -> None:
        move, price = level
        heappush(heap.entries, (-price if move.falls else price, ticket, login))
        if len(heap.entries) > heap.tidy_at:
            heap.entries = list({entry for entry in heap.entries if self._counts(move, entry)})
            heapify(heap.entries)
            heap.tidy_at = max(TIDY_MIN, 2 * len(heap.entries))
