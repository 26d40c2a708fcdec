"""mt5-trading-mcp: its MCP tools with its own guards (idempotency, preflight) switched on."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from mt5_mcp.server import build_server
from steps import LOTS, SYMBOL, expect, run

folder = Path(tempfile.mkdtemp(prefix="mt5-mcp-"))
config = folder / "config.toml"
config.write_text(
    '[policy]\nauto_approve_notional = "1000000"\n'
    f'[idempotency]\npath = "{folder.as_posix()}/idem.db"\n'
    f'[audit]\npath = "{folder.as_posix()}/audit.jsonl"\n',
    encoding="utf-8",
)
server = build_server(mt5_module=None, config_path=config)
NOW = datetime.now(UTC)


def connect() -> object:
    return _call("get_terminal_info").company


def account() -> object:
    return _call("get_account_info").balance


def symbols() -> object:
    names = {found.name for found in _call("get_symbols")}
    expect(SYMBOL in names, names)
    return len(names)


def bars() -> object:
    found = _call("get_rates", symbol=SYMBOL, timeframe="M15", count=200)
    expect(len(found) == 200, len(found))
    return found[0]


def ticks() -> object:
    found = _call("get_quote", symbol=SYMBOL)
    expect(NOW - timedelta(minutes=5) < found.time, found)
    return found


def open_() -> object:
    return _sent("place_order", symbol=SYMBOL, side="buy", type="market", volume=str(LOTS))


def modify() -> object:
    position = _call("get_positions")[0]
    level = str(round(float(position.price_open) - 0.01, 5))
    _sent("modify_order", ticket=position.ticket, sl=level)
    expect(float(_call("get_positions")[0].sl) == float(level), level)
    return level


def close() -> object:
    _sent("close_position", ticket=_call("get_positions")[0].ticket, volume="0.04")
    expect(float(_call("get_positions")[0].volume) == 0.06, _call("get_positions"))
    return _sent("close_position", ticket=_call("get_positions")[0].ticket)


def pending() -> object:
    price = round(float(_call("get_quote", symbol=SYMBOL).bid) - 0.01, 5)
    _sent("place_order", symbol=SYMBOL, side="buy", type="limit", volume=str(LOTS), price=str(price))
    order = _call("get_orders")[0]
    _sent("modify_order", ticket=order.ticket, price=str(round(price - 0.001, 5)))
    _sent("cancel_order", ticket=order.ticket)
    expect(_call("get_orders") == [], _call("get_orders"))
    return price


def history() -> object:
    until = (NOW + timedelta(days=1)).isoformat()
    deals = _call("get_history", from_ts=(NOW - timedelta(days=1)).isoformat(), to_ts=until, symbol=SYMBOL)
    expect(len(deals) == 3, deals)
    return len(deals)


def _sent(tool: str, **arguments: object) -> object:
    answer = _call(tool, idempotency_key=str(uuid4()), **arguments)
    expect(answer.get("error") is None and answer.get("success") is not False, answer)
    return answer


def _call(tool: str, **arguments: object):  # noqa: ANN202  # whatever the tool answers
    answer = server._tool_manager.get_tool(tool).fn(**arguments)  # noqa: SLF001  # as its own tests call it
    expect(not (isinstance(answer, dict) and answer.get("error")), answer)
    return answer


run(connect, account, symbols, bars, ticks, open_, modify, close, pending, history)
