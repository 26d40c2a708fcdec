"""`mt5fleet bridge readings`: money of every account of one bridge, once or again and again."""

import json
from typing import Annotated

import typer

from mt5fleet.cli.bridge_target import ConfigOption, FleetFileOption, NameOption, Target, chosen, target_of
from mt5fleet.cli.exits import ExitCode
from mt5fleet.cli.output import AsJson, plain, print_json, refuse, table
from mt5fleet.cli.tools import tools_of
from mt5fleet.domain.broker import Reading
from mt5fleet.domain.errors import GatewayError
from mt5fleet.ports.gateway import STREAM_EVERY_S_MAX, STREAM_EVERY_S_MIN

EVERY_S = 1.0
_COLUMNS = ("account", "equity", "balance", "margin", "free margin", "positions", "orders", "read at")
_Readings = dict[str, Reading | str]


def readings(
    context: typer.Context,
    accounts: Annotated[list[str] | None, typer.Argument(help="Accounts; all when left out.")] = None,
    fleet: FleetFileOption = None,
    name: NameOption = None,
    config: ConfigOption = None,
    follow: Annotated[bool, typer.Option("--follow", help="Read again and again, until Ctrl-C.")] = False,
    every_s: Annotated[
        float,
        typer.Option(
            "--every", help="Seconds between two readings.", min=STREAM_EVERY_S_MIN, max=STREAM_EVERY_S_MAX
        ),
    ] = EVERY_S,
    as_json: AsJson = False,
) -> None:
    """Money of accounts, read at their terminals now. With --json and --follow: one line for each reading."""
    tools = tools_of(context)
    target = target_of(config, fleet, name, tools.environ)
    names = chosen(target, accounts)
    gateway = tools.connect_bridge(target.name, target.address)
    try:
        if follow:
            for found in gateway.reading_stream(names, every_s):
                _show(found, target, as_json=as_json, lines=True)
        else:
            _show(gateway.readings(names), target, as_json=as_json, lines=False)
    except GatewayError as error:
        refuse(str(error), ExitCode.UNREACHABLE)
    finally:
        gateway.disconnect()


def _show(found: _Readings, target: Target, *, as_json: bool, lines: bool) -> None:
    if not as_json:
        table(f"Bridge {target.name}", _COLUMNS, [_row(name, one) for name, one in found.items()])
        return
    document = {
        name: {"why_not": one} if isinstance(one, str) else plain(Reading, one) for name, one in found.items()
    }
    if lines:
        typer.echo(json.dumps(document))
    else:
        print_json(document)


def _row(name: str, found: Reading | str) -> tuple[object, ...]:
    if isinstance(found, str):
        return (name, None, None, None, None, None, None, found)
    return (
        name,
        f"{found.equity:f} {found.currency}",
        found.balance,
        found.margin,
        found.margin_free,
        found.positions,
        found.orders,
        found.at,
    )
