"""The bearer token that workers and bridges share."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mt5fleet.private_file import write_private
from mt5fleet.secret_source import SecretSource, resolve_secret

TOKEN_BYTES = 24  # 32 characters
TOKEN_FILE = "bridge.token"  # noqa: S105  # the name of a file


def bridge_token(source: SecretSource | None, journal_dir: Path, environ: Mapping[str, str]) -> str:
    """The token as configured; without a source, the one kept beside the journals, made at first use.

    Raises InvalidValue naming the variable or file when it is missing or empty.
    """
    if source is not None:
        return resolve_secret(source, environ)
    path = journal_dir / TOKEN_FILE
    if not path.exists():
        _make(path)
    return resolve_secret(SecretSource(field="token", file=path), environ)


def _make(path: Path) -> None:
    """Put a token there whole, so that a process that starts at the same time never reads half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{TOKEN_FILE}.{secrets.token_hex(4)}")
    write_private(draft, secrets.token_urlsafe(TOKEN_BYTES))
    with suppress(FileExistsError):  # another process was faster: its token stands
        path.hardlink_to(draft)
    draft.unlink()
