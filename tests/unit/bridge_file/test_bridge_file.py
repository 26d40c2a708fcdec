from decimal import Decimal
from pathlib import Path

import pytest

from mt5fleet.bridge.settings import BridgeConfig
from mt5fleet.bridge.told import bridge_told
from mt5fleet.bridge_file import BridgeFileInvalid, bridge_file_of, load_bridge
from mt5fleet.domain.account import Foreign
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.fleet_default import render_default, write_default
from mt5fleet.fleet_file import load

SMALLEST = """
[bridge]
[accounts.a]
server = "Broker-Live"
login = 1
mode = "demo"
"""
FULL = """
[bridge]
name = "desk"
listen = "0.0.0.0:7999"
token_env = "TOKEN"
journal_dir = "kept"
people_file = "who.toml"
visibility_lag_s = 3
settle_s = 4.5
unanswered_s = 90
[bridge.tls]
cert_file = "b.pem"
key_file = "b.key"
client_ca_file = "clients.pem"
[bridge.check]
server_name = "desk.example"
[bridge.limits]
opens_per_minute_max = 7
[accounts.a]
server = "Broker-Live"
login = 1
mode = "real"
allow_real = true
shadow = true
terminal_path = "mt5/terminal64.exe"
password_env = "PASSWORD"
server_offset_s = 7200
foreign = "leave"
quote_age_s_max = 12.5
[accounts.b]
server = "Broker-Live"
login = 2
mode = "demo"
password_env = "MISSING"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "bridge.toml"
    path.write_text(text, encoding="utf-8")
    return path


def told(folder: Path, text: str, environ: dict[str, str]) -> BridgeConfig:
    for name in ("b.pem", "b.key", "clients.pem"):
        (folder / name).touch()
    return bridge_told(load_bridge(written(folder, text)), environ)


def test_smallest_file_serves_on_loopback_with_a_token_of_its_own(tmp_path: Path) -> None:
    config = told(tmp_path, SMALLEST, {})

    assert (config.name, config.host, config.port, config.tls) == ("local", "127.0.0.1", 7451, None)
    assert config.token == (tmp_path / "journal" / "bridge.token").read_text()
    assert config.people_file == tmp_path / "people.toml"
    (account,) = config.accounts
    assert (account.allow_real, account.shadow, account.refusal) == (False, False, "")


def test_every_field_arrives(tmp_path: Path) -> None:
    config = told(tmp_path, FULL, {"TOKEN": "t", "PASSWORD": "p"})

    assert (config.name, config.host, config.port, config.token) == ("desk", "0.0.0.0", 7999, "t")  # noqa: S104 - a value
    assert config.tls is not None
    assert config.tls.client_ca_file == tmp_path / "clients.pem"
    assert (config.journal_dir, config.people_file) == (tmp_path / "kept", tmp_path / "who.toml")
    assert config.limits.opens_per_minute_max == 7
    account = config.accounts[0]
    assert (account.account, account.server, account.login) == ("a", "Broker-Live", 1)
    assert (account.mode, account.allow_real, account.shadow) == (Mode.REAL, True, True)
    assert account.terminal_path == str(tmp_path / "mt5/terminal64.exe")
    assert (account.password, account.server_offset_s) == ("p", 7200)
    assert (account.foreign, account.quote_age_s_max) == (Foreign.LEAVE, Decimal("12.5"))
    assert (account.visibility_lag_s, account.settle_s, account.unanswered_s) == (3, 4.5, 90)


def test_a_missing_password_stops_its_own_account_only(tmp_path: Path) -> None:
    served, refused = told(tmp_path, FULL, {"TOKEN": "t", "PASSWORD": "p"}).accounts

    assert served.refusal == ""
    assert refused.refusal.startswith("accounts.b.password: environment variable MISSING is empty or not set")


def test_children_see_no_secret_by_name(tmp_path: Path) -> None:
    environ = {"TOKEN": "t", "PASSWORD": "p", "OTHER": "o", "PATH": "x"}
    file = load_bridge(written(tmp_path, SMALLEST + 'password_env = "PASSWORD"\n'))

    config = bridge_told(file, environ, hidden=frozenset({"OTHER"}))

    assert config.environment == {"TOKEN": "t", "PATH": "x"}


def test_a_simulator_puts_its_module_before_the_children(tmp_path: Path) -> None:
    config = told(tmp_path, SMALLEST + '[simulator]\naddress = "127.0.0.1:9"\n', {})

    assert config.environment["MT5FLEET_SIMULATOR"] == "127.0.0.1:9"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (SMALLEST + '[redis]\nledger_url = "x"\n', "redis: is not a field"),
        (SMALLEST + "enabled = true\n", "accounts.a.enabled: is not a field"),
        (SMALLEST.replace("login = 1\n", ""), "accounts.a.login: is required"),
        (SMALLEST + "server_offset_s = 90000\n", "accounts.a.server_offset_s: "),
        (
            SMALLEST + '[accounts.b]\nserver="Broker-Live"\nlogin=1\nmode="demo"\n',
            "accounts.b.login: is the same",
        ),
        (SMALLEST.replace("[bridge]", '[bridge]\nlisten = "0.0.0.0:1"'), "bridge.listen: must be a loopback"),
        (SMALLEST + '[bridge.check]\ncert_file = "x"\n', "bridge.check: give cert_file and key_file"),
        ("[bridge]\n[accounts]\n", "accounts: needs at least one account"),
        ("[accounts]\n", "bridge: is required"),
    ],
)
def test_wrong_field_is_named_with_its_rule(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(BridgeFileInvalid) as refused:
        load_bridge(written(tmp_path, text))

    assert [one for one in refused.value.problems if one.startswith(problem)]


def test_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BridgeFileInvalid, match="mt5fleet bridge config"):
        load_bridge(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("listen", "reached"),
    [
        ("127.0.0.1:5", "127.0.0.1:5"),
        ("0.0.0.0:5", "127.0.0.1:5"),
        ("[::]:5", "[::1]:5"),
        ("10.0.0.5:5", "10.0.0.5:5"),
    ],
)
def test_the_host_reaches_its_own_bridge(tmp_path: Path, listen: str, reached: str) -> None:
    text = SMALLEST.replace("[bridge]", f'[bridge]\nlisten = "{listen}"')
    text += '[bridge.tls]\ncert_file = "b.pem"\nkey_file = "b.key"\n'

    assert load_bridge(written(tmp_path, text)).bridge.reached_at == reached


def test_certificates_alone_need_no_token(tmp_path: Path) -> None:
    text = (
        SMALLEST + '[bridge.tls]\ncert_file = "b.pem"\nkey_file = "b.key"\nclient_ca_file = "clients.pem"\n'
    )

    assert told(tmp_path, text, {}).token is None
    assert not (tmp_path / "journal").exists()


def test_the_fleet_serves_every_account_of_the_bridge(tmp_path: Path) -> None:
    write_default(render_default(tmp_path))
    path = tmp_path / "fleet.toml"
    path.write_text(path.read_text() + "enabled = false\nserver_offset_s = 3600\n", encoding="utf-8")

    file = bridge_file_of(load(path), "local")

    assert list(file.accounts) == ["demo-eur-1", "demo-usd-1", "demo-usd-2"]
    assert file.accounts["demo-eur-1"].server_offset_s == 3600
    assert file.accounts["demo-eur-1"].quote_age_s_max == 30
    assert file.simulator is not None
    assert bridge_told(file, {}).token == (tmp_path / "secrets" / "bridge.token").read_text().strip()


def test_a_far_bridge_has_no_simulator(tmp_path: Path) -> None:
    write_default(render_default(tmp_path))
    path = tmp_path / "fleet.toml"
    far = '[bridges.far]\naddress = "10.0.0.5:1"\ntoken_env = "T"\n'
    tls = '[bridges.far.tls.workers]\nca_file = "ca.pem"\n'
    path.write_text(path.read_text() + 'bridge = "far"\n' + far + tls, encoding="utf-8")

    file = bridge_file_of(load(path), "far")

    assert (file.simulator, list(file.accounts)) == (None, ["demo-eur-1"])


def test_an_unknown_bridge_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    write_default(render_default(tmp_path))

    with pytest.raises(InvalidValue, match=r"bridges\.nope: .* has local"):
        bridge_file_of(load(tmp_path / "fleet.toml"), "nope")
