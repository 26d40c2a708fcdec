"""The drop-in's names, values, structures and kinds of functions, without a broker behind it."""

import asyncio
import copy
import inspect
import json
import pickle
import subprocess
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from mt5fleet.simulator.process import dropin_folder
from tests.unit.simulator.vendor import NOT_CONNECTED, REFERENCE, SUCCESS, SURFACE, fresh_module

FUNCTIONS = [name for names in SURFACE["functions"].values() for name in names]
VALUES: dict[str, Any] = {"int": 1, "float": 2.0, "str": "x", "bool": True, "TradeRequest": None}


@pytest.fixture
def mt5(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return fresh_module(monkeypatch)


@pytest.mark.parametrize(
    ("file", "ours"),
    [
        ("mt5_constants.json", SURFACE["constants"]),
        ("mt5_struct_types.json", SURFACE["structures"]),
        ("mt5_structs.json", {name: list(fields) for name, fields in SURFACE["structures"].items()}),
    ],
)
def test_our_copy_of_the_facts_is_the_reference(file: str, ours: dict[str, Any]) -> None:
    path = REFERENCE / file
    if not path.exists():
        pytest.skip(f"{file} is not on this machine")

    wanted: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))

    assert ours == wanted
    assert json.dumps(ours) == json.dumps(wanted)  # in the same order


def test_constants_are_exactly_the_vendors_in_name_value_and_order(mt5: ModuleType) -> None:
    wanted = SURFACE["constants"]
    ours = {name: value for name, value in vars(mt5).items() if name.isupper() and name[0] != "_"}

    assert list(ours.items()) == list(wanted.items())
    assert {type(value) for value in ours.values()} == {int}
    assert len(wanted) == 223


def test_structures_have_the_vendors_fields_in_order(mt5: ModuleType) -> None:
    for name, fields in SURFACE["structures"].items():
        structure = getattr(mt5, name)
        row = structure(range(len(fields)))
        assert list(row._asdict()) == list(structure.__match_args__) == list(fields)
        assert [getattr(row, field) for field in fields] == list(range(len(fields)))
        assert structure.n_fields == structure.n_sequence_fields == len(fields)
        assert structure.n_unnamed_fields == 0


def test_public_names_are_constants_structures_and_functions_only(mt5: ModuleType) -> None:
    public = {name for name in dir(mt5) if not name.startswith("_")}

    assert public == {*SURFACE["constants"], *SURFACE["structures"], *FUNCTIONS, "Buy", "Sell", "Close"}
    assert len(public) == 223 + 11 + 35
    assert not hasattr(mt5, "__all__")
    assert mt5.__version__ == "5.0.6231"
    assert isinstance(mt5.__author__, str)


def test_star_import_gives_the_public_names() -> None:
    code = "from MetaTrader5 import *; print(len([n for n in dir() if n[0] != '_']), TradeRequest.n_fields)"

    assert _run(code).split() == ["269", "17"]


def test_structure_is_a_struct_sequence(mt5: ModuleType) -> None:
    row = mt5.Tick((1, 2.0, 3.0, 0.0, 0, 1000, 6, 0.0))

    assert issubclass(mt5.Tick, tuple)
    assert (row.n_fields, len(row), row[1], row.bid) == (8, 8, 2.0, 2.0)
    assert repr(row).startswith("Tick(time=1, bid=2.0,")
    assert not hasattr(row, "_fields")
    assert not hasattr(row, "_replace")
    assert (mt5.Tick.__module__, mt5.Tick.__name__) == ("builtins", "Tick")
    with pytest.raises(AttributeError):
        row.bid = 5.0
    with pytest.raises(TypeError, match="8-sequence"):
        mt5.Tick((1,))
    with pytest.raises(TypeError):
        mt5.Tick(time=1)


def test_structure_type_cannot_be_changed_or_inherited(mt5: ModuleType) -> None:
    with pytest.raises(TypeError, match="immutable type 'Tick'"):
        mt5.Tick.spread = 1
    with pytest.raises(TypeError, match="not an acceptable base type"):
        type("MyTick", (mt5.Tick,), {})


def test_structure_cannot_be_pickled_but_copied_and_matched(mt5: ModuleType) -> None:
    row = mt5.Tick(range(8))

    with pytest.raises(pickle.PicklingError):
        pickle.dumps(row)
    assert copy.copy(row) == copy.deepcopy(row) == row
    match row:
        case mt5.Tick(1, 2):  # a wrong match
            raise AssertionError
        case mt5.Tick(0, bid):
            assert bid == 1


def test_asdict_is_shallow(mt5: ModuleType) -> None:
    request = mt5.TradeRequest(range(17))

    assert mt5.OrderSendResult([*range(10), request])._asdict()["request"] is request


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_a_builtin_of_the_core(mt5: ModuleType, name: str) -> None:
    function: Any = getattr(mt5, name)

    assert {type(function)} == {types.BuiltinFunctionType}
    assert (inspect.isbuiltin(function), inspect.ismethod(function)) == (True, False)
    assert (function.__name__, function.__qualname__, function.__module__) == (
        name,
        name,
        "MetaTrader5._core",
    )
    assert repr(function) == f"<built-in function {name}>"
    assert function.__doc__.startswith(f"{name}(")
    assert function.__text_signature__ is None
    assert function.__self__.__name__ == "MetaTrader5._core"
    assert pickle.loads(pickle.dumps(function)) is function  # noqa: S301  # our own bytes
    with pytest.raises(ValueError, match="no signature found"):
        inspect.signature(function)


def test_buy_sell_and_close_are_plain_functions_of_the_package(mt5: ModuleType) -> None:
    for name, parameters in {
        "Buy": "symbol volume price comment ticket",
        "Sell": "symbol volume price comment ticket",
        "Close": "symbol comment ticket",
    }.items():
        function = getattr(mt5, name)
        assert type(function) is types.FunctionType
        assert function.__module__ == "MetaTrader5"
        assert list(inspect.signature(function).parameters) == parameters.split()


def test_function_kept_in_a_class_does_not_bind(mt5: ModuleType) -> None:
    class Program:
        positions_total = mt5.positions_total
        symbol_info = mt5.symbol_info
        order_send = mt5.order_send

    program = Program()

    assert program.positions_total() is None
    assert program.symbol_info("EURUSD") is None
    assert program.order_send({}) is None
    assert mt5.last_error() == NOT_CONNECTED


@pytest.mark.parametrize("name", SURFACE["functions"]["no arguments"])
def test_function_without_arguments_raises_on_any(mt5: ModuleType, name: str) -> None:
    with pytest.raises(TypeError, match="takes no arguments"):
        getattr(mt5, name)(1)
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        getattr(mt5, name)(login=1)


@pytest.mark.parametrize("name", SURFACE["functions"]["positional"])
def test_positional_function_raises_on_keywords(mt5: ModuleType, name: str) -> None:
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        getattr(mt5, name)(symbol="EURUSD")


def test_functions_work_in_threads_and_loops(mt5: ModuleType) -> None:
    async def asked() -> Any:
        return await asyncio.to_thread(mt5.order_send, {})

    assert asyncio.run(asked()) is None
    assert mt5.last_error() == NOT_CONNECTED


def test_executor_hands_over_an_empty_dict_of_named_arguments_and_is_refused(mt5: ModuleType) -> None:
    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(mt5.order_send, {}).result() is None

    assert mt5.last_error() == (-2, "Unnamed arguments not allowed")


def test_import_is_light_and_reads_nothing_from_the_environment() -> None:
    code = "import sys; import MetaTrader5; print('numpy' in sys.modules, 'mt5fleet' in sys.modules)"

    assert _run(code).split() == ["False", "False"]


def test_import_warns_of_nothing_and_the_process_ends_cleanly() -> None:
    assert _run("import MetaTrader5 as m; m.order_send({}); print(m.last_error()[0])") == "-10004\n"


def test_last_error_before_the_first_call_is_empty_and_is_reset_by_each(mt5: ModuleType) -> None:
    assert mt5.last_error() == (0, "")
    assert mt5.account_info() is None
    assert mt5.last_error() == mt5.last_error() == NOT_CONNECTED
    assert mt5.shutdown() is True
    assert mt5.last_error() == SUCCESS


def _run(code: str) -> str:
    environment = {"PYTHONPATH": str(dropin_folder()), "SYSTEMROOT": ""}
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
