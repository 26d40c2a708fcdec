"""Who is admitted to a bridge, and what both sides say of those who are not."""

import logging
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from cryptography.hazmat.primitives import serialization

from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway, TlsClient
from mt5fleet.bridge.settings import TlsServer
from mt5fleet.domain.errors import InvalidValue, Unreachable
from mt5fleet.testing.builders import make_open_order
from tests.unit.bridge.certificates import Authority
from tests.unit.bridge.served import FILLED, PERMIT, TOKEN, Served, served

HEALTH = "/grpc.health.v1.Health"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture
def behind_tls(tmp_path: Path, authority: Authority) -> Iterator[Served]:
    pair = authority.issue("bridge")
    with served(tmp_path, tls=TlsServer(cert_file=pair.cert_file, key_file=pair.key_file)) as made:
        yield made


@pytest.fixture
def mutual(tmp_path: Path, authority: Authority) -> Iterator[Served]:
    """A bridge that asks for certificates and no token."""
    pair = authority.issue("bridge")
    tls = TlsServer(cert_file=pair.cert_file, key_file=pair.key_file, client_ca_file=authority.ca_file)
    with served(tmp_path, tls=tls, token=None) as made:
        yield made


def shown(authority: Authority, by: Authority, name: str = "worker") -> TlsClient:
    pair = by.issue(name)
    return TlsClient(ca_file=authority.ca_file, cert_file=pair.cert_file, key_file=pair.key_file)


def is_admitted(gateway: BridgeGateway) -> bool:
    return gateway.submit("alpha", make_open_order(), PERMIT) == FILLED


def test_the_token_is_carried_over_tls(behind_tls: Served, authority: Authority) -> None:
    assert is_admitted(behind_tls.gateway(tls=TlsClient(ca_file=authority.ca_file)))


def test_a_wrong_token_is_refused_over_tls(behind_tls: Served, authority: Authority) -> None:
    with pytest.raises(Unreachable, match="refuses the token"):
        is_admitted(behind_tls.gateway("wrong", TlsClient(ca_file=authority.ca_file)))


def test_a_bridge_that_another_authority_signed_is_not_told_the_token(
    behind_tls: Served, tmp_path: Path
) -> None:
    other = Authority(tmp_path, "other")
    with pytest.raises(Unreachable, match="does not answer"):
        is_admitted(behind_tls.gateway(tls=TlsClient(ca_file=other.ca_file)))
    assert behind_tls.desks["alpha"].began == []


def test_a_bridge_with_the_certificate_of_another_host_is_not_told_the_token(
    tmp_path: Path, authority: Authority
) -> None:
    pair = authority.issue("elsewhere.example", address=None)
    tls = TlsServer(cert_file=pair.cert_file, key_file=pair.key_file)
    with served(tmp_path, tls=tls) as one:
        with pytest.raises(Unreachable, match="does not answer"):
            is_admitted(one.gateway(tls=TlsClient(ca_file=authority.ca_file)))
        named = TlsClient(ca_file=authority.ca_file, server_name="elsewhere.example")
        assert is_admitted(one.gateway(tls=named))


def test_a_plain_client_of_a_bridge_behind_tls_gets_nothing(behind_tls: Served) -> None:
    with pytest.raises(Unreachable, match="does not answer"):
        is_admitted(behind_tls.gateway())


def test_a_client_that_wants_tls_tells_a_plain_bridge_nothing(tmp_path: Path, authority: Authority) -> None:
    with served(tmp_path) as one, pytest.raises(Unreachable, match="does not answer"):
        is_admitted(one.gateway(tls=TlsClient(ca_file=authority.ca_file)))


def test_a_certificate_is_enough_where_no_token_is_told(mutual: Served, authority: Authority) -> None:
    assert is_admitted(mutual.gateway(None, shown(authority, by=authority)))


def test_a_certificate_of_another_authority_is_refused(
    mutual: Served, authority: Authority, tmp_path: Path
) -> None:
    with pytest.raises(Unreachable):
        is_admitted(mutual.gateway(None, shown(authority, by=Authority(tmp_path, "other"))))
    assert mutual.desks["alpha"].began == []


def test_no_certificate_is_refused_whatever_the_token(mutual: Served, authority: Authority) -> None:
    with pytest.raises(Unreachable):
        is_admitted(mutual.gateway(TOKEN, TlsClient(ca_file=authority.ca_file)))
    assert mutual.desks["alpha"].began == []


def test_a_certificate_without_the_token_is_refused_where_both_are_asked_for(
    tmp_path: Path, authority: Authority
) -> None:
    pair = authority.issue("bridge")
    tls = TlsServer(cert_file=pair.cert_file, key_file=pair.key_file, client_ca_file=authority.ca_file)
    with served(tmp_path, tls=tls) as one:
        with pytest.raises(Unreachable, match="wants a token"):
            is_admitted(one.gateway(None, shown(authority, by=authority)))
        assert is_admitted(one.gateway(TOKEN, shown(authority, by=authority)))


def test_a_key_that_cannot_be_read_is_named(behind_tls: Served, authority: Authority, tmp_path: Path) -> None:
    tls = shown(authority, by=authority)
    assert tls.key_file is not None
    tls.key_file.unlink()
    with pytest.raises(Unreachable, match="cannot be read"):
        is_admitted(behind_tls.gateway(tls=tls))


def test_anybody_may_ask_once_whether_the_bridge_serves(tmp_path: Path) -> None:
    with served(tmp_path, "alpha", "beta") as one:
        one.desks["beta"].pid = None
        one.run(one.server._health.tell(one.desks))
        names = ("", "mt5fleet.bridge.v1.Bridge", "account/alpha", "account/beta")
        assert [_status(one, name) for name in names] == [b"\x08\x01", b"\x08\x01", b"\x08\x01", b"\x08\x02"]
        with pytest.raises(grpc.RpcError, match="NOT_FOUND"):
            _status(one, "account/gamma")


def test_who_wants_to_be_told_of_changes_shows_the_token(tmp_path: Path) -> None:
    with served(tmp_path) as one, grpc.insecure_channel(f"127.0.0.1:{one.port}") as channel:
        watch = channel.unary_stream(f"{HEALTH}/Watch")
        with pytest.raises(grpc.RpcError, match="UNAUTHENTICATED"):
            next(watch(b"", timeout=5))
        allowed = watch(b"", timeout=5, metadata=(("authorization", f"Bearer {TOKEN}"),))
        assert next(allowed) == b"\x08\x01"
        stopping = one.begin(one.server.stop())
        assert next(allowed) == b"\x08\x02"
        allowed.cancel()
        stopping.result(10)


def test_a_token_does_not_leave_the_machine_without_tls() -> None:
    with pytest.raises(InvalidValue, match=r"tls: is required for bridge\.example"):
        BridgeAddress(host="bridge.example", port=1, token=TOKEN)
    with pytest.raises(InvalidValue, match="tls"):
        BridgeAddress(host="192.0.2.7", port=1, token=TOKEN)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_token_may_stay_on_the_machine_without_tls(host: str) -> None:
    assert BridgeAddress(host=host, port=1, token=TOKEN).tls is None


def test_an_address_shows_something(authority: Authority) -> None:
    with pytest.raises(InvalidValue, match="token"):
        BridgeAddress(host="127.0.0.1", port=1, token=None)
    with pytest.raises(InvalidValue, match="token"):
        BridgeAddress(host="127.0.0.1", port=1, token=None, tls=TlsClient(ca_file=authority.ca_file))


def test_half_a_pair_and_missing_files_are_refused(authority: Authority, tmp_path: Path) -> None:
    pair = authority.issue("worker")
    with pytest.raises(InvalidValue, match=r"tls\.cert_file"):
        TlsClient(ca_file=authority.ca_file, cert_file=pair.cert_file)
    with pytest.raises(InvalidValue, match=r"tls\.ca_file: there is no file"):
        TlsClient(ca_file=tmp_path / "missing.pem")


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "tab\tbed", "schlüssel", "nul\0"])
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(InvalidValue, match="printable") as refusal:
        BridgeAddress(host="127.0.0.1", port=1, token=token)
    assert not token or token not in str(refusal.value)


def test_the_token_is_in_no_repr_log_or_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    secret = "a-secret-that-nobody-may-see"
    caplog.set_level(logging.DEBUG)
    with served(tmp_path, token=secret) as one:
        said = [repr(one.server._config), repr(one.server._service), repr(one.server)]
        right, wrong = one.gateway(secret), one.gateway("another-secret")
        one.desks["alpha"].script["submit"] = RuntimeError("fails")
        for gateway in (right, wrong):
            said += [repr(gateway), *map(repr, gateway._channels.values())]
            with pytest.raises(Exception, match="bridge") as error:
                gateway.submit("alpha", make_open_order(), PERMIT)
            said += [str(error.value), repr(error.value), repr(error.value.__cause__)]
        said.append(str(right.healths("local")))
    address = BridgeAddress(host="127.0.0.1", port=1, token=secret)
    said += [repr(address), str(address), caplog.text]
    assert [text for text in said if secret in text or "another-secret" in text] == []


def _status(one: Served, service: str) -> bytes:
    request = b"" if not service else b"\x0a" + bytes((len(service),)) + service.encode()
    with grpc.insecure_channel(f"127.0.0.1:{one.port}") as channel:
        answer = channel.unary_unary(f"{HEALTH}/Check")(request, timeout=5)
        assert isinstance(answer, bytes)
        return answer


@pytest.mark.parametrize("wrong", ["swapped", "key of another", "key with a passphrase", "authority"])
def test_files_that_fit_nothing_are_named_before_the_bridge_listens(
    tmp_path: Path, authority: Authority, wrong: str
) -> None:
    pair, other, no_pem = authority.issue("bridge"), authority.issue("other"), tmp_path / "no.pem"
    no_pem.write_text("no certificate")
    locked = tmp_path / "locked.key"
    locked.write_bytes(_locked(pair.key_file.read_bytes()))
    files = {
        "swapped": (pair.key_file, pair.cert_file, None),
        "key of another": (pair.cert_file, other.key_file, None),
        "key with a passphrase": (pair.cert_file, locked, None),
        "authority": (pair.cert_file, pair.key_file, no_pem),
    }
    cert_file, key_file, client_ca_file = files[wrong]
    tls = TlsServer(cert_file=cert_file, key_file=key_file, client_ca_file=client_ca_file)
    field = "client_ca_file" if wrong == "authority" else "cert_file"
    with pytest.raises(InvalidValue, match=rf"^tls\.{field}: "), served(tmp_path, tls=tls):
        pass


def _locked(key: bytes) -> bytes:
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )
