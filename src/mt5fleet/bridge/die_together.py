"""A child process dies with its bridge, also while a call into the terminal blocks.

A child that runs Python ends with its standard input. A blocking call of `MetaTrader5` keeps the
interpreter's lock, so no thread of the child can notice that end: there the operating system ends it.
Linux: the kernel signals the child when its parent ends. Windows: a job object ends its processes when its
last handle is closed, which also happens when the bridge is killed. Elsewhere: the end of standard input.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from ctypes import wintypes
from typing import Final, Protocol, cast

EXIT_ORPHANED = 70  # the bridge was gone before the child could follow it

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h

# Win32 API, winnt.h: JOBOBJECTINFOCLASS, LimitFlags of JOBOBJECT_BASIC_LIMIT_INFORMATION, process rights.
_EXTENDED_LIMITS: Final = 9
_KILL_ON_JOB_CLOSE: Final = 0x2000
_SILENT_BREAKAWAY_OK: Final = 0x1000  # a terminal that a child starts stays outside, and alive
_TERMINATE_AND_SET_QUOTA: Final = 0x0001 | 0x0100  # what joining a job requires


def follow_parent(parent_pid: int) -> None:
    """Make this process end with the process `parent_pid`, which started it; to be called first of all.

    On Linux the death that counts is that of the *thread* that started this process: a bridge starts its
    children from a thread that lives as long as itself (prctl(2), PR_SET_PDEATHSIG).
    Elsewhere this does nothing; on Windows the parent does it, with `ChildGroup`.

    Raises SystemExit when the parent is gone already, OSError when the kernel refuses.
    """
    if sys.platform == "linux":
        _ask_for_signal(signal.SIGKILL)
        if os.getppid() != parent_pid:  # it ended before the kernel was told: nobody would signal us
            sys.exit(EXIT_ORPHANED)


class ChildGroup:
    """The children of this bridge; on Windows a job object that ends them when this process ends."""

    def __init__(self) -> None:
        """Raises OSError when Windows gives no job object."""
        self._job: Job | None = None
        if sys.platform == "win32":
            self._job = Job(_kernel32(), ctypes.get_last_error)

    def add(self, pid: int) -> None:
        """Tie a child to this process, before it is told to start a terminal.

        Raises OSError when Windows refuses; such a child would outlive a killed bridge while it blocks.
        """
        if self._job is not None:
            self._job.add(pid)

    def close(self) -> None:
        """End what is still in the group; may be called again."""
        if self._job is not None:
            self._job.close()


class Kernel32(Protocol):
    """The functions of kernel32.dll that a job needs; each sets the last error when it answers 0."""

    def CreateJobObjectW(self, attributes: None, name: None, /) -> int | None: ...  # noqa: N802 vendor's name

    def SetInformationJobObject(  # noqa: N802 vendor's name
        self, job: int, kind: int, limits: object, limits_bytes: int, /
    ) -> int: ...

    def OpenProcess(self, rights: int, inherited: int, pid: int, /) -> int | None: ...  # noqa: N802 vendor's name

    def AssignProcessToJobObject(self, job: int, process: int, /) -> int: ...  # noqa: N802 vendor's name

    def CloseHandle(self, handle: int, /) -> int: ...  # noqa: N802 vendor's name


class Job:
    """A job object whose processes are ended when its only handle, which is kept here, is closed."""

    def __init__(self, kernel32: Kernel32, last_error: Callable[[], int]) -> None:
        """Raises OSError when there is no job object to be had."""
        self._kernel32 = kernel32
        self._last_error = last_error
        # No attributes: a handle that children inherited would keep the job open after our death.
        self._handle = self._not_zero(kernel32.CreateJobObjectW(None, None), "CreateJobObjectW")
        limits = ExtendedLimits()
        limits.basic.limit_flags = _KILL_ON_JOB_CLOSE | _SILENT_BREAKAWAY_OK
        taken = kernel32.SetInformationJobObject(
            self._handle, _EXTENDED_LIMITS, ctypes.byref(limits), ctypes.sizeof(limits)
        )
        self._not_zero(taken, "SetInformationJobObject")

    def add(self, pid: int) -> None:
        """Put a process into the job; raises OSError when Windows refuses, or the job is closed."""
        process = self._not_zero(self._kernel32.OpenProcess(_TERMINATE_AND_SET_QUOTA, 0, pid), "OpenProcess")
        try:
            joined = self._kernel32.AssignProcessToJobObject(self._handle, process)
            self._not_zero(joined, "AssignProcessToJobObject")
        finally:
            self._kernel32.CloseHandle(process)

    def close(self) -> None:
        """Give the handle back, which ends the processes in the job."""
        if self._handle:
            self._kernel32.CloseHandle(self._handle)
        self._handle = 0

    def _not_zero(self, answer: int | None, function: str) -> int:
        if not answer:
            raise OSError(f"{function} failed with Windows error {self._last_error()}")
        return answer


class BasicLimits(ctypes.Structure):
    """JOBOBJECT_BASIC_LIMIT_INFORMATION; in fixed widths, so that any 64-bit system can check its layout."""

    _fields_ = (
        ("per_process_user_time_limit", ctypes.c_int64),
        ("per_job_user_time_limit", ctypes.c_int64),
        ("limit_flags", ctypes.c_uint32),
        ("minimum_working_set_size", ctypes.c_size_t),
        ("maximum_working_set_size", ctypes.c_size_t),
        ("active_process_limit", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority_class", ctypes.c_uint32),
        ("scheduling_class", ctypes.c_uint32),
    )


class ExtendedLimits(ctypes.Structure):
    """JOBOBJECT_EXTENDED_LIMIT_INFORMATION."""

    _fields_ = (
        ("basic", BasicLimits),
        ("io_counters", ctypes.c_uint64 * 6),
        ("process_memory_limit", ctypes.c_size_t),
        ("job_memory_limit", ctypes.c_size_t),
        ("peak_process_memory_used", ctypes.c_size_t),
        ("peak_job_memory_used", ctypes.c_size_t),
    )


def _ask_for_signal(number: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    nothing = ctypes.c_ulong(0)  # prctl reads machine words, also those it does not use
    if libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(number), nothing, nothing, nothing) != 0:
        errno = ctypes.get_errno()
        raise OSError(errno, f"prctl(PR_SET_PDEATHSIG): {os.strerror(errno)}")


if sys.platform == "win32":

    def _kernel32() -> Kernel32:
        library = ctypes.WinDLL("kernel32", use_last_error=True)
        # Without these, ctypes would cut 64-bit handles down to 32.
        library.CreateJobObjectW.argtypes = (wintypes.LPVOID, wintypes.LPCWSTR)
        library.CreateJobObjectW.restype = wintypes.HANDLE
        library.SetInformationJobObject.argtypes = (
            wintypes.HANDLE,
            ctypes.c_int,
            wintypes.LPVOID,
            wintypes.DWORD,
        )
        library.SetInformationJobObject.restype = wintypes.BOOL
        library.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
        library.OpenProcess.restype = wintypes.HANDLE
        library.AssignProcessToJobObject.argtypes = (wintypes.HANDLE, wintypes.HANDLE)
        library.AssignProcessToJobObject.restype = wintypes.BOOL
        library.CloseHandle.argtypes = (wintypes.HANDLE,)
        library.CloseHandle.restype = wintypes.BOOL
        return cast("Kernel32", library)
