"""How commands speak: tables for people, one JSON document for programs, errors without traceback."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mt5fleet.cli.exits import ExitCode
from mt5fleet.codec import encode

T = TypeVar("T")
FILE_CHARS = 160  # width of tables in files and pipes, where no screen sets it
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of tables.")]


def console() -> Console:
    """Standard output; made anew each time, since tests exchange the stream."""
    return Console(highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """One line for people."""
    console().print(text, markup=False)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table; values from the ledger are shown as they are, never read as markup."""
    drawn = Table(show_edge=False, pad_edge=False)
    for place, column in enumerate(columns):
        is_name = place == 0
        drawn.add_column(column, overflow="fold", no_wrap=is_name, min_width=len(column))
    for row in rows:
        drawn.add_row(*(escape(printable(shown(value))) for value in row))
    screen = Console(highlight=False)
    if not screen.is_terminal:
        screen.width = FILE_CHARS
    screen.print(escape(title), style="bold")
    screen.print(drawn)


def shown(value: object) -> str:
    """A value for people; nothing is a dash."""
    match value:
        case None | "":
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)


def printable(text: str) -> str:
    """The text without what could move the cursor or recolour the terminal: texts come from outside."""
    return "".join(c if c.isprintable() else "?" for c in text)


def print_json(content: object) -> None:
    """One document; texts outside ASCII are escaped, so that any terminal can take it."""
    typer.echo(json.dumps(content, indent=2))


def plain(kind: type[T], value: T) -> object:
    """A domain value as plain JSON values."""
    return json.loads(encode(kind, value))


def complain(text: str) -> None:
    """An error or warning on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)


def refuse(text: str, code: ExitCode = ExitCode.REFUSED) -> NoReturn:
    """Say why and end."""
    complain(text)
    raise typer.Exit(code)
