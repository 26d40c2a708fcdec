"""Recordings of several vendors, seeded walks, crosses, and the feed that runs them with time."""

import gzip
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mt5fleet.simulator.config import parse_config
from mt5fleet.simulator.instruments.building import build_listings, build_prices
from mt5fleet.simulator.instruments.catalogue import SyntheticTerms, catalogue
from mt5fleet.simulator.prices.feed import CATCH_UP_MS, Feed
from mt5fleet.simulator.prices.openings import Openings
from mt5fleet.simulator.prices.quotes import Quote, QuoteBoard, cross_of
from mt5fleet.simulator.prices.recorded import RecordedSource
from mt5fleet.simulator.prices.recordings import RecordingError, read_recording
from mt5fleet.simulator.prices.sources import Source, Tick
from mt5fleet.simulator.prices.synthetic import SyntheticSource
from mt5fleet.simulator.server_time import ServerTime
from mt5fleet.simulator.terms.base import ConfigError
from mt5fleet.simulator.terms.time import ServerZoneTerms

EURUSD = catalogue()["EURUSD"].spec
START_MS = 1_800_000_000_000
SERVER_TIME = ServerTime(ServerZoneTerms())
OPENINGS = Openings(EURUSD, SERVER_TIME)
PRICES = Path(__file__).parents[4] / "shared" / "data" / "prices"


def _recording(folder: Path, text: str, **limits: float) -> Any:
    path = folder / "ticks.csv"
    path.write_text(text, encoding="utf-8")
    return read_recording(path, EURUSD, **({"start_s": 0, "max_gap_s": 10} | limits))


@pytest.mark.parametrize(
    "text",
    [
        "time,bid,ask,time_msc\n1,1.1,1.2,1000\n3,1.3,1.4,3500\n",
        "timestamp,askPrice,bidPrice,askVolume,bidVolume\n1000,1.2,1.1,1,1\n3500,1.4,1.3,1,1\n",
        "time_ms,bid,ask\n1000.25,1.1,1.2\n3500.25,1.3,1.4\n",
        "ts_event_ns,bid,ask\n1000000000,1.1,1.2\n3500000000,1.3,1.4\n",
        "datetime,ask,bid,spread\n2023-06-28 00:00:01.000,1.2,1.1,0.1\n2023-06-28 00:00:03.500,1.4,1.3,0.1\n",
    ],
    ids=["mt5", "dukascopy", "oanda", "nautilus", "ctrader"],
)
def test_recording_of_each_vendor_is_read(tmp_path: Path, text: str) -> None:
    recording = _recording(tmp_path, text)

    assert list(recording.offsets_ms) == [0, 2500]
    assert (list(recording.bids), list(recording.asks)) == ([110000, 130000], [120000, 140000])


def test_compressed_recording_is_read(tmp_path: Path) -> None:
    path = tmp_path / "ticks.csv.gz"
    path.write_bytes(gzip.compress(b"time_ms,bid,ask\n0,1.1,1.2\n"))

    assert list(read_recording(path, EURUSD, start_s=0, max_gap_s=1).bids) == [110000]


def test_long_pause_is_cut_and_clock_jumps_back_are_no_time(tmp_path: Path) -> None:
    text = "time_ms,bid,ask\n0,1.1,1.2\n1000,1.1,1.2\n900000,1.1,1.2\n800000,1.1,1.2\n"

    assert list(_recording(tmp_path, text, max_gap_s=5).offsets_ms) == [0, 1000, 6000, 6000]


def test_crossed_quote_of_a_real_feed_is_locked(tmp_path: Path) -> None:
    recording = _recording(tmp_path, "time_ms,bid,ask\n0,1.20000,1.19990\n")

    assert (recording.bids[0], recording.asks[0]) == (120000, 120000)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("time_ms,bid\n0,1.1\n", "need a time, a bid and an ask"),
        ("time_ms,bid,ask\n0,x,1.1\n", "line 2"),
        ("time_ms,bid,ask\n0,0,1.1\n", "line 2"),
        ("time_ms,bid,ask\n0,1.1\n", "line 2"),
        ("time_ms,bid,ask\n", "no ticks"),
    ],
)
def test_broken_recording_is_refused_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(RecordingError, match=problem):
        _recording(tmp_path, text)


def test_missing_recording_names_the_field() -> None:
    config = parse_config({"prices": {"EURUSD": {"source": "recorded", "file": "nowhere.csv"}}})

    with pytest.raises(ConfigError, match=r"prices\.EURUSD\.file.*nowhere\.csv"):
        build_prices(config, build_listings(config), SERVER_TIME, 0)


def _next(source: Source, at_ms: int) -> Tick:
    tick = source.after(at_ms)
    assert tick is not None
    return tick


def _three_ticks(tmp_path: Path, speed: float = 1.0) -> RecordedSource:
    text = "time_ms,bid,ask\n500,1.1,1.2\n1500,1.2,1.3\n2499,1.3,1.4\n"
    return RecordedSource(_recording(tmp_path, text), EURUSD, OPENINGS, speed=speed, epoch_ms=0)


def test_recording_is_told_in_a_loop(tmp_path: Path) -> None:
    source, at_ms, told = _three_ticks(tmp_path), 0, []
    for _ in range(5):
        tick = _next(source, at_ms)
        told.append((tick.at_ms, str(tick.bid)))
        at_ms = tick.at_ms

    assert told == [
        (1000, "1.20000"),
        (1999, "1.30000"),
        (2000, "1.10000"),
        (3000, "1.20000"),
        (3999, "1.30000"),
    ]
    assert source.at_or_before(4100) == Tick(4000, Decimal("1.10000"), Decimal("1.20000"))


def test_speed_shortens_the_times_between_ticks(tmp_path: Path) -> None:
    assert _next(_three_ticks(tmp_path, speed=10), 0).at_ms == 100


def test_ticks_faster_than_the_clock_still_move_forward(tmp_path: Path) -> None:
    source, at_ms = _three_ticks(tmp_path, speed=10_000), 0
    for _ in range(50):
        tick = _next(source, at_ms)
        assert tick.at_ms > at_ms
        at_ms = tick.at_ms


def test_tick_that_falls_into_the_same_millisecond_hides_only_itself(tmp_path: Path) -> None:
    text = "time_ms,bid,ask\n0,1.1,1.2\n4,1.2,1.3\n6000,1.3,1.4\n7000,1.4,1.5\n"
    source = RecordedSource(_recording(tmp_path, text), EURUSD, OPENINGS, speed=10, epoch_ms=0)

    assert _next(source, 0).at_ms == 600


def _walk(seed: str = "1/EURUSD") -> SyntheticSource:
    terms = SyntheticTerms(mid=Decimal("1.1"), spread_points=8, volatility_percent_day=Decimal("0.5"))
    return SyntheticSource(terms, EURUSD, OPENINGS, interval_ms=500, seed=seed)


def test_walk_is_a_function_of_seed_and_time_alone() -> None:
    forward = [_walk().after(at_ms) for at_ms in range(START_MS, START_MS + 10_000_000, 999_983)]
    backward = [_walk().after(at_ms) for at_ms in reversed(range(START_MS, START_MS + 10_000_000, 999_983))]

    assert forward == backward[::-1]
    assert forward[0] != _walk("2/EURUSD").after(START_MS)


def test_walk_keeps_its_spread_and_moves_as_much_as_it_should() -> None:
    source = _walk()
    ticks = source.ticks(START_MS, START_MS + 1_000_000)

    assert set((ticks.asks - ticks.bids).tolist()) == {8}
    assert 10 < int(ticks.bids.max() - ticks.bids.min()) < 1_000


@pytest.mark.parametrize(
    ("name", "legs", "bid", "ask"),
    [
        ("EURGBP", ("EURUSD", "GBPUSD"), "0.84602", "0.84623"),
        ("EURJPY", ("EURUSD", "USDJPY"), "165.000", "165.026"),
        ("CHFJPY", ("USDCHF", "USDJPY"), "187.477", "187.513"),
    ],
)
def test_cross_follows_from_its_legs(name: str, legs: tuple[str, str], bid: str, ask: str) -> None:
    board = QuoteBoard()
    for symbol, sides in {
        "EURUSD": ("1.10000", "1.10010"),
        "GBPUSD": ("1.30000", "1.30020"),
        "USDJPY": ("150.000", "150.010"),
        "USDCHF": ("0.80000", "0.80010"),
    }.items():
        board.put(symbol, Quote(bid=Decimal(sides[0]), ask=Decimal(sides[1]), time_ms=0))
    specs = {symbol: listing.spec for symbol, listing in catalogue().items()}

    for order in (legs, legs[::-1]):
        quote = cross_of(specs[name], specs[order[0]], specs[order[1]]).quote(board)
        assert quote is not None
        assert (str(quote.bid), str(quote.ask)) == (bid, ask)


def test_legs_that_do_not_meet_are_refused() -> None:
    specs = {symbol: listing.spec for symbol, listing in catalogue().items()}

    with pytest.raises(ValueError, match="do not lead from EUR to GBP"):
        cross_of(specs["EURGBP"], specs["EURUSD"], specs["USDJPY"])


def test_every_built_in_symbol_quotes_from_the_start(make_desk: Any) -> None:
    desk = make_desk(default_prices="synthetic", prices={})
    specs = desk.broker.market.specs

    assert len(specs) == 36
    assert [name for name in specs if desk.broker.market.quote(name) is None] == []


def test_quotes_move_with_the_clock_and_not_without_it(make_desk: Any) -> None:
    desk = make_desk(default_prices="synthetic", prices={})
    first = desk.broker.market.quote("EURUSD")
    desk.broker.advance()
    assert desk.broker.market.quote("EURUSD") == first

    desk.step_ms(4_000)

    assert 3_000 <= desk.broker.market.quote("EURUSD").time_ms - first.time_ms <= 5_000


def test_quote_set_by_hand_silences_the_source_until_released(make_desk: Any) -> None:
    desk = make_desk(default_prices="synthetic", prices={})
    desk.quote("1.00000", "1.00010")
    desk.step_ms(4_000)
    assert desk.broker.market.quote("EURUSD").bid == Decimal("1.0")

    desk.broker.release_quotes()
    desk.step_ms(4_000)

    assert desk.broker.market.quote("EURUSD").bid > Decimal("1.1")


def test_feed_skips_what_a_frozen_process_missed() -> None:
    feed = Feed({"EURUSD": _walk()})
    feed.start(START_MS)

    assert 7 <= len(feed.due(START_MS + CATCH_UP_MS)) <= CATCH_UP_MS // 500
    assert len(feed.due(START_MS + 3_600_000)) == 1


def test_real_recording_of_a_broker_is_read_whole() -> None:
    path = PRICES / "ticks_mt5_icmarkets_eurusd_2025-12-01_opening_hour.csv.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not on this machine")

    recording = read_recording(path, EURUSD, start_s=0, max_gap_s=10)

    assert len(recording.bids) == 1128
    assert (recording.bids[0], recording.asks[0]) == (115936, 115969)
