"""Where a secret is kept, and reading it when it is needed. The secret itself is never part of a value."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mt5fleet.domain.errors import InvalidValue, InvariantBroken

SECRET_CHARS_MAX = 4096  # a key file named by mistake is not read into memory whole
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSource:
    """An environment variable, or a file; `field` is where the file of the fleet names it."""

    field: str
    env: str | None = None
    file: Path | None = None

    def __post_init__(self) -> None:
        """Refuse none and both."""
        if (self.env is None) == (self.file is None):
            raise InvalidValue(self.field, f"needs either {self.field}_env or {self.field}_file")


def resolve_secret(source: SecretSource, environ: Mapping[str, str]) -> str:
    """Read the secret; raises InvalidValue naming the variable or file, never what stands in it."""
    if source.env is not None:
        text, place = environ.get(source.env, ""), f"environment variable {source.env}"
    elif source.file is not None:
        text, place = _read(source.field, source.file), f"file {source.file}"
    else:
        raise InvariantBroken("a secret source names neither a variable nor a file")
    if not text:
        raise InvalidValue(source.field, f"{place} is empty or not set")
    return text


def fill_references(field: str, text: str, environ: Mapping[str, str]) -> str:
    """Put environment variables in the place of `${NAME}`; raises InvalidValue naming a missing one."""
    missing = [name for name in _REFERENCE.findall(text) if not environ.get(name)]
    if missing:
        raise InvalidValue(field, f"environment variable {missing[0]} is empty or not set")
    return _REFERENCE.sub(lambda match: environ[match[1]], text)


def references(text: str) -> frozenset[str]:
    """The environment variables that stand in a text as `${NAME}`."""
    return frozenset(_REFERENCE.findall(text))


def _read(field: str, path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as opened:  # editors on Windows put a mark before the text
            text = opened.read(SECRET_CHARS_MAX + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidValue(field, f"{path} cannot be read ({type(error).__name__})") from None
    if len(text) > SECRET_CHARS_MAX:
        raise InvalidValue(field, f"{path} is longer than {SECRET_CHARS_MAX} characters")
    return text.strip()


def shared_secrets(environ: Mapping[str, str]) -> Callable[[str], bytes]:
    """Looks up producers' shared secrets (base64) by the variable's name; raises InvalidValue naming it."""

    def secret_of(name: str) -> bytes:
        text = resolve_secret(SecretSource(field="shared_secret", env=name), environ)
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            raise InvalidValue("shared_secret", f"environment variable {name} is not base64") from None

    return secret_of
