"""What both files say of a bridge and of the accounts beside it: `fleet.toml` and `bridge.toml`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from mt5fleet.domain.account import Foreign
from mt5fleet.domain.broker import Mode
from mt5fleet.net_address import host_and_port, is_loopback
from mt5fleet.toml_file import Address, BesideFile, PasswordPlace, Terms, TokenPlace

PEOPLE_FILE = Path("people.toml")
OFFSET_S_MAX = 14 * 3600  # no time zone is further from UTC


class BridgeTls(Terms):
    """Certificate that a bridge shows, PEM files; with `client_ca_file` its peers must show one, too."""

    cert_file: BesideFile
    key_file: BesideFile
    client_ca_file: BesideFile | None = None


class PeerTls(Terms):
    """What a peer of a bridge shows and expects, PEM files; certificate and key where it asks for them."""

    cert_file: BesideFile | None = None
    key_file: BesideFile | None = None
    server_name: Annotated[str | None, StringConstraints(min_length=1, max_length=255)] = None

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("give cert_file and key_file, or neither")
        return self


class WorkersTls(PeerTls):
    """How a bridge is known to its workers, PEM files."""

    ca_file: BesideFile


class BridgeLimitsTerms(Terms):
    """Limits as written, meant as in `mt5fleet.bridge.settings.BridgeLimits`; others keep their default."""

    waiting_max: Annotated[int | None, Field(ge=1)] = None
    calls_per_s_max: Annotated[float | None, Field(gt=0)] = None
    calls_burst_max: Annotated[int | None, Field(ge=1)] = None
    opens_per_minute_max: Annotated[int | None, Field(ge=1)] = None
    streams_max: Annotated[int | None, Field(ge=0)] = None


class HostTerms(TokenPlace):
    """The process beside the terminals of one host. Loopback unless told otherwise."""

    listen: Address = "127.0.0.1:7451"
    journal_dir: Annotated[BesideFile, Field(validate_default=True)] = Path("journal")
    people_file: Annotated[BesideFile, Field(validate_default=True)] = PEOPLE_FILE
    # How long a broker may take to show what it did; absence within this time proves nothing.
    visibility_lag_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    # How long after a doubtful answer, and after none at all, a send may still be carried out.
    settle_s: Annotated[float, Field(ge=0, le=600)] = 10.0
    unanswered_s: Annotated[float, Field(ge=0, le=3600)] = 60.0
    limits: BridgeLimitsTerms = BridgeLimitsTerms()

    @model_validator(mode="after")
    def _silence_is_the_longer_wait(self) -> Self:
        if self.unanswered_s < self.settle_s:
            raise ValueError("unanswered_s must not be below settle_s")
        return self

    def listen_problems(self, tls: BridgeTls | None) -> list[str]:
        """Why the bridge would be open to anybody."""
        if tls is None and not is_loopback(host_and_port(self.listen)[0]):
            return [
                "listen: must be a loopback address such as 127.0.0.1:7451, unless the bridge's tls is given"
            ]
        return []


class TerminalTerms(PasswordPlace):
    """One account as its terminal knows it, what may be done there, where its password is kept."""

    server: Annotated[str, StringConstraints(min_length=1, max_length=63)]
    login: Annotated[int, Field(gt=0, lt=2**63)]
    mode: Mode
    allow_real: bool = False
    shadow: bool = False
    terminal_path: BesideFile | None = None
    server_offset_s: Annotated[int | None, Field(ge=-OFFSET_S_MAX, le=OFFSET_S_MAX)] = None
    foreign: Foreign = Foreign.FLATTEN


def twice_problems(accounts: Mapping[str, TerminalTerms]) -> list[str]:
    """Accounts that stand under two names."""
    problems = []
    owner: dict[tuple[str, int], str] = {}
    for name, terms in accounts.items():
        first = owner.setdefault((terms.server, terms.login), name)
        if first != name:
            problems.append(f"accounts.{name}.login: is the same account as accounts.{first}")
    return problems
