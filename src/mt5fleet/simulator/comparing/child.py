"""Asks the module MetaTrader5 of this process, and prints its answers as one JSON document.

Run by `simulator/compare.py` twice: once with the vendor's package, once with the drop-in in its place.
"""

import json
import sys
from importlib import import_module
from threading import Event
from typing import Any

from mt5fleet.simulator.comparing.asking import Asker
from mt5fleet.simulator.comparing.describing import Vendor
from mt5fleet.simulator.comparing.questions import Subject, ask_everything_harmless
from mt5fleet.simulator.comparing.trading import ask_by_trading

DEMO = 0
FOK, IOC, RETURN = 0, 1, 2
FOK_BIT, IOC_BIT = 1, 2
DISTANCE_POINTS = 500
"""How far from the market the run's own stop loss and pending orders stay, beyond stops level and spread."""


class _CannotAskError(Exception):
    """There is nobody to ask, and why."""


def main() -> None:
    """Read the wish from standard input, ask, and print."""
    wish = json.load(sys.stdin)
    try:
        said = _asked(wish)
    except _CannotAskError as error:
        said = {"problem": str(error)}
    json.dump(said, sys.stdout)


def _asked(wish: dict[str, Any]) -> dict[str, Any]:
    module = _module(is_dropin=wish["is_dropin"])
    asker = Asker(module, lambda: _attach(module, wish["path"]))
    asker.ask("shapes", "last_error() before anything", lambda mt5: mt5.last_error())
    asker.ask("shapes", "account_info() before initialize", lambda mt5: mt5.account_info())
    _attach(module, wish["path"])
    try:
        subject = _subject(module, wish["symbol"])
        account = module.account_info()
        left: list[str] = []
        if wish["trade"]:
            if account.trade_mode != DEMO:
                raise _CannotAskError(f"account {account.login} is no demo account: nothing was traded")
            left = ask_by_trading(asker, subject, Event().wait)
        else:
            ask_everything_harmless(asker, subject)
    finally:
        module.shutdown()
    return {
        "answers": asker.answers,
        "left": left,
        "account": f"{account.login} at {account.server}",
        "is_demo": account.trade_mode == DEMO,
    }


def _module(*, is_dropin: bool) -> Vendor:
    try:
        module: Vendor = import_module("MetaTrader5")
    except ImportError as error:
        raise _CannotAskError(
            f"the package MetaTrader5 cannot be imported ({error}): on Windows, pip install MetaTrader5"
        ) from error
    if (module.__author__ == "mt5fleet") is not is_dropin:
        raise _CannotAskError("the import path gives the wrong one of the two MetaTrader5 packages")
    return module


def _attach(module: Vendor, path: str) -> None:
    if not (module.initialize(path) if path else module.initialize()):
        raise _CannotAskError(f"initialize() failed: {module.last_error()}")


def _subject(module: Vendor, symbol: str) -> Subject:
    module.symbol_select(symbol, True)
    terms, tick = module.symbol_info(symbol), module.symbol_info_tick(symbol)
    if terms is None or tick is None or not tick.bid:
        raise _CannotAskError(f"{symbol} has no quote here: choose another with --symbol")
    away_points = DISTANCE_POINTS + terms.trade_stops_level + terms.trade_freeze_level + terms.spread
    return Subject(
        symbol=symbol,
        point=terms.point,
        digits=terms.digits,
        volume=terms.volume_min,
        bid=tick.bid,
        ask=tick.ask,
        now_s=tick.time,
        filling=_filling(terms.filling_mode),
        distance=away_points * terms.point,
    )


def _filling(mask: int) -> int:
    if mask & IOC_BIT:
        return IOC
    return FOK if mask & FOK_BIT else RETURN


if __name__ == "__main__":
    main()
