"""The drop-in's names, values, structures and argument rules, without a broker behind it."""

import copy
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from enum import IntEnum
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mt5fleet.simulator.process import dropin_folder

REFERENCE = Path(__file__).parents[4] / "shared" / "reference"
NOT_CONNECTED = (-10004, "No IPC connection")


@pytest.fixture
def mt5(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(dropin_folder()))
    for name in [name for name in sys.modules if name.partition(".")[0] == "MetaTrader5"]:
        monkeypatch.delitem(sys.modules, name)
    return import_module("MetaTrader5")


def _reference(name: str) -> dict[str, Any]:
    path = REFERENCE / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine")
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


def test_constants_are_exactly_the_vendors(mt5: ModuleType) -> None:
    wanted = _reference("mt5_constants.json")

    assert {name: getattr(mt5, name, None) for name in wanted} == wanted
    assert [
        name for name in vars(mt5) if name.isupper() and not name.startswith("_") and name not in wanted
    ] == []
    assert len(wanted) == 223


def test_structures_have_the_vendors_fields_in_order(mt5: ModuleType) -> None:
    for name, fields in _reference("mt5_structs.json").items():
        structure = getattr(mt5, name)
        row = structure(range(len(fields)))
        assert list(row._asdict()) == list(structure.__match_args__) == fields
        assert [getattr(row, field) for field in fields] == list(range(len(fields)))


def test_public_names_are_constants_structures_and_functions_only(mt5: ModuleType) -> None:
    public = {name: value for name, value in vars(mt5).items() if not name.startswith("_")}
    functions = [name for name, value in public.items() if callable(value) and not isinstance(value, type)]
    structures = [name for name, value in public.items() if isinstance(value, type)]

    assert len(functions) == 32 + len(("Buy", "Sell", "Close"))
    assert len(structures) == 11
    assert len(public) == 223 + 35 + 11


def test_structure_behaves_like_a_struct_sequence(mt5: ModuleType) -> None:
    row = mt5.Tick((1, 2.0, 3.0, 0.0, 0, 1000, 6, 0.0))

    assert isinstance(row, tuple)
    assert (row.n_fields, len(row), row[1], row.bid) == (8, 8, 2.0, 2.0)
    assert repr(row).startswith("Tick(time=1, bid=2.0,")
    assert not hasattr(row, "_fields")
    assert not hasattr(row, "_replace")
    with pytest.raises(AttributeError):
        row.bid = 5.0
    with pytest.raises(TypeError, match="8-sequence"):
        mt5.Tick((1,))
    with pytest.raises(TypeError):
        mt5.Tick(time=1)


def test_structure_cannot_be_pickled_but_copied(mt5: ModuleType) -> None:
    row = mt5.Tick(range(8))

    with pytest.raises(pickle.PicklingError):
        pickle.dumps(row)
    assert copy.copy(row) == row


def test_function_kept_in_a_class_does_not_bind(mt5: ModuleType) -> None:
    class Program:
        positions_total = mt5.positions_total

    assert Program().positions_total() is None
    assert mt5.last_error() == NOT_CONNECTED


def test_import_is_light_and_reads_nothing_from_the_environment() -> None:
    seen = "import sys; import MetaTrader5; print('numpy' in sys.modules, 'mt5fleet' in sys.modules)"
    environment = {"PYTHONPATH": str(dropin_folder()), "SYSTEMROOT": ""}

    said = subprocess.run(
        [sys.executable, "-c", seen], env=environment, capture_output=True, text=True, check=True
    )

    assert said.stdout.split() == ["False", "False"]


def test_last_error_before_the_first_call_is_empty_and_is_reset_by_each(mt5: ModuleType) -> None:
    assert mt5.last_error() == (0, "")
    assert mt5.account_info() is None
    assert mt5.last_error() == NOT_CONNECTED
    assert mt5.shutdown() is True
    assert mt5.last_error() == (1, "Success")


@pytest.mark.parametrize(
    "name",
    [
        *("shutdown", "version", "terminal_info", "account_info", "positions_total", "orders_total"),
        *("symbols_total", "last_error"),
    ],
)
def test_function_without_arguments_raises_on_any(mt5: ModuleType, name: str) -> None:
    with pytest.raises(TypeError):
        getattr(mt5, name)(1)
    with pytest.raises(TypeError):
        getattr(mt5, name)(login=1)


@pytest.mark.parametrize(
    "name", ["symbol_info", "symbol_info_tick", "history_deals_total", "order_calc_margin"]
)
def test_positional_function_raises_on_keywords(mt5: ModuleType, name: str) -> None:
    with pytest.raises(TypeError):
        getattr(mt5, name)(symbol="EURUSD")


REQUEST = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0}


class _Side(IntEnum):
    BUY = 0


class _NumpyLikeFloat(float):
    pass


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda mt5: mt5.positions_get(5), "Unnamed arguments not allowed"),
        (lambda mt5: mt5.orders_get("EURUSD"), "Unnamed arguments not allowed"),
        (lambda mt5: mt5.positions_get(ticket="5"), 'Invalid "ticket" argument'),
        (lambda mt5: mt5.positions_get(symbol=5), 'Invalid "symbol" argument'),
        (lambda mt5: mt5.history_deals_get(), "Invalid arguments"),
        (lambda mt5: mt5.history_deals_get(1), "Invalid arguments"),
        (lambda mt5: mt5.history_deals_get(date_from=1, date_to=2), "Invalid arguments"),
        (lambda mt5: mt5.history_deals_get("a", 2), "Invalid 1st unnamed argument"),
        (lambda mt5: mt5.history_orders_get(1, None), "Invalid 2nd unnamed argument"),
        (lambda mt5: mt5.symbol_info(), "Invalid number of arguments"),
        (lambda mt5: mt5.symbol_info(5), "Invalid 1st unnamed argument"),
        (lambda mt5: mt5.order_send(), "Invalid number of arguments"),
        (lambda mt5: mt5.order_send([]), "Invalid 1st unnamed argument"),
        (lambda mt5: mt5.order_send(REQUEST, volume=1.0), "Unnamed arguments not allowed"),
        (lambda mt5: mt5.order_send(REQUEST | {"volume": 1}), 'Invalid "volume" argument'),
        (lambda mt5: mt5.order_send(REQUEST | {"sl": 0}), 'Invalid "sl" argument'),
        (lambda mt5: mt5.order_send(REQUEST | {"price": None}), 'Invalid "price" argument'),
        (lambda mt5: mt5.order_send(REQUEST | {"type": 0.0}), 'Invalid "type" argument'),
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
def test_wrong_argument_gives_none_and_a_text(mt5: ModuleType, call: Callable[[Any], Any], text: str) -> None:
    assert call(mt5) is None
    assert mt5.last_error() == (-2, text)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda mt5: mt5.initialize(login="1001"), 'Invalid "login" argument'),
        (lambda mt5: mt5.initialize(5), "Invalid 1st unnamed argument"),
        (lambda mt5: mt5.initialize(password=5), 'Invalid "password" argument'),
        (lambda mt5: mt5.login("1001"), 'Invalid "login" argument'),
        (lambda mt5: mt5.symbol_select(), "Invalid number of arguments"),
    ],
)
def test_wrong_argument_gives_false_and_a_text(
    mt5: ModuleType, call: Callable[[Any], Any], text: str
) -> None:
    assert call(mt5) is False
    assert mt5.last_error() == (-2, text)


@pytest.mark.parametrize(
    "request_fields",
    [
        REQUEST | {"comment": "x" * 29},
        REQUEST | {"volume": _NumpyLikeFloat(0.1)},
        REQUEST | {"type": _Side.BUY},
        REQUEST | {"type": False},
        REQUEST | {"magic": 2**64 - 1},
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
    "call",
    [
        lambda mt5: mt5.order_send(REQUEST | {"magic": -1}),
        lambda mt5: mt5.order_send(REQUEST | {"position": 2**64}),
        lambda mt5: mt5.order_calc_margin("0", "EURUSD", 1.0, 1.1),
        lambda mt5: mt5.order_calc_profit(0, "EURUSD", "1", 1.1, 1.2),
        lambda mt5: mt5.history_deals_get(0, 2**31),
    ],
)
def test_failed_number_parsing_is_a_system_error(mt5: ModuleType, call: Callable[[Any], Any]) -> None:
    with pytest.raises(SystemError, match="returned a result with an exception set"):
        call(mt5)


@pytest.mark.parametrize("name", ["copy_rates_from_pos", "copy_ticks_from", "market_book_get"])
def test_what_is_not_simulated_says_so(mt5: ModuleType, name: str) -> None:
    assert getattr(mt5, name)("EURUSD") is None
    assert mt5.last_error() == (-7, "Unsupported function")


@pytest.mark.parametrize("address", [None, "127.0.0.1:1", "nonsense"])
def test_no_broker_is_an_initialisation_error(
    mt5: ModuleType, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    monkeypatch.delenv("MT5FLEET_SIMULATOR", raising=False)
    if address is not None:
        monkeypatch.setenv("MT5FLEET_SIMULATOR", address)

    assert mt5.initialize(login=1) is False
    assert mt5.last_error()[0] == -10003
