"""What the drop-in gives back: field types, arrays, the connection's codes, over a broker in this process."""

from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.unit.simulator.conftest import LOGIN, Desk
from tests.unit.simulator.vendor import (
    NOT_CONNECTED,
    SUCCESS,
    SURFACE,
    LocalLink,
    ScriptedLink,
    attach,
    fresh_module,
)

RATES = [
    *(("time", "<i8"), ("open", "<f8"), ("high", "<f8"), ("low", "<f8"), ("close", "<f8")),
    *(("tick_volume", "<u8"), ("spread", "<i4"), ("real_volume", "<u8")),
]
TICKS = [
    *(("time", "<i8"), ("bid", "<f8"), ("ask", "<f8"), ("last", "<f8"), ("volume", "<u8")),
    *(("time_msc", "<i8"), ("flags", "<u4"), ("volume_real", "<f8")),
]
LOST_SENDING = (-10001, "IPC send failed")
LOST_RECEIVING = (-10002, "IPC recv failed")


@pytest.fixture
def mt5(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return fresh_module(monkeypatch)


@pytest.fixture
def connected(mt5: ModuleType, desk: Desk) -> Any:
    """The module, logged in to the desk's account."""
    link = attach(mt5, LocalLink(desk.broker))
    link.ask({"op": "initialize", "path": "", "login": LOGIN, "password": ""})
    return mt5


def _types(row: Any) -> dict[str, str]:
    return {name: type(value).__name__ for name, value in row._asdict().items()}


@pytest.mark.parametrize(
    ("structure", "call"),
    [
        ("AccountInfo", lambda mt5: mt5.account_info()),
        ("TerminalInfo", lambda mt5: mt5.terminal_info()),
        ("SymbolInfo", lambda mt5: mt5.symbol_info("EURUSD")),
        ("SymbolInfo", lambda mt5: mt5.symbols_get()[0]),
        ("Tick", lambda mt5: mt5.symbol_info_tick("EURUSD")),
        ("TradePosition", lambda mt5: mt5.positions_get()[0]),
        ("TradeOrder", lambda mt5: mt5.orders_get()[0]),
        ("TradeOrder", lambda mt5: mt5.history_orders_get(0, 2**31 - 1)[0]),
        ("TradeDeal", lambda mt5: mt5.history_deals_get(0, 2**31 - 1)[-1]),
        ("OrderSendResult", lambda mt5: mt5.order_send({"action": 99})),
        ("OrderCheckResult", lambda mt5: mt5.order_check({"action": 99})),
        ("TradeRequest", lambda mt5: mt5.order_send({"action": 99}).request),
    ],
)
def test_every_field_has_the_vendors_type(
    connected: Any, desk: Desk, structure: str, call: Callable[[Any], Any]
) -> None:
    desk.opened()
    desk.pending(2, 1.05)

    row = call(connected)

    assert type(row) is getattr(connected, structure)
    assert _types(row) == SURFACE["structures"][structure]


def test_every_field_of_the_market_depth_has_the_vendors_type(mt5: ModuleType) -> None:
    attach(mt5, ScriptedLink(market_book_get=[[1, 1.2, 5, 5.0], [2, 1.1, 3, 3.0]]))

    depth = mt5.market_book_get("EURUSD")

    assert isinstance(depth, tuple)
    assert [_types(row) for row in depth] == [SURFACE["structures"]["BookInfo"]] * 2
    assert depth[0].type == mt5.BOOK_TYPE_SELL


@pytest.mark.parametrize(
    ("call", "fields", "asked"),
    [
        (
            lambda mt5: mt5.copy_rates_from("EURUSD", 16385, datetime(2026, 1, 1, tzinfo=UTC), 2),
            RATES,
            {"op": "copy_rates_from", "timeframe": 16385, "from_s": 1767225600, "count": 2},
        ),
        (
            lambda mt5: mt5.copy_rates_from_pos("EURUSD", 1, 0, 2),
            RATES,
            {"op": "copy_rates_from_pos", "timeframe": 1, "start": 0, "count": 2},
        ),
        (
            lambda mt5: mt5.copy_rates_range("EURUSD", 1, 5, 6.5),
            RATES,
            {"op": "copy_rates_range", "timeframe": 1, "since_s": 5, "until_s": 6},
        ),
        (
            lambda mt5: mt5.copy_ticks_from("EURUSD", 5, 2, mt5.COPY_TICKS_ALL),
            TICKS,
            {"op": "copy_ticks_from", "from_ms": 5000, "count": 2, "flags": -1},
        ),
        (
            lambda mt5: mt5.copy_ticks_range("EURUSD", 5, 6, mt5.COPY_TICKS_TRADE),
            TICKS,
            {"op": "copy_ticks_range", "since_ms": 5000, "until_ms": 6000, "flags": 2},
        ),
    ],
)
def test_copies_are_packed_arrays_of_60_bytes_a_row(
    mt5: ModuleType, call: Callable[[Any], Any], fields: list[tuple[str, str]], asked: dict[str, Any]
) -> None:
    rows = np.zeros(2, dtype=np.dtype(fields))
    rows["time"] = [60, 120]
    link = attach(mt5, ScriptedLink(**{asked["op"]: rows.tobytes()}))

    array = call(mt5)

    assert link.asked == [asked | {"symbol": "EURUSD"}]
    assert array.dtype == np.dtype(fields)
    assert (array.shape, array.itemsize, array.strides) == ((2,), 60, (60,))
    assert array["time"].tolist() == [60, 120]
    assert (array.flags.owndata, array.flags.writeable) == (True, False)


def test_copy_of_nothing_is_an_empty_array_and_a_success(mt5: ModuleType) -> None:
    attach(mt5, ScriptedLink(copy_rates_range=b""))

    array = mt5.copy_rates_range("EURUSD", 1, 5, 6)

    assert (len(array), array.dtype) == (0, np.dtype(RATES))
    assert mt5.last_error() == SUCCESS


def test_refusal_gives_none_and_the_terminals_words(mt5: ModuleType) -> None:
    refused = {"error": [-4, "Terminal: Not found"]}
    attach(
        mt5,
        ScriptedLink(
            symbol_info=refused, copy_rates_from_pos=refused, symbols_get=refused, symbol_select=refused
        ),
    )

    assert mt5.symbol_info("x") is None
    assert mt5.copy_rates_from_pos("x", 1, 0, 1) is None
    assert mt5.symbols_get("x") is None
    assert mt5.symbol_select("x") is False
    assert mt5.last_error() == (-4, "Terminal: Not found")


def test_refused_depth_is_false_and_an_accepted_one_true(mt5: ModuleType) -> None:
    attach(
        mt5,
        ScriptedLink(market_book_add={"error": [-4, "Terminal: Not found"]}, market_book_release=True),
    )

    assert mt5.market_book_add("x") is False
    assert mt5.last_error() == (-4, "Terminal: Not found")
    assert mt5.market_book_release("EURUSD") is True


@pytest.mark.parametrize(("while_sending", "said"), [(True, LOST_SENDING), (False, LOST_RECEIVING)])
def test_broken_connection_says_where_it_broke_and_is_gone(
    mt5: ModuleType, while_sending: bool, said: tuple[int, str]
) -> None:
    link = attach(mt5, ScriptedLink(account_info=[_lost(while_sending=while_sending)]))

    assert mt5.account_info() is None
    assert mt5.last_error() == said
    assert link.asked[-1] == {"op": "close"}
    assert mt5.account_info() is None
    assert mt5.last_error() == NOT_CONNECTED


def _lost(*, while_sending: bool) -> Callable[[], None]:
    # The drop-in's own class: this process may hold the same file under another name as well.
    error = import_module("MetaTrader5._link").LinkLostError

    def lose() -> None:
        raise error(while_sending=while_sending)

    return lose


def test_request_is_echoed_as_it_was_read(connected: Any) -> None:
    answer = connected.order_send({"action": 99, "volume": 0.1, "magic": 2**64 - 1, "comment": "x", "y": 1})

    assert (answer.request.volume, answer.request.magic, answer.request.comment) == (0.1, 2**64 - 1, "x")
    assert answer.retcode == connected.TRADE_RETCODE_INVALID
    assert (answer.deal, answer.order, answer.volume, answer.price, answer.request_id) == (0, 0, 0, 0, 0)
