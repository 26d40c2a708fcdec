"""Which bridge a command speaks with, and what it should find there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from mt5fleet.adapters.bridge.addresses import address_on_host, bridge_address
from mt5fleet.adapters.bridge.terms import BridgeAddress
from mt5fleet.bridge_file import BridgeFile, bridge_file_of, load_bridge
from mt5fleet.bridge_terms import TerminalTerms
from mt5fleet.cli.exits import ExitCode
from mt5fleet.cli.output import refuse
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.fleet_file import FILE_ENV, FILE_NAME, LOCAL_BRIDGE, FleetFile, load
from mt5fleet.toml_file import FileInvalid

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="The file of this host's bridge alone (bridge.toml).", dir_okay=False),
]
FleetFileOption = Annotated[
    Path | None,
    typer.Option(
        "--fleet", envvar=FILE_ENV, help=f"The fleet's file; ./{FILE_NAME} when left out.", dir_okay=False
    ),
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", help=f"Which bridge of the fleet's file; {LOCAL_BRIDGE} when left out."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One bridge, and its accounts as configured; `symbols` maps signals' symbols to the broker's."""

    name: str
    address: BridgeAddress
    accounts: Mapping[str, TerminalTerms]
    symbols: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def bridge_file(
    config: Path | None, fleet: Path | None, name: str | None
) -> tuple[BridgeFile, FleetFile | None]:
    """What a bridge is told; with the fleet's file where it comes from there.

    Raises FileInvalid and InvalidValue; ends the command when both files are meant.
    """
    if config is None:
        told = load(Path(FILE_NAME) if fleet is None else fleet)
        return bridge_file_of(told, LOCAL_BRIDGE if name is None else name), told
    if name is not None:
        refuse("--name: belongs to --fleet; the file of --config names its own bridge", ExitCode.USAGE)
    return load_bridge(config), None


def target_of(
    config: Path | None, fleet: Path | None, name: str | None, environ: Mapping[str, str]
) -> Target:
    """The bridge meant by the options; ends the command with the code for a wrong file or secret."""
    try:
        file, told = bridge_file(config, fleet, name)
        if told is None:
            return Target(
                name=file.bridge.name, address=address_on_host(file, environ), accounts=file.accounts
            )
        return Target(
            name=file.bridge.name,
            address=bridge_address(told, file.bridge.name, environ),
            accounts=file.accounts,
            symbols={key: terms.symbols for key, terms in told.accounts.items()},
        )
    except (FileInvalid, InvalidValue) as error:
        refuse(str(error), ExitCode.USAGE)


def chosen(target: Target, names: list[str] | None) -> tuple[str, ...]:
    """The accounts asked for, all when none are named; ends the command for an unknown one."""
    unknown = [name for name in names or () if name not in target.accounts]
    if unknown:
        known = ", ".join(sorted(target.accounts)) or "none"
        refuse(f"{', '.join(unknown)}: not on bridge {target.name}, which has {known}", ExitCode.USAGE)
    return tuple(names) if names else tuple(sorted(target.accounts))
