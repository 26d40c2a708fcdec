from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import pytest

from mt5fleet.domain.account import Foreign, Limits
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.record import Severity
from mt5fleet.fleet_file import FleetFileInvalid, LimitsTerms, load
from mt5fleet.secret_source import SecretSource, resolve_secret

SMALLEST = """
[redis]
ledger_url = "redis://localhost/0"
[accounts.a]
server = "Sim-1"
login = 1
mode = "demo"
"""


def _load(tmp_path: Path, text: str):  # noqa: ANN202 - the type is what load says
    path = tmp_path / "fleet.toml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def _problems(tmp_path: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(FleetFileInvalid) as refused:
        _load(tmp_path, text)
    assert str(tmp_path / "fleet.toml") in str(refused.value)
    return refused.value.problems


def test_smallest_file_has_a_default_for_everything_else(tmp_path: Path) -> None:
    read = _load(tmp_path, SMALLEST)

    (account,) = read.to_accounts()
    assert (account.name, account.login, account.mode, account.limits) == ("a", 1, Mode.DEMO, Limits())
    assert read.broker_url({}) == read.ledger_url({}) == "redis://localhost/0"
    assert [(name, one.kind) for name, one in read.channels.items()] == [("log", "log")]
    assert (read.groups(), read.bridges, read.simulator) == ({}, {}, None)
    assert read.workers.processes > 0


def test_every_field_of_an_account_arrives(tmp_path: Path) -> None:
    read = _load(
        tmp_path,
        SMALLEST
        + """
shadow = true
enabled = false
bridge = "b2"
terminal_path = "mt5/terminal64.exe"
password_file = "secrets/a"
groups = ["g2", "g1"]
base_lots = 0.1
symbols = { GOLD = "XAUUSD.x" }
foreign = "leave"
[bridges.b2]
listen = "127.0.0.1:9"
""",
    )

    (account,) = read.to_accounts()
    assert (account.shadow, account.enabled, account.bridge) == (True, False, "b2")
    assert (account.base_lots, account.symbols) == (Decimal("0.1"), {"GOLD": "XAUUSD.x"})
    assert account.foreign is Foreign.LEAVE
    assert read.groups() == {"g1": ("a",), "g2": ("a",)}
    assert read.accounts["a"].terminal_path == tmp_path / "mt5/terminal64.exe"
    assert read.accounts["a"].password == SecretSource(field="password", file=tmp_path / "secrets/a")


def test_limits_of_the_file_know_every_limit_of_the_domain() -> None:
    assert set(LimitsTerms.model_fields) == {field.name for field in fields(Limits)}


def test_account_limits_stand_over_fleet_limits_over_defaults(tmp_path: Path) -> None:
    text = (
        SMALLEST
        + "[accounts.a.limits]\npositions_max = 3\n[limits]\npositions_max = 9\nspread_points_max = 7\n"
    )

    (account,) = _load(tmp_path, text).to_accounts()

    assert account.limits == Limits(positions_max=3, spread_points_max=7)


def test_decimals_are_read_exactly(tmp_path: Path) -> None:
    (account,) = _load(tmp_path, SMALLEST + "[limits]\ndrawdown_percent_max = 12.3\n").to_accounts()

    assert account.limits.drawdown_percent_max == Decimal("12.3")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (SMALLEST + 'moode = "real"\n', "accounts.a.moode: is not a field"),
        (SMALLEST.replace("login = 1\n", ""), "accounts.a.login: is required"),
        (SMALLEST.replace('"demo"', '"paper"'), "accounts.a.mode: "),
        (SMALLEST.replace("login = 1\n", "login = 0\n"), "accounts.a.login: "),
        (SMALLEST.replace("accounts.a", 'accounts."a b"'), "accounts.a b: "),
        (SMALLEST.replace("accounts.a", "accounts.signal-log"), "accounts.signal-log: this name is kept"),
        (SMALLEST + 'bridge = "far"\n', "accounts.a.bridge: there is no section bridges.far"),
        (SMALLEST + 'password_env = "A"\npassword_file = "b"\n', "accounts.a: give password_env or"),
        (SMALLEST + 'password = "x"\n', "accounts.a.password: is not a field"),
        (SMALLEST + "[accounts.a.limits]\npositions_max = 0\n", "accounts.a.limits.positions_max: must be"),
        (SMALLEST + "[limits]\ndrawdown_percent_max = 120\n", "limits.drawdown_percent_max: must be"),
        (SMALLEST + '[accounts.b]\nserver="Sim-1"\nlogin=1\nmode="demo"\n', "accounts.b.login: is the same"),
        (SMALLEST + '[channels.x]\nkind = "webhook"\n', "channels.x: a webhook needs exactly one"),
        (SMALLEST + '[channels.x]\nkind = "log"\nurl = "http://x"\n', "channels.x: the log has no address"),
        (SMALLEST + '[bridges.x]\nlisten = "everywhere"\n', "bridges.x.listen: "),
        (SMALLEST + '[bridges.x]\ntoken_env = "A"\ntoken_file = "b"\n', "bridges.x: give token_env or"),
        (SMALLEST + "[workers]\nprocesses = 0\n", "workers.processes: "),
        ("[redis]\nledger_url = 'redis://x'\n", "accounts: is required"),
        ("[redis]\nledger_url = 'redis://x'\n[accounts]\n", "accounts: needs at least one"),
        ("accounts = {}\n", "redis: is required"),
        ("path = 'x'\n" + SMALLEST, "path: is not a field"),
        ("no toml", "is not TOML"),
    ],
)
def test_wrong_field_is_named_with_its_rule(tmp_path: Path, text: str, problem: str) -> None:
    assert [one for one in _problems(tmp_path, text) if one.startswith(problem)]


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    assert len(_problems(tmp_path, SMALLEST + "shadow = 7\nenabled = 8\n[workers]\nslots = 0\n")) == 3


def test_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FleetFileInvalid, match="mt5fleet init"):
        load(tmp_path / "none.toml")


def test_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    text = SMALLEST + 'password_env = "PLANTED secret"\nmode2 = "PLANTED"\n'

    assert "PLANTED" not in " ".join(_problems(tmp_path, text))


def test_addresses_with_passwords_show_in_no_representation(tmp_path: Path) -> None:
    text = SMALLEST.replace("redis://localhost/0", "redis://:PLANTED@localhost/0")
    text = text.replace("[accounts.a]", 'broker_url = "redis://:PLANTED@b/0"\n[accounts.a]')
    read = _load(tmp_path, text + '[channels.w]\nkind = "webhook"\nurl = "https://x/PLANTED"\n')

    assert "PLANTED" not in repr(read) + str(read) + repr(read.redis) + repr(read.channels)
    assert "PLANTED" in read.ledger_url({})


def test_reference_to_the_environment_is_filled_when_needed(tmp_path: Path) -> None:
    read = _load(tmp_path, SMALLEST.replace("redis://localhost/0", "redis://:${REDIS_PASSWORD}@h/0"))

    assert read.ledger_url({"REDIS_PASSWORD": "p"}) == "redis://:p@h/0"
    with pytest.raises(InvalidValue, match="REDIS_PASSWORD"):
        read.ledger_url({})


def test_channel_address_and_severity_arrive(tmp_path: Path) -> None:
    read = _load(
        tmp_path, SMALLEST + '[channels.w]\nkind = "webhook"\nurl_env = "HOOK"\nseverity_min = "critical"\n'
    )

    assert read.channels["w"].address == SecretSource(field="url", env="HOOK")
    assert read.channels["w"].severity_min is Severity.CRITICAL


def test_secret_comes_from_environment_or_file(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("from file\n")

    assert resolve_secret(SecretSource(field="password", env="P"), {"P": "from env"}) == "from env"
    assert resolve_secret(SecretSource(field="password", file=tmp_path / "p"), {}) == "from file"


def test_mark_that_windows_editors_put_before_a_text_is_no_part_of_the_secret(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"\xef\xbb\xbffrom file\r\n")

    assert resolve_secret(SecretSource(field="password", file=tmp_path / "p"), {}) == "from file"


@pytest.mark.parametrize("content", [None, "", "PLANTED" * 1000, b"\xff\xfe"])
def test_secret_that_cannot_be_read_is_named_not_shown(tmp_path: Path, content: str | bytes | None) -> None:
    path = tmp_path / "p"
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    with pytest.raises(InvalidValue) as refused:
        resolve_secret(SecretSource(field="password", file=path), {})

    assert str(path) in str(refused.value)
    assert "PLANTED" not in str(refused.value)


def test_unset_variable_is_named() -> None:
    with pytest.raises(InvalidValue, match="environment variable NONE"):
        resolve_secret(SecretSource(field="password", env="NONE"), {})
