"""The market's depth: what is on offer at each price level beside the best one."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.quotes import Quote

BOOK_SELL = 1  # BOOK_TYPE_SELL: offers, a buyer takes them
BOOK_BUY = 2  # BOOK_TYPE_BUY

SHOWN_LOTS_MAX = 50
"""Lots shown at one level where any volume is filled, so that the book is not empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A price and the volume on offer there."""

    price: Decimal
    lots: Decimal


def levels(spec: SymbolSpec, quote: Quote, *, buying: bool, seed: str) -> tuple[Level, ...]:
    """Return what a buyer (or seller) finds, best price first, one tick size apart.

    With `depth_lots` each level holds exactly that; without, the volumes are for show and follow from
    the seed, the side and the price.
    """
    best, step = (quote.ask, spec.tick_size) if buying else (quote.bid, -spec.tick_size)
    prices = (best + step * place for place in range(spec.depth_levels))
    return tuple(
        Level(price=price, lots=spec.depth_lots or _shown_lots(spec, price, f"{seed}/depth/{spec.name}"))
        for price in prices
        if price > 0
    )


def depth_rows(spec: SymbolSpec, quote: Quote | None, seed: str) -> list[list[int | float]]:
    """Return the rows of `market_book_get`: type, price, volume, volume_dbl; highest price first.

    Source: reference of the package MetaTrader5, "market_book_get".
    """
    if quote is None:
        return []
    offers = levels(spec, quote, buying=True, seed=seed)[::-1]
    bids = levels(spec, quote, buying=False, seed=seed)
    return [_row(BOOK_SELL, level) for level in offers] + [_row(BOOK_BUY, level) for level in bids]


def _row(side: int, level: Level) -> list[int | float]:
    return [side, float(level.price), max(1, int(level.lots)), float(level.lots)]


def _shown_lots(spec: SymbolSpec, price: Decimal, seed: str) -> Decimal:
    chance = Random(f"{seed}/{price}")
    return spec.volume_min_lots * chance.randint(1, int(SHOWN_LOTS_MAX / spec.volume_min_lots))
