"""`simulator compare` between two running simulators, one of them in the place of the terminal."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from mt5fleet.cli.simulator_compare import compare
from mt5fleet.simulator.compare import CannotCompareError, ask, real_side, simulator_side
from mt5fleet.simulator.config import parse_config
from mt5fleet.simulator.process import BrokerProcess, start_broker

Broker = Callable[..., BrokerProcess]
NOBODY = "127.0.0.1:1"


@pytest.fixture
def starts(tmp_path: Path) -> Iterator[Broker]:
    with ExitStack() as brokers:

        def start(**account: Any) -> BrokerProcess:
            entries = {
                "default_prices": "none",
                "accounts": [{"login": 1001, "balance": "100000", **account}],
                "prices": {"EURUSD": {"source": "fixed", "bid": "1.10000", "ask": "1.10010"}},
                "symbols": [{"name": "EURUSD", "weekend_closed": False}],
            }
            return brokers.enter_context(start_broker(parse_config(entries)))

        yield start


def _compare(*arguments: str, answer: str = "") -> Result:
    app = typer.Typer()
    app.command()(compare)
    return CliRunner().invoke(app, arguments, input=answer)


def test_equal_simulators_have_no_differences_and_end_with_0(starts: Broker) -> None:
    one, other = starts(), starts()

    said = _compare("--address", one.address, "--other", other.address, "--trade", "--yes")

    assert said.exit_code == 0, said.output
    assert said.stdout.splitlines()[-1].endswith(" questions, 0 differences")
    for broker in (one, other):
        with broker.control() as control:
            truth = control.truth(1001)
        assert (truth["positions"], truth["orders"]) == ([], [])
        assert len(truth["deals"]) == 3  # the deposit, in, out


def test_differences_are_printed_and_end_with_1(starts: Broker) -> None:
    said = _compare("--address", starts(leverage=50).address, "--other", starts().address)

    assert said.exit_code == 1
    assert (
        "terms: account_info(): gave.leverage\n    other simulator: int 100\n    simulator: int 50"
        in said.stdout
    )


def test_differences_are_one_json_document(starts: Broker) -> None:
    said = _compare("--address", starts(leverage=50).address, "--other", starts().address, "--json")

    document = json.loads(said.stdout)
    assert document["accounts"] == {
        "other simulator": "1001 at Simulator-Demo",
        "simulator": "1001 at Simulator-Demo",
    }
    assert document["questions"] > 100
    assert [row["place"] for row in document["differences"]] == ["gave.leverage"]


def test_nothing_is_traded_when_a_person_says_no(starts: Broker) -> None:
    one, other = starts(), starts()

    said = _compare("--address", one.address, "--other", other.address, "--trade", answer="n\n")

    assert "Trade the smallest volume of EURUSD on 1001 at Simulator-Demo" in said.output
    with one.control() as control:
        assert len(control.truth(1001)["deals"]) == 1


def test_account_that_is_no_demo_account_is_never_traded(starts: Broker) -> None:
    one, other = starts(), starts(mode="real")

    said = _compare("--address", one.address, "--other", other.address, "--trade", "--yes")

    assert said.exit_code == 1
    assert "is no demo account: nothing was traded" in said.output
    with pytest.raises(CannotCompareError, match="no demo account"):
        ask(simulator_side(other.address), "EURUSD", trade=True)
    with other.control() as control:
        assert len(control.truth(1001)["deals"]) == 1


def test_side_that_cannot_be_asked_ends_with_3(starts: Broker) -> None:
    broker = starts()

    assert _compare("--address", NOBODY, "--other", broker.address).exit_code == 3
    unquoted = _compare("--address", broker.address, "--other", broker.address, "--symbol", "GBPUSD")
    assert (unquoted.exit_code, "GBPUSD has no quote here" in unquoted.output) == (3, True)


@pytest.mark.skipif(sys.platform == "win32", reason="the vendor's package may be installed there")
def test_missing_vendors_package_is_said_with_the_next_step() -> None:
    with pytest.raises(CannotCompareError, match=r"^terminal: the package MetaTrader5 .*pip install"):
        ask(real_side(), "EURUSD")
