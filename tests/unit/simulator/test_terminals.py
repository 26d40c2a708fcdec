"""Terminals by path: who is on which, who is switched, who is refused, and what a restart does."""

from collections.abc import Callable
from typing import Any

import pytest

from mt5fleet.simulator.broker import Broker
from mt5fleet.simulator.clock import SteppedClock
from mt5fleet.simulator.config import parse_config
from mt5fleet.simulator.host.fault_terms import FaultTerms, RecordList
from mt5fleet.simulator.host.refusals import CallRefusedError
from mt5fleet.simulator.host.session import Session

START_MS = 1_800_000_000_000
ONE, TWO = 1001, 1002
PATH = r"C:\Terminals\one\terminal64.exe"
BUY = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 1}


class Machine:
    """A broker and the clients of its terminals."""

    def __init__(self, **config: Any) -> None:
        self.clock = SteppedClock(START_MS)
        entries = {
            "default_prices": "none",
            "accounts": [
                {"login": ONE, "password": "p1", "server": "Sim-A"},
                {"login": TWO, "password": "p2", "server": "Sim-B", "currency": "EUR"},
            ],
            "prices": {"EURUSD": {"source": "fixed", "bid": "1.1", "ask": "1.2"}},
        }
        self.broker = Broker(parse_config(entries | config), clock=self.clock)
        self.dropped: list[Session] = []

    def client(self, **wanted: Any) -> Session:
        session = Session(self.broker, on_drop=lambda: self.dropped.append(session))
        if wanted:
            session.answer("initialize", wanted)
        return session

    def refusal(self, session: Session, call: str, **parameters: Any) -> int:
        with pytest.raises(CallRefusedError) as refused:
            session.answer(call, parameters)
        return refused.value.code

    def step_ms(self, duration_ms: int) -> None:
        self.clock.step_ms(duration_ms)
        self.broker.advance()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def make_machine() -> Callable[..., Machine]:
    return Machine


def test_login_moves_every_client_of_the_path(machine: Machine) -> None:
    first = machine.client(path=PATH, login=ONE, password="p1")
    second = machine.client(path=PATH)
    other = machine.client(path="elsewhere", login=ONE, password="p1")

    first.answer("login", {"login": TWO, "password": "p2", "server": "Sim-B"})

    assert (first.login, second.login, other.login) == (TWO, TWO, ONE)
    assert second.answer("account_info", {})[0] == TWO


def test_login_without_a_path_moves_only_the_client_that_asked(machine: Machine) -> None:
    first = machine.client(login=ONE, password="p1")
    second = machine.client(login=ONE, password="p1")

    first.answer("login", {"login": TWO, "password": "p2"})

    assert (first.login, second.login) == (TWO, ONE)


def test_refused_login_leaves_the_terminal_where_it_was(machine: Machine) -> None:
    client = machine.client(path=PATH, login=ONE, password="p1")

    assert machine.refusal(client, "login", login=TWO, password="wrong") == -6
    assert machine.refusal(client, "login", login=TWO) == -6
    assert machine.refusal(machine.client(), "login", login=TWO, password="p2") == -10004
    assert client.login == ONE


def test_terminal_remembers_its_account_and_the_passwords_it_took(machine: Machine) -> None:
    machine.client(path=PATH, login=ONE, password="p1")
    machine.client(path=PATH, login=TWO, password="p2").leave()

    again = machine.client(path=PATH)
    back = machine.client(path=PATH, login=ONE)

    assert (again.login, back.login) == (ONE, ONE)  # the second client's login moved the first one, too
    assert machine.refusal(machine.client(), "initialize", path="new", login=ONE) == -6


def test_market_watch_is_the_terminals(machine: Machine) -> None:
    first = machine.client(path=PATH, login=ONE, password="p1")
    second = machine.client(path=PATH)
    other = machine.client(path="elsewhere", login=ONE, password="p1")
    selected = 1 + [*_fields()].index("select") - 1

    first.answer("symbol_select", {"symbol": "GBPUSD", "enable": False})

    shown = [client.answer("symbol_info", {"symbol": "GBPUSD"})[selected] for client in (second, other)]
    assert shown == [False, True]


def _fields() -> tuple[str, ...]:
    from mt5fleet.simulator.dropin.MetaTrader5._fields import SYMBOL_INFO_FIELDS  # noqa: PLC0415  # one test

    return tuple(SYMBOL_INFO_FIELDS)


def test_depth_is_shown_to_who_asked_for_it_first(machine: Machine) -> None:
    client = machine.client(path=PATH, login=ONE, password="p1")
    other = machine.client(path="elsewhere", login=ONE, password="p1")
    assert client.answer("market_book_add", {"symbol": "EURUSD"}) is True

    rows = client.answer("market_book_get", {"symbol": "EURUSD"})

    assert all(len(row) == 4 for row in rows)
    assert machine.refusal(other, "market_book_get", symbol="EURUSD") == -1
    assert client.answer("market_book_release", {"symbol": "EURUSD"}) is True
    assert machine.refusal(client, "market_book_get", symbol="EURUSD") == -1


@pytest.mark.parametrize(
    ("rule", "path", "exists", "refused"),
    [
        ("any", "nowhere", False, None),
        ("existing", "nowhere", False, -10003),
        ("existing", "here", True, None),
        ("listed", "unlisted", True, -10003),
        ("listed", PATH, False, None),
    ],
)
def test_path_is_taken_as_the_rule_says(
    make_machine: Callable[..., Machine], rule: str, path: str, exists: bool, refused: int | None
) -> None:
    machine = make_machine(terminal_paths=rule, terminals=[{"path": PATH, "login": ONE}])
    wanted = {"path": path, "path_exists": exists, "login": ONE, "password": "p1"}

    if refused is None:
        assert machine.client(**wanted).login == ONE
    else:
        assert machine.refusal(machine.client(), "initialize", **wanted) == refused


def test_listed_terminal_attaches_with_the_account_it_remembers(make_machine: Callable[..., Machine]) -> None:
    machine = make_machine(terminals=[{"path": PATH, "login": TWO}])

    assert machine.client(path=PATH).login == TWO


def test_attach_login_is_the_account_of_nobody_in_particular(make_machine: Callable[..., Machine]) -> None:
    machine = make_machine(attach_login=TWO)

    assert machine.client(path="").login == TWO
    assert machine.refusal(machine.client(), "initialize", login=0, password="p2") == -6
    assert machine.refusal(machine.client(), "initialize", login=0) == -6
    assert machine.refusal(machine.client(), "initialize", login=TWO, server="Sim-A") == -6
    assert machine.client(login=TWO).login == TWO


def test_failed_initialize_leaves_no_connection(machine: Machine) -> None:
    client = machine.client(login=ONE, password="p1")

    assert machine.refusal(client, "initialize", login=ONE, password="wrong") == -6
    assert machine.refusal(client, "positions_get") == -10004


def _restart(machine: Machine, **terms: Any) -> None:
    fault = {"kind": "terminal_restart", "lasts_ms": 2_000, "sync_ms": 500, "login": ONE, **terms}
    machine.broker.add_fault(FaultTerms.model_validate(fault))


def test_restarting_terminal_drops_its_clients_and_lets_nobody_in(machine: Machine) -> None:
    wanted = {"path": PATH, "login": ONE, "password": "p1"}
    client, bare = machine.client(**wanted), machine.client(login=ONE, password="p1")
    other = machine.client(login=TWO, password="p2")

    _restart(machine)

    assert set(machine.dropped) == {client, bare}
    assert machine.refusal(machine.client(), "initialize", **wanted) == -10005
    assert machine.refusal(machine.client(), "initialize", login=ONE, password="p1") == -10005
    assert other.answer("positions_total", {}) == 0
    machine.step_ms(2_000)
    assert machine.client(**wanted).login == ONE


def test_restarted_terminal_shows_empty_lists_until_it_has_synchronised(machine: Machine) -> None:
    wanted = {"path": PATH, "login": ONE, "password": "p1"}
    machine.client(**wanted).answer("order_send", {"request": BUY})
    _restart(machine)
    machine.step_ms(2_000)
    client = machine.client(**wanted)

    def shown() -> tuple[Any, ...]:
        whole = {"since_s": 0, "until_s": 2**31 - 1}
        return (
            len(client.answer("positions_get", {})),
            client.answer("positions_total", {}),
            len(client.answer("history_deals_get", whole)),
            client.answer("history_orders_total", whole),
        )

    during = shown()
    machine.step_ms(500)

    assert during == (0, 0, 0, 0)
    assert shown() == (1, 1, 2, 1)
    assert client.answer("account_info", {})[0] == ONE


@pytest.mark.parametrize("cleared", [ONE, None])
def test_cleared_faults_end_a_restart_and_empty_lists(machine: Machine, cleared: int | None) -> None:
    wanted = {"path": PATH, "login": ONE, "password": "p1"}
    client = machine.client(**wanted)
    client.answer("order_send", {"request": BUY})
    client.show_empty(tuple(RecordList), 60_000)
    machine.broker.clear_faults(cleared)
    after_emptiness = client.answer("positions_total", {})
    _restart(machine)
    machine.broker.clear_faults(TWO)

    assert after_emptiness == 1
    assert machine.refusal(machine.client(), "initialize", **wanted) == -10005
    machine.broker.clear_faults(cleared)
    assert machine.client(**wanted).answer("positions_total", {}) == 1


def test_two_servers_and_currencies_live_side_by_side(machine: Machine) -> None:
    one, two = machine.client(login=ONE, password="p1"), machine.client(login=TWO, password="p2")
    one.answer("order_send", {"request": BUY})

    rows = [client.answer("account_info", {}) for client in (one, two)]

    assert [(row[-3], row[-2]) for row in rows] == [("Sim-A", "USD"), ("Sim-B", "EUR")]
    assert (one.answer("positions_total", {}), two.answer("positions_total", {})) == (1, 0)
