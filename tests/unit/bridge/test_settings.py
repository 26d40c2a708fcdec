from pathlib import Path

import pytest

from mt5fleet.adapters.bridge.token import bridge_token
from mt5fleet.bridge.settings import BridgeConfig, ChildConfig
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.secret_source import SecretSource

PASSWORD = "very-secret"
CHILD = ChildConfig(
    account="a", server="Sim-1", login=1, mode=Mode.DEMO, password=PASSWORD, journal_dir=Path("journal")
)


def config(
    host: str = "127.0.0.1", token: str = PASSWORD, accounts: tuple[ChildConfig, ...] = (CHILD,)
) -> BridgeConfig:
    return BridgeConfig(name="local", host=host, port=0, token=token, accounts=accounts, environment={})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_addresses_are_taken(host: str) -> None:
    assert config(host).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "broker.example", ""])  # noqa: S104  # refused
def test_addresses_that_others_can_reach_are_refused(host: str) -> None:
    with pytest.raises(InvalidValue, match="loopback"):
        config(host)


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(InvalidValue, match="token"):
        config(token="")


def test_an_account_named_twice_is_refused() -> None:
    with pytest.raises(InvalidValue, match="twice"):
        config(accounts=(CHILD, CHILD))


def test_secrets_do_not_show() -> None:
    assert PASSWORD not in repr(config(token=PASSWORD))


def test_a_token_is_made_once_beside_the_journals(tmp_path: Path) -> None:
    first = bridge_token(None, tmp_path / "journal", {})
    assert len(first) >= 32
    assert bridge_token(None, tmp_path / "journal", {}) == first
    assert [item.name for item in (tmp_path / "journal").iterdir()] == ["bridge.token"]


def test_a_configured_token_wins(tmp_path: Path) -> None:
    source = SecretSource(field="token", env="BRIDGE_TOKEN")
    assert bridge_token(source, tmp_path, {"BRIDGE_TOKEN": "mine"}) == "mine"
