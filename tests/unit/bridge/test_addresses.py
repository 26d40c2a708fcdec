"""Where workers and commands reach a bridge, and what they show it."""

from pathlib import Path

import pytest

from mt5fleet.adapters.bridge.addresses import address_on_host, bridge_addresses
from mt5fleet.bridge_file import load_bridge
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.fleet_file import load

ACCOUNT = '[accounts.a]\nserver = "S"\nlogin = 1\nmode = "demo"\n'
FLEET = f'[redis]\nledger_url = "redis://localhost/0"\n{ACCOUNT}'
FAR = """
[bridges.far]
address = "10.0.0.5:7451"
token_env = "T"
[bridges.far.tls.workers]
ca_file = "ca.pem"
cert_file = "own.pem"
key_file = "own.key"
server_name = "far.example"
"""
SERVED = """
[bridge]
listen = "0.0.0.0:7451"
[bridge.tls]
cert_file = "b.pem"
key_file = "b.key"
"""


def fleet(folder: Path, text: str = "") -> Path:
    path = folder / "fleet.toml"
    path.write_text(FLEET + text)
    return path


def pem_files(folder: Path) -> None:
    for name in ("ca.pem", "own.pem", "own.key", "b.pem", "b.key", "clients.pem"):
        (folder / name).touch()


def host_file(folder: Path, text: str) -> Path:
    path = folder / "bridge.toml"
    path.write_text(text + ACCOUNT)
    return path


def test_a_bridge_without_a_section_is_on_this_machine_with_the_token_it_made(tmp_path: Path) -> None:
    address = bridge_addresses(load(fleet(tmp_path)), {})["local"]

    assert (address.place, address.tls) == ("127.0.0.1:7451", None)
    assert address.token == (tmp_path / "journal" / "bridge.token").read_text()


def test_a_far_bridge_is_reached_with_certificate_and_token(tmp_path: Path) -> None:
    pem_files(tmp_path)

    address = bridge_addresses(load(fleet(tmp_path, FAR)), {"T": "secret"})["far"]

    assert (address.place, address.token) == ("10.0.0.5:7451", "secret")
    assert address.tls is not None
    assert (address.tls.ca_file, address.tls.server_name) == (tmp_path / "ca.pem", "far.example")
    assert (address.tls.cert_file, address.tls.key_file) == (tmp_path / "own.pem", tmp_path / "own.key")
    assert "secret" not in repr(address)


def test_certificates_alone_carry_no_token(tmp_path: Path) -> None:
    pem_files(tmp_path)

    addresses = bridge_addresses(load(fleet(tmp_path, FAR.replace('token_env = "T"\n', ""))), {})

    assert addresses["far"].token is None


@pytest.mark.parametrize(
    ("environ", "gone", "field"),
    [
        ({}, None, r"bridges\.far\.token"),
        ({"T": "x"}, "ca.pem", r"bridges\.far\.tls\.workers\.ca_file"),
        ({"T": "with space"}, None, r"bridges\.far\.token"),
    ],
)
def test_what_is_missing_is_named_as_in_the_file(
    tmp_path: Path, environ: dict[str, str], gone: str | None, field: str
) -> None:
    pem_files(tmp_path)
    if gone is not None:
        (tmp_path / gone).unlink()

    with pytest.raises(InvalidValue, match=f"^{field}: "):
        bridge_addresses(load(fleet(tmp_path, FAR)), environ)


def test_the_host_itself_trusts_the_bridge_s_own_certificate(tmp_path: Path) -> None:
    pem_files(tmp_path)

    address = address_on_host(load_bridge(host_file(tmp_path, SERVED)), {})

    assert address.place == "127.0.0.1:7451"
    assert address.tls is not None
    assert address.tls.ca_file == tmp_path / "b.pem"


def test_the_host_shows_a_certificate_where_the_bridge_asks_for_one(tmp_path: Path) -> None:
    pem_files(tmp_path)
    asks = SERVED + 'client_ca_file = "clients.pem"\n'
    own = '[bridge.check]\ncert_file = "own.pem"\nkey_file = "own.key"\n'

    with pytest.raises(InvalidValue, match=r"^bridge\.check\.cert_file: is required"):
        address_on_host(load_bridge(host_file(tmp_path, asks)), {})
    address = address_on_host(load_bridge(host_file(tmp_path, asks + own)), {})

    assert address.token is None
    assert address.tls is not None
    assert address.tls.cert_file == tmp_path / "own.pem"
