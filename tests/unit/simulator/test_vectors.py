"""Watch lists and vectors find all that a quote sets off, and nothing else."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.accounts.rows import Order
from mt5fleet.simulator.broker import Broker
from mt5fleet.simulator.clock import SteppedClock
from mt5fleet.simulator.codes import OrderState, OrderType, Reason
from mt5fleet.simulator.config import parse_config
from mt5fleet.simulator.host.control import command
from mt5fleet.simulator.prices.quotes import Quote
from mt5fleet.simulator.trading.levels import order_levels
from mt5fleet.simulator.trading.stop_out import is_stop_out
from mt5fleet.simulator.trading.triggers import order_is_reached, stop_reached
from mt5fleet.simulator.trading.watchlist import TIDY_MIN, Move, Watchlist

CURRENCIES = ("USD", "EUR", "JPY", "GBP")
MIDS = {"EURUSD": 1.10005, "GBPUSD": 1.3001, "USDJPY": 150.005, "XAUUSD": 2000.15, "EURGBP": 0.8461}
DIGITS = {"EURUSD": 5, "GBPUSD": 5, "USDJPY": 3, "XAUUSD": 2, "EURGBP": 5}


class _Crowd:
    """Accounts in several currencies with too little money, on prices that move too much."""

    def __init__(self, seed: int, accounts: int = 40) -> None:
        self._chance = Random(seed)
        self.clock = SteppedClock(1_800_000_000_000)
        entries: dict[str, Any] = {
            "default_prices": "none",
            "accounts": [_account(number) for number in range(accounts)],
            "symbols": [{"name": "XAUUSD", "swap_mode": 1, "swap_long": "-900", "swap_short": "-900"}],
        }
        self.broker = Broker(parse_config(entries), clock=self.clock)
        self.mids = dict(MIDS)
        for symbol in MIDS:
            self.move(symbol)

    def move(self, symbol: str, share: float = 0.004) -> None:
        self.mids[symbol] *= 1 + self._chance.gauss(0, share)
        half = self.mids[symbol] * 0.00005
        grain = Decimal(1).scaleb(-DIGITS[symbol])
        bid, ask = (Decimal(self.mids[symbol] + side * half).quantize(grain) for side in (-1, 1))
        self.broker.set_quote(symbol, bid, ask)

    def trade(self, login: int) -> None:
        symbol = self._chance.choice(list(MIDS))
        kind = OrderType(self._chance.choice([0, 1, 0, 1, 2, 3, 4, 5, 6, 7]))
        self.broker.order_send(login, self._request(symbol, kind))
        self._meddle(login)

    def _request(self, symbol: str, kind: OrderType) -> dict[str, Any]:
        away = self.mids[symbol] * self._chance.uniform(0.002, 0.02)
        up = kind in (OrderType.SELL_LIMIT, OrderType.BUY_STOP, OrderType.BUY_STOP_LIMIT)
        price = self.mids[symbol] + (away if up else -away)
        stop = away if kind.side is OrderType.BUY else -away
        fields: dict[str, Any] = {
            "action": 1 if kind.is_market else 5,
            "symbol": symbol,
            "type": int(kind),
            "volume": self._chance.choice([0.1, 0.2, 0.5]),
            "type_filling": 1 if kind.is_market else 2,
        }
        level = self.mids[symbol] if kind.is_market else price
        if not kind.is_market:
            fields["price"] = round(price, DIGITS[symbol])
        if kind in (OrderType.BUY_STOP_LIMIT, OrderType.SELL_STOP_LIMIT):
            level = price - stop
            fields["stoplimit"] = round(level, DIGITS[symbol])
        if self._chance.random() < 0.6:
            fields["sl"] = round(level - stop, DIGITS[symbol])
        if self._chance.random() < 0.6:
            fields["tp"] = round(level + 2 * stop, DIGITS[symbol])
        return fields

    def _meddle(self, login: int) -> None:
        """Move or remove the stops of a position now and then, close one, or part of one."""
        book = self.broker.market.books.account(login)
        if not book.positions or self._chance.random() < 0.5:
            return
        position = self._chance.choice(list(book.positions.values()))
        if self._chance.random() < 0.3:
            fields = {"action": 1, "symbol": position.symbol, "type": int(position.type.opposite)}
            volume = float(position.volume) if self._chance.random() < 0.5 else 0.1
            self.broker.order_send(
                login, fields | {"position": position.ticket, "volume": volume, "type_filling": 1}
            )
            return
        away = self.mids[position.symbol] * self._chance.uniform(0.001, 0.01)
        stop = self.mids[position.symbol] + (-away if position.type is OrderType.BUY else away)
        stops = {"sl": round(stop, DIGITS[position.symbol]), "tp": 0.0}
        self.broker.order_send(login, {"action": 6, "position": position.ticket, **stops})


def _account(number: int) -> dict[str, Any]:
    currency = CURRENCIES[number % len(CURRENCIES)]
    balance = 300 + 40 * number
    return {
        "login": 2001 + number,
        "currency": currency,
        "currency_digits": 0 if currency == "JPY" else 2,
        "balance": str(balance * 150 if currency == "JPY" else balance),
        "leverage": 200,
        "stop_out_mode": "money" if number % 3 == 0 else "percent",
        "stop_out_level": "20" if number % 3 == 0 else "40",
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_each_quote_nothing_is_left_that_should_have_happened(seed: int) -> None:
    crowd, chance = _Crowd(seed), Random(seed)
    seen: set[Reason] = set()

    for number in range(500):
        crowd.trade(2001 + number % 40)
        symbol = chance.choice(list(MIDS))
        before = {book.login: set(book.deals) for book in crowd.broker.market.books.accounts()}
        crowd.move(symbol)
        for book in crowd.broker.market.books.accounts():
            _require_nothing_due(crowd.broker, book, symbol)
            seen |= _reasons(book, before[book.login])
        if number % 100 == 50:
            crowd.clock.step_ms(86_400_000)
            crowd.broker.advance()

    assert {Reason.STOP_LOSS, Reason.TAKE_PROFIT, Reason.STOP_OUT, Reason.EXPERT} <= seen


def _require_nothing_due(broker: Broker, book: AccountBook, quoted: str) -> None:
    quote = broker.market.quote(quoted)
    assert quote is not None
    for position in book.positions.values():
        assert position.symbol != quoted or stop_reached(position, quote) is None
    for order in book.orders.values():
        # A stop-limit order that has just become a limit waits for the next quote.
        if order.symbol == quoted and not order.price_stoplimit:
            assert not order_is_reached(order, quote)
    assert not is_stop_out(broker.worth(book.login), broker.terms(book.login)) or not book.positions


def _reasons(book: AccountBook, known: set[int]) -> set[Reason]:
    return {deal.reason for ticket, deal in book.deals.items() if ticket not in known}


def test_stop_out_happens_only_below_the_level() -> None:
    crowd = _Crowd(9)
    for number in range(400):
        crowd.trade(2001 + number % 40)
        crowd.move("XAUUSD", 0.008)

    stopped = [
        (broker_terms, deal.comment)
        for book in crowd.broker.market.books.accounts()
        for deal in book.deals.values()
        for broker_terms in [crowd.broker.terms(book.login)]
        if deal.reason is Reason.STOP_OUT
    ]

    assert stopped
    for terms, comment in stopped:
        level, equity, margin = (
            Decimal(part) for part in comment.removeprefix("so ").replace("%", "").split("/")
        )
        if terms.stop_out_mode == "money":
            assert equity - margin < terms.stop_out_level
        elif margin:
            assert level <= terms.stop_out_level


def test_two_crowds_with_one_seed_are_identical() -> None:
    truths = []
    for _ in range(2):
        crowd = _Crowd(4, accounts=12)
        for number in range(150):
            crowd.trade(2001 + number % 12)
            crowd.move(list(MIDS)[number % 5])
        truths.append([command(crowd.broker, "truth", {"login": 2001 + number}) for number in range(12)])

    assert truths[0] == truths[1]


def test_restarted_broker_watches_what_the_journal_tells(make_desk: Any, journal: Any) -> None:
    desk = make_desk(journal=journal)
    stopped, target = desk.opened(sl=1.09), desk.opened(OrderType.SELL, tp=1.08)
    waiting = desk.placed(OrderType.BUY_LIMIT, 1.07)

    again = make_desk(past=journal.replay(), clock=desk.clock)
    again.quote("1.08500", "1.08510")
    assert list(again.book.positions) == [target]

    again.quote("1.06980", "1.06990")
    assert target not in again.book.positions
    assert (waiting in again.book.positions, stopped in again.book.positions) == (True, False)


def test_account_that_was_reset_sets_nothing_off(make_desk: Any) -> None:
    desk = make_desk()
    desk.opened(sl=1.09, volume=5.0)
    desk.placed(OrderType.BUY_LIMIT, 1.07)

    desk.broker.reset(desk.login)
    desk.quote("1.00000", "1.00010")

    assert [deal.comment for deal in desk.book.deals.values()] == ["deposit"]


def test_positions_before_a_reset_hide_no_stop_out_after_it(make_desk: Any) -> None:
    desk = make_desk({"balance": "3000", "stop_out_level": "50", "leverage": 500})
    desk.opened(OrderType.SELL, 5.0, sl=1.2)
    desk.placed(OrderType.SELL_LIMIT, 1.3)
    desk.broker.reset(desk.login)
    ticket = desk.opened(OrderType.BUY, 1.0)  # margin 220

    desk.quote("1.07000", "1.07010")  # loss 3010

    assert ticket not in desk.book.positions
    reactions = desk.broker._reactions
    assert (reactions._stops._known, reactions._orders._known) == ({}, {})


def test_more_accounts_than_the_vectors_first_hold() -> None:
    crowd = _Crowd(5, accounts=150)
    for login in range(2001, 2151):
        fields = {"action": 1, "symbol": "EURUSD", "type": 0, "volume": 0.2, "type_filling": 1}
        crowd.broker.order_send(login, fields)

    crowd.broker.set_quote("EURUSD", Decimal("0.50000"), Decimal("0.50010"))

    assert all(not book.positions for book in crowd.broker.market.books.accounts())


def test_watch_list_names_each_ticket_once_in_order() -> None:
    watchlist = Watchlist()
    watchlist.watch("EURUSD", 1, 20, ((Move.BID_FALLS, Decimal("1.1")), (Move.ASK_RISES, Decimal("1.0"))))
    watchlist.watch("EURUSD", 2, 10, ((Move.BID_FALLS, Decimal("1.2")),))
    watchlist.watch("EURUSD", 3, 30, ())  # awake: takes every quote
    watchlist.watch("GBPUSD", 3, 40, ((Move.BID_FALLS, Decimal("9.9")),))

    assert watchlist.reached("EURUSD", _quote("1.1", "1.1001")) == [(10, 2), (20, 1), (30, 3)]
    assert watchlist.reached("EURUSD", _quote("1.1", "1.1001")) == [(10, 2), (20, 1), (30, 3)]


def test_moved_and_dropped_levels_are_not_reached() -> None:
    watchlist = Watchlist()
    for price in ("1.1", "1.2", "1.0", "1.2", "1.0"):
        watchlist.watch("EURUSD", 1, 20, ((Move.BID_FALLS, Decimal(price)),))
    watchlist.watch("EURUSD", 1, 21, ((Move.ASK_FALLS, Decimal("1.2")),))
    watchlist.watch("EURUSD", 1, 22, ())
    watchlist.drop(21)
    watchlist.drop(22)

    assert watchlist.reached("EURUSD", _quote("1.1", "1.1001")) == []
    assert watchlist.reached("EURUSD", _quote("1.0", "1.0001")) == [(20, 1)]


def test_trailing_stop_does_not_fill_the_heap() -> None:
    watchlist = Watchlist()
    for step in range(20 * TIDY_MIN):
        watchlist.watch("EURUSD", 1, 20, ((Move.BID_FALLS, Decimal(step) / 100_000),))

    assert len(watchlist._symbols["EURUSD"].heaps[Move.BID_FALLS].entries) <= TIDY_MIN
    assert watchlist.reached("EURUSD", _quote("0.00001", "1")) == [(20, 1)]


@pytest.mark.parametrize(
    ("kind", "state", "is_awake"),
    [
        (OrderType.BUY, OrderState.PARTIAL, True),
        (OrderType.BUY_STOP, OrderState.PARTIAL, True),
        (OrderType.BUY_STOP, OrderState.PLACED, False),
        (OrderType.SELL_LIMIT, OrderState.PARTIAL, False),
    ],
)
def test_order_in_part_filled_waits_for_its_price_only_if_it_is_a_limit(
    kind: OrderType, state: OrderState, is_awake: bool
) -> None:
    order = Order(
        ticket=1,
        symbol="EURUSD",
        type=kind,
        state=state,
        volume_initial=Decimal(2),
        volume_current=Decimal(1),
        price_open=Decimal("1.1"),
        time_setup_ms=0,
    )

    assert (order_levels(order) == ()) is is_awake


def _quote(bid: str, ask: str) -> Quote:
    return Quote(bid=Decimal(bid), ask=Decimal(ask), time_ms=0)
