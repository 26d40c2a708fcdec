"""`mt5fleet deadletters`: messages that could not become orders."""

from typing import Annotated

import typer

from mt5fleet.cli.output import AsJson, plain, print_json, table
from mt5fleet.cli.tools import FleetOption, ledger_of
from mt5fleet.domain.record import DeadLetter

LIMIT_MAX = 10_000  # as many as the ledger keeps

app = typer.Typer(no_args_is_help=True, help="Messages that could not become orders, with field and rule.")

Limit = Annotated[int, typer.Option("--limit", min=1, max=LIMIT_MAX, help="How many of the newest.")]


@app.command("list")
def list_letters(
    context: typer.Context, fleet: FleetOption = None, limit: Limit = 50, as_json: AsJson = False
) -> None:
    """The newest refused messages, newest first."""
    letters = ledger_of(context, fleet).dead_letters(limit)
    if as_json:
        print_json([plain(DeadLetter, letter) for letter in letters])
        return
    rows = [(one.at, one.signal_id, one.producer, one.reason, one.field, one.rule) for one in letters]
    table("Dead letters", ("at", "signal", "producer", "reason", "field", "rule"), rows)
