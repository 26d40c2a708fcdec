"""`mt5fleet signals`: send signals and see what became of them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from mt5fleet.cli.output import AsJson, plain, print_json, refuse, say
from mt5fleet.cli.posting import BATCH, Summary, post_all
from mt5fleet.cli.signal_lines import read_lines
from mt5fleet.cli.story import Story, of_account, read_story, story_json, tell_story
from mt5fleet.cli.tools import FleetOption, RedisOption, Tools, addresses_of, tools_of
from mt5fleet.client import FleetClient, Submitter, load_key
from mt5fleet.client.watch import is_settled
from mt5fleet.domain.record import SignalPhase, SignalStatus

STDIN = "-"
FOLLOW_S = 60.0  # an open is valid for a minute; a resting order is followed longer on request

app = typer.Typer(no_args_is_help=True, help="Send signals and see what became of them.")

SignalId = Annotated[str, typer.Argument(help="The signal's id.", metavar="ID")]
Key = Annotated[Path | None, typer.Option("--key", help="The producer's private key file.")]
Durable = Annotated[
    bool,
    typer.Option("--durable", help="Also wait for the server's disk or a replica, where it offers that."),
]
Spool = Annotated[
    Path | None, typer.Option("--spool", help="Keep what is not final here, to post it again after a loss.")
]


@app.command()
def submit(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(help='JSON lines: signals or signed envelopes; "-" reads standard input.')
    ],
    key: Key = None,
    durable: Durable = False,
    spool: Spool = None,
    fleet: FleetOption = None,
    redis_url: RedisOption = None,
    as_json: AsJson = False,
) -> None:
    """Sign the signals of FILE that are not signed, and post all of them in order."""
    tools = tools_of(context)
    secret = None if key is None else load_key(key)
    with _opened(file) as lines, _submitter(tools, fleet, redis_url, spool) as submitter:
        # A program that writes line by line wants each line posted at once.
        batch = 1 if file == STDIN else BATCH
        summary = post_all(submitter, read_lines(lines, secret), durable=durable, batch=batch)
    _tell(summary, as_json=as_json)


@app.command()
def show(
    context: typer.Context,
    signal_id: SignalId,
    fleet: FleetOption = None,
    redis_url: RedisOption = None,
    account: Annotated[str | None, typer.Option("--account", help="One account; all when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """The whole story of a signal: each check with its numbers, what was sent, answered, and when."""
    story = of_account(_story(tools_of(context), fleet, redis_url, signal_id), account)
    if as_json:
        print_json(story_json(story))
    elif story.status.phase is SignalPhase.UNKNOWN:
        refuse(f"signal {signal_id}: the ledger does not know it. Sending it (again) is safe.")
    else:
        tell_story(story)


@app.command()
def cancel(
    context: typer.Context,
    signal_id: SignalId,
    key: Annotated[Path, typer.Option("--key", help="The producer's private key file.")],
    fleet: FleetOption = None,
    redis_url: RedisOption = None,
) -> None:
    """Withdraw what a signal left resting or has not sent yet; open positions stay."""
    tools = tools_of(context)
    secret = load_key(key)
    with _submitter(tools, fleet, redis_url, None) as submitter:
        client = FleetClient(
            "", secret.producer, secret.key, clock=tools.clock, chance=tools.chance, submitter=submitter
        )
        submitted = client.cancel(signal_id)
    say(f"Cancel of {signal_id} is recorded as {submitted.signal_id}.")
    say(f"See: mt5fleet signals show {submitted.signal_id}")


@app.command()
def resend(
    context: typer.Context,
    spool: Annotated[Path, typer.Option("--spool", help="The file given to `submit`.")],
    fleet: FleetOption = None,
    redis_url: RedisOption = None,
) -> None:
    """Post again, same bytes, what a spool keeps and the ledger does not know."""
    if not spool.exists():
        refuse(f"spool {spool}: there is no such file")
    with _submitter(tools_of(context), fleet, redis_url, spool) as submitter:
        found = submitter.resend()
    say(f"posted={len(found.posted)} waiting={len(found.waiting)} settled={len(found.settled)}")
    if found.conflicts:
        refuse(f"another content is recorded under these ids and stands: {', '.join(found.conflicts)}")


@app.command()
def follow(
    context: typer.Context,
    signal_id: SignalId,
    timeout_s: Annotated[float, typer.Option("--timeout", min=0, help="Seconds.")] = FOLLOW_S,
    fleet: FleetOption = None,
    redis_url: RedisOption = None,
    as_json: AsJson = False,
) -> None:
    """Tell each change of a signal until every order is final; exit code 1 when it is not in time."""
    tools = tools_of(context)
    with _submitter(tools, fleet, redis_url, None) as submitter:
        last = None
        for status in submitter.follow(signal_id, timeout_s):
            _tell_status(status, as_json=as_json)
            last = status
    if last is None or not is_settled(last):
        refuse(f"signal {signal_id}: not final after {timeout_s:g} s; it is still alive")


def _story(tools: Tools, fleet: Path | None, redis_url: str | None, signal_id: str) -> Story:
    ledger = tools.connect_ledger(addresses_of(tools, fleet, redis_url).ledger)
    return read_story(ledger, signal_id)


@contextmanager
def _submitter(
    tools: Tools, fleet: Path | None, redis_url: str | None, spool: Path | None
) -> Iterator[Submitter]:
    addresses = addresses_of(tools, fleet, redis_url)
    submitter = tools.connect_submitter(
        addresses.ledger, broker_url=addresses.broker, spool=spool, clock=tools.clock
    )
    try:
        yield submitter
    finally:
        submitter.close()


@contextmanager
def _opened(file: str) -> Iterator[TextIO]:
    if file == STDIN:
        yield sys.stdin
        return
    with Path(file).open(encoding="utf-8") as lines:
        yield lines


def _tell(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        print_json(summary.as_json())
    else:
        say(summary.sentence)
    if not summary.is_clean:
        raise typer.Exit(summary.exit_code)


def _tell_status(status: SignalStatus, *, as_json: bool) -> None:
    if as_json:
        print_json(plain(SignalStatus, status))
        return
    orders = ", ".join(f"{order.account}/{order.part} {order.state}" for order in status.orders)
    say(f"{status.phase}{': ' + orders if orders else ''}")
