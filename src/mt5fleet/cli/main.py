"""The `mt5fleet` command. Every error people can cause becomes a sentence and an exit code."""

import sys
from collections.abc import Sequence

import typer

from mt5fleet.adapters.celery import BrokerUnavailable
from mt5fleet.cli import (
    accounts,
    bridge,
    deadletters,
    events,
    floor,
    halt,
    init,
    people,
    producers,
    queues,
    signals,
    simulator,
)
from mt5fleet.cli.exits import ExitCode
from mt5fleet.cli.output import complain
from mt5fleet.cli.tools import Tools
from mt5fleet.client import OutcomeUnknown
from mt5fleet.domain.errors import FleetError, LedgerUnavailable

_PRODUCER = "I send signals"
_OPS = "I run the fleet"
_RISK = "I own the risk"

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Executes approved trading signals on MetaTrader 5 accounts, each at most once per account.",
    epilog="Exit codes: 0 done, 1 refused, 2 usage, 3 no answer (nothing changed), 4 outcome unknown.",
)
app.add_typer(signals.app, name="signals", rich_help_panel=_PRODUCER)
app.command("init", rich_help_panel=_OPS)(init.init)
app.add_typer(producers.app, name="producers", rich_help_panel=_OPS)
app.command("queues", rich_help_panel=_OPS)(queues.queues)
app.add_typer(deadletters.app, name="deadletters", rich_help_panel=_OPS)
app.add_typer(events.app, name="events", rich_help_panel=_OPS)
app.add_typer(bridge.app, name="bridge", rich_help_panel=_OPS)
app.add_typer(simulator.app, name="simulator", rich_help_panel=_OPS)
accounts.app.command("floor")(floor.floor)
app.add_typer(accounts.app, name="accounts", rich_help_panel=_RISK)
app.add_typer(people.app, name="people", rich_help_panel=_RISK)
app.command("halt", rich_help_panel=_RISK)(halt.halt)


def main(arguments: Sequence[str] | None = None, *, tools: Tools | None = None) -> None:
    """Run one command; always ends with SystemExit. `tools` are the program's own when left out."""
    try:
        app(None if arguments is None else list(arguments), obj=tools)
    except FleetError as error:
        sys.exit(_told(error))
    except OSError as error:
        complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        sys.exit(ExitCode.REFUSED)


def _told(error: FleetError) -> ExitCode:
    complain(str(error))
    if isinstance(error, OutcomeUnknown):
        return ExitCode.UNKNOWN
    if isinstance(error, (LedgerUnavailable, BrokerUnavailable)):
        complain("Is Redis running at the address in fleet.toml ([redis]), or of --redis?")
        return ExitCode.UNREACHABLE
    return ExitCode.REFUSED


if __name__ == "__main__":
    main()
