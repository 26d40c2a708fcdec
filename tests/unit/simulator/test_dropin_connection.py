"""How the drop-in connects: what it asks the broker for, and what it says when there is none."""

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.unit.simulator.vendor import NOT_CONNECTED, SUCCESS, ScriptedLink, attach, fresh_module

REFUSED = {"error": [-6, "Terminal: Authorization failed"]}


@pytest.fixture
def mt5(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return fresh_module(monkeypatch)


@pytest.fixture
def link(mt5: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ScriptedLink:
    """The connection that the next `initialize` opens."""
    link = ScriptedLink(initialize=True, login=True, account_info=REFUSED)

    def opened(address: str, *, connect_timeout_s: float) -> ScriptedLink:
        link.asked.append({"op": "open", "address": address, "timeout_s": connect_timeout_s})
        return link

    monkeypatch.setattr(import_module("MetaTrader5._connection"), "Link", opened)
    monkeypatch.setenv("MT5FLEET_SIMULATOR", "broker:1")
    return link


@pytest.mark.parametrize("address", [None, "127.0.0.1:1", "nonsense"])
def test_no_broker_is_an_initialisation_error(
    mt5: ModuleType, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    monkeypatch.delenv("MT5FLEET_SIMULATOR", raising=False)
    if address is not None:
        monkeypatch.setenv("MT5FLEET_SIMULATOR", address)

    assert mt5.initialize(login=1) is False
    assert mt5.last_error()[0] == -10003
    assert mt5.last_error()[1].startswith("IPC initialize failed, ")


@pytest.mark.parametrize(
    ("args", "named", "asked"),
    [
        ((), {}, {"path": ""}),
        ((), {"login": 5, "password": "pw"}, {"path": "", "login": 5, "password": "pw"}),
        ((), {"login": 0, "password": "pw"}, {"path": "", "login": 0, "password": "pw"}),
        ((), {"server": "S"}, {"path": "", "login": 0, "server": "S"}),
        ((), {"login": 5, "server": ""}, {"path": "", "login": 5}),
        (("/no/such/terminal64.exe",), {}, {"path": "/no/such/terminal64.exe", "path_exists": False}),
        (("a",), {"path": "/", "portable": True}, {"path": "/", "path_exists": True}),
    ],
)
def test_initialize_asks_for_what_was_given(
    mt5: ModuleType, link: ScriptedLink, args: tuple[Any, ...], named: dict[str, Any], asked: dict[str, Any]
) -> None:
    assert mt5.initialize(*args, **named) is True
    assert mt5.last_error() == SUCCESS
    assert link.asked[-1] == {"op": "initialize", "timeout_ms": 60_000, **asked}


def test_path_of_a_file_that_is_there_is_told(mt5: ModuleType, link: ScriptedLink, tmp_path: Path) -> None:
    terminal = tmp_path / "terminal64.exe"
    terminal.touch()

    mt5.initialize(str(terminal))

    assert link.asked[-1]["path_exists"] is True


@pytest.mark.parametrize(("given_ms", "used_ms"), [(0, 60_000), (250, 250), (2**32 - 1, 2**32 - 1)])
def test_timeout_reaches_the_connection(
    mt5: ModuleType, link: ScriptedLink, given_ms: int, used_ms: int
) -> None:
    assert mt5.initialize(timeout=given_ms) is True
    assert link.asked[0] == {"op": "open", "address": "broker:1", "timeout_s": used_ms / 1000}
    assert link.asked[1]["timeout_ms"] == used_ms


def test_refused_initialize_leaves_no_connection(mt5: ModuleType, link: ScriptedLink) -> None:
    link.answers["initialize"] = REFUSED

    assert mt5.initialize(login=5) is False
    assert mt5.last_error() == (-6, "Terminal: Authorization failed")
    assert link.asked[-1] == {"op": "close"}
    assert mt5.version() is None
    assert mt5.last_error() == NOT_CONNECTED


def test_initialize_drops_the_old_connection_even_when_its_arguments_are_wrong(mt5: ModuleType) -> None:
    old = attach(mt5, ScriptedLink())

    assert mt5.initialize(login="5") is False
    assert old.asked == [{"op": "close"}]


@pytest.mark.parametrize(
    ("args", "named", "asked"),
    [
        ((5,), {}, {"login": 5}),
        ((5, "pw", "S"), {}, {"login": 5, "password": "pw", "server": "S"}),
        ((5, "pw"), {"login": 6, "server": "S"}, {"login": 6, "password": "pw", "server": "S"}),
        ((), {"login": 5, "password": "pw", "timeout": 100}, {"login": 5, "password": "pw"}),
    ],
)
def test_login_takes_places_and_names_and_names_win(
    mt5: ModuleType, link: ScriptedLink, args: tuple[Any, ...], named: dict[str, Any], asked: dict[str, Any]
) -> None:
    mt5.initialize()

    assert mt5.login(*args, **named) is True
    timeout_ms = named.get("timeout", 60_000)
    assert link.asked[-1] == {"op": "login", "timeout_ms": timeout_ms, **asked}


def test_login_without_a_connection_is_refused(mt5: ModuleType) -> None:
    assert mt5.login(5) is False
    assert mt5.last_error() == NOT_CONNECTED


def test_shutdown_closes_and_says_true_even_twice(mt5: ModuleType, link: ScriptedLink) -> None:
    mt5.initialize()

    assert (mt5.shutdown(), mt5.shutdown()) == (True, True)
    assert link.asked[-1] == {"op": "close"}
    assert mt5.account_info() is None
    assert mt5.last_error() == NOT_CONNECTED


def test_call_from_within_a_call_reads_no_answer_of_the_other(mt5: ModuleType) -> None:
    """A signal's handler runs while the first call waits, in the same thread."""
    said: list[Any] = []

    def handler() -> int:
        said.append((mt5.orders_total(), mt5.last_error()))
        return 7

    link = attach(mt5, ScriptedLink(positions_total=[handler], orders_total=1))

    assert mt5.positions_total() == 7
    assert said == [(None, (-10000, "IPC call failed"))]
    assert [asked["op"] for asked in link.asked] == ["positions_total"]
    assert mt5.orders_total() == 1


class _Interrupted(ScriptedLink):
    """A link whose wait for an answer is ended by a signal's handler."""

    def ask(self, request: dict[str, Any]) -> Any:
        if request["op"] == "positions_total":
            raise KeyboardInterrupt
        return super().ask(request)


def test_answer_of_an_interrupted_call_is_nobodys(
    mt5: ModuleType, link: ScriptedLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer is still on its way, and the next call would read it as its own."""
    interrupted = _Interrupted(initialize=True, orders_total=7)
    monkeypatch.setattr(
        import_module("MetaTrader5._connection"), "Link", lambda _address, connect_timeout_s: interrupted
    )
    assert mt5.initialize()

    with pytest.raises(KeyboardInterrupt):
        mt5.positions_total()

    assert mt5.orders_total() is None
    assert mt5.last_error() == NOT_CONNECTED
