"""People as the operators' file knows them, and which bridges still read another file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import typer

from mt5fleet.bridge_terms import PEOPLE_FILE
from mt5fleet.cli.exits import ExitCode
from mt5fleet.cli.key_life import kept_alike
from mt5fleet.cli.output import complain, refuse, say
from mt5fleet.cli.tools import fleet_of, tools_of
from mt5fleet.domain.person import Person
from mt5fleet.fleet_file import FleetFile
from mt5fleet.people_file import load_people, save_people


@dataclass(frozen=True, slots=True, kw_only=True)
class _BridgeFile:
    """A bridge's copy that can be written from here; `bridge` is its name when it was told."""

    path: Path
    bridge: str | None
    people: Mapping[str, Person]


class PeopleBook:
    """`people.toml` beside fleet.toml is written first, then the copies of bridges that are mounted here.

    No ledger is asked: a lost key must be refused while Redis is away, too.
    """

    def __init__(self, context: typer.Context, fleet: Path | None, bridge_files: Iterable[str] = ()) -> None:
        self._fleet = fleet_of(fleet)
        self.now: datetime = tools_of(context).clock.now()
        self.folder = self._fleet.folder.resolve()
        self.file = self.folder / PEOPLE_FILE
        self.people = load_people(self.file)
        # Read before anything is written, so that a spoilt or missing one leaves no half-made person.
        self._copies = [_copy(text, self._fleet) for text in bridge_files]

    def named(self, name: str) -> Person:
        """The person of this name; ends the command when there is none."""
        if name not in self.people:
            refuse(f"person {name}: is not known. Known: {', '.join(sorted(self.people)) or 'nobody'}")
        return self.people[name]

    def put(self, person: Person, *told: str) -> None:
        """Store one person in the file and in every copy, and say what is `told` once the file is written.

        Ends the command when a copy was not written.
        """
        self.people[person.name] = person
        save_people(self.file, self.people)
        for sentence in told:
            say(sentence)
        failed = [copy for copy in self._copies if not self._written(copy)]
        self._tell_bridges([copy for copy in self._copies if copy not in failed])
        if failed:
            refuse(f"{self.file} is written; {', '.join(str(copy.path) for copy in failed)} is not.")

    def _written(self, copy: _BridgeFile) -> bool:
        try:
            save_people(copy.path, _merged(self.people, copy.people))
        except OSError as error:
            complain(f"{copy.path}: {error.strerror}")
            return False
        others = sorted(set(copy.people) - set(self.people))
        say(f"Written: {copy.path}" + (f"; it also names {', '.join(others)}" if others else ""))
        return True

    def _tell_bridges(self, written: list[_BridgeFile]) -> None:
        """Say which bridges do not know yet; the file itself is never sent to them."""
        paths = {self.file, *(copy.path.resolve() for copy in written)}
        names = {copy.bridge for copy in written}
        every = self._fleet.every_bridge()
        used = set(self._fleet.bridges) | {account.bridge for account in self._fleet.accounts.values()}
        for name in sorted(used - names):
            terms = every[name]
            if terms.is_far:
                say(f"Bridge {name} does not know yet: copy {self.file} to its host ({terms.reached_at}).")
            elif terms.people_file.resolve() not in paths:
                say(f"Bridge {name} does not know yet: copy {self.file} to {terms.people_file.resolve()}.")


def _copy(text: str, fleet: FleetFile) -> _BridgeFile:
    """`PATH`, or `NAME=PATH` with the name of a bridge of the fleet's file."""
    name, mark, path = text.partition("=")
    is_named = bool(mark) and name in fleet.every_bridge()
    file = Path(path if is_named else text)
    if not file.parent.is_dir():
        refuse(f"--bridge-file {file}: there is no folder {file.parent}", ExitCode.USAGE)
    return _BridgeFile(path=file, bridge=name if is_named else None, people=load_people(file))


def _merged(ours: Mapping[str, Person], theirs: Mapping[str, Person]) -> dict[str, Person]:
    """Both sides together; a key is as short-lived as either side says."""
    found = {**theirs, **ours}
    for name in ours.keys() & theirs.keys():
        found[name] = replace(ours[name], keys=kept_alike(ours[name].keys, theirs[name].keys))
    return found
