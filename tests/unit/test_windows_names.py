"""The library imports and names nothing that Windows lacks, unless it asks for the platform before."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"

#: Modules of the standard library that exist on POSIX systems only.
POSIX_MODULES = {"crypt", "fcntl", "grp", "nis", "posix", "pty", "pwd", "readline", "resource", "spwd"} | {
    "syslog",
    "termios",
    "tty",
}
#: What `os`, `signal`, `socket`, `asyncio` and `select` have on POSIX systems only, as far as it is tempting.
POSIX_NAMES = {
    "os": {
        *("chown", "fchmod", "fchown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getgroups"),
        *(
            "getloadavg",
            "getpgid",
            "getpgrp",
            "getuid",
            "kill",
            "killpg",
            "lchown",
            "mkfifo",
            "mknod",
            "nice",
        ),
        *(
            "O_CLOEXEC",
            "O_DIRECTORY",
            "O_NOFOLLOW",
            "O_SYNC",
            "openpty",
            "pidfd_open",
            "pipe2",
            "posix_spawn",
        ),
        *("register_at_fork", "sched_getaffinity", "setgid", "setpgid", "setsid", "setuid", "sysconf"),
        *("uname", "wait", "WNOHANG"),
    },
    "signal": {
        *("alarm", "pause", "pidfd_send_signal", "pthread_kill", "pthread_sigmask", "setitimer", "SIGALRM"),
        *("SIGCHLD", "SIGHUP", "SIGKILL", "siginterrupt", "SIGQUIT", "SIGUSR1", "SIGUSR2", "sigwait"),
    },
    "socket": {"AF_UNIX", "SO_REUSEPORT", "socketpair"},
    "asyncio": {"open_unix_connection", "start_unix_server"},
    "select": {"epoll", "kqueue", "poll"},
}
#: Methods of event loops that the loop of Windows refuses, and arguments of `subprocess` that it refuses.
POSIX_METHODS = {"add_reader", "add_signal_handler", "add_writer", "connect_read_pipe", "connect_write_pipe"}
POSIX_ARGUMENTS = {"pass_fds", "preexec_fn", "process_group", "start_new_session"}


def test_nothing_in_the_library_needs_posix_unasked() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{line}: {name}"
        for path in sorted(SOURCE.rglob("*.py"))
        for line, name in offences(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert found == []


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import fcntl", "fcntl"),
        ("from pwd import getpwnam", "pwd"),
        ("import os\nos.fork()", "os.fork"),
        ("from os import killpg", "os.killpg"),
        ("import signal\nsignal.SIGKILL", "signal.SIGKILL"),
        ("Popen(command, start_new_session=True)", "start_new_session"),
        ("Popen(command, **{'preexec_fn': start})", "preexec_fn"),
        ("loop.add_signal_handler(15, stop)", "add_signal_handler"),
        ("import sys\nif sys.platform == 'win32':\n    pass\nimport fcntl", "fcntl"),
    ],
)
def test_what_windows_lacks_is_found(code: str, name: str) -> None:
    assert [found for _, found in offences(ast.parse(code))] == [name]


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nif sys.platform == 'win32':\n    import msvcrt\nelse:\n    import fcntl",
        "def lock():\n    if sys.platform == 'win32':\n        return\n    os.fork()",
        "fork = getattr(os, 'register_at_fork', None)",
    ],
)
def test_what_asks_for_the_platform_before_is_allowed(code: str) -> None:
    assert list(offences(ast.parse(code))) == []


def offences(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of everything POSIX-only below `node` that no question for the platform guards."""
    for field in ast.iter_fields(node):
        children = field[1] if isinstance(field[1], list) else [field[1]]
        for child in children:
            if not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.If) and _asks_for_platform(child.test):
                if _leaves(child.body):
                    break  # what follows runs on the other platform only
                continue
            yield from ((getattr(child, "lineno", 0), name) for name in _posix(child))
            yield from offences(child)


def _posix(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [item.name for item in names if item.name.split(".")[0] in POSIX_MODULES]
        case ast.ImportFrom(module=str(module), names=names):
            known = POSIX_NAMES.get(module, set())
            taken = [f"{module}.{item.name}" for item in names if item.name in known]
            return [module] if module in POSIX_MODULES else taken
        case ast.Attribute(value=ast.Name(id=module), attr=name) if name in POSIX_NAMES.get(module, ()):
            return [f"{module}.{name}"]
        case ast.Attribute(attr=name) if name in POSIX_METHODS:
            return [name]
        case ast.keyword(arg=str(name)) if name in POSIX_ARGUMENTS:
            return [name]
        case ast.Dict(keys=keys):
            texts = [key.value for key in keys if isinstance(key, ast.Constant)]
            return [text for text in texts if text in POSIX_ARGUMENTS]
        case _:
            return []


def _asks_for_platform(test: ast.expr) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and (node.attr == "platform" or (node.attr == "name" and _is_os(node)))
        for node in ast.walk(test)
    )


def _is_os(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "os"


def _leaves(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], ast.Return | ast.Raise)
