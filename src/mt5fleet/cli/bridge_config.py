"""`mt5fleet bridge config`: what the host of one bridge needs of the fleet's file, as `bridge.toml`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from mt5fleet.bridge_file import BridgeFile, bridge_file_of
from mt5fleet.cli.exits import ExitCode
from mt5fleet.cli.output import refuse
from mt5fleet.fleet_file import FILE_ENV, FILE_NAME, LOCAL_BRIDGE, load
from mt5fleet.secret_source import SecretSource
from mt5fleet.toml_file import toml_lines


def config(
    fleet: Annotated[
        Path, typer.Option("--fleet", envvar=FILE_ENV, help="The fleet's file.", dir_okay=False)
    ] = Path(FILE_NAME),
    name: Annotated[str, typer.Option("--name", help="Which bridge of the file.")] = LOCAL_BRIDGE,
) -> None:
    """Print the bridge.toml for the host of one bridge; it names secrets and holds none."""
    # Paths stay as they are written: they are paths of the other host.
    file = bridge_file_of(load(fleet, beside=False), name)
    if not file.accounts:
        refuse(f"bridges.{name}: no account is on this bridge", ExitCode.USAGE)
    typer.echo("\n".join([*_header(file), *toml_lines(_tables(file))]))


def _header(file: BridgeFile) -> Iterator[str]:
    yield f"# What the host of bridge {file.bridge.name} needs."
    yield "# Made from fleet.toml by `mt5fleet bridge config`. Make it again after a change"
    yield "# there, and start the bridge again."
    yield "#"
    yield "# No secret is in it. Put these beside it on that host, readable by the bridge's user alone:"
    yield from (f"#   {line}" for line in _besides(file))
    yield "# Then: mt5fleet bridge serve --config bridge.toml"
    yield "# and:  mt5fleet bridge check --config bridge.toml"
    if file.bridge.tls is not None and file.bridge.tls.client_ca_file is not None:
        yield "# (the check needs a certificate here: cert_file and key_file in [bridge.check], signed by"
        yield f"# client_ca_file; beside fleet.toml: mt5fleet bridge check --name {file.bridge.name})"


def _besides(file: BridgeFile) -> Iterator[str]:
    section = file.bridge
    if section.token is not None:
        yield f"{_place(section.token)}: the token, the same as the workers'"
    elif section.wants_token:
        made = (section.journal_dir / "bridge.token").as_posix()
        yield f"{made}: the token; the bridge makes it at its first start, workers need the same"
    yield f"{section.people_file.as_posix()}: who may lift a halt (mt5fleet people add NAME --role risk)"
    if section.tls is not None:
        yield f"{section.tls.cert_file.as_posix()}: the bridge's certificate"
        yield f"{section.tls.key_file.as_posix()}: its key"
        if section.tls.client_ca_file is not None:
            yield f"{section.tls.client_ca_file.as_posix()}: who signs the workers' certificates"
    for name, account in file.accounts.items():
        if account.password is not None:
            yield f"{_place(account.password)}: the password of {name}"


def _place(source: SecretSource) -> str:
    return f"environment variable {source.env}" if source.file is None else source.file.as_posix()


def _tables(file: BridgeFile) -> dict[str, object]:
    """The file as nested tables, what people look for first."""
    section = file.bridge.model_dump(exclude_none=True)
    accounts = {name: terms.model_dump(exclude_none=True) for name, terms in file.accounts.items()}
    return {
        "bridge": {"name": file.bridge.name, **section},
        "simulator": {} if file.simulator is None else file.simulator.model_dump(),
        "accounts": {
            name: {"server": terms["server"], "login": terms["login"], "mode": terms["mode"], **terms}
            for name, terms in accounts.items()
        },
    }
