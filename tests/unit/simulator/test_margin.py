"""Margin of every calculation mode, hedged volume, margin rates, and the levels it is compared with."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mt5fleet.simulator.accounts.money import Money, hedged_lot_margin, lot_margin, price_worth
from mt5fleet.simulator.accounts.rows import Position
from mt5fleet.simulator.accounts.valuation import Valuation, Worth
from mt5fleet.simulator.codes import CalcMode, OrderType, Reason, Retcode
from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.quotes import Quote, QuoteBoard
from mt5fleet.simulator.terms.account import AccountTerms, LevelMode
from mt5fleet.simulator.trading.stop_out import is_below, is_margin_call

SPEC = SymbolSpec(
    name="THING",
    base="USD",
    profit="USD",
    margin="USD",
    digits=2,
    tick_size=Decimal("0.25"),
    contract_size=Decimal(50),
)
PRICE = Decimal(4000)


@pytest.mark.parametrize(
    ("mode", "terms", "margin"),
    [
        (CalcMode.FOREX, {}, "0.5"),  # 50 / 100
        (CalcMode.FOREX_NO_LEVERAGE, {}, "50"),
        (CalcMode.CFD, {}, "200000"),  # 50 * 4000
        (CalcMode.CFD_LEVERAGE, {}, "2000"),
        (CalcMode.CFD_INDEX, {"tick_value": "12.5"}, "10000000"),  # * 12.5 / 0.25
        (CalcMode.CFD_INDEX, {}, "200000"),
        (CalcMode.FUTURES, {"margin_initial": "1300"}, "1300"),
        (CalcMode.FUTURES, {}, "0"),
        (CalcMode.EXCHANGE_FUTURES, {"margin_initial": "1300"}, "1300"),
        (CalcMode.EXCHANGE_STOCKS, {}, "200000"),
        (CalcMode.EXCHANGE_STOCKS_MOEX, {}, "200000"),
        (CalcMode.CFD, {"margin_initial": "700"}, "700"),  # replaces the formula
        (CalcMode.FOREX, {"margin_initial": "700"}, "7"),  # and is divided by the leverage here
        (CalcMode.CFD_LEVERAGE, {"margin_initial": "700"}, "7"),
    ],
)
def test_margin_of_one_lot(mode: CalcMode, terms: dict[str, str], margin: str) -> None:
    assert lot_margin(_spec(mode, terms), PRICE, 100) == Decimal(margin)


def test_every_calculation_mode_has_a_margin() -> None:
    margins = {mode: lot_margin(_spec(mode, {}), PRICE, 100) for mode in CalcMode}

    assert all(margin >= 0 for margin in margins.values())


def test_maintenance_margin_is_what_an_open_position_pays() -> None:
    spec = _spec(CalcMode.FUTURES, {"margin_initial": "1300", "margin_maintenance": "900"})

    assert lot_margin(spec, PRICE, 100) == 1300
    assert lot_margin(spec, PRICE, 100, maintained=True) == 900


def test_hedged_margin_is_money_beside_a_fixed_margin_and_a_contract_size_otherwise() -> None:
    by_size = _spec(CalcMode.CFD, {"margin_hedged": "25"})
    by_money = _spec(CalcMode.CFD, {"margin_hedged": "25", "margin_initial": "700"})

    assert hedged_lot_margin(by_size, PRICE, 100) == 25 * PRICE
    assert hedged_lot_margin(by_money, PRICE, 100) == 25


@pytest.mark.parametrize(
    ("mode", "tick_value", "worth"),
    [
        (CalcMode.FUTURES, "12.5", "50"),  # 12.5 each 0.25
        (CalcMode.EXCHANGE_FUTURES, "5", "20"),
        (CalcMode.FUTURES, "0", "50"),  # no tick value: the contract size
        (CalcMode.CFD_INDEX, "5", "50"),
        (CalcMode.EXCHANGE_STOCKS, "5", "50"),
    ],
)
def test_futures_earn_their_tick_value_and_the_rest_the_contract_size(
    mode: CalcMode, tick_value: str, worth: str
) -> None:
    assert price_worth(_spec(mode, {"tick_value": tick_value})) == Decimal(worth)


def test_margin_rate_of_the_side_is_charged(make_desk: Any) -> None:
    symbol = {"name": "XAUUSD", "margin_rate_long": "0.5", "margin_rate_short": "2", "margin_hedged": "0"}
    desk = make_desk(symbols=[symbol])

    desk.opened(OrderType.BUY, 1.0, symbol="XAUUSD")
    assert desk.broker.worth(desk.login).margin == Decimal("1000.15")  # half of 2000.30

    desk.opened(OrderType.SELL, 3.0, symbol="XAUUSD")
    assert desk.broker.worth(desk.login).margin == Decimal("8000.00")  # 2 lots uncovered, twice 2000.00 each


def test_larger_leg_pays_in_full_and_the_other_nothing(make_desk: Any) -> None:
    desk = make_desk(symbols=[{"name": "XAUUSD", "margin_hedged_use_leg": True, "margin_hedged": "100"}])
    desk.opened(OrderType.BUY, 1.0, symbol="XAUUSD")
    desk.opened(OrderType.SELL, 3.0, symbol="XAUUSD")

    assert desk.broker.worth(desk.login).margin == Decimal("6000.00")


def test_new_order_needs_the_initial_margin_and_then_holds_the_maintenance_margin(make_desk: Any) -> None:
    symbol = {"name": "XAUUSD", "margin_initial": "90000", "margin_maintenance": "40000"}
    desk = make_desk({"leverage": 1}, symbols=[symbol])  # 100,000 of balance

    desk.opened(OrderType.BUY, 1.0, symbol="XAUUSD")
    worth = desk.broker.worth(desk.login)
    refused = desk.market(OrderType.BUY, 1.0, symbol="XAUUSD")

    assert worth.margin == 40_000
    assert worth.margin_free < 90_000
    assert refused.retcode is Retcode.NO_MONEY


def test_margin_in_a_third_currency_goes_through_both_quotes(make_desk: Any) -> None:
    desk = make_desk({"currency": "JPY", "currency_digits": 0, "balance": "10000000"})

    desk.opened(OrderType.BUY, 1.0)  # EURUSD: 1,000 EUR at ask 1.10010 and ask 150.010

    assert desk.broker.worth(desk.login).margin == Decimal(165_026)


@pytest.mark.parametrize("trades", [1, 7, 40])
def test_remembered_totals_equal_those_reckoned_anew(make_desk: Any, trades: int) -> None:
    desk = make_desk({"currency": "EUR", "balance": "5000000"})
    symbols = ("EURUSD", "USDJPY", "EURGBP", "XAUUSD")
    for number in range(trades):
        symbol = symbols[number % 4]
        ticket = desk.opened(OrderType(number // 4 % 2), 0.5 + number % 3 / 2, symbol=symbol)
        if number % 3 == 0:
            desk.quote(f"{1.1 + number / 10_000:.5f}", f"{1.1002 + number / 10_000:.5f}")
        if number % 5 == 0:
            desk.close(ticket, 0.25)
        worth = desk.broker.worth(desk.login)
        anew = desk.broker.market.valuation.worth_of(
            desk.book.positions.values(), desk.book.balance, desk.book.credit, desk.broker.terms(desk.login)
        )
        assert worth == anew


def test_floating_total_follows_more_changes_than_it_remembers(make_desk: Any) -> None:
    desk = make_desk({"balance": "90000000"})
    desk.opened(OrderType.BUY, 1.0)
    before = desk.broker.worth(desk.login).profit
    book, valuation = desk.book, desk.broker.market.valuation
    position = next(iter(book.positions.values()))

    for number in range(200):
        book.apply(replace(position, ticket=position.ticket + 1_000 + number, volume=Decimal("0.10")))

    assert before == -10
    assert valuation.worth(book, desk.broker.terms(desk.login)).profit == -10 - 200


def test_worth_of_nothing_is_the_balance() -> None:
    board = QuoteBoard()
    valuation = Valuation({"THING": SPEC}, board, Money([SPEC], board))

    worth = valuation.worth_of([], Decimal(100), Decimal(5), AccountTerms(login=1))

    assert (worth.equity, worth.margin, worth.margin_level_percent) == (105, 0, 0)


def test_futures_position_is_valued_by_its_tick_value() -> None:
    spec = _spec(CalcMode.FUTURES, {"tick_value": "12.5", "margin_initial": "1300"})
    board = QuoteBoard()
    board.put("THING", Quote(bid=Decimal("4001.00"), ask=Decimal("4001.25"), time_ms=0))
    valuation = Valuation({"THING": spec}, board, Money([spec], board))
    position = Position(
        ticket=1,
        identifier=1,
        symbol="THING",
        type=OrderType.BUY,
        volume=Decimal(2),
        price_open=PRICE,
        rate_margin=Decimal(1),
        time_ms=0,
        time_update_ms=0,
    )

    worth = valuation.worth_of([position], Decimal(5000), Decimal(0), AccountTerms(login=1))

    assert (worth.profit, worth.margin) == (100, 2600)  # four ticks of 12.5 for each of two lots


@pytest.mark.parametrize(
    ("mode", "level", "equity", "margin", "below"),
    [
        (LevelMode.PERCENT, "50", "499.99", "1000", True),
        (LevelMode.PERCENT, "50", "500", "1000", False),  # at the level is not below it
        (LevelMode.PERCENT, "0", "-1", "1000", True),
        (LevelMode.PERCENT, "50", "0", "0", True),  # fully hedged: only what is left counts
        (LevelMode.PERCENT, "50", "0.01", "0", False),
        (LevelMode.MONEY, "200", "1199.99", "1000", True),  # free margin
        (LevelMode.MONEY, "200", "1200", "1000", False),
    ],
)
def test_level_is_compared_in_percent_or_money(
    mode: LevelMode, level: str, equity: str, margin: str, below: bool
) -> None:
    worth = Worth(balance=Decimal(equity), credit=Decimal(0), profit=Decimal(0), margin=Decimal(margin))

    assert is_below(worth, Decimal(level), mode) is below


def test_margin_call_warns_before_the_stop_out_closes(make_desk: Any) -> None:
    desk = make_desk({"balance": "3000", "margin_call_level": "100", "stop_out_level": "50"})
    ticket = desk.opened(volume=2.0)  # margin 2200.20

    desk.quote("1.09500", "1.09510")  # loss 1020: equity 1980

    assert is_margin_call(desk.broker.worth(desk.login), desk.broker.terms(desk.login))
    assert ticket in desk.book.positions


def test_stop_out_in_money_compares_the_free_margin(make_desk: Any) -> None:
    desk = make_desk({"balance": "3000", "stop_out_mode": "money", "stop_out_level": "500"})
    ticket = desk.opened(volume=2.0)  # margin 2200.20: 779.80 free after the spread

    desk.quote("1.09861", "1.09871")
    assert ticket in desk.book.positions  # 501.80 free

    desk.quote("1.09860", "1.09870")
    assert ticket not in desk.book.positions  # 499.80 free
    assert list(desk.book.deals.values())[-1].reason is Reason.STOP_OUT


def test_stop_out_sees_a_conversion_that_moved(make_desk: Any) -> None:
    """A loss in dollars grows for a euro account when the euro falls, without a quote of the position."""
    desk = make_desk({"balance": "600", "stop_out_level": "50", "leverage": 500, "currency": "EUR"})
    ticket = desk.opened(OrderType.BUY, 1.0, symbol="GBPUSD")  # spread: 20 USD = 18.18 EUR
    desk.quote("1.29500", "1.29520", symbol="GBPUSD")  # loss 520 USD = 472.73 EUR at 1.10
    assert ticket in desk.book.positions

    desk.quote("1.00000", "1.00010")  # the same dollars are 520 EUR now

    assert ticket not in desk.book.positions


def test_credit_carries_positions_but_is_no_balance(make_desk: Any) -> None:
    desk = make_desk({"balance": "100", "credit": "2000"})

    desk.opened(volume=1.0)

    worth = desk.broker.worth(desk.login)
    assert (worth.balance, worth.credit, worth.equity) == (100, 2000, 2090)
    desk.broker.reset()
    assert (desk.book.balance, desk.book.credit) == (100, 2000)


def _spec(mode: CalcMode, terms: dict[str, str]) -> SymbolSpec:
    return replace(SPEC, calc_mode=mode, **{name: Decimal(value) for name, value in terms.items()})
