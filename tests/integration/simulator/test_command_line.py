"""`mt5fleet simulator`: starting, commanding and reading a broker from a shell."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mt5fleet.cli.simulator import app
from mt5fleet.simulator.process import dropin_folder

NOBODY = "127.0.0.1:1"


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_dropin_prints_a_folder_that_holds_the_module() -> None:
    folder = Path(_run("dropin").stdout.strip())

    assert folder == dropin_folder()
    assert (folder / "MetaTrader5" / "__init__.py").is_file()


def test_records_are_printed_as_one_json_document(broker: Any, connect: Any) -> None:
    ticket = (
        connect(broker)
        .order_send({"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 1})
        .order
    )

    said = _run("deals", "--json", "--address", broker.address)

    accounts = json.loads(said.stdout)["accounts"]
    assert [account["login"] for account in accounts] == [1001, 1002]
    assert [position["ticket"] for position in accounts[0]["positions"]] == [ticket]
    assert [deal["profit"] for deal in accounts[0]["deals"]] == ["100000", "0"]
    assert accounts[0]["balance"] == "100000"


def test_one_account_is_printed_for_people(broker: Any) -> None:
    said = _run("deals", "--login", "1002", "--address", broker.address)

    assert said.stdout.startswith("1002  Sim-1  balance 100000 USD  deals 1  positions 0")


def test_quotes_are_printed_with_their_digits(broker: Any, control: Any) -> None:
    control.quote("EURUSD", "1.2", "1.2001")

    as_json = json.loads(_run("quotes", "--json", "--address", broker.address).stdout)
    for_people = _run("quotes", "--address", broker.address).stdout

    assert as_json["EURUSD"] == {"bid": "1.20000", "ask": "1.20010", "digits": 5}
    assert "EURUSD" in for_people


def test_commands_change_the_broker(broker: Any, control: Any, connect: Any) -> None:
    address = ("--address", broker.address)
    mt5 = connect(broker)

    assert _run("quote", "EURUSD", "1.2", "1.2001", *address).exit_code == 0
    assert mt5.symbol_info_tick("EURUSD").ask == 1.2001

    assert ": -500" in _run("deposit", *address, "--", "1001", "-500").stdout
    assert mt5.account_info().balance == 99500.0

    assert _run("fault", "reject", "--terms", '{"login": 1001, "retcode": 10018}', *address).exit_code == 0
    assert json.loads(_run("faults", *address).stdout)["standing"][0]["retcode"] == 10018
    assert json.loads(_run("faults", "--clear", *address).stdout)["standing"] == []

    assert _run("reset", "--login", "1001", *address).exit_code == 0
    assert control.truth(1001)["balance"] == "100000"


def test_clock_is_shown_set_stepped_and_frozen(broker: Any) -> None:
    address = ("--address", broker.address)
    shown = json.loads(_run("clock", "freeze", "--json", *address).stdout)
    assert shown["speed"] == 0

    there = _run("clock", "set", "2026-11-20T21:58:00+00:00", *address).stdout
    assert there == "2026-11-20T21:58:00.000+00:00  stands still\n"
    stepped = json.loads(_run("clock", "step", "90s", "--json", *address).stdout)
    assert stepped["now"] == "2026-11-20T21:59:30.000+00:00"
    back = json.loads(_run("clock", "step", "--json", *address, "--", "-1h").stdout)
    assert back["now"] == "2026-11-20T20:59:30.000+00:00"
    assert "runs 10 times as fast" in _run("clock", "speed", "10", *address).stdout
    assert json.loads(_run("clock", "show", "--json", *address).stdout)["speed"] == 10


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("set", "noon"), "now: 'noon' is not a time"),
        (("set", "2026-11-20T21:58:00"), "needs its offset from UTC"),
        (("step", "5"), "duration: '5' is none; write a number and one of ms, s, m, h, d"),
        (("speed", "1e9"), "speed: need 0 to"),
    ],
)
def test_clock_that_cannot_be_told_this_says_why(
    broker: Any, arguments: tuple[str, ...], sentence: str
) -> None:
    said = _run("clock", *arguments, "--address", broker.address)

    assert said.exit_code == 1
    assert sentence in said.stderr


def test_script_of_faults_is_armed_whole(broker: Any, tmp_path: Path) -> None:
    script = tmp_path / "faults.toml"
    script.write_text(
        '[[faults]]\nkind = "reject"\n[[faults]]\nkind = "disconnect"\nat_s = 60\nlasts_ms = 5\n'
    )

    said = json.loads(_run("faults", "--script", str(script), "--address", broker.address).stdout)

    assert [len(said[name]) for name in ("standing", "planned")] == [1, 1]


def test_script_with_a_wrong_field_is_refused_with_its_place(broker: Any, tmp_path: Path) -> None:
    script = tmp_path / "faults.toml"
    script.write_text('[[faults]]\nkind = "reject"\n[[faults]]\nkind = "disconnect"\n')

    said = _run("faults", "--script", str(script), "--address", broker.address)

    assert said.exit_code == 1
    assert "faults.1" in said.stderr
    assert "lasts_ms" in said.stderr


@pytest.mark.parametrize("told", [(), ("--config", "simulator.toml", "--profile", "judge")])
def test_broker_is_told_by_a_file_or_a_profile(told: tuple[str, ...]) -> None:
    said = _run("serve", *told)

    assert said.exit_code == 1
    assert "--config or --profile: give one of the two" in said.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("quote", "NOPE", "1", "2"), "symbol: no symbol NOPE"),
        (("quote", "EURUSD", "2", "1"), "bid <= ask"),
        (("quote", "EURUSD", "x", "1"), "bid: 'x' is not a number"),
        (("deposit", "7", "5"), "login: no account 7"),
        (("deposit", "1001", "0"), "amount: must not be zero"),
        (("deposit", "1001", "0.001"), "at most 2 digits"),
        (("deposit", "--", "1001", "-100001"), "only 100000.00 can be withdrawn"),
        (("fault", "nonsense"), "Input should be"),
        (("fault", "block", "--terms", "{"), "--terms: must be a JSON object"),
        (("fault", "block", "--terms", '{"retcoed": 5}'), "Extra inputs"),
        (("fault", "block", "--terms", "[1]"), "--terms: must be a JSON object"),
        (("deals", "--login", "7"), "login: no account 7"),
    ],
)
def test_refused_command_names_field_and_rule(
    broker: Any, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.setenv("MT5FLEET_SIMULATOR", broker.address)

    said = _run(*arguments)

    assert said.exit_code == 1
    assert sentence in said.stderr


@pytest.mark.parametrize("arguments", [("deals",), ("quote", "EURUSD", "1", "2"), ("reset",)])
def test_missing_broker_has_its_own_exit_code(arguments: tuple[str, ...]) -> None:
    said = _run(*arguments, "--address", NOBODY)

    assert said.exit_code == 3
    assert f"{NOBODY}: no simulator answers here" in said.stderr


def test_wrong_configuration_ends_with_its_field(tmp_path: Path) -> None:
    path = tmp_path / "simulator.toml"
    path.write_text("prot = 5\n")

    said = _run("serve", "--config", str(path))

    assert said.exit_code == 1
    assert "prot: Extra inputs are not permitted" in said.stderr


@pytest.fixture
def serving(
    tmp_path: Path, wait_until: Callable[..., None]
) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    config, port_file = tmp_path / "simulator.toml", tmp_path / "port"
    config.write_text("[[accounts]]\nlogin = 1\n")
    command = [
        "serve",
        "--config",
        str(config),
        "--state",
        str(tmp_path / "state"),
        "--port-file",
        str(port_file),
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "mt5fleet.cli.simulator", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ,
    )
    try:
        wait_until(port_file.exists)
        yield process, port_file
    finally:
        process.kill()
        process.communicate()


def test_port_file_holds_the_port_that_answers(serving: Any, tmp_path: Path) -> None:
    port = serving[1].read_text().strip()

    assert _run("deals", "--address", f"127.0.0.1:{port}").exit_code == 0
    assert (tmp_path / "state" / "broker.journal").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_the_broker_cleanly_even_with_a_client_connected(serving: Any, number: int) -> None:
    process, port_file = serving
    assert _run("deals", "--address", f"127.0.0.1:{port_file.read_text().strip()}").exit_code == 0

    process.send_signal(number)
    said, _ = process.communicate(timeout=30)

    assert process.returncode == 0, said
    assert "Traceback" not in said


@pytest.mark.parametrize(("command", "code"), [("deals", 3), ("reset", 4)])
def test_broker_that_dies_in_a_write_leaves_it_unknown(command: str, code: int) -> None:
    """It takes the request and hangs up: a read can be asked again, a write may have happened."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        gone = pool.submit(_take_one_request, listener)
        said = _run(command, "--address", f"127.0.0.1:{listener.getsockname()[1]}")
        gone.result(20)

    assert said.exit_code == code


def _take_one_request(listener: socket.socket) -> None:
    client, _ = listener.accept()
    with client:
        client.recv(4096)
