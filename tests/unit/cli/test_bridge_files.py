"""What `mt5fleet bridge readings | config | serve` say."""

import json
import tomllib
from pathlib import Path

import pytest

from mt5fleet.bridge_file import load_bridge
from tests.unit.cli.bridge_world import BridgeWorld
from tests.unit.cli.conftest import World


@pytest.fixture
def here(world: World, monkeypatch: pytest.MonkeyPatch) -> BridgeWorld:
    return BridgeWorld(world, monkeypatch)


def test_readings_show_money_or_why_there_is_none(here: BridgeWorld) -> None:
    here.bridge.books["demo-usd-2"].connected = False

    result = here.world.run("bridge", "readings", "--json")

    assert result.code == 0
    assert result.json["demo-usd-1"]["equity"] == "10000"
    assert "why_not" in result.json["demo-usd-2"]
    assert "10000 USD" in here.world.run("bridge", "readings", "demo-usd-1").out


def test_followed_readings_are_one_line_each(here: BridgeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    once = here.bridge.readings(("demo-usd-1",))
    monkeypatch.setattr(here.bridge, "reading_stream", lambda accounts, every_s: iter([once, once]))

    lines = here.world.run("bridge", "readings", "demo-usd-1", "--follow", "--json").out.splitlines()

    assert [json.loads(line)["demo-usd-1"]["balance"] for line in lines] == ["10000", "10000"]


FAR = """
[bridges.far]
address = "10.0.0.5:7451"
token_env = "FAR_TOKEN"
[bridges.far.tls.workers]
ca_file = "tls/ca.pem"
server_name = "far.example"
[bridges.far.tls.bridge]
cert_file = "tls/far.pem"
key_file = "tls/far.key"
[accounts.far-1]
server = "Broker-Live"
login = 77
mode = "real"
allow_real = true
enabled = false
bridge = "far"
terminal_path = 'C:\\Program Files\\MT5\\terminal64.exe'
password_env = "FAR_PASSWORD"
[accounts.far-1.limits]
quote_age_s_max = 12.5
"""


def test_config_prints_what_the_other_host_needs(here: BridgeWorld, tmp_path: Path) -> None:
    fleet = here.world.fleet
    fleet.write_text(fleet.read_text() + FAR)

    result = here.world.run("bridge", "config", "--name", "far")

    assert result.code == 0
    written = tomllib.loads(result.out)
    assert list(written) == ["bridge", "accounts"]
    assert written["bridge"]["token_env"] == "FAR_TOKEN"
    assert written["bridge"]["check"] == {"ca_file": "tls/ca.pem", "server_name": "far.example"}
    (account,) = written["accounts"].values()
    assert account["terminal_path"] == r"C:\Program Files\MT5\terminal64.exe"
    assert (account["mode"], account["allow_real"], account["quote_age_s_max"]) == ("real", True, 12.5)
    for besides in (
        "FAR_TOKEN: the token",
        "FAR_PASSWORD: the password of far-1",
        "people.toml",
        "tls/far.key",
    ):
        assert any(besides in line for line in result.out.splitlines() if line.startswith("#"))
    path = tmp_path / "bridge.toml"
    path.write_text(result.out)
    assert load_bridge(path).bridge.tls.key_file == tmp_path / "tls" / "far.key"


@pytest.mark.parametrize("asks", [True, False])
def test_config_says_what_the_check_needs_where_certificates_are_asked_for(
    here: BridgeWorld, asks: bool
) -> None:
    bridge, workers = "[bridges.far.tls.bridge]\n", "[bridges.far.tls.workers]\n"
    shown = 'cert_file = "tls/workers.pem"\nkey_file = "tls/workers.key"\n'
    asking = FAR.replace(bridge, bridge + 'client_ca_file = "tls/ca.pem"\n').replace(workers, workers + shown)
    fleet = here.world.fleet
    fleet.write_text(fleet.read_text() + (asking if asks else FAR))

    printed = here.world.run("bridge", "config", "--name", "far").out

    assert ("mt5fleet bridge check --name far" in printed) is asks


def test_config_holds_no_secret(here: BridgeWorld) -> None:
    printed = here.world.run("bridge", "config").out

    for path in (here.world.folder / "secrets").iterdir():
        assert path.read_text().strip() not in printed
    assert "redis" not in printed


def test_config_of_an_unknown_or_empty_bridge_is_refused(here: BridgeWorld) -> None:
    fleet = here.world.fleet
    fleet.write_text(fleet.read_text() + "[bridges.empty]\n")

    assert here.world.run("bridge", "config", "--name", "nope").code == 1
    assert "no account" in here.world.run("bridge", "config", "--name", "empty").err


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("[bridges.local]\n", '[bridges.local]\nlisten = "0.0.0.0:1"\n#', "bridges.local.listen"),
        ('token_file = "secrets/bridge.token"', 'token_env = "NO_SUCH_TOKEN"', "bridges.local.token"),
    ],
)
def test_serve_refuses_what_is_wrong_by_name(here: BridgeWorld, old: str, new: str, named: str) -> None:
    fleet = here.world.fleet
    fleet.write_text(fleet.read_text().replace(old, new))

    result = here.world.run("bridge", "serve")

    assert result.code == 2
    assert named in result.err
