"""Rows of a MetaTrader5-shaped module, with every field the gateway reads."""

from types import SimpleNamespace
from typing import Any


def symbol(**changes: Any) -> Any:
    fields = {
        "name": "EURUSD",
        "select": True,
        "time": 0,
        "digits": 5,
        "point": 0.00001,
        "trade_mode": 4,
        "trade_exemode": 2,
        "filling_mode": 3,
        "expiration_mode": 15,
        "trade_stops_level": 0,
        "trade_tick_value_loss": 1.0,
        "trade_tick_size": 0.00001,
        "trade_contract_size": 100_000.0,
        "volume_min": 0.01,
        "volume_max": 100.0,
        "volume_step": 0.01,
        "currency_profit": "USD",
        "currency_margin": "EUR",
    }
    return SimpleNamespace(**{**fields, **changes})


def account(**changes: Any) -> Any:
    fields = {
        "login": 1001,
        "server": "Simulator-1",
        "trade_mode": 0,
        "leverage": 100,
        "margin_mode": 2,
        "trade_allowed": True,
        "trade_expert": True,
        "currency_digits": 2,
        "balance": 10_000.0,
        "margin": 0.0,
    }
    return SimpleNamespace(**{**fields, **changes})


def terminal(**changes: Any) -> Any:
    fields = {
        "connected": True,
        "trade_allowed": True,
        "tradeapi_disabled": False,
        "company": "mt5fleet simulator",
        "build": 1,
    }
    return SimpleNamespace(**{**fields, **changes})


def deal(**changes: Any) -> Any:
    fields = {
        "ticket": 1,
        "order": 0,
        "position_id": 0,
        "symbol": "",
        "type": 0,
        "entry": 0,
        "volume": 0.0,
        "price": 0.0,
        "profit": 100.0,
        "swap": 0.0,
        "commission": 0.0,
        "fee": 0.0,
        "magic": 0,
        "reason": 0,
        "comment": "",
        "time_msc": 0,
    }
    return SimpleNamespace(**{**fields, **changes})
