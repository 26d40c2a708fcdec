"""What the host of a bridge is told when nothing else of the fleet is there: `bridge.toml`.

It holds no address of Redis and no producer. Paths are relative to the file.
"""

from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import Field

from mt5fleet.bridge_terms import BridgeTls, HostTerms, PeerTls, TerminalTerms, twice_problems
from mt5fleet.domain.account import Limits
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.fleet_file import LOCAL_BRIDGE, BridgeTerms, FleetFile
from mt5fleet.net_address import host_and_port
from mt5fleet.toml_file import Address, BesideFile, FileInvalid, Name, Terms, read_toml

FILE_NAME = "bridge.toml"
#: Addresses that mean "every address of this machine", and where the machine itself reaches them.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  # compared with, never listened on


class BridgeFileInvalid(FileInvalid):
    """`bridge.toml` breaks rules."""


class CheckTerms(PeerTls):
    """How `mt5fleet bridge check` on this host reaches the bridge; what is left out follows from the rest."""

    address: Address | None = None
    ca_file: BesideFile | None = None  # None: the bridge's own certificate


class BridgeSection(HostTerms):
    """The bridge itself."""

    name: Name = LOCAL_BRIDGE
    tls: BridgeTls | None = None
    check: CheckTerms = CheckTerms()

    @property
    def reached_at(self) -> str:
        """Where programs of this host reach it."""
        if self.check.address is not None:
            return self.check.address
        host, port = host_and_port(self.listen)
        return f"{_EVERYWHERE[host]}:{port}" if host in _EVERYWHERE else self.listen

    @property
    def wants_token(self) -> bool:
        """Whether peers show a token; where certificates are asked for, only when one is told."""
        return self.token is not None or self.tls is None or self.tls.client_ca_file is None


class BridgeAccountTerms(TerminalTerms):
    """One account of this host."""

    quote_age_s_max: Annotated[Decimal, Field(gt=0)] = Limits().quote_age_s_max


class SimulatorPlace(Terms):
    """The simulated broker that stands in for the terminals of this host."""

    address: Address = "127.0.0.1:7450"


class BridgeFile(Terms):
    """The whole file. `path` is where it was read from."""

    path: Path
    bridge: BridgeSection
    accounts: dict[Name, BridgeAccountTerms]
    simulator: SimulatorPlace | None = None

    def secret_variables(self) -> frozenset[str]:
        """Environment variables that hold something secret."""
        sources = [self.bridge.token, *(account.password for account in self.accounts.values())]
        return frozenset(source.env for source in sources if source is not None and source.env is not None)


def load_bridge(path: Path) -> BridgeFile:
    """Read and check the file; raises BridgeFileInvalid with one line per wrong field."""
    missing = "`mt5fleet bridge config` prints one"
    read = read_toml(path, BridgeFile, error=BridgeFileInvalid, missing=missing)
    problems = [
        *(f"bridge.{problem}" for problem in read.bridge.listen_problems(read.bridge.tls)),
        *([] if read.accounts else ["accounts: needs at least one account"]),
        *twice_problems(read.accounts),
    ]
    if problems:
        raise BridgeFileInvalid(path, tuple(problems))
    return read


def bridge_file_of(fleet: FleetFile, name: str) -> BridgeFile:
    """What the host of one bridge needs of the fleet's file; raises InvalidValue for an unknown bridge.

    Every account of the bridge is in it, those that are not enabled, too: they may hold positions.
    """
    terms = fleet.every_bridge().get(name)
    if terms is None:
        known = ", ".join(sorted(fleet.every_bridge()))
        raise InvalidValue(f"bridges.{name}", f"is not in the fleet's file, which has {known}")
    # The simulator stands beside the fleet: a bridge elsewhere has terminals of its own.
    simulator = None if fleet.simulator is None or terms.is_far else fleet.simulator
    return BridgeFile(
        path=fleet.path,
        bridge=_section(name, terms),
        accounts=_accounts(fleet, name),
        simulator=None if simulator is None else SimulatorPlace(address=simulator.address),
    )


def _section(name: str, terms: BridgeTerms) -> BridgeSection:
    shared = {field: getattr(terms, field) for field in HostTerms.model_fields}
    workers = terms.tls.workers
    check = (
        CheckTerms()
        if workers is None
        else CheckTerms(ca_file=workers.ca_file, server_name=workers.server_name)
    )
    return BridgeSection(name=name, tls=terms.tls.bridge, check=check, **shared)


def _accounts(fleet: FleetFile, name: str) -> dict[str, BridgeAccountTerms]:
    quote_ages = {account.name: account.limits.quote_age_s_max for account in fleet.to_accounts()}
    mine = {key: terms for key, terms in sorted(fleet.accounts.items()) if terms.bridge == name}
    return {
        key: BridgeAccountTerms(
            quote_age_s_max=quote_ages[key],
            **{field: getattr(terms, field) for field in TerminalTerms.model_fields},
        )
        for key, terms in mine.items()
    }
