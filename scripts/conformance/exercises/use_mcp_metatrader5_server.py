"""mcp-metatrader5-server: its MCP tools, called by an MCP client as an assistant would."""

import asyncio
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fastmcp import Client
from mcp_mt5 import mcp
from steps import LOGIN, LOTS, PASSWORD, SERVER, SYMBOL, expect, run

# Its `initialize` takes the path of an installed terminal: this file stands for it.
terminal = Path(tempfile.mkdtemp(prefix="terminal-")) / "terminal64.exe"
terminal.touch()
NOW = datetime.now(UTC)


def connect() -> object:
    expect(_call("initialize", path=str(terminal)) is True, _call("get_last_error"))
    expect(_call("login", login=LOGIN, password=PASSWORD, server=SERVER) is True, _call("get_last_error"))
    return _call("get_version")


def account() -> object:
    found = _call("get_account_info")
    expect(found["login"] == LOGIN and found["balance"] > 0, found)
    return found["balance"]


def symbols() -> object:
    found = _call("get_symbols")
    expect(SYMBOL in found and _call("get_symbol_info", symbol=SYMBOL)["digits"] == 5, found)
    return len(found)


def bars() -> object:
    newest = _call("copy_rates_from_pos", symbol=SYMBOL, timeframe=60, start_pos=0, count=100)
    span = {"date_from": _ago(hours=3), "date_to": _ago(hours=1)}
    since = _call("copy_rates_range", symbol=SYMBOL, timeframe=1, **span)
    expect(len(newest) == 100 and len(since) >= 120, (len(newest), len(since)))
    return newest[-1]


def ticks() -> object:
    expect(_call("get_symbol_info_tick", symbol=SYMBOL)["ask"] > 0, "no tick")
    found = _call("copy_ticks_from_date", symbol=SYMBOL, date_from=_ago(hours=1), count=50)
    expect(len(found) == 50, len(found))
    return found[-1]


def open_() -> object:
    return _sent(action=1, type=0, price=_quote()["ask"])


def modify() -> object:
    position = _call("positions_get", symbol=SYMBOL)[0]
    # Its request model has no `position`, so on a hedging account it can only be refused, as on a real one.
    try:
        _call("order_send", request=_order(action=6, type=0, price=position["price_open"], sl=1.0))
    except Exception as error:  # noqa: BLE001  # the tool answers with an error of its own kind
        expect("TRADE_RETCODE_INVALID" in str(error) or "1003" in str(error), error)
        return "refused: the tool cannot name the position"
    expect(False, "a change without a position was carried out")
    return None


def close() -> object:
    # Without `position` an opposite position is what a hedging account gives.
    ticket = _sent(action=1, type=1, price=_quote()["bid"])
    expect(len(_call("positions_get", symbol=SYMBOL)) == 2, "not two opposite positions")
    return ticket


def pending() -> object:
    _sent(action=5, type=2, price=round(_quote()["bid"] - 0.01, 5), type_filling=2)
    found = _call("orders_get", symbol=SYMBOL)
    expect(len(found) == 1 and _call("orders_get_by_ticket", ticket=found[0]["ticket"]), found)
    return found[0]["ticket"]


def history() -> object:
    ticket = _call("positions_get", symbol=SYMBOL)[0]["ticket"]
    deals = _call("history_deals_get", position=ticket)
    expect(len(deals) == 1 and deals[0]["position_id"] == ticket, deals)
    # It names the two dates, which the module refuses: its own doing (its issue 86), and it answers [].
    expect(_call("history_deals_get", from_date=_ago(days=1), to_date=_ago(days=-1)) == [], "not refused")
    return deals[0]


def _sent(**fields: object) -> object:
    answer = _call("order_send", request=_order(**fields))
    expect(answer["retcode"] == 10009, answer)
    return answer["order"]


def _order(**fields: object) -> dict[str, object]:
    return {"symbol": SYMBOL, "volume": LOTS, "type_filling": 1, **fields}


def _quote() -> dict[str, float]:
    return _call("get_symbol_info_tick", symbol=SYMBOL)


def _ago(**span: int) -> str:
    return (NOW - timedelta(**span)).isoformat()


def _call(tool: str, **arguments: object):  # noqa: ANN202  # whatever the tool answers
    async def asked() -> object:
        async with Client(mcp) as assistant:
            return await assistant.call_tool(tool, arguments)

    answer = asyncio.run(asked())
    content = answer.structured_content
    return content["result"] if set(content) == {"result"} else content


run(connect, account, symbols, bars, ticks, open_, modify, close, pending, history)
