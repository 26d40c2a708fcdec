"""`mt5fleet events`: what happened on an account."""

from typing import Annotated

import typer

from mt5fleet.cli.accounts import known_account
from mt5fleet.cli.output import AsJson, plain, print_json, printable, say, shown
from mt5fleet.cli.tools import FleetOption, ledger_of, tools_of
from mt5fleet.domain.record import StoredEvent

LIMIT_MAX = 10_000  # as many as the ledger keeps
FOLLOW_PAUSE_S = 0.5  # for a person's eyes

app = typer.Typer(no_args_is_help=True, help="What happened, in order.")


@app.command()
def tail(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account.")],
    fleet: FleetOption = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=LIMIT_MAX, help="How many.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """The newest events of ACCOUNT, oldest first."""
    ledger = ledger_of(context, fleet)
    known_account(ledger, account)
    told = ledger.account_events(account, limit)
    if as_json:
        print_json([plain(StoredEvent, event) for event in told])
        return
    _tell(told)
    last = told[-1].id if told else None
    clock = tools_of(context).clock
    while follow:  # ends with Ctrl-C; each round reads a bounded number of events
        clock.sleep_s(FOLLOW_PAUSE_S)
        newest = ledger.account_events(account, LIMIT_MAX)
        fresh = _after(newest, last)
        _tell(fresh)
        last = fresh[-1].id if fresh else last


def event_line(stored: StoredEvent) -> str:
    """One event for people."""
    event = stored.event
    numbers = " ".join(f"{name}={value}" for name, value in event.numbers.items())
    signal = "" if event.signal_id is None else f"  {event.signal_id}"
    return printable(f"{shown(stored.at)}  {event.type}{signal}  {numbers}").rstrip()


def _tell(events: tuple[StoredEvent, ...]) -> None:
    for stored in events:
        say(event_line(stored))


def _after(events: tuple[StoredEvent, ...], last: str | None) -> tuple[StoredEvent, ...]:
    ids = [stored.id for stored in events]
    return events[ids.index(last) + 1 :] if last in ids else events
