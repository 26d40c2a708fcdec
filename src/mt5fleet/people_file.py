"""People as their file remembers them: `people.toml`, written by commands, read by every bridge.

It holds public keys only. No bridge takes it from the wire: a worker could name its own risk person then.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from mt5fleet.domain.person import Person, PersonKey, Role
from mt5fleet.key_terms import KeyTerms, moment_lines
from mt5fleet.toml_file import FileInvalid, Name, Terms, read_toml, replace_file, toml_text

_log = logging.getLogger("mt5fleet.people")

PEOPLE_BYTES_MAX = 256 * 1024  # about a thousand keys
_PUBLIC_KEY = r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$"  # 32 bytes in base64, which have one spelling
_HEADER = """\
# Who may lift halts and set floors. Written by `mt5fleet people add | rotate | revoke`: public keys only.
# Every bridge reads its own copy, which only people put there.
"""


class PeopleFileInvalid(FileInvalid):
    """`people.toml` breaks rules."""


class _KeyTerms(KeyTerms):
    public: Annotated[str, StringConstraints(pattern=_PUBLIC_KEY)]


class _PersonTerms(Terms):
    role: Role
    keys: tuple[_KeyTerms, ...] = ()

    @model_validator(mode="after")
    def _every_key_has_its_name(self) -> Self:
        if len({key.key_id for key in self.keys}) != len(self.keys):
            raise ValueError("keys: two have one key_id")
        return self


class _FileTerms(Terms):
    path: Path
    people: dict[Name, _PersonTerms] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _every_key_has_one_owner(self) -> Self:
        public = [key.public for person in self.people.values() for key in person.keys]
        if len(set(public)) != len(public):
            raise ValueError("one public key stands twice: nobody could tell who signed")
        return self


def load_people(path: Path) -> dict[str, Person]:
    """Every person by name; nobody when there is no file. Raises PeopleFileInvalid."""
    try:
        if path.stat().st_size > PEOPLE_BYTES_MAX:
            raise PeopleFileInvalid(path, (f"is over {PEOPLE_BYTES_MAX} bytes",))
        missing = "`mt5fleet people add` writes one"
        read = read_toml(path, _FileTerms, error=PeopleFileInvalid, missing=missing)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise PeopleFileInvalid(path, (f"cannot be read ({type(error).__name__})",)) from None
    except (ValueError, ArithmeticError, RecursionError):  # numbers and nesting that the parser cannot hold
        raise PeopleFileInvalid(path, ("is not TOML",)) from None
    return {name: _person(name, terms) for name, terms in read.people.items()}


def save_people(path: Path, people: Mapping[str, Person]) -> None:
    """Replace the file as a whole, so that a crash leaves the old one or the new one.

    Raises PeopleFileInvalid when it would be too long, and OSError; the old one stands then.
    """
    content = _HEADER + "".join(_section(person) for _, person in sorted(people.items()))
    if len(content.encode()) > PEOPLE_BYTES_MAX:
        raise PeopleFileInvalid(path, (f"would be over {PEOPLE_BYTES_MAX} bytes; take revoked keys out",))
    replace_file(path, content)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the file said when it was last read; `stamp` None: read it again."""

    stamp: tuple[int, int, int] | None
    people: Mapping[str, Person]
    problem: str | None


class PeopleFile:
    """The people of a file, read again when it changes. When it cannot be read or breaks rules: nobody."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = _Seen(stamp=None, people={}, problem=None)

    def __call__(self) -> Mapping[str, Person]:
        """Everybody the file names now; nobody when it is not there or `problem` says why."""
        return self._now().people

    @property
    def problem(self) -> str | None:
        """Why the file counts for nothing now, for people; None when it is good, or not there."""
        return self._now().problem

    def _now(self) -> _Seen:
        """What is true now; a new problem is told once, since nobody else sees this host's file."""
        before, self._seen = self._seen, self._look()
        if self._seen.problem not in (None, before.problem):
            _log.warning("nobody can lift a halt or set a floor here: %s", self._seen.problem)
        return self._seen

    def _look(self) -> _Seen:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return _Seen(stamp=None, people={}, problem=None)
        except OSError as error:
            reason = f"{self._path}: cannot be read ({type(error).__name__})"
            return _Seen(stamp=None, people={}, problem=reason)
        # Taken before the content: a file that is replaced in between has another stamp next time.
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        return self._seen if stamp == self._seen.stamp else self._read(stamp)

    def _read(self, stamp: tuple[int, int, int]) -> _Seen:
        try:
            return _Seen(stamp=stamp, people=load_people(self._path), problem=None)
        except PeopleFileInvalid as error:
            # Without its stamp, since what failed may pass: Windows refuses to open what is being replaced.
            return _Seen(stamp=None, people={}, problem=str(error))


def _person(name: str, terms: _PersonTerms) -> Person:
    keys = tuple(
        PersonKey(
            key_id=key.key_id,
            public=key.public,
            valid_from=key.valid_from,
            valid_until=key.valid_until,
            revoked_at=key.revoked_at,
        )
        for key in terms.keys
    )
    return Person(name=name, role=terms.role, keys=keys)


def _section(person: Person) -> str:
    lines = ["", f"[people.{toml_text(person.name)}]", f"role = {toml_text(person.role)}"]
    for key in person.keys:
        lines += _key_lines(person.name, key)
    return "\n".join(lines) + "\n"


def _key_lines(person: str, key: PersonKey) -> list[str]:
    return [
        "",
        f"[[people.{toml_text(person)}.keys]]",
        f"key_id = {toml_text(key.key_id)}",
        *moment_lines(key),
        # Last, since a key that was cut off before its end must not count.
        f"public = {toml_text(key.public)}",
    ]
