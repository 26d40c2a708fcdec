"""The broker in its own process: kills, lost answers, many clients, and the module over the wire."""

import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mt5fleet.simulator.client import BrokerControl, BrokerUnreachableError, CommandRefusedError
from mt5fleet.simulator.process import BrokerNotStartedError

LOGIN, PASSWORD = 1001, "pw"
BUY = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 1}
LOST = (-10002, "IPC recv failed")
NOT_CONNECTED = (-10004, "No IPC connection")
FAR_S = 2**31 - 1


def _comments(control: BrokerControl, login: int = LOGIN) -> list[str]:
    return [position["comment"] for position in control.truth(login)["positions"]]


def test_order_through_the_module_reaches_the_brokers_records(
    broker: Any, control: Any, connect: Any
) -> None:
    mt5 = connect(broker)

    sent = mt5.order_send(BUY | {"magic": 2**53 - 1, "comment": "K1", "sl": 1.09, "tp": 1.11})

    assert (sent.retcode, sent.request.magic, mt5.last_error()) == (10009, 2**53 - 1, (1, "Success"))
    (position,) = mt5.positions_get()
    assert (position.ticket, position.identifier, position.magic) == (sent.order, sent.order, 2**53 - 1)
    (order,) = mt5.history_orders_get(ticket=sent.order)
    assert (order.state, order.position_id, order.volume_current) == (4, sent.order, 0.0)
    (deal,) = mt5.history_deals_get(ticket=sent.deal)
    assert (deal.order, deal.entry, deal.price) == (sent.order, 0, 1.1001)
    (truth,) = control.truth(LOGIN)["positions"]
    assert (truth["ticket"], truth["volume"], truth["price_open"]) == (sent.order, "0.10", "1.10010")


def test_killed_broker_comes_back_with_the_same_truth(broker: Any, connect: Any) -> None:
    mt5 = connect(broker)
    ticket = mt5.order_send(BUY).order
    mt5.order_send(
        {"action": 5, "symbol": "EURUSD", "volume": 0.1, "type": 2, "price": 1.05, "type_filling": 2}
    )
    with broker.control() as control:
        control.quote("EURUSD", "1.10500", "1.10510")
        before = control.all_truth()

    broker.kill()
    assert mt5.positions_get() is None
    assert mt5.last_error() in {LOST, (-10001, "IPC send failed")}
    assert mt5.positions_get() is None
    assert mt5.last_error() == NOT_CONNECTED

    with broker.restarted() as again, again.control() as control:
        assert control.all_truth() == before
        mt5 = connect(again)
        assert [position.ticket for position in mt5.positions_get()] == [ticket]


def test_kill_under_load_loses_no_answered_order(broker: Any, connect: Any) -> None:
    answered: list[int] = []
    terminal, killer = connect(broker), threading.Event()

    def trade() -> None:
        while (sent := terminal.order_send(BUY | {"volume": 0.01})) is not None:
            answered.append(sent.order)
            if len(answered) == 50:
                killer.set()

    trader = threading.Thread(target=trade)
    trader.start()
    assert killer.wait(60)
    broker.kill()
    trader.join(60)

    assert not trader.is_alive()
    with broker.restarted() as again, again.control() as control:
        held = {position["ticket"] for position in control.truth(LOGIN)["positions"]}
    assert set(answered) <= held
    assert len(held - set(answered)) <= 1  # the call whose answer died with the broker


def test_many_accounts_trade_at_once_without_mixing(
    entries: Any, tmp_path: Path, starts: Any, connect: Any
) -> None:
    broker = starts(entries(tmp_path / "state", accounts=20))
    logins = range(LOGIN, LOGIN + 20)
    terminals = {login: connect(broker, login) for login in logins}

    def trade(login: int) -> list[int]:
        sent = [terminals[login].order_send(BUY | {"magic": login, "volume": 0.01}) for _ in range(10)]
        return [answer.order for answer in sent]

    with ThreadPoolExecutor(20) as pool:
        tickets = dict(zip(logins, pool.map(trade, logins), strict=True))

    with broker.control() as control:
        for login in logins:
            truth = control.truth(login)
            assert [position["ticket"] for position in truth["positions"]] == sorted(tickets[login])
            assert {position["magic"] for position in truth["positions"]} == {login}
            assert Decimal(truth["balance"]) == sum(Decimal(deal["profit"]) for deal in truth["deals"])
    assert len({ticket for held in tickets.values() for ticket in held}) == 200


def test_filters_and_dates_of_the_history(broker: Any, control: Any, connect: Any) -> None:
    mt5 = connect(broker)
    ticket = mt5.order_send(BUY).order
    mt5.order_send(BUY | {"symbol": "GBPUSD"})
    mt5.order_send(BUY | {"type": 1, "position": ticket})
    server_s = control.status()["server_time_ms"] // 1000

    assert [deal.symbol for deal in mt5.history_deals_get(0, FAR_S)] == ["", "EURUSD", "GBPUSD", "EURUSD"]
    assert mt5.history_deals_get(0, server_s - 3600) == ()
    assert mt5.history_deals_total(0, FAR_S) == 4
    assert [deal.entry for deal in mt5.history_deals_get(position=ticket)] == [0, 1]
    assert [order.type for order in mt5.history_orders_get(0, FAR_S, group="*USD,!GBP*")] == [0, 1]
    assert mt5.history_orders_get(ticket=1) == ()
    assert mt5.history_deals_get(position=0) == ()  # a deposit belongs to no position
    assert mt5.last_error() == (1, "Success")
    assert [position.symbol for position in mt5.positions_get(magic=5)] == ["GBPUSD"]
    assert mt5.positions_get(symbol="EURUSD") == ()
    assert len(mt5.positions_get(group="*")) == 1


def test_account_and_terminal_say_that_they_are_simulated(broker: Any, connect: Any) -> None:
    mt5 = connect(broker)

    account, terminal = mt5.account_info(), mt5.terminal_info()

    assert (account.login, account.server, account.company) == (LOGIN, "Sim-1", "mt5fleet simulator")
    assert (account.trade_mode, account.margin_mode, account.equity) == (0, 2, 100000.0)
    assert (terminal.company, terminal.connected, terminal.trade_allowed) == (
        "mt5fleet simulator",
        True,
        True,
    )
    assert mt5.version()[0] == 500


def test_switches_show_in_the_terminals_answers(broker: Any, control: Any, connect: Any) -> None:
    mt5 = connect(broker)

    control.switch(LOGIN, {"mode": "real", "autotrading": False})
    assert (mt5.account_info().trade_mode, mt5.terminal_info().trade_allowed) == (2, False)
    assert mt5.order_send(BUY).retcode == 10027

    control.switch(LOGIN, {"tradeapi_disabled": True})
    assert mt5.order_send(BUY) is None
    assert mt5.last_error()[0] == -8

    with pytest.raises(CommandRefusedError, match="balance: cannot be switched"):
        control.switch(LOGIN, {"balance": 5})


@pytest.mark.parametrize(
    "credentials",
    [
        {"login": LOGIN, "password": "wrong"},
        {"login": LOGIN},
        {"login": 5, "password": PASSWORD},
        {"login": LOGIN, "password": PASSWORD, "server": "Sim-2"},
        {},  # two accounts and none named
    ],
)
def test_wrong_credentials_are_refused(broker: Any, connect: Any, credentials: dict[str, Any]) -> None:
    mt5 = connect(broker)

    assert mt5.initialize(**credentials) is False
    assert mt5.last_error() == (-6, "Terminal: Authorization failed")
    assert mt5.account_info() is None
    assert mt5.last_error() == NOT_CONNECTED


def test_symbol_functions_over_the_wire(broker: Any, connect: Any) -> None:
    mt5 = connect(broker)
    mt5.order_send(BUY)

    symbol, tick = mt5.symbol_info("EURUSD"), mt5.symbol_info_tick("EURUSD")
    assert (symbol.bid, symbol.ask, symbol.spread, symbol.digits) == (1.1, 1.1001, 10, 5)
    assert (symbol.filling_mode, symbol.trade_exemode, symbol.trade_tick_value) == (3, 2, 1.0)
    assert (tick.bid, tick.ask, tick.time) == (1.1, 1.1001, tick.time_msc // 1000)
    assert mt5.symbols_total() == len(mt5.symbols_get()) == 36
    assert [row.name for row in mt5.symbols_get("*GBP*,!GBP*")] == ["EURGBP"]
    assert mt5.symbol_info("NOPE") is None
    assert mt5.last_error()[0] == -4
    assert mt5.symbol_info_tick("AUDUSD") is None  # no prices configured
    assert mt5.symbol_select("EURUSD", False) is False  # a position is open on it
    assert mt5.symbol_select("GBPUSD", False) is True
    assert mt5.symbol_info("GBPUSD").select is False


def test_calculations_over_the_wire(broker: Any, connect: Any) -> None:
    mt5 = connect(broker)

    check = mt5.order_check(BUY)

    assert mt5.order_calc_margin(0, "EURUSD", 1, 1.1) == 1100.1
    assert mt5.order_calc_profit(0, "EURUSD", 1.0, 1.1, 1.101) == 100.0
    assert mt5.order_calc_profit(1, "EURUSD", 1.0, 1.1, 1.101) == -100.0
    assert (check.retcode, check.comment, check.margin, check.request.symbol) == (0, "Done", 110.01, "EURUSD")
    assert mt5.order_check(BUY | {"volume": 0.001}).retcode == 10014
    assert mt5.positions_total() == 0


def test_malformed_message_drops_only_its_own_connection(broker: Any, connect: Any) -> None:
    mt5 = connect(broker)
    host, port = broker.address.split(":")
    for noise in (struct.pack(">I", 2**31), struct.pack(">I", 3) + b"{{{", struct.pack(">I", 2) + b"[]"):
        with socket.create_connection((host, int(port))) as client:
            client.sendall(noise)
            client.settimeout(20)
            assert _read_to_end(client) == b""

    assert mt5.positions_total() == 0


def _read_to_end(client: socket.socket) -> bytes:
    try:
        return client.recv(100)
    except ConnectionResetError:
        return b""


def test_restart_goes_on_with_the_prices_where_the_market_would_be(
    entries: Any, tmp_path: Path, starts: Any, connect: Any
) -> None:
    broker = starts(entries(tmp_path / "state", default_prices="synthetic", prices={}, seed=3))
    before = connect(broker).symbol_info_tick("EURUSD")
    broker.kill()

    with broker.restarted() as again:
        after = connect(again).symbol_info_tick("EURUSD")

    assert after.time_msc >= before.time_msc
    assert abs(after.bid - before.bid) < 0.005


def test_broken_configuration_ends_the_start_with_its_reason(
    entries: Any, tmp_path: Path, starts: Any
) -> None:
    with pytest.raises(BrokerNotStartedError, match=r"prices\.EURUSD\.file.*nowhere"):
        starts(entries(tmp_path, prices={"EURUSD": {"source": "recorded", "file": "nowhere.csv"}}))


def test_second_broker_on_the_same_state_does_not_start(
    entries: Any, tmp_path: Path, broker: Any, starts: Any
) -> None:
    with pytest.raises(BrokerNotStartedError, match="another broker uses this state folder"):
        starts(entries(tmp_path / "state"))


def test_broker_dies_with_the_process_that_started_it(
    tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    program = (
        "import sys; from mt5fleet.simulator.process import start_broker;"
        "from mt5fleet.simulator.config import parse_config;"
        "print(start_broker(parse_config({})).address, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    address = parent.stdout.readline().strip()
    BrokerControl(address).close()

    parent.kill()
    parent.wait()
    parent.stdin.close()
    parent.stdout.close()

    wait_until(lambda: not _answers(address))


def _answers(address: str) -> bool:
    try:
        BrokerControl(address).close()
    except BrokerUnreachableError:
        return False
    return True
