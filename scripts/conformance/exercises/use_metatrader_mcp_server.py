"""metatrader-mcp-server: its client library `metatrader_client`, which its MCP tools and routes call."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from metatrader_client import MT5Client
from steps import LOGIN, LOTS, PASSWORD, SERVER, SYMBOL, expect, run

# It looks for an installed terminal first: this file stands for it.
terminal = Path(tempfile.mkdtemp(prefix="terminal-")) / "terminal64.exe"
terminal.touch()
client = MT5Client({"path": str(terminal), "login": LOGIN, "password": PASSWORD, "server": SERVER})


def connect() -> object:
    expect(client.connect() and client.is_connected(), "not connected")
    return client.get_version()


def account() -> object:
    found = client.account.get_account_info()
    expect(found["login"] == LOGIN and found["balance"] > 0, found)
    expect(client.account.is_trade_allowed(), "trading is not allowed")
    return client.account.get_trade_statistics()


def symbols() -> object:
    found = client.market.get_symbols()
    expect(SYMBOL in found and client.market.get_symbol_info(SYMBOL)["digits"] == 5, found)
    return len(found)


def bars() -> object:
    newest = client.market.get_candles_latest(SYMBOL, "H1", 50)
    expect(len(newest) == 50, len(newest))
    day = f"{datetime.now(UTC) - timedelta(days=10):%Y-%m-%d}"
    dated = client.market.get_candles_by_date(SYMBOL, "H1", day, f"{datetime.now(UTC):%Y-%m-%d}")
    expect(len(dated) > 0, len(dated))
    return len(newest) + len(dated)


def ticks() -> object:
    found = client.market.get_symbol_price(SYMBOL)
    expect(found["ask"] > found["bid"] > 0, found)
    return found


def open_() -> object:
    answer = client.order.place_market_order(type="BUY", symbol=SYMBOL, volume=LOTS)
    expect(not answer["error"] and answer["data"].retcode == 10009, answer)
    return answer["message"]


def modify() -> object:
    position = client.order.get_positions_by_symbol(SYMBOL).iloc[0]
    level = round(float(position["open"]) - 0.01, 5)
    answer = client.order.modify_position(int(position["id"]), stop_loss=level)
    changed = client.order.get_positions_by_symbol(SYMBOL).iloc[0]
    expect(not answer["error"] and float(changed["stop_loss"]) == level, answer)
    return level


def close() -> object:
    position = client.order.get_positions_by_symbol(SYMBOL).iloc[0]
    answer = client.order.close_position(int(position["id"]))
    expect(not answer["error"] and client.order.get_all_positions().empty, answer)
    return answer["message"]


def pending() -> object:
    price = round(client.market.get_symbol_price(SYMBOL)["bid"] - 0.01, 5)
    placed = client.order.place_pending_order(type="BUY", symbol=SYMBOL, volume=LOTS, price=price)
    expect(not placed["error"], placed)
    ticket = int(client.order.get_all_pending_orders().iloc[0]["id"])
    moved = client.order.modify_pending_order(id=ticket, price=round(price - 0.001, 5))
    expect(float(client.order.get_all_pending_orders().iloc[0]["open"]) == round(price - 0.001, 5), moved)
    removed = client.order.cancel_pending_order(ticket)
    expect(not removed["error"] and client.order.get_all_pending_orders().empty, removed)
    return placed["message"]


def history() -> object:
    deals = client.history.get_deals_as_dataframe(datetime.now(UTC) - timedelta(days=1))
    expect(len(deals) >= 3, deals)
    return len(deals)


run(connect, account, symbols, bars, ticks, open_, modify, close, pending, history)
