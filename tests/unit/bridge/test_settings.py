from dataclasses import replace
from pathlib import Path

import pytest

from mt5fleet.adapters.bridge.token import bridge_token
from mt5fleet.bridge.settings import BridgeConfig, BridgeLimits, ChildConfig, TlsServer
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.secret_source import SecretSource

PASSWORD = "very-secret"
CHILD = ChildConfig(account="a", server="Sim-1", login=1, mode=Mode.DEMO, password=PASSWORD)


def config(
    host: str = "127.0.0.1",
    token: str | None = PASSWORD,
    accounts: tuple[ChildConfig, ...] = (CHILD,),
    tls: TlsServer | None = None,
) -> BridgeConfig:
    return BridgeConfig(
        name="local",
        host=host,
        port=0,
        token=token,
        tls=tls,
        accounts=accounts,
        environment={},
        people_file=Path("people.toml"),
        journal_dir=Path("journal"),
    )


def tls(folder: Path, *, peers: bool = False) -> TlsServer:
    for name in ("cert.pem", "key.pem", "ca.pem"):
        (folder / name).touch()
    ca = folder / "ca.pem" if peers else None
    return TlsServer(cert_file=folder / "cert.pem", key_file=folder / "key.pem", client_ca_file=ca)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_addresses_are_taken(host: str) -> None:
    assert config(host).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "broker.example", ""])  # noqa: S104  # refused
def test_addresses_that_others_can_reach_need_tls(host: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="listen: must be a loopback address"):
        config(host)

    assert config(host, tls=tls(tmp_path)).host == host


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(InvalidValue, match="token: must not be empty"):
        config(token="")


def test_peers_show_a_token_or_a_certificate(tmp_path: Path) -> None:
    for no_certificates in (None, tls(tmp_path)):
        with pytest.raises(InvalidValue, match="token: is required unless tls"):
            config(token=None, tls=no_certificates)

    assert config(token=None, tls=tls(tmp_path, peers=True)).token is None


@pytest.mark.parametrize("name", ["cert_file", "key_file", "client_ca_file"])
def test_a_tls_file_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    whole = tls(tmp_path, peers=True)

    with pytest.raises(InvalidValue, match=rf"tls\.{name}: there is no file .*gone\.pem"):
        replace(whole, **{name: tmp_path / "gone.pem"})


@pytest.mark.parametrize("second", [replace(CHILD, login=2), replace(CHILD, account="b")])
def test_an_account_named_twice_is_refused(second: ChildConfig) -> None:
    with pytest.raises(InvalidValue, match="accounts: names one account twice"):
        config(accounts=(CHILD, second))


def test_secrets_do_not_show() -> None:
    assert PASSWORD not in repr(config(token=PASSWORD))


def test_real_money_is_served_only_where_the_bridge_was_told_so() -> None:
    real = replace(CHILD, mode=Mode.REAL)

    assert real.refusal.startswith("accounts.a.allow_real: mode is real")
    assert replace(real, allow_real=True).refusal == ""
    assert CHILD.refusal == ""


def test_an_account_that_cannot_be_served_says_why() -> None:
    assert replace(CHILD, refused="no password").refusal == "no password"


@pytest.mark.parametrize(
    "name", ["calls_per_s_max", "calls_burst_max", "opens_per_minute_max", "waiting_max"]
)
def test_a_limit_that_serves_nobody_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match=f"limits.{name}"):
        BridgeLimits(**{name: 0})


def test_a_token_is_made_once_beside_the_journals(tmp_path: Path) -> None:
    first = bridge_token(None, tmp_path / "journal", {})
    assert len(first) >= 32
    assert bridge_token(None, tmp_path / "journal", {}) == first
    assert [item.name for item in (tmp_path / "journal").iterdir()] == ["bridge.token"]


def test_a_configured_token_wins(tmp_path: Path) -> None:
    source = SecretSource(field="token", env="BRIDGE_TOKEN")
    assert bridge_token(source, tmp_path, {"BRIDGE_TOKEN": "mine"}) == "mine"
