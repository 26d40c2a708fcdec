"""`python -m benchmarks.simulator`: how fast the simulated broker is in one process, without the wire.

Reading and sending go through `Session.answer`, as a terminal's calls do; nothing is written to disk unless
the row says so. Then 1,000 accounts with 10 positions each take quotes. Rates are given by the wall clock and
by this process's processor time: on a shared machine the second is the one to compare.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import mean, quantiles

import psutil
from rich.console import Console
from rich.table import Table

from mt5fleet.simulator.broker import Broker
from mt5fleet.simulator.clock import SteppedClock
from mt5fleet.simulator.codes import Reason
from mt5fleet.simulator.config import parse_config
from mt5fleet.simulator.host.journal import FileJournal, Journal
from mt5fleet.simulator.host.session import Session
from mt5fleet.simulator.trading.stop_out import is_stop_out
from mt5fleet.simulator.trading.triggers import order_is_reached, stop_reached

RESULTS = Path(__file__).resolve().parent / "simulator.json"
START_MS = 1_800_000_000_000  # a Friday
DAY_MS = 86_400_000
FIRST_LOGIN = 1001
MIDS = {"EURUSD": 1.1, "GBPUSD": 1.3, "USDJPY": 150.0, "EURGBP": 0.846, "XAUUSD": 2000.0}
DIGITS = {"EURUSD": 5, "GBPUSD": 5, "USDJPY": 3, "EURGBP": 5, "XAUUSD": 2}
SYMBOLS = list(MIDS)

READS = 40_000
SENDS = 10_000
SENDERS = 20
CROWD = 1_000
POSITIONS_EACH = 10
TICKS = 2_000
TICKS_PER_S = 20
CALLS_PER_QUOTE = 1_000  # 20,000 calls a second while 20 quotes a second come in

Row = dict[str, float | str]


class Stand:
    """A broker with fixed prices that this program moves."""

    def __init__(self, accounts: int, balance: int = 1_000_000, journal: Journal | None = None) -> None:
        entries: dict[str, object] = {
            "default_prices": "none",
            "accounts": [_account(FIRST_LOGIN + number, balance) for number in range(accounts)],
            "symbols": [{"name": name, "swap_mode": 1, "swap_long": -5, "swap_short": 1} for name in SYMBOLS],
        }
        self.clock = SteppedClock(START_MS)
        self.broker = Broker(parse_config(entries), clock=self.clock, journal=journal)
        self.mids = dict(MIDS)
        self._chance = Random(1)
        for symbol in SYMBOLS:
            self.quote(symbol, 0.0)

    def session(self, login: int) -> Session:
        session = Session(self.broker)
        session.answer("initialize", {"login": login, "password": "", "path": f"terminal-{login}"})
        return session

    def quote(self, symbol: str, share: float) -> float:
        """Move a price and return the processor seconds that the quote took."""
        mid = self.mids[symbol] = self.mids[symbol] * (1 + self._chance.gauss(0, share))
        grain = Decimal(1).scaleb(-DIGITS[symbol])
        bid, ask = (Decimal(mid * (1 + side * 0.00004)).quantize(grain) for side in (-1, 1))
        started = time.process_time()
        self.broker.set_quote(symbol, bid, ask)
        return time.process_time() - started


def main() -> None:
    """Measure, print a table, write simulator.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulator", description=__doc__)
    parser.parse_args()
    rows: dict[str, Row] = {}
    for name, row in _measurements():
        rows[name] = row
        sys.stderr.write(f"{name}: {row}\n")
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    RESULTS.write_text(
        json.dumps({**known, "machine": _machine(), "core": rows}, indent=1) + "\n", encoding="utf-8"
    )
    _print(rows)


def _measurements() -> Iterator[tuple[str, Row]]:
    yield from _reading()
    yield from _sending()
    yield from _crowd()


def _reading() -> Iterator[tuple[str, Row]]:
    on = Stand(accounts=1_000)
    session = on.session(FIRST_LOGIN)
    for number in range(POSITIONS_EACH):
        session.answer("order_send", _order(number))

    def with_quotes(call: str, parameters: dict[str, object]) -> Callable[[int], object]:
        def ask(number: int) -> object:
            if number % CALLS_PER_QUOTE == 0:
                on.clock.step_ms(1000 // TICKS_PER_S)
                on.quote(SYMBOLS[number // CALLS_PER_QUOTE % len(SYMBOLS)], 0.0001)
            return session.answer(call, parameters)

        return ask

    yield "symbol_info_tick", _rate(with_quotes("symbol_info_tick", {"symbol": "EURUSD"}), READS, 20_000)
    yield "positions_get, 10 positions", _rate(with_quotes("positions_get", {}), READS, 20_000)
    yield "account_info, 10 positions", _rate(with_quotes("account_info", {}), READS)
    yield "symbol_info", _rate(with_quotes("symbol_info", {"symbol": "EURUSD"}), READS)


def _sending() -> Iterator[tuple[str, Row]]:
    yield "order_send, new positions", _rate(_sender(Stand(SENDERS)), SENDS, 5_000)
    with tempfile.TemporaryDirectory(prefix="mt5fleet-bench-") as name, _journal(Path(name)) as journal:
        yield "order_send, journal without fsync", _rate(_sender(Stand(SENDERS, journal=journal)), SENDS)
    on = Stand(SENDERS)
    sessions = [on.session(FIRST_LOGIN + number) for number in range(SENDERS)]
    opened = [int(_answered(session, _order(0, volume=2.0))[2]) for session in sessions]

    def move(number: int) -> object:
        place, stop = number % SENDERS, round(1.0 + number % 1_000 / 100_000, 5)
        request = {"action": 6, "position": opened[place], "sl": stop, "tp": 0.0}
        return _answered(sessions[place], {"request": request})

    yield "order_send, stops moved", _rate(move, SENDS)


def _sender(on: Stand) -> Callable[[int], object]:
    """Open positions, each account in turn, on five symbols and both sides."""
    sessions = [on.session(FIRST_LOGIN + number) for number in range(SENDERS)]

    def send(number: int) -> object:
        if number % (CALLS_PER_QUOTE // 4) == 0:
            on.clock.step_ms(1000 // TICKS_PER_S)
            on.quote(SYMBOLS[number // CALLS_PER_QUOTE % len(SYMBOLS)], 0.0001)
        return _answered(sessions[number % SENDERS], _order(number // SENDERS))

    return send


def _crowd() -> Iterator[tuple[str, Row]]:
    on = Stand(CROWD, balance=600)
    chance = Random(2)
    for login in range(FIRST_LOGIN, FIRST_LOGIN + CROWD):
        for number in range(POSITIONS_EACH):
            on.broker.order_send(login, _guarded(on.mids, chance, SYMBOLS[number % len(SYMBOLS)]))
        on.broker.order_send(login, _waiting(on.mids, chance))
    opened = _held(on)
    on.quote("EURUSD", 0.0)  # the first one fills the vectors
    seconds = [on.quote(SYMBOLS[number % len(SYMBOLS)], 0.0006) for number in range(TICKS)]
    yield "one quote, 1,000 accounts", _tick_row(on, seconds, opened)
    started = time.process_time()
    held = _held(on)
    on.clock.step_ms(DAY_MS)
    on.broker.advance()
    yield "rollover of a day", {"positions": held, "ms": (time.process_time() - started) * 1000}


def _tick_row(on: Stand, seconds: list[float], opened: int) -> Row:
    cuts = quantiles(seconds, n=1000)
    deals = [deal for book in on.broker.market.books.accounts() for deal in book.deals.values()]
    return {
        "accounts": CROWD,
        "positions_at_start": opened,
        "positions_at_end": _held(on),
        "quotes": len(seconds),
        "mean_us": mean(seconds) * 1e6,
        "p50_us": cuts[499] * 1e6,
        "p99_us": cuts[989] * 1e6,
        "max_us": max(seconds) * 1e6,
        "core_percent_at_20_per_s": mean(seconds) * TICKS_PER_S * 100,
        "quotes_per_cpu_s": 1 / mean(seconds),
        "stops_and_targets": sum(deal.reason in (Reason.STOP_LOSS, Reason.TAKE_PROFIT) for deal in deals),
        "stop_outs": sum(deal.reason is Reason.STOP_OUT for deal in deals),
        "left_undone": _left_undone(on),
    }


def _left_undone(on: Stand) -> int:
    """Count, by looking at everything, what the quotes should have set off and did not."""
    left, market = 0, on.broker.market
    for book in market.books.accounts():
        for position in book.positions.values():
            quote = market.quote(position.symbol)
            left += quote is not None and stop_reached(position, quote) is not None
        for order in book.orders.values():
            quote = market.quote(order.symbol)
            left += quote is not None and order_is_reached(order, quote)
        worth = market.valuation.worth(book, market.terms[book.login])
        left += bool(book.positions) and is_stop_out(worth, market.terms[book.login])
    return left


def _held(on: Stand) -> int:
    return sum(len(book.positions) for book in on.broker.market.books.accounts())


def _rate(call: Callable[[int], object], count: int, wanted: int | None = None) -> Row:
    wall, processor = time.perf_counter(), time.process_time()
    for number in range(count):
        call(number)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    row: Row = {"calls": count, "per_s": count / wall, "per_cpu_s": count / processor}
    return row if wanted is None else {**row, "wanted_per_s": wanted}


def _answered(session: Session, parameters: dict[str, object]) -> list[object]:
    answer = session.answer("order_send", parameters)
    if not isinstance(answer, list) or answer[0] != 10009:
        raise SystemExit(f"the order was not executed: {answer}")
    return answer


def _account(login: int, balance: int) -> dict[str, object]:
    return {"login": login, "balance": balance, "leverage": 500, "stop_out_level": 50, "limit_orders": 0}


def _order(number: int, volume: float = 0.1) -> dict[str, dict[str, object]]:
    return {"request": _request(SYMBOLS[number % len(SYMBOLS)], number // len(SYMBOLS) % 2, volume)}


def _request(symbol: str, side: int, volume: float) -> dict[str, object]:
    return {"action": 1, "symbol": symbol, "type": side, "volume": volume, "type_filling": 1}


def _guarded(mids: dict[str, float], chance: Random, symbol: str) -> dict[str, object]:
    """Return a market order of either side with a stop loss and a target."""
    side = chance.randrange(2)
    away = mids[symbol] * chance.uniform(0.004, 0.06) * (1 if side == 0 else -1)
    stops = {"sl": mids[symbol] - away, "tp": mids[symbol] + away}
    rounded = {name: round(price, DIGITS[symbol]) for name, price in stops.items()}
    return {**_request(symbol, side, 0.1), **rounded}


def _waiting(mids: dict[str, float], chance: Random) -> dict[str, object]:
    price = round(mids["EURUSD"] * (1 - chance.uniform(0.004, 0.03)), 5)
    return {"action": 5, "symbol": "EURUSD", "type": 2, "volume": 0.1, "price": price, "type_filling": 2}


@contextmanager
def _journal(folder: Path) -> Iterator[FileJournal]:
    with FileJournal(folder / "broker.journal", fsync=False) as journal:
        list(journal.replay())
        yield journal


def _machine() -> dict[str, object]:
    return {
        "cores": psutil.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_average": psutil.getloadavg()[0],
    }


def _print(rows: dict[str, Row]) -> None:
    table = Table(title="One process, no wire; load: see the program's head", title_justify="left")
    for column in ("what", "figure", "value"):
        table.add_column(column, justify="right" if column == "value" else "left")
    for name, row in rows.items():
        table.add_row(name)
        for field, value in row.items():
            table.add_row("", field, f"{value:,.1f}" if isinstance(value, float) else f"{value:,}")
        table.add_section()
    Console().print(table)


if __name__ == "__main__":
    main()
