"""The broker that programs of other people run on: `mt5fleet simulator serve --profile judge`."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from mt5fleet.simulator.client import BrokerControl
from mt5fleet.simulator.process import LISTENING, MODULE, dropin_folder
from mt5fleet.simulator.profiles import profile
from mt5fleet.simulator.terms.base import ConfigError

LOGIN, PASSWORD, SERVER = 12345678, "sim-pass", "Sim-Demo"
SYMBOLS = {
    *("EURUSD", "GBPUSD", "USDJPY", "USDCHF", "AUDUSD", "EURJPY", "GBPJPY", "EURCAD"),
    *("XAUUSD", "BTCUSD", "ETHUSD", "ADAUSD", "US500"),
}
TAKE_RETURN = {"EURUSD", "USDJPY", "ADAUSD"}
FOK, IOC, RETURN = 0, 1, 2
DONE, INVALID_FILL = 10009, 10030
DAY_S = 86_400


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The broker as a user starts it, on a free port."""
    command = [sys.executable, "-m", MODULE, "serve"]
    options = ["--profile", "judge", "--port", "0", "--end-with-stdin"]
    with subprocess.Popen(
        [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().removeprefix(LISTENING).strip()
        finally:
            process.stdin.close()


@pytest.fixture
def mt5(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The drop-in as a program imports it, not connected yet; the account is empty."""
    with BrokerControl(address) as control:
        control.reset(None)
    monkeypatch.setenv("MT5FLEET_SIMULATOR", address)
    monkeypatch.syspath_prepend(str(dropin_folder()))
    for name in [name for name in sys.modules if name.partition(".")[0] == "MetaTrader5"]:
        monkeypatch.delitem(sys.modules, name)
    module = import_module("MetaTrader5")
    yield module
    module.shutdown()


@pytest.fixture
def attached(mt5: ModuleType) -> ModuleType:
    assert mt5.initialize() is True, mt5.last_error()
    return mt5


def test_initialize_without_arguments_attaches_to_the_demo_account(attached: ModuleType) -> None:
    account = attached.account_info()

    told = (account.login, account.server, account.currency, account.leverage, account.balance)
    assert told == (LOGIN, SERVER, "USD", 100, 100_000.0)
    assert account.margin_mode == attached.ACCOUNT_MARGIN_MODE_RETAIL_HEDGING
    assert account.trade_mode == attached.ACCOUNT_TRADE_MODE_DEMO
    assert (account.trade_allowed, account.trade_expert, account.limit_orders) == (True, True, 200)
    assert attached.terminal_info().trade_allowed is True


def test_the_documented_credentials_log_in(mt5: ModuleType) -> None:
    assert mt5.initialize(login=LOGIN, password=PASSWORD, server=SERVER) is True
    assert mt5.login(LOGIN, password=PASSWORD, server=SERVER) is True
    assert mt5.login(login=LOGIN, password=PASSWORD, server=SERVER) is True


@pytest.mark.parametrize(
    "credentials",
    [{"login": 0, "password": "x"}, {"login": LOGIN, "password": "wrong", "server": SERVER}],
    ids=["login 0", "wrong password"],
)
def test_wrong_credentials_are_refused(mt5: ModuleType, credentials: dict[str, object]) -> None:
    assert mt5.initialize(**credentials) is False
    assert mt5.last_error()[0] == -6


def test_a_path_must_exist(mt5: ModuleType, tmp_path: Path) -> None:
    terminal = tmp_path / "terminal64.exe"

    assert mt5.initialize(str(terminal)) is False
    assert mt5.last_error()[0] == -10003

    terminal.touch()
    assert mt5.initialize(str(terminal)) is True
    assert mt5.account_info().login == LOGIN


def test_symbols_are_in_market_watch_and_quoted_now(attached: ModuleType) -> None:
    shown = {row.name: row for row in attached.symbols_get() if row.visible}

    assert set(shown) >= SYMBOLS
    for name in sorted(SYMBOLS):
        tick = attached.symbol_info_tick(name)
        assert 0 < tick.bid < tick.ask, name
        assert abs(tick.time - time.time()) < 300, name
        assert shown[name].trade_mode == attached.SYMBOL_TRADE_MODE_FULL


@pytest.mark.parametrize("name", sorted(SYMBOLS))
def test_bars_and_ticks_reach_back_from_now(attached: ModuleType, name: str) -> None:
    minutes = attached.copy_rates_from_pos(name, attached.TIMEFRAME_M1, 0, 10_500)
    now = int(time.time())
    ticks = attached.copy_ticks_range(name, now - DAY_S, now, attached.COPY_TICKS_ALL)

    assert len(minutes) == 10_500
    assert now - minutes[-1]["time"] <= 120
    assert (minutes["high"] >= minutes["low"]).all()
    assert 1_000 < len(ticks) < DAY_S  # quotes step every few seconds
    assert ticks[0]["time"] - (now - DAY_S) < 300
    assert now - ticks[-1]["time"] < 300


@pytest.mark.parametrize("name", ["EURUSD", "EURJPY", "BTCUSD"])
def test_every_period_has_bars_up_to_now(attached: ModuleType, name: str) -> None:
    periods = [period for period in dir(attached) if period.startswith("TIMEFRAME_")]
    assert len(periods) == 21

    for period in periods:
        bars = attached.copy_rates_from_pos(name, getattr(attached, period), 0, 20)
        assert len(bars) == 20, period
        assert bars[-1]["time"] <= time.time() < bars[-1]["time"] + 32 * DAY_S, period


def test_coins_have_market_execution_both_fillings_and_a_wide_spread(attached: ModuleType) -> None:
    for name in ("BTCUSD", "ETHUSD"):
        symbol = attached.symbol_info(name)
        assert symbol.trade_exemode == attached.SYMBOL_TRADE_EXECUTION_MARKET
        assert symbol.filling_mode == 3
        assert symbol.spread >= 1_000
        tick = attached.symbol_info_tick(name)
        assert round((tick.ask - tick.bid) / symbol.point) >= 1_000


@pytest.mark.parametrize("filling", [FOK, IOC, RETURN])
@pytest.mark.parametrize("name", sorted(SYMBOLS))
def test_market_orders_are_filled_by_what_the_symbol_takes(
    attached: ModuleType, name: str, filling: int
) -> None:
    lots = attached.symbol_info(name).volume_min
    answer = attached.order_send(
        {"action": 1, "symbol": name, "volume": lots, "type": 0, "type_filling": filling}
    )

    takes = filling != RETURN or name in TAKE_RETURN
    assert answer.retcode == (DONE if takes else INVALID_FILL), answer.comment
    assert attached.positions_total() == int(takes)


def test_a_lot_of_anything_fits_into_the_account(attached: ModuleType) -> None:
    for name in sorted(SYMBOLS):
        ask = attached.symbol_info_tick(name).ask
        assert 0 < attached.order_calc_margin(attached.ORDER_TYPE_BUY, name, 1.0, ask) < 10_000, name


def test_the_order_limit_is_reached_at_200(attached: ModuleType) -> None:
    price = round(attached.symbol_info_tick("EURUSD").bid - 0.05, 5)
    order = {"action": 5, "symbol": "EURUSD", "volume": 0.01, "type": 2, "price": price, "type_filling": 2}

    answers = [attached.order_send(order).retcode for _ in range(201)]

    assert answers == [DONE] * 200 + [attached.TRADE_RETCODE_LIMIT_ORDERS]


def test_reset_from_the_command_line_empties_the_account(attached: ModuleType, address: str) -> None:
    order = {"action": 1, "symbol": "EURUSD", "volume": 1.0, "type": 0, "type_filling": 0}
    assert attached.order_send(order).retcode == DONE
    environment = {**os.environ, "MT5FLEET_SIMULATOR": address}

    command = [sys.executable, "-m", MODULE, "reset"]
    subprocess.run(command, env=environment, check=True, timeout=60)

    assert attached.positions_total() == 0
    assert attached.account_info().balance == attached.account_info().equity == 100_000.0


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match="judge"):
        profile("jugde")
