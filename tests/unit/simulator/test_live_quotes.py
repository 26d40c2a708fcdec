"""What the feed sends as the clock moves: the very ticks that history tells afterwards."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mt5fleet.simulator.clock import SteppedClock
from mt5fleet.simulator.host.journal import FileJournal
from mt5fleet.simulator.prices.feed import CATCH_UP_MS
from mt5fleet.simulator.prices.quotes import Quote
from mt5fleet.simulator.prices.tick_rows import TICK
from mt5fleet.simulator.prices.timeframes import RATE

NOW_MS = 1_800_000_012_345
"""Friday, 15 January 2027, 08:00:12 UTC."""

SATURDAY_MS = NOW_MS + 86_400_000
NEW_YORK = {"zone": "America/New_York", "plus_hours": 7}
PRICES = Path(__file__).parents[4] / "shared" / "data" / "prices"


def _walking(make_desk: Any, now_ms: int = NOW_MS, **broker: Any) -> Any:
    broker = {"default_prices": "synthetic", "prices": {}, **broker}
    return make_desk(clock=SteppedClock(now_ms), **broker)


def _sent(desk: Any, *, steps: int, step_ms: int) -> dict[str, list[Quote]]:
    """Move the clock and return every quote that reached the board."""
    sent: dict[str, list[Quote]] = {}
    put = desk.broker.market.board.put

    def noting(symbol: str, quote: Quote) -> None:
        sent.setdefault(symbol, []).append(quote)
        put(symbol, quote)

    desk.broker.market.board.put = noting
    for _ in range(steps):
        desk.step_ms(step_ms)
    return sent


def _ticks(desk: Any, symbol: str, since_ms: int) -> NDArray[Any]:
    return np.frombuffer(desk.broker.history.ticks_range(symbol, since_ms, 2**62, -1), TICK)


@pytest.mark.parametrize("symbol", ["EURUSD", "EURJPY", "CHFJPY", "BTCUSD"])
def test_history_tells_the_ticks_that_were_sent(make_desk: Any, symbol: str) -> None:
    desk = _walking(make_desk)
    since_ms = desk.broker.market.server_ms() + 1
    quotes = _sent(desk, steps=900, step_ms=97)[symbol]
    ticks = _ticks(desk, symbol, since_ms)

    assert [quote.time_ms for quote in quotes] == ticks["time_msc"].tolist()
    assert [float(quote.bid) for quote in quotes] == ticks["bid"].tolist()
    assert [float(quote.ask) for quote in quotes] == ticks["ask"].tolist()
    assert len(quotes) > 100


def test_first_quote_is_the_newest_tick_and_bears_its_time(make_desk: Any) -> None:
    desk = _walking(make_desk)
    for symbol in ("EURUSD", "EURJPY", "XAUUSD"):
        newest = _ticks(desk, symbol, desk.broker.market.server_ms() - 60_000)[-1]
        quote = desk.broker.market.quote(symbol)

        assert (quote.time_ms, float(quote.bid)) == (newest["time_msc"], newest["bid"])


def test_cross_is_the_product_of_what_its_legs_quote(make_desk: Any) -> None:
    desk = _walking(make_desk)
    held = 0
    for _ in range(300):
        desk.step_ms(250)
        market = desk.broker.market
        product = market.quote("EURUSD").bid * market.quote("USDJPY").bid
        distance = abs(market.quote("EURJPY").bid - product)
        held += distance > Decimal("0.0005")
        assert distance < market.quote("EURJPY").ask - market.quote("EURJPY").bid

    assert held < 30  # at the minute's high or low


def test_closed_symbol_keeps_fridays_last_quote_until_it_opens(make_desk: Any) -> None:
    symbols = [{"name": "EURUSD", "weekend_closed": True}]
    desk = _walking(make_desk, SATURDAY_MS, server_zone=NEW_YORK, symbols=symbols)
    friday = desk.broker.market.quote("EURUSD")
    sent = _sent(desk, steps=3, step_ms=3_600_000)

    assert friday.time_ms % 86_400_000 > 86_399_000
    assert {quote.time_ms for quote in sent.get("EURUSD", [])} <= {friday.time_ms}
    assert len({quote.time_ms for quote in sent["BTCUSD"]}) == 3
    desk.step_ms(48 * 3_600_000)
    assert desk.broker.market.quote("EURUSD").time_ms > friday.time_ms + 2 * 86_400_000


def test_clock_set_back_quotes_what_was_quoted_then(make_desk: Any) -> None:
    desk = _walking(make_desk)
    first = desk.broker.market.quote("EURUSD")
    desk.step_ms(4_000)
    desk.step_ms(4_000)
    desk.clock._now_ms = NOW_MS
    desk.broker.advance()

    assert desk.broker.market.quote("EURUSD") == first


def test_long_pause_sends_only_the_newest_quote(make_desk: Any) -> None:
    desk = _walking(make_desk)

    assert len(_sent(desk, steps=1, step_ms=CATCH_UP_MS + 60_000)["EURUSD"]) == 1


def test_restarted_broker_quotes_as_if_it_had_never_stopped(make_desk: Any, journal: FileJournal) -> None:
    clock = SteppedClock(NOW_MS)
    recorded = _recorded_walk(Path(journal._path).parent)
    terms: dict[str, Any] = {"default_prices": "synthetic", "prices": {"GBPUSD": recorded}}
    first = make_desk(journal=journal, clock=clock, **terms)
    for _ in range(5):
        first.step_ms(1_777)
    again = make_desk(past=journal.replay(), clock=clock, **terms)

    for symbol in ("EURUSD", "EURJPY", "GBPUSD", "EURGBP"):
        assert again.broker.market.quote(symbol) == first.broker.market.quote(symbol)


def test_fixed_quote_is_sent_again_with_a_new_time(make_desk: Any) -> None:
    fixed = {"source": "fixed", "bid": "1.1", "ask": "1.1002", "tick_every_ms": 1_000}
    desk = make_desk(clock=SteppedClock(NOW_MS), prices={"EURUSD": fixed})
    quotes = _sent(desk, steps=4, step_ms=1_000)["EURUSD"]

    assert {(quote.bid, quote.ask) for quote in quotes} == {(Decimal("1.1"), Decimal("1.1002"))}
    assert [quote.time_ms % 60_000 for quote in quotes] == [13_000, 14_000, 15_000, 16_000]

    desk.quote("1.20000", "1.20020")
    desk.step_ms(1_000)
    assert desk.broker.market.quote("EURUSD").bid == Decimal("1.2")
    assert desk.broker.market.quote("EURUSD").time_ms % 60_000 == 17_000
    desk.broker.release_quotes()
    desk.step_ms(1_000)
    assert desk.broker.market.quote("EURUSD").bid == Decimal("1.1")


def test_fixed_quote_without_repetition_stands_still(make_desk: Any) -> None:
    desk = make_desk(clock=SteppedClock(NOW_MS))

    assert _sent(desk, steps=4, step_ms=1_000) == {}


def test_recorded_ticks_have_a_past_of_loops(make_desk: Any, tmp_path: Path) -> None:
    desk = make_desk(clock=SteppedClock(NOW_MS), prices={"GBPUSD": _recorded_walk(tmp_path)})
    since_ms = desk.broker.market.server_ms()
    quotes = _sent(desk, steps=60, step_ms=500)["GBPUSD"]
    ticks = _ticks(desk, "GBPUSD", since_ms + 1)
    bars = np.frombuffer(desk.broker.history.rates_from_pos("GBPUSD", 1, 0, 1_000), RATE)

    assert [(quote.time_ms, float(quote.bid)) for quote in quotes] == ticks[["time_msc", "bid"]].tolist()
    assert ticks["bid"][:5].tolist() == [1.3001, 1.3002, 1.3003, 1.3, 1.3]
    assert len(bars) == 1_000
    assert {*bars["high"].tolist(), *bars["low"].tolist()} == {1.3, 1.3003}


def test_cross_with_a_recorded_leg_has_the_bars_of_its_ticks(make_desk: Any, tmp_path: Path) -> None:
    cross = {"source": "cross", "of": ["EURUSD", "GBPUSD"]}
    prices = {
        "EURUSD": {"source": "synthetic"},
        "GBPUSD": _recorded_walk(tmp_path),
        "EURGBP": cross,
    }
    desk = make_desk(clock=SteppedClock(NOW_MS), prices=prices)
    bars = np.frombuffer(desk.broker.history.rates_from_pos("EURGBP", 1, 0, 50), RATE)
    ticks = _ticks(desk, "EURGBP", int(bars["time"][0]) * 1000)
    starts = np.searchsorted(ticks["time"], bars["time"])
    since_ms = desk.broker.market.server_ms() + 1
    quotes = _sent(desk, steps=50, step_ms=99)["EURGBP"]

    assert np.array_equal(np.maximum.reduceat(ticks["bid"], starts), bars["high"])
    assert np.array_equal(np.minimum.reduceat(ticks["bid"], starts), bars["low"])
    assert [float(quote.bid) for quote in quotes] == _ticks(desk, "EURGBP", since_ms)["bid"].tolist()


@pytest.mark.parametrize(
    ("symbol", "file"),
    [
        ("GBPUSD", "m1_mt5_icmarkets_gbpusd_2025-10-20_31.csv.gz"),
        ("XAUUSD", "m1_mt5_icmarkets_xauusd_2023-12-01_06_open_spike.csv.gz"),
        ("EURUSD", "m1_mt5_icmarkets_eurusd_2025-03-31_04-11_tariff_shock.csv.gz"),
    ],
)
def test_recorded_bars_of_a_broker_come_out_as_they_went_in(make_desk: Any, symbol: str, file: str) -> None:
    if not (PRICES / file).exists():
        pytest.skip(f"{file} is not on this machine")
    real = np.genfromtxt(PRICES / file, delimiter=",", names=True)
    recorded = {"source": "recorded", "file": str(PRICES / file), "max_gap_s": 10**9}
    desk = make_desk(clock=SteppedClock(NOW_MS), prices={symbol: recorded})
    desk.step_ms(5 * 86_400_000)
    since_s = NOW_MS // 60_000 * 60 + 7_200
    bars = np.frombuffer(desk.broker.history.rates_range(symbol, 1, since_s, 2**31 - 1), RATE)
    whole = len(bars) - 1

    assert whole > 3_000
    assert np.array_equal(bars["time"][:whole] - since_s, (real["time"] - real["time"][0])[:whole])
    for name in ("open", "high", "low", "close", "spread"):
        assert np.array_equal(bars[name][:whole], real[name][:whole]), name


def _recorded_walk(folder: Path) -> dict[str, Any]:
    path = folder / "walk.csv"
    rows = [f"{place * 700},{1.3 + place / 10_000:.4f},{1.3001 + place / 10_000:.4f}" for place in range(4)]
    path.write_text("\n".join(["time_ms,bid,ask", *rows, "2200,1.3000,1.3001"]), encoding="utf-8")
    return {"source": "recorded", "file": str(path)}
