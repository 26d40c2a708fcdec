"""The job object of Windows, over a kernel32 that remembers what it was asked."""

import ctypes
import sys

import pytest

from mt5fleet.bridge.die_together import BasicLimits, ChildGroup, ExtendedLimits, Job

LAST_ERROR = 5  # access denied


class FakeKernel32:
    """Gives handles, ends what is in a job when its handle is closed; `refused` functions answer 0."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self.handles: dict[int, str] = {}
        self.flags = 0
        self.told_bytes = 0
        self.members: list[str] = []
        self.ended: list[str] = []

    def CreateJobObjectW(self, attributes: None, name: None, /) -> int | None:  # noqa: N802 vendor's name
        return self._handle("job") if self.refused != "CreateJobObjectW" else None

    def SetInformationJobObject(  # noqa: N802 vendor's name
        self, job: int, kind: int, limits: object, limits_bytes: int, /
    ) -> int:
        self.flags = limits._obj.basic.limit_flags  # type: ignore[attr-defined] # what byref points to
        self.told_bytes = limits_bytes
        return int(self.refused != "SetInformationJobObject" and kind == 9)

    def OpenProcess(self, rights: int, inherited: int, pid: int, /) -> int | None:  # noqa: N802 vendor's name
        return self._handle(f"process {pid}") if self.refused != "OpenProcess" else None

    def AssignProcessToJobObject(self, job: int, process: int, /) -> int:  # noqa: N802 vendor's name
        if self.refused == "AssignProcessToJobObject" or self.handles.get(job) != "job":
            return 0
        self.members.append(self.handles[process])
        return 1

    def CloseHandle(self, handle: int, /) -> int:  # noqa: N802 vendor's name
        if self.handles.pop(handle) == "job":
            self.ended, self.members = self.members, []
        return 1

    def _handle(self, what: str) -> int:
        number = max(self.handles, default=0) + 4
        self.handles[number] = what
        return number


def test_closed_job_ends_its_children_and_keeps_no_handle() -> None:
    kernel32 = FakeKernel32()
    job = Job(kernel32, lambda: LAST_ERROR)
    job.add(41)
    job.add(42)

    job.close()
    job.close()

    assert kernel32.ended == ["process 41", "process 42"]
    assert kernel32.handles == {}


def test_job_ends_members_on_close_and_lets_their_own_children_go() -> None:
    kernel32 = FakeKernel32()

    Job(kernel32, lambda: LAST_ERROR)

    assert kernel32.flags == 0x2000 | 0x1000
    assert kernel32.told_bytes == ctypes.sizeof(ExtendedLimits)


@pytest.mark.parametrize("refused", ["CreateJobObjectW", "SetInformationJobObject"])
def test_refused_job_is_an_error_naming_the_function(refused: str) -> None:
    with pytest.raises(OSError, match=f"{refused} failed with Windows error {LAST_ERROR}"):
        Job(FakeKernel32(refused), lambda: LAST_ERROR)


@pytest.mark.parametrize("refused", ["OpenProcess", "AssignProcessToJobObject"])
def test_refused_child_is_an_error_and_leaks_no_handle(refused: str) -> None:
    kernel32 = FakeKernel32(refused)
    job = Job(kernel32, lambda: LAST_ERROR)

    with pytest.raises(OSError, match=f"{refused} failed with Windows error {LAST_ERROR}"):
        job.add(41)

    assert list(kernel32.handles.values()) == ["job"]


def test_child_of_a_closed_job_is_refused() -> None:
    job = Job(FakeKernel32(), lambda: LAST_ERROR)
    job.close()

    with pytest.raises(OSError, match="AssignProcessToJobObject"):
        job.add(41)


@pytest.mark.skipif(ctypes.sizeof(ctypes.c_void_p) != 8, reason="the layout of 64-bit Windows")
def test_structures_have_the_layout_of_64_bit_windows() -> None:
    """Sizes and offsets that the C declarations of winnt.h give with 8-byte alignment."""
    assert ctypes.sizeof(BasicLimits) == 64
    assert BasicLimits.limit_flags.offset == 16
    assert ctypes.sizeof(ExtendedLimits) == 144


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has jobs")
def test_group_elsewhere_takes_any_child_and_does_nothing() -> None:
    group = ChildGroup()

    group.add(1)
    group.close()
    group.close()
