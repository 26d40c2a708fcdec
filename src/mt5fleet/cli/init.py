"""`mt5fleet init`: a new fleet that works unedited with the simulator."""

from pathlib import Path
from typing import Annotated

import typer

from mt5fleet.cli.output import say
from mt5fleet.fleet_default import REDIS_URL, render_default, write_default


def init(
    directory: Annotated[Path, typer.Argument(help="Folder of the new fleet; made when it is not there.")],
    redis_url: Annotated[str, typer.Option("--redis", help="The ledger's address.")] = REDIS_URL,
) -> None:
    """Write fleet.toml, simulator.toml and secrets for three simulated accounts."""
    files = render_default(directory, redis_url=redis_url)
    write_default(files)
    for item in files:
        say(f"wrote {item.path}" + (" (only you can read it)" if item.private else ""))
    say("")
    say("Next:")
    say(f"  export MT5FLEET_FILE={directory / 'fleet.toml'}")
    say(f"  mt5fleet accounts apply {directory / 'fleet.toml'}")
    say('  mt5fleet producers add desk --accounts "*"')
    say("  python -m workers up")
