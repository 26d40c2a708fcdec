"""A program in a process of its own, written for the vendor's package, on a real broker process."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mt5fleet.simulator.process import BrokerProcess

PROGRAM = """
from datetime import datetime, timedelta
import MetaTrader5 as mt5

assert mt5.initialize(login=1001, password="pw", server="Sim-1"), mt5.last_error()
assert mt5.symbol_select("EURUSD", True)
bars = mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_M1, 0, 10)
print("bars", bars.dtype.itemsize, len(bars) <= 10, bars.flags.owndata, mt5.last_error())
ticks = mt5.copy_ticks_from("EURUSD", datetime.now() - timedelta(days=1), 10, mt5.COPY_TICKS_ALL)
print("ticks", ticks.dtype.itemsize, len(ticks) <= 10, mt5.last_error())
print("none", mt5.copy_rates_from_pos("NO.SUCH", mt5.TIMEFRAME_M1, 0, 1), mt5.last_error()[0])
print("count", mt5.copy_rates_from_pos("EURUSD", mt5.TIMEFRAME_M1, 0, -1), mt5.last_error()[0])
print("book", mt5.market_book_add("EURUSD"), type(mt5.market_book_get("EURUSD")[0]).__name__,
      mt5.market_book_release("EURUSD"))
answer = mt5.Buy("EURUSD", 0.1, comment="b")
print("buy", answer.retcode, answer.comment)
request = {"action": mt5.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.1, "type": mt5.ORDER_TYPE_SELL,
           "type_filling": mt5.ORDER_FILLING_IOC, "magic": 7}
print("sell", mt5.order_send(request).retcode, mt5.order_send(request, **{}))
print("open", mt5.positions_total(), mt5.Close("EURUSD"), mt5.positions_total())
print("end", mt5.shutdown(), mt5.account_info(), mt5.last_error()[0])
"""


def test_program_for_the_vendors_package_runs_unchanged(
    tmp_path: Path, starts: Callable[..., BrokerProcess], entries: Callable[..., dict[str, Any]]
) -> None:
    always = {"name": "EURUSD", "weekend_closed": False}
    prices = {"EURUSD": {"source": "fixed", "bid": "1.10000", "ask": "1.10010"}}
    broker = starts(entries(tmp_path / "state", symbols=[always], prices=prices))

    said = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=broker.environment(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.stderr == ""
    assert said.stdout.splitlines() == [
        "bars 60 True True (1, 'Success')",
        "ticks 60 True (1, 'Success')",
        "none None -4",
        "count None -2",
        "book True BookInfo True",
        "buy 10009 Request executed",
        "sell 10009 None",
        "open 2 True 0",
        "end True None -10004",
    ]
