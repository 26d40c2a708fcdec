"""Reading the operators' files: each is checked as a whole, and every problem is told at once.

Secrets are named in them (environment variable or file) and read only where they are used.
"""

import os
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import ErrorDetails

from mt5fleet.domain.errors import FleetError
from mt5fleet.domain.signal import ID_CHARS_MAX
from mt5fleet.secret_source import SecretSource

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
_ADDRESS = r"^[A-Za-z0-9.\[\]:-]+:[0-9]{1,5}$"
_ENV = r"^[A-Za-z_][A-Za-z0-9_]*$"


class FileInvalid(FleetError):
    """The file breaks rules; the text has one line per field: what is wrong with it."""

    def __init__(self, path: Path, problems: tuple[str, ...]) -> None:
        """Keep every problem, so that one reading shows them all."""
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))
        self.problems = problems


def _beside(value: object, info: ValidationInfo) -> object:
    folder = (info.context or {}).get("folder")
    return folder / value if isinstance(value, str | Path) and isinstance(folder, Path) else value


Name = Annotated[str, StringConstraints(pattern=_NAME, max_length=ID_CHARS_MAX)]
Address = Annotated[str, StringConstraints(pattern=_ADDRESS, max_length=255)]
EnvName = Annotated[str, StringConstraints(pattern=_ENV, max_length=128)]
BesideFile = Annotated[Path, BeforeValidator(_beside)]


class Terms(BaseModel):
    """One table of a file: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TokenPlace(Terms):
    """Where a token is kept."""

    token_env: EnvName | None = None
    token_file: BesideFile | None = None

    @model_validator(mode="after")
    def _token_has_one_place(self) -> Self:
        if self.token_env is not None and self.token_file is not None:
            raise ValueError("give token_env or token_file, not both")
        return self

    @property
    def token(self) -> SecretSource | None:
        """Where the token is kept; None when the bridge makes one beside its journal."""
        return secret_source("token", self.token_env, self.token_file)


class PasswordPlace(Terms):
    """Where a password is kept."""

    password_env: EnvName | None = None
    password_file: BesideFile | None = None

    @model_validator(mode="after")
    def _password_has_one_place(self) -> Self:
        if self.password_env is not None and self.password_file is not None:
            raise ValueError("give password_env or password_file, not both")
        return self

    @property
    def password(self) -> SecretSource | None:
        """Where the terminal's password is kept; None when the terminal is already logged in."""
        return secret_source("password", self.password_env, self.password_file)


def secret_source(field: str, env: str | None, file: Path | None) -> SecretSource | None:
    """Where a secret is kept; None when neither place is given."""
    return None if env is None and file is None else SecretSource(field=field, env=env, file=file)


T = TypeVar("T", bound=Terms)


def read_toml(path: Path, kind: type[T], *, error: type[FileInvalid], missing: str, beside: bool = True) -> T:
    """Read and check a file whose table has a field `path`; raises `error` with one line per wrong field.

    `missing` says what to do when it cannot be read. Without `beside` paths stay as they are written.
    """
    entries = _entries(path, error, missing)
    placed = path if beside else Path(path.name)
    try:
        return kind.model_validate({**entries, "path": placed}, context={"folder": placed.parent})
    except ValidationError as found:
        raise error(path, tuple(_sentences(found))) from None


def toml_text(value: str) -> str:
    """A TOML string (TOML 1.0, "String"): literal where it has backslashes, as paths of Windows do."""
    if "\\" in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    shown = "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08X}" for c in value)
    return f'"{shown}"'


def toml_lines(table: Mapping[str, object], section: str = "") -> list[str]:
    """A table as TOML, its sub-tables below it; None and empty tables are left out."""
    plain = {name: value for name, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"{name} = {_value(value)}" for name, value in plain.items() if value is not None]
    if section and lines:
        lines = ["", f"[{section}]", *lines]
    for name, value in table.items():
        if isinstance(value, Mapping):
            key = name if "." not in name else toml_text(name)
            lines += toml_lines(value, f"{section}.{key}" if section else key)
    return lines


def replace_file(path: Path, text: str) -> None:
    """Replace a file as a whole, so that a crash leaves the old one or the new one. Raises OSError."""
    draft = path.with_name(path.name + ".new")
    with draft.open("w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())  # the name must not reach the disk before the text does
    draft.replace(path)


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return str(value)
        case Path():
            return toml_text(value.as_posix())
        case _:
            return toml_text(str(value))


def _entries(path: Path, error: type[FileInvalid], missing: str) -> dict[str, object]:
    try:
        # Decimal, since a float would already have rounded a limit.
        entries = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as found:
        raise error(path, (f"cannot be read ({type(found).__name__}); {missing}",)) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as found:
        raise error(path, (f"is not TOML: {found}",)) from None
    if "path" in entries:
        raise error(path, ("path: is not a field of this file",))
    return entries


def _sentences(error: ValidationError) -> list[str]:
    """One line per finding; inputs are left out, since a password may stand in the wrong place."""
    return [
        ".".join(str(step) for step in found["loc"] if step != "[key]") + ": " + _rule(found)
        for found in error.errors(include_input=False, include_url=False)
    ]


def _rule(found: ErrorDetails) -> str:
    rules = {"missing": "is required", "extra_forbidden": "is not a field of this file"}
    return rules.get(found["type"], found["msg"].removeprefix("Value error, "))
