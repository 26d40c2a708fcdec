"""Keep time, bid and ask of a recorded tick file, for shipping: `python slim.py SOURCE TARGET DATE [ROWS]`.

No quote is changed or made up; columns the simulator does not replay are dropped, and a file may be cut
after ROWS quotes.
DATE (YYYY-MM-DD) is the day that millisecond-of-day stamps count from; it is ignored for files with full
stamps.
"""

import csv
import gzip
import io
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path


def main(source: str, target: str, date: str, rows: str = "") -> None:
    """Write TARGET (gzip CSV: time_msc,bid,ask) from SOURCE."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("time_msc", "bid", "ask"))
    limit = int(rows) if rows else sys.maxsize
    for count, quote in enumerate(_quotes(Path(source), date)):
        if count >= limit:
            break
        writer.writerow(quote)
    # mtime 0 keeps the file equal from run to run.
    Path(target).write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))


def _quotes(source: Path, date: str) -> Iterator[tuple[int, str, str]]:
    with gzip.open(source, "rt") as lines:
        reader = csv.DictReader(lines)
        stamp = _stamp_reader(reader.fieldnames or (), date)
        for row in reader:
            yield stamp(row), row["bid"], row["ask"]


def _stamp_reader(columns: object, date: str) -> Callable[[dict[str, str]], int]:
    names = list(columns)  # type: ignore[call-overload]  # csv types its header loosely
    if "time_msc" in names:
        return lambda row: int(row["time_msc"])
    if "time_ms" in names:
        day_ms = int(datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp() * 1000)
        return lambda row: day_ms + int(Decimal(row["time_ms"]))
    return lambda row: int(datetime.fromisoformat(row["datetime"]).replace(tzinfo=UTC).timestamp() * 1000)


if __name__ == "__main__":
    main(*sys.argv[1:])
