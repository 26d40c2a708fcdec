"""Profit, margin and conversion, against worked figures and against real records where they are present."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mt5fleet.simulator.accounts.money import Money, NoRateError, rounded
from mt5fleet.simulator.codes import OrderType
from mt5fleet.simulator.instruments.catalogue import catalogue
from mt5fleet.simulator.prices.quotes import Quote, QuoteBoard

RECORDS = Path(__file__).parents[4] / "shared" / "data" / "mt5"


@pytest.fixture
def board() -> QuoteBoard:
    return QuoteBoard()


@pytest.fixture
def money(board: QuoteBoard) -> Money:
    return Money([listing.spec for listing in catalogue().values()], board)


def _put(board: QuoteBoard, **quotes: tuple[str, str]) -> None:
    for symbol, (bid, ask) in quotes.items():
        board.put(symbol, Quote(bid=Decimal(bid), ask=Decimal(ask), time_ms=0))


def test_tick_values_of_a_euro_account_match_a_real_terminal(board: QuoteBoard, money: Money) -> None:
    """MetaQuotes-Demo, EURUSD 1.09137/1.09152: 0.91615 for profit, 0.91628 for loss."""
    _put(board, EURUSD=("1.09137", "1.09152"))

    assert float(money.received(Decimal(1), "USD", "EUR")) == pytest.approx(0.9161536206391089)
    assert -float(money.received(Decimal(-1), "USD", "EUR")) == pytest.approx(0.9162795385616245)


@pytest.mark.parametrize(
    ("amount", "currency", "wanted", "converted"),
    [
        ("100", "USD", "USD", "100"),
        ("15000", "JPY", "USD", "99.9933"),  # a profit buys dollars at ask 150.01
        ("-15000", "JPY", "USD", "-100"),  # a loss sells them at bid 150
        ("100", "GBP", "USD", "130"),
        ("-100", "GBP", "USD", "-130.02"),
        ("15001", "JPY", "EUR", "90.9008"),  # through USD, both sides paid
    ],
)
def test_amount_is_converted_at_the_side_the_account_pays(
    board: QuoteBoard, money: Money, amount: str, currency: str, wanted: str, converted: str
) -> None:
    _put(board, EURUSD=("1.10000", "1.10010"), GBPUSD=("1.30000", "1.30020"), USDJPY=("150.000", "150.010"))

    received = money.received(Decimal(amount), currency, wanted)

    assert float(received) == pytest.approx(float(converted), rel=1e-6)


def test_conversion_without_a_quote_is_an_error_and_not_zero(money: Money) -> None:
    with pytest.raises(NoRateError, match="USDJPY"):
        money.received(Decimal(1), "JPY", "USD")


def test_currency_without_symbols_is_an_error(money: Money) -> None:
    with pytest.raises(NoRateError, match="ZAR"):
        money.received(Decimal(1), "ZAR", "USD")


@pytest.mark.parametrize(
    ("symbol", "side", "profit"),
    [
        ("USDJPY", OrderType.BUY, Decimal("990.10")),  # 100,000 JPY at its own closing price, 101
        ("USDJPY", OrderType.SELL, Decimal("-990.10")),
        ("EURJPY", OrderType.BUY, Decimal("666.62")),  # at ask 150.01 of USDJPY
        ("EURJPY", OrderType.SELL, Decimal("-666.67")),  # at bid 150.00
        ("EURGBP", OrderType.BUY, Decimal("130.00")),  # 100 GBP at bid 1.30
        ("EURGBP", OrderType.SELL, Decimal("-130.02")),
        ("XAUUSD", OrderType.BUY, Decimal("100.00")),
    ],
)
def test_profit_of_one_lot_for_one_unit_up(
    board: QuoteBoard, money: Money, symbol: str, side: OrderType, profit: Decimal
) -> None:
    _put(board, USDJPY=("150.000", "150.010"), GBPUSD=("1.30000", "1.30020"))
    step = Decimal("0.001") if symbol == "EURGBP" else Decimal(1)
    opened = Decimal("100.000")

    value = money.profit(catalogue()[symbol].spec, side, Decimal(1), opened, opened + step, "USD")

    assert rounded(value, 2) == profit


def test_margin_is_taken_at_ask_for_buys_and_stays_what_it_was(desk: Any) -> None:
    ticket = desk.opened(OrderType.BUY, 1.0)
    assert desk.broker.worth(desk.login).margin == Decimal("1100.10")

    desk.quote("1.20000", "1.20010")

    assert desk.book.positions[ticket].rate_margin == Decimal("1.10010")
    assert desk.broker.worth(desk.login).margin == Decimal("1100.10")


@pytest.mark.parametrize(
    ("hedged_contract", "margin"), [("0", "1100.10"), ("50000", "1650.13"), ("100000", "2200.15")]
)
def test_hedged_volume_pays_the_hedged_rate(make_desk: Any, hedged_contract: str, margin: str) -> None:
    """Two lots long against one short: one lot in full, and one hedged pair at the symbol's rate."""
    desk = make_desk(symbols=[{"name": "EURUSD", "margin_hedged": hedged_contract}])
    desk.opened(OrderType.BUY, 2.0)
    desk.opened(OrderType.SELL, 1.0)

    assert float(desk.broker.worth(desk.login).margin) == pytest.approx(float(margin), abs=0.05)


def test_margin_of_a_leveraged_contract_follows_its_price(desk: Any) -> None:
    desk.opened(OrderType.BUY, 1.0, symbol="XAUUSD")

    assert desk.broker.worth(desk.login).margin == Decimal("2000.30")  # 100 oz * 2000.30 / 100


def test_profit_of_an_account_in_another_currency(make_desk: Any) -> None:
    desk = make_desk({"currency": "EUR"})
    desk.opened(OrderType.BUY, 1.0)

    desk.quote("1.11000", "1.11010")

    # 990 USD of profit at the closing price 1.11000
    assert desk.broker.worth(desk.login).profit == Decimal("891.89")


# --- real records: MIT licensed strategy tester deals; skipped where the folder is absent ---


@dataclass(frozen=True)
class _Closing:
    symbol: str
    side: OrderType
    volume: Decimal
    opened: Decimal
    price: Decimal
    profit: Decimal


@pytest.mark.parametrize(("name", "closed"), [("2maaos", 142), ("cot1", 124), ("bbrsi", 401)])
def test_every_profit_in_dollars_agrees_with_the_vendors_tester_to_the_cent(
    board: QuoteBoard, money: Money, name: str, closed: int
) -> None:
    """Symbols against the dollar, either way round; the rest needs quotes that the records do not have."""
    closings = list(_closings(name))
    for closing in closings:
        _put(board, **{closing.symbol: (str(closing.price), str(closing.price))})

    differing = [closing for closing in closings if _reckoned(money, closing) != closing.profit]

    assert len(closings) == closed
    assert differing == []


def _reckoned(money: Money, closing: _Closing) -> Decimal:
    spec = catalogue()[closing.symbol].spec
    profit = money.profit(spec, closing.side, closing.volume, closing.opened, closing.price, "USD")
    return rounded(profit, 2)


def _closings(name: str) -> Iterator[_Closing]:
    """Pair each closing deal with the first opening of the same symbol, side and volume."""
    path = RECORDS / f"tester_deals_{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")
    opened: dict[tuple[str, str, str], list[Decimal]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            symbol, volume, price = row["Symbol"][:6], row["Volume"], Decimal(row["Price"] or 0)
            if "USD" not in symbol:
                continue
            if row["Direction"] == "in":
                opened[symbol, row["Type"], volume].append(price)
                continue
            side = OrderType.BUY if row["Type"] == "sell" else OrderType.SELL
            waiting = opened[symbol, side.name.lower(), volume]
            if waiting:
                profit = Decimal(row["Profit"])
                yield _Closing(symbol, side, Decimal(volume), waiting.pop(0), price, profit)
