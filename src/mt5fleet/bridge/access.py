"""Who may call a bridge: the bearer token, compared in constant time, and certificates below it."""

import hmac
import ssl
from pathlib import Path
from typing import Any

import grpc

from mt5fleet.bridge.settings import BridgeConfig, TlsServer
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.order import TEXT_CHARS_MAX

Context = grpc.aio.ServicerContext[Any, Any]

_HEADER = "authorization"
_SCHEME = "Bearer "


class Access:
    """Admits peers that show the bridge's token; without one, the certificate has decided before."""

    def __init__(self, name: str, token: str | None) -> None:
        self._name = name
        self._token = None if token is None else token.encode()

    def refusal(self, context: Context) -> str:
        """Why this peer is not admitted; empty when it is."""
        if self._token is None:
            return ""
        shown = [value for key, value in context.invocation_metadata() or () if key == _HEADER]
        if len(shown) != 1:
            return f"bridge {self._name} wants a token: name the bridge's token beside its address"
        given = shown[0] if isinstance(shown[0], bytes) else shown[0].encode()
        if not hmac.compare_digest(given, _SCHEME.encode() + self._token):
            return f"bridge {self._name} refuses the token: both sides must be told the same one"
        return ""


def listen(server: grpc.aio.Server, config: BridgeConfig) -> int:
    """Bind the address, behind TLS where it is told; gives the port.

    Raises OSError when the address is taken, InvalidValue for a file that is no certificate or key.
    """
    host = f"[{config.host}]" if ":" in config.host else config.host
    place = f"{host}:{config.port}"
    try:
        if config.tls is None:
            return server.add_insecure_port(place)
        return server.add_secure_port(place, _credentials(config.tls))
    except RuntimeError as error:
        raise OSError(f"{place} cannot be listened on: {str(error)[:TEXT_CHARS_MAX]}") from None


def _credentials(tls: TlsServer) -> grpc.ServerCredentials:
    """Read once: a bridge is started again when its certificate is renewed."""
    try:
        key, chain = tls.key_file.read_bytes(), tls.cert_file.read_bytes()
        roots = None if tls.client_ca_file is None else tls.client_ca_file.read_bytes()
    except OSError as error:
        raise InvalidValue("tls", f"{error.filename} cannot be read: {error.strerror}") from None
    _check_pair(tls)
    return grpc.ssl_server_credentials(
        [(key, chain)], root_certificates=roots, require_client_auth=roots is not None
    )


def _check_pair(tls: TlsServer) -> None:
    """Name files that fit nothing; gRPC would say that the address cannot be listened on."""
    checked = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # A key behind a passphrase is refused; without a callback OpenSSL would ask on the console.
        checked.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        pair = f"{tls.cert_file} and {tls.key_file}"
        said = str(error)[:TEXT_CHARS_MAX]
        rule = f"{pair} are no certificate and its key, as PEM without a passphrase ({said})"
        raise InvalidValue("tls.cert_file", rule) from None
    if tls.client_ca_file is not None:
        _check_authority(checked, tls.client_ca_file)


def _check_authority(checked: ssl.SSLContext, file: Path) -> None:
    try:
        checked.load_verify_locations(file)
    except ssl.SSLError as error:
        said = str(error)[:TEXT_CHARS_MAX]
        raise InvalidValue("tls.client_ca_file", f"{file} holds no certificate as PEM ({said})") from None
