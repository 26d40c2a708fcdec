"""Market depth: what a buyer and a seller find beside the best price."""

from dataclasses import replace
from decimal import Decimal

from mt5fleet.simulator.instruments.catalogue import catalogue
from mt5fleet.simulator.prices.depth import depth_rows, levels
from mt5fleet.simulator.prices.quotes import Quote

EURUSD = replace(catalogue()["EURUSD"].spec, depth_levels=3)
QUOTE = Quote(bid=Decimal("1.10000"), ask=Decimal("1.10010"), time_ms=0)


def test_rows_go_from_the_highest_offer_to_the_lowest_bid() -> None:
    rows = depth_rows(replace(EURUSD, depth_lots=Decimal("2.5")), QUOTE, "1")

    assert rows == [
        [1, 1.10012, 2, 2.5],
        [1, 1.10011, 2, 2.5],
        [1, 1.1001, 2, 2.5],
        [2, 1.1, 2, 2.5],
        [2, 1.09999, 2, 2.5],
        [2, 1.09998, 2, 2.5],
    ]


def test_levels_begin_at_the_best_price_of_the_side() -> None:
    spec = replace(EURUSD, depth_lots=Decimal(1), tick_size=Decimal("0.00005"))

    assert [str(level.price) for level in levels(spec, QUOTE, buying=True, seed="1")] == [
        "1.10010",
        "1.10015",
        "1.10020",
    ]
    assert [str(level.price) for level in levels(spec, QUOTE, buying=False, seed="1")] == [
        "1.10000",
        "1.09995",
        "1.09990",
    ]


def test_shown_volumes_follow_from_the_seed() -> None:
    assert depth_rows(EURUSD, QUOTE, "1") == depth_rows(EURUSD, QUOTE, "1") != depth_rows(EURUSD, QUOTE, "2")
    assert all(0 < lots <= 50 for *_, lots in depth_rows(EURUSD, QUOTE, "1"))


def test_symbol_without_a_quote_has_no_depth() -> None:
    assert depth_rows(EURUSD, None, "1") == []


def test_prices_below_zero_are_not_offered() -> None:
    penny = Quote(bid=Decimal("0.00001"), ask=Decimal("0.00002"), time_ms=0)

    assert len(levels(EURUSD, penny, buying=False, seed="1")) == 1
