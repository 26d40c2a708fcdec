"""Recorded ticks, read from the CSV files of several vendors.

The time column decides what a row means: `time_msc` and `timestamp` are epoch milliseconds, `time_ms`
milliseconds of one day, `ts_event_ns` epoch nanoseconds, `datetime` a printed time. Only distances
between rows matter here: a recording is told again from now on.
"""

import csv
import gzip
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO, cast

from mt5fleet.simulator.instruments.symbols import SymbolSpec

ROWS_MAX = 2_000_000
"""Ticks of one recording kept in memory (24 bytes each)."""

MS_PER_S = 1000


class RecordingError(Exception):
    """The file cannot be used as a recording; the text names file, line and rule."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Ticks as integers: milliseconds since the first one, bid and ask in points."""

    offsets_ms: "array[int]"
    bids: "array[int]"
    asks: "array[int]"


def read_recording(path: Path, spec: SymbolSpec, *, start_s: float, max_gap_s: float) -> Recording:
    """Read a `.csv` or `.csv.gz`; pauses longer than `max_gap_s` are cut to it.

    Rows whose ask is below the bid (real feeds have them) get ask = bid.

    Raises:
        RecordingError: No such file, unknown columns, a broken row, or no rows after `start_s`.
    """
    recording = Recording(array("q"), array("q"), array("q"))
    with _opened(path) as lines:
        for at_ms, bid, ask in _squeezed(_ticks(path, lines, spec), max_gap_ms=max_gap_s * MS_PER_S):
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


def _ticks(path: Path, lines: Iterable[str], spec: SymbolSpec) -> Iterator[tuple[float, int, int]]:
    rows = csv.reader(lines)
    read = _row_reader(path, next(rows, []), spec)
    for number, row in enumerate(rows, start=2):
        try:
            yield read(row)
        except (ValueError, IndexError, OverflowError) as error:
            raise RecordingError(f"{path.name}: line {number} is not a tick ({error})") from error


def _row_reader(
    path: Path, header: list[str], spec: SymbolSpec
) -> Callable[[list[str]], tuple[float, int, int]]:
    known = {name: place for place, name in enumerate(header)}
    clock = next((name for name in _TIME_READERS if name in known), None)
    bid = known.get("bid", known.get("bidPrice"))
    ask = known.get("ask", known.get("askPrice"))
    if clock is None or bid is None or ask is None:
        raise RecordingError(f"{path.name}: columns {header}: need a time, a bid and an ask column")
    read_time, time_place, scale = _TIME_READERS[clock], known[clock], 10.0**spec.digits

    def read(row: list[str]) -> tuple[float, int, int]:
        return read_time(row[time_place]), _points(row[bid], scale), _points(row[ask], scale)

    return read


def _points(text: str, scale: float) -> int:
    # A price has far fewer digits than a float keeps, and half a million rows are read at the start.
    points = round(float(text) * scale)
    if points <= 0:
        raise ValueError("a price must be above 0")
    return points


def _printed_time_ms(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * MS_PER_S


_TIME_READERS: dict[str, Callable[[str], float]] = {
    "time_msc": float,
    "timestamp": float,
    "time_ms": float,
    "ts_event_ns": lambda text: int(text) / 1_000_000,
    "datetime": _printed_time_ms,
}


def _squeezed(
    ticks: Iterable[tuple[float, int, int]], *, max_gap_ms: float
) -> Iterator[tuple[float, int, int]]:
    at_ms, previous_ms = 0.0, None
    for time_ms, bid, ask in ticks:
        if previous_ms is not None:
            at_ms += min(max(time_ms - previous_ms, 0.0), max_gap_ms)
        previous_ms = time_ms
        yield at_ms, bid, ask
