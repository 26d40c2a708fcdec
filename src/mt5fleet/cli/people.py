"""`mt5fleet people`: who may lift halts and set floors, with which keys."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from mt5fleet.cli.key_life import check_name, ending, goodness, kept_for, next_id, revoked
from mt5fleet.cli.output import AsJson, plain, print_json, refuse, table
from mt5fleet.cli.people_book import PeopleBook
from mt5fleet.cli.tools import FleetOption
from mt5fleet.domain.person import Person, PersonKey, Role
from mt5fleet.messages import SigningKey
from mt5fleet.person_key_file import PersonSecret, save_person_key

_COLUMNS = ("person", "role", "key", "good", "since")

app = typer.Typer(no_args_is_help=True, help="Who may lift halts and set floors, with which keys.")

NameArgument = Annotated[str, typer.Argument(help="The person's name.")]
RoleOption = Annotated[
    Role, typer.Option("--role", help="risk lifts halts and sets floors; operator settles orders in doubt.")
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--out", help="Where the private key goes; secrets/people/KEY_ID.key beside fleet.toml."),
]
BridgeFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--bridge-file",
        metavar="[BRIDGE=]PATH",
        help="Also write this people.toml of a bridge whose folder is mounted here; may be repeated.",
    ),
]


@app.command()
def add(
    context: typer.Context,
    name: NameArgument,
    role: RoleOption,
    out: KeyFile = None,
    bridge_file: BridgeFiles = None,
    fleet: FleetOption = None,
) -> None:
    """Make a key pair, write the private key once, and put the public key into people.toml."""
    check_name("person", name)
    book = PeopleBook(context, fleet, bridge_file or ())
    if name in book.people:
        refuse(f"person {name}: is there already; `mt5fleet people rotate {name}` makes a new key")
    key, path = _new_key(book, name, f"{name}-1", out)
    told = (f"{name} ({role}) signs with {key.key_id}.", _private(name, path))
    book.put(Person(name=name, role=role, keys=(key,)), *told)


@app.command("list")
def list_people(context: typer.Context, fleet: FleetOption = None, as_json: AsJson = False) -> None:
    """People with their roles and keys."""
    book = PeopleBook(context, fleet)
    known = [person for _, person in sorted(book.people.items())]
    if as_json:
        print_json([plain(Person, person) for person in known])
        return
    rows = [
        (person.name, person.role, key.key_id, goodness(key, book.now), key.valid_from)
        for person in known
        for key in person.keys
    ]
    table("People", _COLUMNS, rows)


@app.command()
def rotate(
    context: typer.Context,
    name: NameArgument,
    keep_old: Annotated[
        str, typer.Option("--keep-old", help="How long the old key stays good: 24h, 30m, 7d.")
    ],
    out: KeyFile = None,
    bridge_file: BridgeFiles = None,
    fleet: FleetOption = None,
) -> None:
    """Make a new key; the old ones stay good for the stated time."""
    kept = kept_for(keep_old)
    book = PeopleBook(context, fleet, bridge_file or ())
    person = book.named(name)
    key, path = _new_key(book, name, next_id(name, (old.key_id for old in person.keys)), out)
    until = book.now + kept
    told = f"{name} signs with {key.key_id} now. Older keys are good until {until:%Y-%m-%d %H:%M:%S} UTC."
    book.put(replace(person, keys=(*ending(person.keys, until), key)), told, _private(name, path))


@app.command()
def revoke(
    context: typer.Context,
    name: NameArgument,
    key: Annotated[str | None, typer.Option("--key", help="One key; all of them when left out.")] = None,
    bridge_file: BridgeFiles = None,
    fleet: FleetOption = None,
) -> None:
    """Refuse a person's key from now on, at every bridge that knows of it."""
    book = PeopleBook(context, fleet, bridge_file or ())
    person = book.named(name)
    changed = replace(person, keys=revoked(person.keys, key, name, book.now))
    which = "Every key" if key is None else key
    book.put(changed, f"{which} of {name} is refused from now on by every bridge that reads {book.file}.")


def _new_key(book: PeopleBook, person: str, key_id: str, out: Path | None) -> tuple[PersonKey, Path]:
    """Make a key and write its private half; the public half goes into the file."""
    key = SigningKey.generate(key_id)
    path = book.folder / "secrets" / "people" / f"{key_id}.key" if out is None else out
    path.parent.mkdir(parents=True, exist_ok=True)
    save_person_key(path, PersonSecret(person=person, key=key))
    return PersonKey(key_id=key_id, public=key.public, valid_from=book.now), path


def _private(name: str, path: Path) -> str:
    return f"The private key is in {path}; no copy was kept. Give it to {name} and take it away from here."
