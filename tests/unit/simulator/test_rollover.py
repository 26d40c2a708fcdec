"""Swaps at the end of the server's day: how much, how often, and exactly once."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mt5fleet.simulator.accounts.charges import charges, swap_moved
from mt5fleet.simulator.accounts.money import rounded
from mt5fleet.simulator.accounts.rows import ZERO
from mt5fleet.simulator.codes import Entry, OrderType, Reason
from mt5fleet.simulator.host.journal import FileJournal
from mt5fleet.simulator.instruments.catalogue import catalogue
from mt5fleet.simulator.prices.quotes import DAY_MS
from mt5fleet.simulator.terms.account import AccountTerms
from mt5fleet.simulator.terms.symbol import CommissionOn, Weekday
from mt5fleet.simulator.trading.rollover import nights_of

RECORDS = Path(__file__).parents[4] / "shared" / "data" / "mt5"
HOUR_MS = 3_600_000
TO_MIDNIGHT_MS = 14 * HOUR_MS  # the desk starts on a Friday at 10:00 server time
FRIDAY = 20_833
"""The server day on which the desk starts, in days since 1970-01-01."""

POINTS = {"name": "EURUSD", "swap_mode": 1, "swap_long": "-7.5", "swap_short": "1.3"}


def test_swap_is_booked_when_the_servers_day_ends(make_desk: Any) -> None:
    desk = make_desk(symbols=[POINTS])
    long, short = desk.opened(OrderType.BUY, 1.0), desk.opened(OrderType.SELL, 0.5)

    desk.step_ms(TO_MIDNIGHT_MS - 1)
    assert _swaps(desk) == {long: ZERO, short: ZERO}

    desk.step_ms(1)
    assert _swaps(desk) == {long: Decimal("-7.50"), short: Decimal("0.65")}
    worth = desk.broker.worth(desk.login)
    assert worth.profit == Decimal("-10.00") + Decimal("-5.00") + Decimal("-6.85")


def test_day_is_booked_once_however_often_one_looks(make_desk: Any) -> None:
    desk = make_desk(symbols=[POINTS])
    ticket = desk.opened()

    for _ in range(5):
        desk.step_ms(TO_MIDNIGHT_MS // 3)

    assert _swaps(desk) == {ticket: Decimal("-7.50")}


def test_clock_that_jumped_over_days_books_each_of_them(make_desk: Any) -> None:
    """Friday, Monday and Tuesday count once, Wednesday three times, the weekend not at all."""
    desk = make_desk(symbols=[POINTS])
    ticket = desk.opened()

    desk.step_ms(TO_MIDNIGHT_MS + 5 * DAY_MS)

    assert _swaps(desk) == {ticket: Decimal("-7.50") * 6}


def test_account_is_worth_its_swaps_and_no_more_when_some_have_left(make_desk: Any) -> None:
    desk = make_desk(symbols=[POINTS])
    first, second = desk.opened(OrderType.BUY, 2.0), desk.opened(OrderType.BUY, 1.0)

    desk.step_ms(TO_MIDNIGHT_MS + 3 * DAY_MS)
    assert desk.broker.worth(desk.login).profit == -30 - 45

    desk.close(first, 1.0)
    desk.close(second, 1.0)
    assert desk.broker.worth(desk.login).profit == -10 - 15


def test_day_without_positions_is_noted_once(make_desk: Any, journal: FileJournal) -> None:
    desk = make_desk(journal=journal)
    for _ in range(30):
        desk.step_ms(HOUR_MS)

    days = [record["day"] for record in journal.replay() if record["kind"] == "rollover"]

    assert days == [FRIDAY - 1, FRIDAY]  # where the count begins, and the one that ended


def test_position_opened_after_midnight_pays_nothing_for_the_night_before(make_desk: Any) -> None:
    desk = make_desk(symbols=[POINTS])
    desk.step_ms(TO_MIDNIGHT_MS + 3 * DAY_MS)

    ticket = desk.opened()

    assert _swaps(desk) == {ticket: ZERO}
    desk.step_ms(DAY_MS)
    assert _swaps(desk) == {ticket: Decimal("-7.50")}


def test_broker_that_was_down_over_midnight_books_when_it_is_back(
    make_desk: Any, journal: FileJournal
) -> None:
    desk = make_desk(journal=journal, symbols=[POINTS])
    ticket = desk.opened()
    desk.clock.step_ms(TO_MIDNIGHT_MS + 3 * DAY_MS)  # nobody looks: Friday's night passes, and Monday's

    again = make_desk(journal=journal, past=journal.replay(), clock=desk.clock, symbols=[POINTS])
    again.broker.advance()
    assert _swaps(again) == {ticket: Decimal("-15.00")}

    third = make_desk(past=journal.replay(), clock=desk.clock, symbols=[POINTS])
    third.broker.advance()
    assert _swaps(third) == _swaps(again)


def test_rollover_is_one_record_so_that_a_crash_cannot_split_it(make_desk: Any, journal: FileJournal) -> None:
    accounts = [{"login": login, "balance": "100000"} for login in (1001, 1002)]
    desk = make_desk(journal=journal, symbols=[POINTS], accounts=accounts)
    desk.opened()
    desk.login = 1002
    desk.opened()

    desk.step_ms(TO_MIDNIGHT_MS)

    last = list(journal.replay())[-1]
    assert (last["kind"], last["day"]) == ("rollover", FRIDAY)
    assert [record["login"] for record in last["transactions"]] == [1001, 1002]


def test_clock_that_was_set_back_books_no_day_twice(make_desk: Any) -> None:
    desk = make_desk(symbols=[POINTS])
    ticket = desk.opened()
    desk.step_ms(TO_MIDNIGHT_MS)

    desk.broker.market.server_time.shift_ms = -HOUR_MS
    desk.step_ms(1000)
    desk.broker.market.server_time.shift_ms = 0
    desk.step_ms(1000)

    assert _swaps(desk) == {ticket: Decimal("-7.50")}


@pytest.mark.parametrize(
    ("symbol", "terms", "long", "short"),
    [
        # 100,000 * 0.00001 * -2 USD, which are JPY at bid 150.000 for a loss; the gain at ask 150.010
        ("USDJPY", {"swap_mode": 1, "swap_long": "-3", "swap_short": "3"}, "-2.00", "2.00"),
        # one EUR, for a loss at ask 1.10010
        ("EURUSD", {"swap_mode": 2, "swap_long": "-1", "swap_short": "1"}, "-1.10", "1.10"),
        ("EURUSD", {"swap_mode": 3, "swap_long": "-2", "swap_short": "2"}, "-2.20", "2.20"),
        ("EURGBP", {"swap_mode": 4, "swap_long": "-2.5", "swap_short": "1.25"}, "-2.50", "1.25"),
        # 3.6 % a year of 110,000 USD at bid, of 110,010 at ask
        ("EURUSD", {"swap_mode": 5, "swap_long": "-3.6", "swap_short": "3.6"}, "-11.00", "11.00"),
        ("EURUSD", {"swap_mode": 6, "swap_long": "-36", "swap_short": "36"}, "-110.01", "110.00"),
        ("EURUSD", {"swap_mode": 0, "swap_long": "-36", "swap_short": "36"}, "0", "0"),
    ],
)
def test_swap_of_one_lot_in_each_mode(
    make_desk: Any, symbol: str, terms: dict[str, Any], long: str, short: str
) -> None:
    desk = make_desk(symbols=[{"name": symbol, **terms}])
    bought = desk.opened(OrderType.BUY, 1.0, symbol=symbol)
    sold = desk.opened(OrderType.SELL, 1.0, symbol=symbol)

    desk.step_ms(TO_MIDNIGHT_MS)

    assert _swaps(desk) == {bought: Decimal(long), sold: Decimal(short)}


@pytest.mark.parametrize("mode", [7, 8])
def test_reopening_moves_the_price_and_keeps_the_identifier(make_desk: Any, mode: int) -> None:
    symbol = {"name": "EURUSD", "swap_mode": mode, "swap_long": "-10", "swap_short": "4"}
    desk = make_desk(symbols=[symbol])
    ticket = desk.opened(OrderType.BUY, 1.0, sl=1.05, magic=7)
    desk.quote("1.10200", "1.10210")

    desk.step_ms(TO_MIDNIGHT_MS)

    (position,) = desk.book.positions.values()
    out, entered = list(desk.book.deals.values())[-2:]
    assert position.ticket != ticket
    assert (position.identifier, position.magic, position.sl) == (ticket, 7, Decimal("1.05000"))
    assert position.price_open == Decimal("1.10210")  # closed at bid 1.10200, ten points worse
    assert (out.entry, out.reason, out.profit) == (Entry.OUT, Reason.ROLLOVER, Decimal("190.00"))
    assert (entered.entry, entered.position_id) == (Entry.IN, ticket)
    assert desk.book.balance == sum(deal.cash for deal in desk.book.deals.values())

    desk.quote("1.04000", "1.04010")  # the stop is still watched, under the new ticket
    assert desk.book.positions == {}


def test_day_waits_while_a_swap_cannot_be_converted(make_desk: Any, journal: FileJournal) -> None:
    """A restarted broker without a quote of USDJPY cannot turn yen into dollars."""
    symbols = [POINTS, {"name": "USDJPY", "swap_mode": 1, "swap_long": "-3"}]
    desk = make_desk(journal=journal, symbols=symbols)
    plain, yen = desk.opened(), desk.opened(symbol="USDJPY")
    again = make_desk(past=journal.replay(), clock=desk.clock, symbols=symbols, prices=_fixed_euro())

    again.step_ms(TO_MIDNIGHT_MS)
    assert _swaps(again) == {plain: ZERO, yen: ZERO}  # nobody is booked before everybody can be
    new = _copied_today(again, plain)

    again.quote("150.000", "150.010", symbol="USDJPY")
    again.step_ms(1000)
    assert _swaps(again) == {plain: Decimal("-7.50"), yen: Decimal("-2.00"), new: ZERO}


@pytest.mark.parametrize(
    ("triple", "counts"),
    [
        (Weekday.WEDNESDAY, [0, 1, 1, 3, 1, 1, 0]),
        (Weekday.FRIDAY, [0, 1, 1, 1, 1, 3, 0]),
        ("never", [1, 1, 1, 1, 1, 1, 1]),
    ],
)
def test_every_week_has_seven_nights(triple: Any, counts: list[int]) -> None:
    spec = replace(catalogue()["EURUSD"].spec, swap_triple_day=triple)
    sunday = FRIDAY + 2

    assert [nights_of(spec, sunday + weekday) for weekday in range(7)] == counts


def test_swap_goes_to_the_deal_that_closes_and_none_is_lost(make_desk: Any) -> None:
    desk = make_desk(symbols=[POINTS | {"swap_long": "-1.01"}])
    ticket = desk.opened(OrderType.BUY, 1.0)
    desk.step_ms(TO_MIDNIGHT_MS)

    for volume in (0.3, 0.3, 0.4):
        desk.close(ticket, volume)

    swaps = [deal.swap for deal in list(desk.book.deals.values())[-3:]]
    assert sum(swaps) == Decimal("-1.01")
    assert swaps[0] == Decimal("-0.30")


def test_swap_of_a_whole_position_moves_unrounded(make_desk: Any) -> None:
    desk = make_desk()
    ticket = desk.opened()
    held = replace(desk.book.positions[ticket], swap=Decimal("-1.005"))

    assert swap_moved(held, held.volume, desk.broker.terms(desk.login)) == Decimal("-1.005")


@pytest.mark.parametrize(
    ("on", "opened", "closed", "commission"),
    [
        (CommissionOn.BOTH, "1", "0", "-3.50"),
        (CommissionOn.BOTH, "0", "1", "-3.50"),
        (CommissionOn.BOTH, "0.5", "1", "-5.25"),  # a position turned round
        (CommissionOn.ENTRY, "0.5", "1", "-1.75"),
        (CommissionOn.EXIT, "0.5", "1", "-3.50"),
        (CommissionOn.EXIT, "1", "0", "0"),
    ],
)
def test_commission_and_fee_of_a_deal(on: CommissionOn, opened: str, closed: str, commission: str) -> None:
    spec = replace(
        catalogue()["EURUSD"].spec,
        commission_per_lot=Decimal("3.5"),
        fee_per_lot=Decimal("0.1"),
        commission_on=on,
    )

    paid = charges(spec, AccountTerms(login=1), entered=Decimal(opened), left=Decimal(closed))

    assert paid.commission == Decimal(commission)
    assert paid.fee == -(Decimal(opened) + Decimal(closed)) / 10


def test_symbol_without_charges_has_plain_zeros() -> None:
    paid = charges(catalogue()["EURUSD"].spec, AccountTerms(login=1), entered=Decimal(1))

    assert (str(paid.commission), str(paid.fee)) == ("0", "0")


# --- real records: MIT licensed strategy tester deals; skipped where the folder is absent ---


@pytest.mark.parametrize(
    ("name", "symbol", "rates", "agreeing", "of"),
    [
        ("2maaos", "EURUSD", {"buy": "-7.51", "sell": "1.26"}, 73, 74),
        # Half cents that binary fractions round the other way, and twins whose openings cannot be told apart.
        ("bbrsi", "XAUUSD", {"buy": "-18.02", "sell": "4.46"}, 376, 401),
    ],
)
def test_swap_agrees_with_the_vendors_tester(
    name: str, symbol: str, rates: dict[str, str], agreeing: int, of: int
) -> None:
    spec = catalogue()[symbol].spec
    closings = list(_closings(name, symbol))

    reckoned = [_booked(spec, Decimal(rates[side]), lots, nights) for side, lots, nights, _ in closings]
    agree = [ours == row[3] for ours, row in zip(reckoned, closings, strict=True)]

    assert (sum(agree), len(agree)) == (agreeing, of)


def _booked(spec: Any, rate: Decimal, lots: Decimal, days: list[int]) -> Decimal:
    return sum((rounded(rate * lots * nights_of(spec, day), 2) for day in days), ZERO)


def _closings(name: str, symbol: str) -> Iterator[tuple[str, Decimal, list[int], Decimal]]:
    path = RECORDS / f"tester_deals_{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")
    opened: dict[tuple[str, str], list[str]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if not row["Symbol"].startswith(symbol):
                continue
            if row["Direction"] == "in":
                opened[row["Type"], row["Volume"]].append(row["Time"])
                continue
            side = "buy" if row["Type"] == "sell" else "sell"
            waiting = opened[side, row["Volume"]]
            if waiting:
                days = _days(waiting.pop(0), row["Time"])
                yield side, Decimal(row["Volume"]), days, Decimal(row["Swap"])


def _days(since: str, until: str) -> list[int]:
    first, last = (
        datetime.strptime(text, "%Y.%m.%d %H:%M:%S").replace(tzinfo=UTC) for text in (since, until)
    )
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return list(range((first - epoch) // timedelta(days=1), (last - epoch) // timedelta(days=1)))


def _fixed_euro() -> dict[str, Any]:
    return {"EURUSD": {"source": "fixed", "bid": "1.10000", "ask": "1.10010"}}


def _swaps(desk: Any) -> dict[int, Decimal]:
    return {ticket: position.swap for ticket, position in desk.book.positions.items()}


def _copied_today(desk: Any, ticket: int) -> int:
    """Add a position that was opened after the last midnight."""
    copy = replace(desk.book.positions[ticket], ticket=1, identifier=1, time_ms=(FRIDAY + 1) * DAY_MS)
    desk.book.apply(copy)
    return 1
