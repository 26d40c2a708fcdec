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

from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.bridge.settings import BridgeConfig
from mt5fleet.bridge.told import bridge_told
from mt5fleet.cli.bridge_check import check
from mt5fleet.cli.bridge_config import config as print_config
from mt5fleet.cli.bridge_readings import readings
from mt5fleet.cli.bridge_target import ConfigOption, FleetFileOption, NameOption, bridge_file
from mt5fleet.domain.errors import FleetError, InvalidValue

EXIT_CONFIG = 2  # the file, a secret or the journal cannot be used: nothing was started
EXIT_PORT = 3  # the address cannot be listened on

app = typer.Typer(no_args_is_help=True, help="The process beside the terminals of one host.")
app.command("check")(check)
app.command("config")(print_config)
app.command("readings")(readings)


@app.command()
def serve(
    config: ConfigOption = None,
    fleet: FleetFileOption = None,
    name: NameOption = None,
    port_file: Annotated[
        Path | None, typer.Option("--port-file", help="Write the port here once it listens.")
    ] = None,
) -> None:
    """Serve the accounts of this host until SIGTERM or Ctrl-C; orders in hand are finished first.

    With --config the file of this bridge is enough; without it the bridge is one of the fleet's file.
    Accounts that are not enabled are served, too: they may hold positions.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    try:
        asyncio.run(_serve(bridge_config(config, fleet, name, os.environ), port_file))
    except FleetError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(EXIT_CONFIG) from None
    except OSError as error:
        print(f"listen: the address cannot be listened on ({error})", file=sys.stderr)
        raise typer.Exit(EXIT_PORT) from None


def bridge_config(
    config: Path | None, fleet: Path | None, name: str | None, environ: Mapping[str, str]
) -> BridgeConfig:
    """The bridge as its own or the fleet's file describes it; raises FileInvalid and InvalidValue."""
    file, told = bridge_file(config, fleet, name)
    hidden = frozenset[str]() if told is None else told.secret_variables()
    try:
        return bridge_told(file, environ, hidden)
    except InvalidValue as error:
        raise InvalidValue(_written(error.field, file.bridge.name, alone=told is None), error.rule) from None


def _written(field: str, name: str, *, alone: bool) -> str:
    """The field as it is called in the file that was read."""
    if field.startswith("accounts"):
        return field
    return f"bridge.{field}" if alone else f"bridges.{name}.{field.replace('tls.', 'tls.bridge.', 1)}"


async def _serve(config: BridgeConfig, port_file: Path | None) -> None:
    # A producer's installation has the command and no gRPC.
    from mt5fleet.bridge.host import serve as serve_bridge  # noqa: PLC0415 - see above

    for account in config.accounts:
        if account.refusal:
            logging.getLogger("mt5fleet.bridge").error(
                "%s is not served: %s", account.account, account.refusal
            )
    stop = asyncio.Event()
    _stop_on_signals(asyncio.get_running_loop(), stop)
    await serve_bridge(config, SystemClock(), stop, lambda port: _say_ready(config, port, port_file))


def _stop_on_signals(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    numbers = [signal.SIGTERM, signal.SIGINT]
    if sys.platform == "win32":
        numbers.append(signal.SIGBREAK)  # Ctrl-Break, a closed console, logging off, shutting down
    for number in numbers:
        # signal.signal works on Windows, too, where the loop has no handlers of its own.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))


def _say_ready(config: BridgeConfig, port: int, port_file: Path | None) -> None:
    if port_file is not None:
        unfinished = port_file.with_suffix(".part")
        unfinished.write_text(str(port), encoding="utf-8")
        unfinished.replace(port_file)  # a reader sees the whole number or no file
    names = ", ".join(account.account for account in config.accounts if not account.refusal) or "no accounts"
    print(f"bridge {config.name} listening on {config.host}:{port} for {names}", flush=True)


if __name__ == "__main__":
    app()
