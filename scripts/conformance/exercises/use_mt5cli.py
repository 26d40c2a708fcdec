"""mt5cli: a command line; each step runs its commands, each with a connection of its own."""

import json
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from steps import LOGIN, LOTS, PASSWORD, SERVER, SYMBOL, expect, run

COMMAND_S_MAX = 60
FOLDER = Path(tempfile.mkdtemp(prefix="mt5cli-"))
HOUR_AGO = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%dT%H:%M:%S}"
_OF = ("--symbol", SYMBOL)
TOMORROW = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%S}"


def connect() -> object:
    return _rows("version")


def account() -> object:
    found = _rows("account-info")[0]
    expect(found["login"] == LOGIN and found["balance"] > 0, found)
    return found["balance"]


def symbols() -> object:
    found = _rows("symbols", "--group", "*USD*")
    expect(SYMBOL in {row["name"] for row in found}, len(found))
    return len(found)


def bars() -> object:
    found = _rows("rates-from-pos", *_OF, "--timeframe", "H1", "--start-pos", "0", "--count", "50")
    expect(len(found) == 50, len(found))
    return len(found)


def ticks() -> object:
    found = _rows("ticks-from", *_OF, "--date-from", HOUR_AGO, "--count", "50", "--flags", "ALL")
    expect(len(found) == 50, len(found))
    return len(found)


def open_() -> object:
    return _sent({"action": 1, "symbol": SYMBOL, "volume": LOTS, "type": 0, "type_filling": 0})


def modify() -> object:
    position = _rows("positions", *_OF)[0]
    level = round(position["price_open"] - 0.01, 5)
    _sent({"action": 6, "position": position["ticket"], "symbol": SYMBOL, "sl": level})
    changed = _rows("positions", *_OF)[0]
    expect(changed["sl"] == level, changed)
    return level


def close() -> object:
    found = _rows("close-positions", *_OF, "--yes")
    expect(found[0]["retcode"] == 10009, found)
    expect(not _rows("positions"), "a position is left")
    return found[0]["status"]


def pending() -> object:
    price = round(_rows("symbol-info-tick", *_OF)[0]["bid"] - 0.01, 5)
    order = {"action": 5, "symbol": SYMBOL, "volume": LOTS, "type": 2, "price": price, "type_filling": 2}
    _sent(order)
    found = _rows("orders", *_OF)
    _sent({"action": 8, "order": found[0]["ticket"]})
    expect(len(found) == 1 and not _rows("orders"), found)
    return price


def history() -> object:
    found = _rows("history-deals", "--date-from", HOUR_AGO, "--date-to", TOMORROW)
    expect(len(found) == 3, found)  # the deposit is one
    return len(found)


def _sent(order: dict[str, object]) -> object:
    answer = _rows("order-send", "--request", json.dumps(order), "--yes")[0]
    expect(answer["retcode"] == 10009, answer)
    return answer["order"]


def _rows(*arguments: str) -> list[dict[str, object]]:
    path = FOLDER / "rows.json"
    path.unlink(missing_ok=True)
    account = ["--login", str(LOGIN), "--password", PASSWORD, "--server", SERVER]
    command = [sys.executable, "-m", "mt5cli", "-o", str(path), *account, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S_MAX, check=False)
    expect(ended.returncode == 0, ended.stderr[-300:])
    return json.loads(path.read_text(encoding="utf-8"))


run(connect, account, symbols, bars, ticks, open_, modify, close, pending, history)
