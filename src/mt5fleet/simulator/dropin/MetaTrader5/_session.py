"""Functions about the connection itself: initialize, login, shutdown and what terminal and account say."""

import os
from typing import Any

from . import _arguments as arguments
from . import _structures as structures
from ._arguments import CREDENTIAL_UNITS_MAX, PATH_UNITS_MAX, UNSIGNED_LONG_MAX, invalid, invalid_named
from ._connection import CONNECT_TIMEOUT_MS, Connection

Args = tuple[Any, ...]
Named = dict[str, Any]

FIRST, SECOND, THIRD = (f"Invalid {place} unnamed argument" for place in ("1st", "2nd", "3rd"))
WRONG_NUMBER = "Invalid number of arguments"


def initialize(connection: Connection, args: Args, named: Named) -> bool:
    # Whatever the arguments are: the old connection goes first.
    connection.close()
    if len(args) > 1:
        raise invalid(WRONG_NUMBER)
    path = arguments.text_of(args[0], PATH_UNITS_MAX, FIRST) if args else ""
    wanted = _credentials(named, {"login": 0, "password": "", "server": ""})
    timeout_ms = _timeout_ms(named)
    if "path" in named:
        path = arguments.text_of(named["path"], PATH_UNITS_MAX, invalid_named("path"))
    if "portable" in named:
        arguments.truth_of(named["portable"])  # terminals here have no folders to be portable in
    connection.open(timeout_ms)
    try:
        connection.ask("initialize", timeout_ms=timeout_ms, **_path(path), **_unless_empty(wanted))
    except arguments.RefusedError:
        connection.close()
        raise
    return True


def login(connection: Connection, args: Args, named: Named) -> bool:
    if len(args) > len((FIRST, SECOND, THIRD)):
        raise invalid(WRONG_NUMBER)
    wanted: Named = {"login": 0, "password": "", "server": ""}
    for name, value, refusal in zip(wanted, args, (FIRST, SECOND, THIRD), strict=False):
        wanted[name] = _credential(name, value, refusal)
    wanted = _credentials(named, wanted)
    timeout_ms = _timeout_ms(named)
    if wanted["login"] == 0:
        raise invalid(invalid_named("login"))
    connection.ask("login", timeout_ms=timeout_ms, **_without_empty(wanted))
    return True


def shutdown(connection: Connection) -> bool:
    connection.close()
    return True


def version(connection: Connection) -> Any:
    return tuple(connection.ask("version"))


def terminal_info(connection: Connection) -> Any:
    return structures.TerminalInfo(connection.ask("terminal_info"))


def account_info(connection: Connection) -> Any:
    return structures.AccountInfo(connection.ask("account_info"))


def _credentials(named: Named, positional: Named) -> Named:
    """Return login, password and server: named arguments win over positional ones."""
    wanted = dict(positional)
    for name in ("login", "server", "password"):
        if name in named:
            wanted[name] = _credential(name, named[name], invalid_named(name))
    return wanted


def _credential(name: str, value: Any, refusal: str) -> Any:
    if name == "login":
        return arguments.unsigned_of(value, refusal)
    return arguments.text_of(value, CREDENTIAL_UNITS_MAX, refusal)


def _timeout_ms(named: Named) -> int:
    if "timeout" not in named:
        return CONNECT_TIMEOUT_MS
    given_ms = arguments.unsigned_of(named["timeout"], invalid_named("timeout"), UNSIGNED_LONG_MAX)
    return CONNECT_TIMEOUT_MS if given_ms == 0 else given_ms


def _path(path: str) -> Named:
    # Only this machine can tell whether the file is there; the broker decides what follows from it.
    return {"path": path, "path_exists": os.path.exists(path)} if path else {"path": ""}  # noqa: PTH110  # a text, and no error for an odd one


def _unless_empty(wanted: Named) -> Named:
    """Return the credentials, or none when nothing was given: then the terminal's own account is meant."""
    return {"login": wanted["login"], **_without_empty(wanted)} if any(wanted.values()) else {}


def _without_empty(wanted: Named) -> Named:
    return {name: value for name, value in wanted.items() if value}
