"""How workers and bridges reach each other: no token and no money travels in the clear."""

from pathlib import Path

import pytest

from mt5fleet.fleet_file import BridgeTerms, FleetFileInvalid, load
from mt5fleet.secret_source import SecretSource

FLEET = """
[redis]
ledger_url = "redis://:${REDIS_PASSWORD}@localhost/0"
[accounts.a]
server = "Sim-1"
login = 1
mode = "demo"
"""
TOKEN = 'token_env = "T"\n'
WORKERS = '[bridges.b.tls.workers]\nca_file = "ca.pem"\n'
OWN = 'cert_file = "own.pem"\nkey_file = "own.key"\n'
BRIDGE = '[bridges.b.tls.bridge]\ncert_file = "b.pem"\nkey_file = "b.key"\n'
ASKS = 'client_ca_file = "clients.pem"\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "fleet.toml"
    path.write_text(FLEET + text, encoding="utf-8")
    return path


def bridge(folder: Path, text: str) -> BridgeTerms:
    return load(written(folder, "[bridges.b]\n" + text)).bridges["b"]


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(FleetFileInvalid) as refused:
        bridge(folder, text)
    return list(refused.value.problems)


def test_a_far_bridge_without_tls_is_refused(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, 'address = "10.0.0.5:7451"\n' + TOKEN)

    assert problem.startswith("bridges.b.address: is not on this machine, where a token is never sent")
    assert "tls.workers" in problem


@pytest.mark.parametrize("address", ["127.0.0.1:7451", "localhost:7451", "[::1]:7451"])
def test_a_tunnel_on_this_machine_needs_no_tls(tmp_path: Path, address: str) -> None:
    assert bridge(tmp_path, f'address = "{address}"\n').is_far is False


def test_a_far_bridge_is_reached_with_tls(tmp_path: Path) -> None:
    terms = bridge(tmp_path, 'address = "desk.example:7451"\n' + TOKEN + WORKERS + 'server_name = "desk"\n')

    assert (terms.reached_at, terms.is_far, terms.wants_token) == ("desk.example:7451", True, True)
    assert terms.tls.workers is not None
    assert (terms.tls.workers.ca_file, terms.tls.workers.server_name) == (tmp_path / "ca.pem", "desk")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('listen = "0.0.0.0:1"\naddress = "127.0.0.1:1"\n', "bridges.b.listen: must be a loopback address"),
        ('listen = "10.0.0.5:1"\n' + TOKEN, "bridges.b.listen: is not on this machine"),
        ('address = "10.0.0.5:1"\n' + WORKERS, "bridges.b.token_file: is required, or token_env"),
        (TOKEN + WORKERS, "bridges.b.tls.bridge: is required beside tls.workers"),
        (TOKEN + BRIDGE, "bridges.b.tls.workers: is required beside tls.bridge"),
        (BRIDGE + ASKS + WORKERS, "bridges.b.tls.workers.cert_file: is required"),
        (WORKERS + 'cert_file = "c"\n', "bridges.b.tls.workers: give cert_file and key_file"),
        (BRIDGE.replace('key_file = "b.key"\n', "") + WORKERS, "bridges.b.tls.bridge.key_file: is required"),
        (WORKERS + "verify = false\n", "bridges.b.tls.workers.verify: is not a field"),
        ("settle_s = 20\nunanswered_s = 10\n", "bridges.b: unanswered_s must not be below settle_s"),
        ("[bridges.b.limits]\nwaiting_max = 0\n", "bridges.b.limits.waiting_max: "),
    ],
)
def test_wrong_field_is_named_with_its_rule(tmp_path: Path, text: str, problem: str) -> None:
    assert [one for one in problems(tmp_path, text) if one.startswith(problem)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", True),
        (TOKEN, True),
        (BRIDGE + WORKERS, True),
        (BRIDGE + ASKS + WORKERS + OWN, False),
        (TOKEN + BRIDGE + ASKS + WORKERS + OWN, True),
        # A certificate that the bridge does not ask for proves nothing to it.
        (BRIDGE + WORKERS + OWN, True),
        ('address = "10.0.0.5:1"\n' + WORKERS + OWN, False),
    ],
)
def test_both_sides_agree_whether_a_token_is_shown(tmp_path: Path, text: str, wanted: bool) -> None:
    assert bridge(tmp_path, text).wants_token is wanted


def test_people_stand_beside_the_file_unless_told_otherwise(tmp_path: Path) -> None:
    assert bridge(tmp_path, "").people_file == tmp_path / "people.toml"
    assert bridge(tmp_path, 'people_file = "who.toml"\n').people_file == tmp_path / "who.toml"


def test_the_bridge_without_a_section_has_its_files_beside_the_file(tmp_path: Path) -> None:
    local = load(written(tmp_path, "")).every_bridge()["local"]

    assert (local.journal_dir, local.people_file) == (tmp_path / "journal", tmp_path / "people.toml")


def test_real_money_is_allowed_only_where_it_is_written(tmp_path: Path) -> None:
    path = written(tmp_path, '[accounts.b]\nserver = "S"\nlogin = 2\nmode = "real"\nallow_real = true\n')

    assert {name: one.allow_real for name, one in load(path).accounts.items()} == {"a": False, "b": True}


def test_every_variable_that_holds_a_secret_is_known(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'password_env = "P"\n[bridges.b]\ntoken_env = "T"\n[channels.c]\nkind = "webhook"\nurl_env = "U"\n',
    )

    assert load(path).secret_variables() == {"P", "T", "U", "REDIS_PASSWORD"}
    assert load(path).accounts["a"].password == SecretSource(field="password", env="P")
