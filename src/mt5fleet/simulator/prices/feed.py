"""The feed: the sources of all symbols, merged in order of time.

A price is a function of (seed, symbol, time): a restarted broker goes on where the market would be now, and
two brokers with one seed and one clock quote the same.
"""

import heapq
from collections.abc import Mapping
from decimal import Decimal

from mt5fleet.simulator.prices.crosses import CrossSource
from mt5fleet.simulator.prices.repeated import RepeatedQuote
from mt5fleet.simulator.prices.sources import LiveSource, Source, Tick

CATCH_UP_MS = 5_000
"""A feed that fell behind further than this (a frozen process) skips the missed ticks; real time."""

CATCH_UP_MOST_MS = 60_000
"""The same in simulated time, however fast the clock runs: a bound for the work of one look."""


class Feed:
    """Gives the ticks that are due; a quote set by command silences a source and the crosses made of it.

    Fixed quotes (`repeated`) are never silent: they repeat what was commanded last.
    """

    def __init__(
        self, sources: Mapping[str, Source], repeated: Mapping[str, RepeatedQuote] | None = None
    ) -> None:
        self._sources = dict(sources)
        self._repeated = dict(repeated or {})
        self._live: dict[str, LiveSource] = {**self._sources, **self._repeated}
        self._due: list[tuple[int, str, Tick]] = []
        self._silent_since: dict[str, int] = {}
        self._told_ms = 0

    def start(self, now_ms: int) -> list[tuple[str, Tick]]:
        """Return each symbol's quote at a time and arm the ticks that follow."""
        quotes = [(symbol, source.at_or_before(now_ms)) for symbol, source in self._live.items()]
        self._told_ms = now_ms
        self._due = []
        for symbol in self._live:
            self._arm(symbol, now_ms)
        return [(symbol, tick) for symbol, tick in quotes if tick is not None]

    def source(self, symbol: str) -> Source | None:
        """Return what the symbol's past is known from, also while it is silent."""
        return self._sources.get(symbol)

    def is_fed(self, symbol: str) -> bool:
        """Tell whether the symbol's quotes come from its source now."""
        return symbol in self._sources and symbol not in self._silent_since

    def silent_since_ms(self, symbol: str) -> int | None:
        """Return since when a source has been silent, None while it speaks."""
        return self._silent_since.get(symbol)

    def command(self, symbol: str, bid: Decimal, ask: Decimal, now_ms: int) -> list[str]:
        """Take a quote set by command, and return the sources that fall silent.

        They are the symbol's own and those of the crosses made of it.
        """
        if symbol in self._repeated:
            self._repeated[symbol].command(bid, ask)
        silenced = [
            name
            for name, source in self._sources.items()
            if name == symbol or (isinstance(source, CrossSource) and symbol in source.legs)
        ]
        for name in silenced:
            self._silent_since.setdefault(name, now_ms)
        return silenced

    def revive(self) -> list[str]:
        """Let every source quote again, and return those that were silent."""
        silent = list(self._silent_since)
        self._silent_since.clear()
        for quote in self._repeated.values():
            quote.revive()
        return silent

    def due(self, now_ms: int, speed: float = 1) -> list[tuple[str, Tick]]:
        """Return the ticks up to now in order; after a long gap only each symbol's newest one.

        `speed` is the clock's: what a fast one leaves behind between two looks is no gap. A clock that was
        set back starts the feed anew.
        """
        late_ms = min(CATCH_UP_MS * max(speed, 1), CATCH_UP_MOST_MS)
        is_late = bool(self._due) and now_ms - self._due[0][0] > late_ms
        if is_late or now_ms < self._told_ms:
            return self._audible(self.start(now_ms))
        self._told_ms = now_ms
        ticks: list[tuple[str, Tick]] = []
        while self._due and self._due[0][0] <= now_ms:
            at_ms, symbol, tick = heapq.heappop(self._due)
            # What is repeated may have been commanded anew since this tick was armed.
            repeated = self._repeated.get(symbol)
            ticks.append((symbol, tick if repeated is None else repeated.tick(at_ms)))
            self._arm(symbol, at_ms)
        return self._audible(ticks)

    def _arm(self, symbol: str, at_ms: int) -> None:
        tick = self._live[symbol].after(at_ms)
        if tick is not None:
            heapq.heappush(self._due, (tick.at_ms, symbol, tick))

    def _audible(self, ticks: list[tuple[str, Tick]]) -> list[tuple[str, Tick]]:
        return [(symbol, tick) for symbol, tick in ticks if symbol not in self._silent_since]
