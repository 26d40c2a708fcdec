"""Bars and ticks of the past: one follows from the other, for walks, crosses and commanded quotes."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mt5fleet.simulator.clock import SteppedClock
from mt5fleet.simulator.prices.history import BARS_MAX, History, HistoryError
from mt5fleet.simulator.prices.tick_rows import TICK
from mt5fleet.simulator.prices.timeframes import PERIODS_S, RATE, TIMEFRAMES

NOW_MS = 1_800_000_012_345
"""Friday, 15 January 2027, 08:00:12 UTC."""

NEW_YORK = {"zone": "America/New_York", "plus_hours": 7}
M1, H1, D1, W1, MN1 = 1, 16_385, 16_408, 32_769, 49_153
ALL = -1
DAY_S = 86_400
Rows = NDArray[Any]
MakeHistory = Callable[..., History]


@pytest.fixture
def make_history(make_desk: Any) -> MakeHistory:
    """Build a broker whose symbols quote by themselves, and return its history."""

    def make(now_ms: int = NOW_MS, **broker: Any) -> History:
        broker = {"default_prices": "synthetic", "prices": {}, **broker}
        history: History = make_desk(clock=SteppedClock(now_ms), **broker).broker.history
        return history

    return make


def _bars(rows: bytes) -> Rows:
    return np.frombuffer(rows, RATE)


def _ticks(rows: bytes) -> Rows:
    return np.frombuffer(rows, TICK)


def _closes_weekends(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "weekend_closed": True} for name in names]


def test_rows_are_packed_as_the_package_packs_them() -> None:
    assert (RATE.itemsize, TICK.itemsize) == (60, 60)
    assert [RATE.fields[name][1] for name in RATE.names] == [0, 8, 16, 24, 32, 40, 48, 52]
    assert [TICK.fields[name][1] for name in TICK.names] == [0, 8, 16, 24, 32, 40, 48, 52]


def test_every_timeframe_of_the_package_is_known() -> None:
    hours = [1, 2, 3, 4, 6, 8, 12]
    minutes = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30]

    assert {*minutes, *(hour | 0x4000 for hour in hours), D1, W1, MN1} == TIMEFRAMES


@pytest.mark.parametrize("symbol", ["EURUSD", "EURJPY", "EURGBP", "CHFJPY", "BTCUSD", "XAUUSD"])
def test_minutes_are_the_bars_of_their_ticks(make_history: MakeHistory, symbol: str) -> None:
    history = make_history()
    bars = _bars(history.rates_from_pos(symbol, M1, 0, 700))
    ticks = _ticks(history.ticks_range(symbol, int(bars["time"][0]) * 1000, 2**62, ALL))
    starts = np.searchsorted(ticks["time"], bars["time"])

    assert np.array_equal(np.unique(ticks["time"] // 60 * 60), bars["time"])
    assert np.array_equal(ticks["bid"][starts], bars["open"])
    assert np.array_equal(np.maximum.reduceat(ticks["bid"], starts), bars["high"])
    assert np.array_equal(np.minimum.reduceat(ticks["bid"], starts), bars["low"])
    assert np.array_equal(ticks["bid"][np.append(starts[1:], len(ticks)) - 1], bars["close"])
    assert np.array_equal(np.diff(np.append(starts, len(ticks))), bars["tick_volume"])
    assert (ticks["ask"] > ticks["bid"]).all()


@pytest.mark.parametrize("interval_ms", [10, 700, 11_000, 15_001, 20_000, 60_000])
def test_minutes_of_any_number_of_quotes_are_the_bars_of_their_ticks(
    make_history: MakeHistory, interval_ms: int
) -> None:
    history = make_history(prices={"EURUSD": {"source": "synthetic", "interval_ms": interval_ms}})
    bars = _bars(history.rates_from_pos("EURUSD", M1, 0, 30))
    ticks = _ticks(history.ticks_range("EURUSD", int(bars["time"][0]) * 1000, 2**62, ALL))

    for bar in bars:
        bids = ticks["bid"][ticks["time"] // 60 * 60 == bar["time"]]
        told = (bids[0], bids.max(), bids.min(), bids[-1], len(bids))
        assert told == tuple(bar[["open", "high", "low", "close", "tick_volume"]])
    assert np.diff(ticks["time_msc"]).min() >= interval_ms


@pytest.mark.parametrize("timeframe", sorted(TIMEFRAMES - {M1}))
@pytest.mark.parametrize("symbol", ["EURUSD", "EURJPY"])
def test_bars_of_every_period_follow_from_the_minutes(
    make_history: MakeHistory, timeframe: int, symbol: str
) -> None:
    history = make_history(server_zone=NEW_YORK, symbols=_closes_weekends("EURUSD"))
    bars = _bars(history.rates_from_pos(symbol, timeframe, 0, 3))
    minutes = _bars(history.rates_range(symbol, M1, int(bars["time"][0]), 2**31))

    assert len(bars) == 3
    for bar, end in zip(bars, [*bars["time"][1:], 2**31], strict=True):
        inside = minutes[(minutes["time"] >= bar["time"]) & (minutes["time"] < end)]
        told = (inside["open"][0], inside["high"].max(), inside["low"].min(), inside["close"][-1])
        assert told == tuple(bar[["open", "high", "low", "close"]])
        assert inside["tick_volume"].sum() == bar["tick_volume"]
    assert {time % PERIODS_S.get(timeframe, DAY_S) for time in bars["time"].tolist()} == {0}


def test_weeks_begin_on_sunday_and_months_on_the_first(make_history: MakeHistory) -> None:
    history = make_history()
    weeks, months = (_bars(history.rates_from_pos("BTCUSD", frame, 0, 40))["time"] for frame in (W1, MN1))

    assert set(((weeks // DAY_S + 4) % 7).tolist()) == {0}
    firsts = months.astype("datetime64[s]")
    assert np.array_equal(firsts, firsts.astype("datetime64[M]").astype("datetime64[s]"))
    assert len(set(months.tolist())) == 40


def test_walk_stays_near_its_mid_for_decades_and_moves_each_day(make_history: MakeHistory) -> None:
    days = _bars(make_history().rates_from_pos("EURUSD", D1, 0, 3_000))

    assert len(days) == 3_000
    assert 0.85 * 1.165 < days["low"].min() < days["high"].max() < 1.15 * 1.165
    assert 0.002 < np.median((days["high"] - days["low"]) / days["open"]) < 0.012


def test_running_bar_grows_with_the_clock(make_desk: Any) -> None:
    desk = make_desk(clock=SteppedClock(NOW_MS), default_prices="synthetic", prices={})
    before = _bars(desk.broker.history.rates_from_pos("EURUSD", M1, 0, 1))
    desk.step_ms(30_000)
    after = _bars(desk.broker.history.rates_from_pos("EURUSD", M1, 0, 1))

    assert before["time"] == after["time"]
    assert before["tick_volume"] < after["tick_volume"]
    assert after["close"][0] == float(desk.broker.market.quote("EURUSD").bid)


def test_closed_weekend_has_neither_bars_nor_ticks(make_history: MakeHistory) -> None:
    monday_ms = NOW_MS + 3 * DAY_S * 1000
    history = make_history(monday_ms, server_zone=NEW_YORK, symbols=_closes_weekends("EURUSD"))
    minutes = _bars(history.rates_from_pos("EURUSD", M1, 0, 1_500))["time"]
    gap = int(np.argmax(np.diff(minutes)))
    friday_end, monday_start = int(minutes[gap]) + 60, int(minutes[gap + 1])

    assert (friday_end // DAY_S * DAY_S, monday_start - friday_end) == (friday_end, 2 * DAY_S)
    assert history.ticks_range("EURUSD", friday_end * 1000, monday_start * 1000 - 1, ALL) == b""
    weekdays = (_bars(history.rates_from_pos("EURUSD", D1, 0, 30))["time"] // DAY_S + 4) % 7
    assert set(weekdays.tolist()) == {1, 2, 3, 4, 5}


def test_weekend_gap_is_small_and_not_nothing(make_history: MakeHistory) -> None:
    history = make_history(server_zone=NEW_YORK, symbols=_closes_weekends("EURUSD"))
    days = _bars(history.rates_from_pos("EURUSD", D1, 0, 500))
    mondays = np.flatnonzero(np.diff(days["time"]) > DAY_S)
    gaps = np.abs(days["open"][mondays + 1] / days["close"][mondays] - 1)

    assert 0.0001 < np.median(gaps) < 0.003


def test_cross_is_closed_while_a_leg_is(make_history: MakeHistory) -> None:
    history = make_history(server_zone=NEW_YORK, symbols=_closes_weekends("USDJPY"))
    weekdays = (_bars(history.rates_from_pos("EURJPY", D1, 0, 20))["time"] // DAY_S + 4) % 7

    assert set(weekdays.tolist()) == {1, 2, 3, 4, 5}


def test_hour_that_the_server_repeats_is_told_once(make_history: MakeHistory) -> None:
    change_ms = 1_825_567_200_000  # 7 November 2027, 06:00 UTC
    history = make_history(change_ms + 5 * 3_600_000, server_zone=NEW_YORK)
    hours = _bars(history.rates_from_pos("BTCUSD", H1, 0, 12))
    ticks = _ticks(history.ticks_range("BTCUSD", int(hours["time"][0]) * 1000, 2**62, ALL))

    assert set(np.diff(hours["time"]).tolist()) == {3_600}
    busy = int(np.argmax(hours["tick_volume"]))
    assert hours["tick_volume"][busy] > 1.5 * np.median(hours["tick_volume"])
    assert (np.diff(ticks["time_msc"]) >= 0).all()
    assert len(ticks) == hours["tick_volume"].sum()


def test_seed_and_time_alone_make_the_past(make_history: MakeHistory) -> None:
    first, again, other = make_history(), make_history(), make_history(seed=2)
    again.rates_from_pos("EURJPY", D1, 0, 50)
    later = make_history(NOW_MS + DAY_S * 1000)
    asked = (M1, 1_799_900_000, 300)

    for symbol in ("EURUSD", "EURJPY"):
        assert first.rates_from(symbol, *asked) == again.rates_from(symbol, *asked)
        assert first.rates_from(symbol, *asked) == later.rates_from(symbol, *asked)
        assert first.rates_from(symbol, *asked) != other.rates_from(symbol, *asked)


def test_shifted_server_clock_moves_every_stamp_and_no_price(make_desk: Any) -> None:
    desk = make_desk(clock=SteppedClock(NOW_MS), default_prices="synthetic", prices={})
    true = _bars(desk.broker.history.rates_from_pos("EURUSD", M1, 0, 5))
    desk.broker.market.server_time.shift_ms = 3_600_000
    shifted = _bars(desk.broker.history.rates_from_pos("EURUSD", M1, 0, 5))
    tick = _ticks(desk.broker.history.ticks_from("EURUSD", int(shifted["time"][-1]) * 1000, 1, ALL))

    assert (shifted["time"] - true["time"]).tolist() == [3_600] * 5
    assert np.array_equal(shifted["close"], true["close"])
    assert (tick["time"][0], tick["bid"][0]) == (shifted["time"][-1], shifted["open"][-1])


def test_bars_are_asked_by_time_by_position_and_by_range(make_history: MakeHistory) -> None:
    history = make_history()
    newest = _bars(history.rates_from_pos("EURUSD", M1, 0, 100))
    times = newest["time"].tolist()

    assert history.rates_from_pos("EURUSD", M1, 90, 10) == newest[:10].tobytes()
    assert history.rates_from("EURUSD", M1, times[50] + 59, 10) == newest[41:51].tobytes()
    assert history.rates_from("EURUSD", M1, 2**31 - 1, 10) == newest[90:].tobytes()
    assert history.rates_range("EURUSD", M1, times[20], times[30]) == newest[20:31].tobytes()
    assert history.rates_range("EURUSD", M1, times[20] + 1, times[30] - 1) == newest[21:30].tobytes()
    assert history.rates_range("EURUSD", M1, times[30], times[20]) == b""
    assert history.rates_range("EURUSD", M1, times[-1] + 60, 2**31 - 1) == b""


def test_old_beginning_gives_what_there_is(make_history: MakeHistory) -> None:
    history = make_history()
    months = _bars(history.rates_range("EURUSD", MN1, 0, 2**31 - 1))

    assert str(months["time"][0].astype("datetime64[s]")) == "2000-01-01T00:00:00"
    assert len(months) == 27 * 12 + 1
    assert history.rates_from("EURUSD", MN1, 0, 10) == b""
    assert history.rates_from_pos("EURUSD", MN1, 1_000, 10) == b""
    assert len(_bars(history.rates_from_pos("EURUSD", MN1, 320, 100))) == 5


def test_no_more_bars_than_the_terminal_keeps(make_history: MakeHistory) -> None:
    history = make_history()

    assert len(_bars(history.rates_from_pos("EURUSD", M1, 0, 10**9))) == BARS_MAX
    assert history.rates_from_pos("EURUSD", M1, BARS_MAX, 10) == b""


def test_ticks_are_asked_by_beginning_and_by_range(make_history: MakeHistory) -> None:
    history = make_history()
    server_ms = NOW_MS + 2 * 3_600_000
    ticks = _ticks(history.ticks_range("EURUSD", server_ms - 3_600_000 * 3, server_ms, ALL))
    times = ticks["time_msc"].tolist()

    assert times[-1] <= server_ms < times[-1] + 1_000
    assert history.ticks_from("EURUSD", times[7], 20, ALL) == ticks[7:27].tobytes()
    assert history.ticks_from("EURUSD", times[7] + 1, 1, ALL) == ticks[8:9].tobytes()
    assert history.ticks_range("EURUSD", times[7], times[9], ALL) == ticks[7:10].tobytes()
    assert history.ticks_from("EURUSD", server_ms + 1, 5, ALL) == b""
    assert _ticks(history.ticks_from("EURUSD", 0, 1, ALL))["time"][0] == 946_684_800 + 7_200
    assert history.ticks_range("EURUSD", times[0], times[-1], 1) == ticks.tobytes()
    assert history.ticks_range("EURUSD", times[0], times[-1], 2) == b""


def test_flags_say_which_side_has_changed(make_history: MakeHistory) -> None:
    ticks = _ticks(make_history().ticks_from("EURJPY", NOW_MS - 3_600_000, 2_000, ALL))
    bid_changed = np.diff(ticks["bid"]) != 0
    ask_changed = np.diff(ticks["ask"]) != 0

    flags = bid_changed * 2 + ask_changed * 4
    assert np.array_equal(ticks["flags"][1:], np.where(flags == 0, 6, flags))
    assert set(ticks["flags"].tolist()) == {2, 4, 6}


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda history: history.rates_from_pos("NOPE", M1, 0, 1), -4),
        (lambda history: history.ticks_from("NOPE", 0, 1, ALL), -4),
        (lambda history: history.rates_from_pos("EURUSD", 7, 0, 1), -2),
        (lambda history: history.rates_from_pos("EURUSD", M1, 0, 0), -2),
        (lambda history: history.rates_from_pos("EURUSD", M1, 0, -1), -2),
        (lambda history: history.rates_from_pos("EURUSD", M1, -1, 1), -2),
        (lambda history: history.rates_from("EURUSD", M1, 0, -1), -2),
        (lambda history: history.ticks_from("EURUSD", 0, 0, ALL), -2),
        (lambda history: history.ticks_from("EURUSD", 0, -1, ALL), -2),
        (lambda history: history.ticks_from("EURUSD", 0, 1, 3), -2),
        (lambda history: history.ticks_from("EURUSD", 0, 2_000_001, ALL), -3),
        (lambda history: history.ticks_range("EURUSD", 0, 2**62, ALL), -3),
    ],
)
def test_impossible_question_is_refused_with_the_terminals_code(
    make_history: MakeHistory, ask: Callable[[History], bytes], code: int
) -> None:
    with pytest.raises(HistoryError) as refusal:
        ask(make_history())

    assert refusal.value.code == code
    assert refusal.value.text.startswith("Terminal: ")


def test_symbol_without_any_quote_has_no_past(make_history: MakeHistory) -> None:
    history = make_history(default_prices="none")

    assert history.rates_from_pos("EURUSD", M1, 0, 10) == b""
    assert history.ticks_from("EURUSD", 0, 10, ALL) == b""


def test_symbol_that_never_opens_has_no_past(make_history: MakeHistory) -> None:
    history = make_history(symbols=[{"name": "EURUSD", "sessions": {}}])

    assert history.rates_from_pos("EURUSD", D1, 0, 10) == b""
    assert history.ticks_from("EURUSD", 0, 10, ALL) == b""
    assert history.ticks_from("EURJPY", 0, 10, ALL) == b""


def test_fixed_quote_is_flat_for_ever(make_history: MakeHistory) -> None:
    fixed = {"source": "fixed", "bid": "1.1", "ask": "1.1002"}
    history = make_history(prices={"EURUSD": fixed}, symbols=_closes_weekends("EURUSD"))
    days = _bars(history.rates_from_pos("EURUSD", D1, 0, 100))
    minutes = _bars(history.rates_from_pos("EURUSD", M1, 0, 3_000))

    assert (len(days), len(minutes)) == (100, 3_000)
    assert {*days["low"].tolist(), *days["high"].tolist()} == {1.1}
    assert set(minutes["spread"].tolist()) == {20}


def test_commanded_quotes_take_over_from_the_walk_until_released(make_desk: Any) -> None:
    desk = make_desk(clock=SteppedClock(NOW_MS), default_prices="synthetic", prices={})
    history = desk.broker.history
    untouched = _bars(history.rates_from_pos("EURUSD", M1, 1, 5))
    desk.quote("1.20000", "1.20010")
    desk.step_ms(61_000)
    desk.quote("1.30000", "1.30010")
    desk.step_ms(120_000)
    bars = _bars(history.rates_from_pos("EURUSD", M1, 0, 9))

    assert np.array_equal(bars[:5], untouched)
    assert (bars["open"][5], bars["close"][5]) == (untouched["close"][-1], 1.2)
    assert bars[["open", "high", "low", "close"]][6:].tolist() == [
        (1.3, 1.3, 1.3, 1.3),
        (1.3, 1.3, 1.3, 1.3),
        (1.3, 1.3, 1.3, 1.3),
    ]


def test_cross_follows_a_commanded_leg_and_its_past_with_it(make_desk: Any) -> None:
    desk = make_desk(clock=SteppedClock(NOW_MS), default_prices="synthetic", prices={})
    yen = float(desk.broker.market.quote("USDJPY").bid)
    desk.quote("2.00000", "2.00010")
    desk.step_ms(1_000)
    bar = _bars(desk.broker.history.rates_from_pos("EURJPY", M1, 0, 1))

    assert (
        float(desk.broker.market.quote("EURJPY").bid) == bar["close"][0] == pytest.approx(2 * yen, rel=1e-3)
    )
    desk.broker.release_quotes()
    desk.step_ms(2_000)
    assert desk.broker.market.quote("EURJPY").bid < Decimal(200)
