"""What a worker is told about a bridge: where it is, how to show who we are, how long to wait."""

from dataclasses import dataclass, field
from pathlib import Path

from mt5fleet.domain.errors import InvalidValue
from mt5fleet.net_address import is_loopback

REQUEST_BYTES_MAX = 256 * 1024  # as at the bridge: the largest order is some kilobytes
ANSWER_BYTES_MAX = 16 * 1024 * 1024  # a day's deals of a busy account; more is not ours


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsClient:
    """PEM files for a bridge behind TLS.

    `ca_file` holds who may sign the bridge's certificate. `cert_file` and `key_file` are what we show to a
    bridge that asks. `server_name` is the name in the bridge's certificate where it differs from its host.
    """

    ca_file: Path
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        """Refuse half a pair and files that are not there."""
        if (self.cert_file is None) is not (self.key_file is None):
            raise InvalidValue("tls.cert_file", "must be given together with tls.key_file")
        for name in ("ca_file", "cert_file", "key_file"):
            path: Path | None = getattr(self, name)
            if path is not None and not path.is_file():
                raise InvalidValue(f"tls.{name}", f"there is no file {path}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeAddress:
    """Where a bridge listens, and what it is shown: a token, a certificate of `tls`, or both."""

    host: str
    port: int
    token: str | None = field(repr=False)
    tls: TlsClient | None = None

    def __post_init__(self) -> None:
        """Refuse to tell a token to everybody between here and there."""
        if self.tls is None and not is_loopback(self.host):
            raise InvalidValue(
                "tls",
                f"is required for {self.host}: without it everybody on the way could read the token;"
                " name the bridge's certificate authority in tls.ca_file",
            )
        if self.token is None and (self.tls is None or self.tls.cert_file is None):
            raise InvalidValue(
                "token", "is required unless tls.cert_file is given: nobody is admitted unknown"
            )
        if self.token is not None and not _is_token(self.token):
            raise InvalidValue("token", "must be printable ASCII characters without spaces")

    @property
    def place(self) -> str:
        """As it is shown to people: HOST:PORT."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long a caller waits; above the bridge's own deadlines, so that the bridge decides first."""

    connect_s: float = 2.0
    read_s: float = 11.0  # 5 s in line, 5 s in the terminal
    order_s: float = 16.0  # 5 s in line, 10 s in the terminal


def _is_token(text: str) -> bool:
    return text.isascii() and text.isprintable() and bool(text) and " " not in text
