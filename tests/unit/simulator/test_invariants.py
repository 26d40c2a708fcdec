"""Whatever is done to an account in whatever order, its books add up and a restart agrees."""

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mt5fleet.simulator.accounts.books import AccountBook
from mt5fleet.simulator.clock import SteppedClock
from mt5fleet.simulator.codes import DealType, Entry, OrderType
from mt5fleet.simulator.host.control import command

SYMBOLS = ("EURUSD", "USDJPY", "EURGBP")
MIDS = {"EURUSD": 110_000, "USDJPY": 150_000, "EURGBP": 84_600}
DIGITS = {"EURUSD": 5, "USDJPY": 3, "EURGBP": 5}

LOTS = st.integers(1, 300).map(lambda steps: steps / 100)
OPENS = st.tuples(st.just("open"), st.sampled_from(SYMBOLS), st.sampled_from([0, 1]), LOTS)
CLOSES = st.tuples(st.just("close"), st.integers(0, 5), LOTS)
PENDINGS = st.tuples(st.just("pending"), st.sampled_from(SYMBOLS), st.integers(2, 5), st.integers(-900, 900))
STOPS = st.tuples(st.just("stops"), st.integers(0, 5), st.integers(-900, 900), st.integers(-900, 900))
REMOVALS = st.tuples(st.just("remove"), st.integers(0, 5))
MOVES = st.tuples(st.just("quote"), st.sampled_from(SYMBOLS), st.integers(-3000, 3000))
CASH = st.tuples(st.just("cash"), st.integers(-500_000, 500_000).filter(bool))
STEPS = st.lists(st.one_of(OPENS, OPENS, CLOSES, PENDINGS, STOPS, REMOVALS, MOVES, MOVES, CASH), max_size=40)


class _Recorded:
    """A journal in memory."""

    unsynced = 0

    def __init__(self) -> None:
        self.records: list[Any] = []

    def append(self, record: Any) -> None:
        self.records.append(record)

    def sync(self) -> None:
        return


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_books_add_up_after_any_sequence(make_desk: Any, steps: list[tuple[Any, ...]]) -> None:
    journal = _Recorded()
    desk = make_desk({"balance": "20000"}, journal=journal)

    for step in steps:
        _do(desk, *step)
        desk.step_ms(37)
        _require_sums(desk)

    again = make_desk({"balance": "20000"}, past=iter(journal.records), clock=desk.clock)
    assert _truth(again) == _truth(desk)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_two_runs_of_one_script_are_identical(make_desk: Any, steps: list[tuple[Any, ...]]) -> None:
    runs = []
    for _ in range(2):
        desk = make_desk(clock=SteppedClock(1_800_000_000_000), seed=5, default_prices="synthetic", prices={})
        for step in steps:
            _do(desk, *step)
            desk.step_ms(613)
        runs.append(_truth(desk))

    assert runs[0] == runs[1]


def _truth(desk: Any) -> Any:
    return command(desk.broker, "truth", {"login": desk.login})


def _do(desk: Any, verb: str, *arguments: Any) -> None:
    {
        "open": _open,
        "close": _close,
        "pending": _pend,
        "stops": _stops,
        "remove": _remove,
        "quote": _quote,
        "cash": _cash,
    }[verb](desk, *arguments)


def _open(desk: Any, symbol: str, side: int, lots: float) -> None:
    desk.market(OrderType(side), lots, symbol)


def _close(desk: Any, which: int, lots: float) -> None:
    ticket = _nth(desk.book.positions, which)
    if ticket:
        desk.close(ticket, min(lots, float(desk.book.positions[ticket].volume)))


def _pend(desk: Any, symbol: str, kind: int, points: int) -> None:
    price = float(_level(symbol, points))
    desk.pending(OrderType(kind), price, 0.5, symbol=symbol)


def _stops(desk: Any, which: int, stop: int, target: int) -> None:
    ticket = _nth(desk.book.positions, which)
    if ticket:
        symbol = desk.book.positions[ticket].symbol
        desk.broker.order_send(
            desk.login,
            {
                "action": 6,
                "position": ticket,
                "sl": float(_level(symbol, stop)),
                "tp": float(_level(symbol, target)),
            },
        )


def _remove(desk: Any, which: int) -> None:
    desk.broker.order_send(desk.login, {"action": 8, "order": _nth(desk.book.orders, which)})


def _quote(desk: Any, symbol: str, points: int) -> None:
    bid = _level(symbol, points)
    desk.quote(str(bid), str(bid + Decimal(10).scaleb(-DIGITS[symbol])), symbol)


def _cash(desk: Any, cents: int) -> None:
    amount = Decimal(cents) / 100
    if desk.broker.worth(desk.login).margin_free + amount >= 0:
        desk.broker.deposit(desk.login, amount)


def _level(symbol: str, points: int) -> Decimal:
    return Decimal(MIDS[symbol] + points).scaleb(-DIGITS[symbol])


def _nth(rows: dict[int, Any], which: int) -> int:
    return list(rows)[which % len(rows)] if rows else 0


def _require_sums(desk: Any) -> None:
    book: AccountBook = desk.book
    worth = desk.broker.worth(desk.login)
    valuation, terms = desk.broker.market.valuation, desk.broker.terms(desk.login)
    floating = sum((valuation.floating(position, terms) for position in book.positions.values()), Decimal(0))

    assert book.balance == sum((deal.cash for deal in book.deals.values()), Decimal(0))
    assert worth.equity == book.balance + book.credit + floating
    assert worth.margin_free == worth.equity - worth.margin
    tickets = [*book.deals, *book.history, *book.orders]
    assert len(set(tickets)) == len(tickets)
    assert set(book.orders).isdisjoint(book.history)
    _require_volumes(book)


def _require_volumes(book: AccountBook) -> None:
    """What deals opened and did not close is what is open."""
    left: dict[int, Decimal] = {}
    for deal in book.deals.values():
        if deal.type is not DealType.BALANCE:
            sign = 1 if deal.entry is Entry.IN else -1
            left[deal.position_id] = left.get(deal.position_id, Decimal(0)) + sign * deal.volume
    assert {ticket: volume for ticket, volume in left.items() if volume} == {
        position.identifier: position.volume for position in book.positions.values()
    }
