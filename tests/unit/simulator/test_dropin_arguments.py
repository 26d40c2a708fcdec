"""How the drop-in reads arguments: what is refused, with which text, and what a C conversion spoils."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.unit.simulator.vendor import NOT_CONNECTED, SUCCESS, ScriptedLink, attach, fresh_module

NOTHING: dict[str, Any] = {}
REQUEST = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0}

Call = Callable[[Any], Any]


class _Side(IntEnum):
    BUY = 0


@pytest.fixture
def mt5(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return fresh_module(monkeypatch)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda mt5: mt5.positions_get(5), "Unnamed arguments not allowed"),
        (lambda mt5: mt5.orders_get("EURUSD"), "Unnamed arguments not allowed"),
        (lambda mt5: mt5.positions_get(ticket="5"), 'Invalid "ticket" argument'),
        (lambda mt5: mt5.positions_get(ticket=5.0), 'Invalid "ticket" argument'),
        (lambda mt5: mt5.positions_get(symbol=5), 'Invalid "symbol" argument'),
        (lambda mt5: mt5.positions_get(symbol="x" * 30), 'Invalid "symbol" argument'),
        (lambda mt5: mt5.orders_get(group="x" * 1998), 'Invalid "group" argument'),
        (lambda mt5: mt5.history_deals_get(), "Invalid arguments"),
        (lambda mt5: mt5.history_deals_get(1), "Invalid arguments"),
        (lambda mt5: mt5.history_deals_get(1, 2, 3), "Invalid arguments"),
        (lambda mt5: mt5.history_deals_get(date_from=1, date_to=2), "Invalid arguments"),
        (lambda mt5: mt5.history_deals_get("a", 2), "Invalid arguments"),
        (lambda mt5: mt5.history_orders_get(1, None), "Invalid arguments"),
        (lambda mt5: mt5.history_orders_get(1, 2, group=3), 'Invalid "group" argument'),
        (lambda mt5: mt5.history_orders_get(1, ticket=3), "Unnamed arguments not allowed"),
        (lambda mt5: mt5.history_orders_get(ticket="3"), 'Invalid "ticket" argument'),
        (lambda mt5: mt5.history_orders_get(position=3.0), 'Invalid "position" argument'),
        (lambda mt5: mt5.history_orders_total(np.int64(1), 2), "Invalid arguments"),
        (lambda mt5: mt5.symbol_info(), "Invalid arguments"),
        (lambda mt5: mt5.symbol_info(5), "Invalid arguments"),
        (lambda mt5: mt5.symbol_info_tick("x" * 30), "Invalid arguments"),
        (lambda mt5: mt5.market_book_add(5), "Invalid arguments"),
        (lambda mt5: mt5.market_book_release(), "Invalid arguments"),
        (lambda mt5: mt5.market_book_get("a", "b"), "Invalid arguments"),
        (lambda mt5: mt5.copy_rates_from("EURUSD", 1, 2), "Invalid arguments"),
        (lambda mt5: mt5.copy_rates_from(5, 1, 2, 3), "Invalid arguments"),
        (lambda mt5: mt5.copy_rates_from("EURUSD", 1, "2020-01-01", 3), "Invalid arguments"),
        (lambda mt5: mt5.copy_ticks_range("EURUSD", None, 2, 3), "Invalid arguments"),
        (lambda mt5: mt5.order_calc_margin(0, 5, 1.0, 1.0), "Invalid arguments"),
        (lambda mt5: mt5.order_calc_profit(0, "EURUSD", 1.0, 1.0), "Invalid arguments"),
        (lambda mt5: mt5.order_send(), "Invalid number of arguments"),
        (lambda mt5: mt5.order_send(REQUEST, REQUEST), "Invalid number of arguments"),
        (lambda mt5: mt5.order_send([]), "Invalid arguments"),
        (lambda mt5: mt5.order_send(None), "Invalid arguments"),
        (lambda mt5: mt5.order_send(REQUEST, volume=1.0), "Unnamed arguments not allowed"),
        (lambda mt5: mt5.order_send(REQUEST, **NOTHING), "Unnamed arguments not allowed"),
        (lambda mt5: mt5.order_check(REQUEST, **NOTHING), "Unnamed arguments not allowed"),
        (lambda mt5: mt5.order_send(REQUEST | {"volume": 1}), 'Invalid "volume" argument'),
        (lambda mt5: mt5.order_send(REQUEST | {"volume": Decimal(1)}), 'Invalid "volume" argument'),
        (lambda mt5: mt5.order_send(REQUEST | {"volume": np.float32(1)}), 'Invalid "volume" argument'),
        (lambda mt5: mt5.order_send(REQUEST | {"sl": 0}), 'Invalid "sl" argument'),
        (lambda mt5: mt5.order_send(REQUEST | {"price": None}), 'Invalid "price" argument'),
        (lambda mt5: mt5.order_send(REQUEST | {"type": 0.0}), 'Invalid "type" argument'),
        (lambda mt5: mt5.order_send(REQUEST | {"type": np.int64(0)}), 'Invalid "type" argument'),
        (lambda mt5: mt5.order_send(REQUEST | {"magic": "7"}), 'Invalid "magic" argument'),
        (
            lambda mt5: mt5.order_send(REQUEST | {"expiration": datetime.now(UTC)}),
            'Invalid "expiration" argument',
        ),
        (lambda mt5: mt5.order_send(REQUEST | {"comment": "x" * 30}), 'Invalid "comment" argument'),
        (lambda mt5: mt5.order_send(REQUEST | {"comment": "\U0001f600" * 15}), 'Invalid "comment" argument'),
        (lambda mt5: mt5.order_send(REQUEST | {"symbol": None}), 'Invalid "symbol" argument'),
        (lambda mt5: mt5.order_check(REQUEST | {"volume": 1}), 'Invalid "volume" argument'),
    ],
)
def test_wrong_argument_gives_none_and_a_text(mt5: ModuleType, call: Call, text: str) -> None:
    assert call(mt5) is None
    assert mt5.last_error() == (-2, text)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda mt5: mt5.initialize("a", "b"), "Invalid number of arguments"),
        (lambda mt5: mt5.initialize(5), "Invalid 1st unnamed argument"),
        (lambda mt5: mt5.initialize("x" * 258), "Invalid 1st unnamed argument"),
        (lambda mt5: mt5.initialize(path=5), 'Invalid "path" argument'),
        (lambda mt5: mt5.initialize(login="1001"), 'Invalid "login" argument'),
        (lambda mt5: mt5.initialize(login=None), 'Invalid "login" argument'),
        (lambda mt5: mt5.initialize(password=5), 'Invalid "password" argument'),
        (lambda mt5: mt5.initialize(server="x" * 254), 'Invalid "server" argument'),
        (lambda mt5: mt5.initialize(timeout=5.0), 'Invalid "timeout" argument'),
        (lambda mt5: mt5.login("1001"), "Invalid 1st unnamed argument"),
        (lambda mt5: mt5.login(1001, 5), "Invalid 2nd unnamed argument"),
        (lambda mt5: mt5.login(1001, "pw", 5), "Invalid 3rd unnamed argument"),
        (lambda mt5: mt5.login(1001, "pw", "S", 60000), "Invalid number of arguments"),
        (lambda mt5: mt5.login(), 'Invalid "login" argument'),
        (lambda mt5: mt5.login(0, "pw"), 'Invalid "login" argument'),
        (lambda mt5: mt5.login(1001, password=5), 'Invalid "password" argument'),
        (lambda mt5: mt5.symbol_select(), "Invalid arguments"),
        (lambda mt5: mt5.symbol_select("EURUSD", True, 1), "Invalid arguments"),
        (lambda mt5: mt5.symbol_select(5, True), "Invalid arguments"),
        (lambda mt5: mt5.symbols_get("a", "b"), "Invalid number of arguments"),
        (lambda mt5: mt5.symbols_get(5), "Invalid 1st unnamed argument"),
        (lambda mt5: mt5.symbols_get(group=5), 'Invalid "group" argument'),
    ],
)
def test_wrong_argument_gives_false_and_a_text(mt5: ModuleType, call: Call, text: str) -> None:
    assert call(mt5) is False
    assert mt5.last_error() == (-2, text)


@pytest.mark.parametrize(
    "request_fields",
    [
        REQUEST | {"comment": "x" * 29},
        REQUEST | {"volume": np.float64(0.1)},
        REQUEST | {"type": _Side.BUY},
        REQUEST | {"type": False},
        REQUEST | {"type": 2**32 - 1},
        REQUEST | {"magic": 2**64 - 1},
        REQUEST | {"expiration": -(2**63)},
        REQUEST | {"unknown": object()},
        {},
    ],
)
def test_acceptable_request_gets_as_far_as_the_missing_connection(
    mt5: ModuleType, request_fields: dict[str, Any]
) -> None:
    assert mt5.order_send(request_fields) is None
    assert mt5.last_error() == NOT_CONNECTED


def test_request_may_come_as_keywords(mt5: ModuleType) -> None:
    assert mt5.order_send(**REQUEST) is None
    assert mt5.last_error() == NOT_CONNECTED


@pytest.mark.parametrize(
    "call", [lambda mt5: mt5.order_send(**NOTHING), lambda mt5: mt5.order_send(request={})]
)
def test_keywords_without_a_known_field_are_a_number_error_or_an_empty_request(
    mt5: ModuleType, call: Call
) -> None:
    empty = [0, 0, 0, "", 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0, 0, "", 0, 0]
    link = attach(mt5, ScriptedLink(order_send=[10013, 0, 0, 0.0, 0.0, 0.0, 0.0, "Invalid request", 0, 0]))

    answer = call(mt5)

    assert list(answer.request) == empty
    assert list(link.asked[0]["request"].values()) == empty


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda mt5: mt5.order_send(REQUEST | {"magic": -1}), (-2, 'Invalid "magic" argument')),
        (lambda mt5: mt5.order_send(REQUEST | {"position": 2**64}), (-2, 'Invalid "position" argument')),
        (lambda mt5: mt5.order_send(REQUEST | {"type": -1}), (-2, 'Invalid "type" argument')),
        (lambda mt5: mt5.order_send(REQUEST | {"action": 2**32}), (-2, 'Invalid "action" argument')),
        (lambda mt5: mt5.order_send(REQUEST | {"expiration": 2**63}), (-2, 'Invalid "expiration" argument')),
        (lambda mt5: mt5.positions_get(ticket=-1), (-2, 'Invalid "ticket" argument')),
        (lambda mt5: mt5.initialize(login=-1), (-2, 'Invalid "login" argument')),
        (lambda mt5: mt5.login(-1), (-2, "Invalid 1st unnamed argument")),
        (lambda mt5: mt5.initialize(timeout=2**32), (-2, 'Invalid "timeout" argument')),
        (lambda mt5: mt5.order_calc_margin("0", "EURUSD", 1.0, 1.1), (-2, "Invalid arguments")),
        (lambda mt5: mt5.order_calc_margin(np.int64(0), "EURUSD", 1.0, 1.1), (-2, "Invalid arguments")),
        (lambda mt5: mt5.order_calc_profit(0, "EURUSD", "1", 1.1, 1.2), (-2, "Invalid arguments")),
        (lambda mt5: mt5.copy_rates_from_pos("EURUSD", "M1", 0, 1), (-2, "Invalid arguments")),
        (lambda mt5: mt5.copy_rates_from_pos("EURUSD", 1, 0.0, 1), (-2, "Invalid arguments")),
        (lambda mt5: mt5.copy_rates_from_pos("EURUSD", 1, 0, 2**31), (-2, "Invalid arguments")),
        (lambda mt5: mt5.history_deals_get(0, 2**31), SUCCESS),
    ],
)
def test_failed_c_conversion_is_a_system_error(mt5: ModuleType, call: Call, said: tuple[int, str]) -> None:
    with pytest.raises(SystemError, match=r"<built-in function \w+> returned a result with an exception set"):
        call(mt5)

    assert mt5.last_error() == said


def test_system_error_names_its_cause(mt5: ModuleType) -> None:
    with pytest.raises(SystemError) as caught:
        mt5.order_send(REQUEST | {"magic": -1})

    assert isinstance(caught.value.__cause__, OverflowError)


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (1_700_000_000, 1_700_000_000),
        (True, 1),
        (1_700_000_000.9, 1_700_000_000),
        (-1.9, -1),
        (datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), 1_700_000_000),
        (datetime(2023, 11, 14, 22, 13, 20), int(datetime(2023, 11, 14, 22, 13, 20).timestamp())),  # noqa: DTZ001  # a naive one is meant
        (datetime(2050, 1, 1, tzinfo=UTC), -(2**31)),
        (float("nan"), -(2**31)),
    ],
)
def test_date_is_a_signed_second_of_32_bits(mt5: ModuleType, moment: Any, seconds: int) -> None:
    link = attach(mt5, ScriptedLink(history_deals_total=0))

    assert mt5.history_deals_total(moment, 0) == 0
    assert link.asked[0]["since_s"] == seconds


def test_amounts_of_calculations_may_be_anything_that_is_a_number(mt5: ModuleType) -> None:
    link = attach(mt5, ScriptedLink(order_calc_margin=1.0))

    assert mt5.order_calc_margin(True, "EURUSD", Decimal("0.1"), np.float32(1.5)) == 1.0
    assert link.asked == [
        {"op": "order_calc_margin", "type": 1, "symbol": "EURUSD", "volume": 0.1, "price": 1.5}
    ]


def test_counts_of_copies_may_be_numpy_integers(mt5: ModuleType) -> None:
    link = attach(mt5, ScriptedLink(copy_rates_from_pos=b""))

    assert len(mt5.copy_rates_from_pos("EURUSD", np.int32(1), np.int64(2), True)) == 0
    assert link.asked == [
        {"op": "copy_rates_from_pos", "symbol": "EURUSD", "timeframe": 1, "start": 2, "count": 1}
    ]


@pytest.mark.parametrize(
    ("keywords", "asked"),
    [
        ({"ticket": 5, "symbol": "EURUSD", "group": "*"}, {"ticket": 5}),
        ({"symbol": "EURUSD", "group": "*"}, {"symbol": "EURUSD"}),
        ({"group": "*USD", "magic": 7}, {"group": "*USD"}),
        ({"magic": 7, "tiket": 5}, {}),
    ],
)
def test_first_filter_wins_and_unknown_ones_are_ignored(
    mt5: ModuleType, keywords: dict[str, Any], asked: dict[str, Any]
) -> None:
    link = attach(mt5, ScriptedLink(positions_get=[]))

    assert mt5.positions_get(**keywords) == ()
    assert link.asked == [{"op": "positions_get", **asked}]
    assert mt5.last_error() == SUCCESS


def test_dates_win_over_ticket_and_position_of_a_history(mt5: ModuleType) -> None:
    link = attach(mt5, ScriptedLink(history_orders_get=[]))

    assert mt5.history_orders_get(1, 2, ticket=5, position="x", group="*") == ()
    assert link.asked == [{"op": "history_orders_get", "since_s": 1, "until_s": 2, "group": "*"}]


def test_text_ends_at_its_first_nul(mt5: ModuleType) -> None:
    link = attach(mt5, ScriptedLink(symbol_select=True))

    assert mt5.symbol_select("EURUSD\0x", []) is True
    assert link.asked == [{"op": "symbol_select", "symbol": "EURUSD", "enable": False}]
