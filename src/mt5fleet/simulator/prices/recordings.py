"""Recorded ticks and bars, read from the CSV files of several vendors.

The time column decides what a row means: `time_msc` and `timestamp` are epoch milliseconds, `time_ms`
milliseconds of one day, `ts_event_ns` epoch nanoseconds, `time` epoch seconds, `datetime` a printed time
(`timestamp` may be one, too). Only distances between rows matter here: a recording is told again from now
on. Bars have the columns of `copy_rates_*` (bid prices); without `spread` the symbol's usual one is taken.
"""

import csv
import gzip
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO, TypeAlias, TypeVar, cast

from mt5fleet.simulator.instruments.symbols import SymbolSpec
from mt5fleet.simulator.prices.recorded_bars import NEVER, Bar, bar_quotes, shortest_distance_ms

ROWS_MAX = 2_000_000
"""Ticks of one recording kept in memory (24 bytes each)."""

MS_PER_S = 1000

Tick: TypeAlias = tuple[float, int, int]
"""Time in milliseconds, bid and ask in points."""

Row = TypeVar("Row", Tick, Bar)


class RecordingError(Exception):
    """The file cannot be used as a recording; the text names file, line and rule."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Ticks as integers: milliseconds since the first one, bid and ask in points."""

    offsets_ms: "array[int]"
    bids: "array[int]"
    asks: "array[int]"
    period_ms: int = 0  # of the bars it was made from; 0 = ticks


def read_recording(
    path: Path, spec: SymbolSpec, *, start_s: float, max_gap_s: float, spread_points: int = 0
) -> Recording:
    """Read a `.csv` or `.csv.gz`; pauses longer than `max_gap_s` (or one bar) are cut to it.

    Rows whose ask is below the bid (real feeds have them) get ask = bid. `spread_points` is for bars
    without a spread column.

    Raises:
        RecordingError: No such file, unknown columns, a broken row, or no rows after `start_s`.
    """
    with _opened(path) as lines:
        rows = csv.reader(lines)
        header = next(rows, [])
        if {"open", "high", "low", "close"} <= set(header):
            bars = list(_read(path, rows, _bar_reader(path, header, spec)))
            period_ms = shortest_distance_ms(bars)
            told = _squeezed(bars, max_gap_ms=max(max_gap_s * MS_PER_S // period_ms, 1) * period_ms)
            return _recording(path, bar_quotes(told, period_ms, spread_points), start_s, period_ms)
        ticks = _read(path, rows, _tick_reader(path, header, spec))
        return _recording(path, _squeezed(ticks, max_gap_ms=max_gap_s * MS_PER_S), start_s, 0)


def _recording(path: Path, ticks: Iterable[Tick], start_s: float, period_ms: int) -> Recording:
    recording = Recording(array("q"), array("q"), array("q"), period_ms)
    for at_ms, bid, ask in ticks:
        if at_ms >= start_s * MS_PER_S:
            _append(recording, path, at_ms, bid, ask)
    if not recording.offsets_ms:
        raise RecordingError(f"{path.name}: no ticks after start_s = {start_s}")
    return recording


def _append(recording: Recording, path: Path, at_ms: float, bid: int, ask: int) -> None:
    if len(recording.offsets_ms) >= ROWS_MAX:
        raise RecordingError(f"{path.name}: more than {ROWS_MAX} ticks; cut the file")
    recording.offsets_ms.append(int(at_ms))
    recording.bids.append(bid)
    recording.asks.append(max(bid, ask))


def _opened(path: Path) -> TextIO:
    try:
        if path.suffix == ".gz":
            return cast(TextIO, gzip.open(path, "rt", encoding="utf-8", newline=""))
        return path.open(encoding="utf-8", newline="")
    except OSError as error:
        raise RecordingError(f"{path}: cannot be opened: {error.strerror}") from error


def _read(path: Path, rows: Iterable[list[str]], read: Callable[[list[str]], Row]) -> Iterator[Row]:
    for number, row in enumerate(rows, start=2):
        try:
            yield read(row)
        except (ValueError, IndexError, OverflowError) as error:
            raise RecordingError(f"{path.name}: line {number} is not a tick or bar ({error})") from error


def _tick_reader(path: Path, header: list[str], spec: SymbolSpec) -> Callable[[list[str]], Tick]:
    known = {name: place for place, name in enumerate(header)}
    bid = known.get("bid", known.get("bidPrice"))
    ask = known.get("ask", known.get("askPrice"))
    clock = _clock(known)
    if clock is None or bid is None or ask is None:
        raise RecordingError(
            f"{path.name}: columns {header}: need a time, a bid and an ask column, or a time and the columns "
            "open, high, low and close"
        )
    read_time, time_place, scale = _TIME_READERS[clock], known[clock], 10.0**spec.digits

    def read(row: list[str]) -> Tick:
        return read_time(row[time_place]), _points(row[bid], scale), _points(row[ask], scale)

    return read


def _bar_reader(path: Path, header: list[str], spec: SymbolSpec) -> Callable[[list[str]], Bar]:
    known = {name: place for place, name in enumerate(header)}
    clock, spread, scale = _clock(known), known.get("spread"), 10.0**spec.digits
    if clock is None:
        raise RecordingError(f"{path.name}: columns {header}: need a time column")
    read_time, time_place = _TIME_READERS[clock], known[clock]
    places = [known[name] for name in ("open", "high", "low", "close")]

    def read(row: list[str]) -> Bar:
        open_, high, low, close = (_points(row[place], scale) for place in places)
        if not low <= min(open_, close) <= max(open_, close) <= high:
            raise ValueError("low, high: must enclose open and close")
        width = NEVER if spread is None else int(row[spread])
        return read_time(row[time_place]), open_, high, low, close, width

    return read


def _clock(known: Mapping[str, int]) -> str | None:
    return next((name for name in _TIME_READERS if name in known), None)


def _points(text: str, scale: float) -> int:
    # A price has far fewer digits than a float keeps, and half a million rows are read at the start.
    points = round(float(text) * scale)
    if points <= 0:
        raise ValueError("a price must be above 0")
    return points


def _printed_time_ms(text: str) -> float:
    printed = datetime.fromisoformat(text)
    return (printed if printed.tzinfo else printed.replace(tzinfo=UTC)).timestamp() * MS_PER_S


def _epoch_or_printed_ms(text: str) -> float:
    return float(text) if text.replace(".", "", 1).isdigit() else _printed_time_ms(text)


_TIME_READERS: dict[str, Callable[[str], float]] = {
    "time_msc": float,
    "timestamp": _epoch_or_printed_ms,
    "time_ms": float,
    "ts_event_ns": lambda text: int(text) / 1_000_000,
    "datetime": _printed_time_ms,
    "time": lambda text: float(text) * MS_PER_S,
}


def _squeezed(rows: Iterable[Row], *, max_gap_ms: float) -> Iterator[Row]:
    """Tell each row's time from the first one on, without the long pauses."""
    at_ms, previous_ms = 0.0, None
    for time_ms, *rest in rows:
        if previous_ms is not None:
            at_ms += min(max(time_ms - previous_ms, 0.0), max_gap_ms)
        previous_ms = time_ms
        yield at_ms, *rest  # type: ignore[misc]  # the rest of a row keeps its shape
