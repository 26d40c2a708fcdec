"""`mt5fleet bridge`: the process beside the terminals of one host."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from mt5fleet.adapters.bridge.token import bridge_token
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.bridge.host import serve as serve_bridge
from mt5fleet.bridge.settings import BridgeConfig, ChildConfig
from mt5fleet.domain.errors import FleetError, InvalidValue
from mt5fleet.fleet_file import (
    FILE_ENV,
    FILE_NAME,
    LOCAL_BRIDGE,
    BridgeTerms,
    FleetFile,
    load,
)
from mt5fleet.secret_source import resolve_secret
from mt5fleet.simulator.process import terminal_environment

EXIT_CONFIG = 2  # the file or a secret is wrong: nothing was started
EXIT_PORT = 3  # the address cannot be listened on

app = typer.Typer(no_args_is_help=True, help="The process beside the terminals of one host.")


@app.callback()
def _root() -> None:
    """Keep `serve` a sub-command."""


@app.command()
def serve(
    fleet: Annotated[
        Path, typer.Option("--fleet", envvar=FILE_ENV, help="The fleet's file.", dir_okay=False)
    ] = Path(FILE_NAME),
    name: Annotated[str, typer.Option("--name", help="Which bridge of the file this is.")] = LOCAL_BRIDGE,
    port_file: Annotated[
        Path | None, typer.Option("--port-file", help="Write the port here once it listens.")
    ] = None,
) -> None:
    """Serve the accounts of this host until SIGTERM or Ctrl-C; orders in hand are finished first."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    try:
        config = bridge_config(load(fleet), name, os.environ)
    except FleetError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(EXIT_CONFIG) from None
    try:
        asyncio.run(_serve(config, port_file))
    except OSError as error:
        print(
            f"bridges.{name}.listen: cannot listen on {config.host}:{config.port} ({error})", file=sys.stderr
        )
        raise typer.Exit(EXIT_PORT) from None


def bridge_config(told: FleetFile, name: str, environ: Mapping[str, str]) -> BridgeConfig:
    """The bridge as the fleet's file describes it, secrets read; raises InvalidValue naming the field."""
    if name != LOCAL_BRIDGE and name not in told.bridges:
        raise InvalidValue(f"bridges.{name}", "is not in the fleet's file")
    terms = told.bridges.get(name) or BridgeTerms(journal_dir=told.folder / "journal")
    host, _, port = terms.listen.rpartition(":")
    return BridgeConfig(
        name=name,
        host=host.strip("[]"),
        port=int(port),
        token=bridge_token(terms.token, terms.journal_dir, environ),
        accounts=_children(told, name, terms, environ),
        environment=_environment(told, environ),
        people_file=told.folder / "people.toml",
        journal_dir=terms.journal_dir,
    )


def _children(
    told: FleetFile, name: str, terms: BridgeTerms, environ: Mapping[str, str]
) -> tuple[ChildConfig, ...]:
    quote_ages = {account.name: account.limits.quote_age_s_max for account in told.to_accounts()}
    mine = {key: item for key, item in told.accounts.items() if item.bridge == name and item.enabled}
    return tuple(
        ChildConfig(
            account=key,
            server=account.server,
            login=account.login,
            mode=account.mode,
            shadow=account.shadow,
            password="" if account.password is None else resolve_secret(account.password, environ),
            terminal_path="" if account.terminal_path is None else str(account.terminal_path),
            visibility_lag_s=terms.visibility_lag_s,
            quote_age_s_max=quote_ages[key],
        )
        for key, account in sorted(mine.items())
    )


def _environment(told: FleetFile, environ: Mapping[str, str]) -> dict[str, str]:
    """What the children see: no secret by name, and the drop-in module where the fleet has a simulator."""
    sources = [
        *(account.password for account in told.accounts.values()),
        *(bridge.token for bridge in told.bridges.values()),
        *(channel.address for channel in told.channels.values()),
    ]
    secret_names = {source.env for source in sources if source is not None}
    kept = {key: value for key, value in environ.items() if key not in secret_names}
    return kept if told.simulator is None else terminal_environment(told.simulator.address, kept)


async def _serve(config: BridgeConfig, port_file: Path | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # signal.signal works on Windows, too, where the loop has no handlers of its own.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    await serve_bridge(config, SystemClock(), stop, lambda port: _say_ready(config, port, port_file))


def _say_ready(config: BridgeConfig, port: int, port_file: Path | None) -> None:
    if port_file is not None:
        unfinished = port_file.with_suffix(".part")
        unfinished.write_text(str(port), encoding="utf-8")
        unfinished.replace(port_file)  # a reader sees the whole number or no file
    names = ", ".join(account.account for account in config.accounts) or "no accounts"
    print(f"bridge {config.name} listening on {config.host}:{port} for {names}", flush=True)


if __name__ == "__main__":
    app()
