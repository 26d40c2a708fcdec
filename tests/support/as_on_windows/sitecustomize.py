"""Makes a Python on Linux look like one on Windows to the modules of mt5fleet, and to nobody else.

Put its folder first on PYTHONPATH. mt5fleet then finds `sys.platform == "win32"`, no fork, no POSIX-only
module or name, and stand-ins for what only Windows has, which write what they were asked to the file that
AS_ON_WINDOWS_LOG names. Libraries go on seeing Linux, since their Windows builds cannot run here.
"""

import builtins
import ctypes
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path

OURS = ("mt5fleet", "__main__")
POSIX_MODULES = {"crypt", "fcntl", "grp", "nis", "posix", "pty", "pwd", "readline", "resource", "spwd"} | {
    "syslog",
    "termios",
    "tty",
}
#: Gone for everybody: no library may fork behind our back.
FORKS = ("fork", "forkpty", "register_at_fork")
#: What else these modules lack on Windows, in Python's documentation under "Availability: Unix".
LACKS = {
    "os": {
        *(
            name
            for name in dir(os)
            if name.startswith(("EX_", "P_", "RTLD_", "SCHED_", "ST_", "W", "get", "set"))
        ),
        *("chown", "fchdir", "fchmod", "fchown", "fdatasync", "killpg", "lchown", "lockf", "mkfifo", "mknod"),
        *("nice", "openpty", "pidfd_open", "pipe2", "posix_spawn", "pread", "pwrite", "sched_getaffinity"),
        *("sendfile", "sync", "sysconf", "ttyname", "uname", "wait", "wait3", "wait4", "waitid"),
        *("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_SYNC"),
    }
    - {"get_exec_path", "get_terminal_size", "getcwd", "getcwdb", "getenv", "getlogin", "getpid", "getppid"}
    - {"get_handle_inheritable", "get_inheritable", "set_handle_inheritable", "set_inheritable", "W_OK"},
    "signal": {
        *(name for name in dir(signal) if name.startswith(("SIG", "pthread_", "sig"))),
        *("ITIMER_REAL", "alarm", "getitimer", "pause", "pidfd_send_signal", "setitimer"),
    }
    - {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN", "signal"},
    "socket": {"AF_UNIX", "SO_REUSEPORT", "recv_fds", "send_fds"},
    "sys": set(),
}
CREATE_NEW_PROCESS_GROUP = 0x200
GIVES = {
    "sys": {"platform": "win32"},
    "os": {"name": "nt"},
    "signal": {"SIGBREAK": signal.SIGUSR1},  # delivered by the test as if Ctrl-Break had been pressed
}


def note(*words: object) -> None:
    with Path(os.environ["AS_ON_WINDOWS_LOG"]).open("a", encoding="utf-8") as log:
        log.write(" ".join(map(str, words)) + "\n")


class Kernel32:
    """Five functions of kernel32.dll; a handle is a number, and nothing is ended by closing it."""

    def __init__(self) -> None:
        self.handles: list[str] = []
        for name in ("CreateJobObjectW", "SetInformationJobObject", "OpenProcess"):
            setattr(self, name, _Function(getattr(self, f"_{name}")))
        for name in ("AssignProcessToJobObject", "CloseHandle"):
            setattr(self, name, _Function(getattr(self, f"_{name}")))

    def _CreateJobObjectW(self, attributes: object, name: object) -> int:  # noqa: N802 vendor's name
        return self._handle("job")

    def _SetInformationJobObject(self, *asked: object) -> int:  # noqa: N802 vendor's name
        return 1

    def _OpenProcess(self, rights: int, inherited: int, pid: int) -> int:  # noqa: N802 vendor's name
        return self._handle(str(pid))

    def _AssignProcessToJobObject(self, job: int, process: int) -> int:  # noqa: N802 vendor's name
        note("joined", self.handles[job - 1], self.handles[process - 1])
        return 1

    def _CloseHandle(self, handle: int) -> int:  # noqa: N802 vendor's name
        note("closed", self.handles[handle - 1])
        return 1

    def _handle(self, what: str) -> int:
        self.handles.append(what)
        return len(self.handles)


class _Function:
    """A function that takes `argtypes` and `restype`, as those of ctypes do."""

    def __init__(self, call: object) -> None:
        self._call = call

    def __call__(self, *arguments: object) -> object:
        return self._call(*arguments)  # type: ignore[operator] # one of the methods above


class AsOnWindows(types.ModuleType):
    """A module of the standard library without what Windows lacks, and with what it has."""

    def __init__(self, real: types.ModuleType) -> None:
        super().__init__(real.__name__)
        self.__dict__["_real"] = real

    def __getattr__(self, name: str) -> object:
        real = self.__dict__["_real"]
        if name in LACKS[real.__name__]:
            raise AttributeError(f"module {real.__name__!r} has no attribute {name!r} on Windows")
        given = GIVES.get(real.__name__, {})
        return given[name] if name in given else getattr(real, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self.__dict__["_real"], name, value)


def imitate() -> None:
    for name in FORKS:
        delattr(os, name)
    multiprocessing.set_start_method("spawn", force=True)
    ctypes.WinDLL = lambda name, use_last_error: Kernel32()  # type: ignore[attr-defined] # Windows' own
    ctypes.get_last_error = lambda: 0  # type: ignore[attr-defined] # Windows' own
    subprocess.CREATE_NEW_PROCESS_GROUP = CREATE_NEW_PROCESS_GROUP  # type: ignore[attr-defined] # Windows' own
    _take_creation_flags()
    _import_as_on_windows()
    note("started", os.getpid())
    sys.addaudithook(_note_terminal)


def _note_terminal(event: str, arguments: tuple[object, ...]) -> None:
    # import_module, which the child uses, tells no "import".
    if event == "exec" and "MetaTrader5" in str(getattr(arguments[0], "co_filename", "")):
        note("loaded", os.getpid())


def _take_creation_flags() -> None:
    real = subprocess.Popen.__init__

    def popen(self: object, *positional: object, creationflags: int = 0, **named: object) -> None:
        for refused in ("preexec_fn", "process_group", "pass_fds"):
            if named.get(refused):
                raise ValueError(f"{refused} is not supported on Windows platforms")
        named["start_new_session"] = bool(creationflags & CREATE_NEW_PROCESS_GROUP)
        real(self, *positional, **named)  # type: ignore[arg-type] # what subprocess was given

    subprocess.Popen.__init__ = popen  # type: ignore[method-assign] # of every process from now on


def _import_as_on_windows() -> None:
    real = builtins.__import__
    ours = {name: AsOnWindows(module) for name, module in (("os", os), ("signal", signal), ("sys", sys))}
    ours["socket"] = AsOnWindows(socket)
    locks = types.ModuleType("msvcrt")
    locks.LK_NBLCK = 2  # type: ignore[attr-defined] # made here
    locks.locking = lambda descriptor, mode, count: note("locked", count)  # type: ignore[attr-defined] # likewise
    ours["msvcrt"] = locks  # type: ignore[assignment] # a module like the others

    def windows_import(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002  # the names of __import__
        locals: Mapping[str, object] | None = None,  # noqa: A002  # likewise
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> types.ModuleType:
        caller = str((globals or {}).get("__name__", ""))
        if level or caller.partition(".")[0] not in OURS:
            return real(name, globals, locals, fromlist, level)
        if name.partition(".")[0] in POSIX_MODULES:
            raise ModuleNotFoundError(f"No module named {name!r} on Windows", name=name)
        return ours[name] if name in ours else real(name, globals, locals, fromlist, level)

    builtins.__import__ = windows_import


imitate()
