"""The journal's file when its process is killed and when its disk is full."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mt5fleet.adapters.sqlite.journal import JournalFile, journal_path
from mt5fleet.adapters.system_clock import SystemClock

ACCOUNTS, THREADS_PER_ACCOUNT = 4, 4

WRITES_FOR_EVER = """
import os, sys, threading
from itertools import count
from pathlib import Path
from mt5fleet.adapters.sqlite.journal import JournalFile
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.ports.journal import JournalEntry

clock = SystemClock()
file = JournalFile(Path(sys.argv[1]), clock, lambda: os.urandom(8).hex())

def work(journal, login, thread):
    for attempt in count(1):
        key = f"{login}-{thread}"
        journal.write(JournalEntry(key=key, attempt=attempt, token=1, operation="submit",
            request=f"{key} {attempt} " + "x" * 700, written_at=clock.now(), outcome=None, tombstone=False))
        os.write(1, f"{login} {key} {attempt}\\n".encode())

for login in range(1, int(sys.argv[2]) + 1):
    journal = file.account("Sim-1", login)
    for thread in range(int(sys.argv[3])):
        threading.Thread(target=work, args=(journal, login, thread), daemon=True).start()
threading.Event().wait()
"""

FILLS_ITS_DISK = """
import resource, sys
from pathlib import Path
from mt5fleet.adapters.sqlite.journal import JournalFile
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.domain.errors import JournalUnwritable
from mt5fleet.ports.journal import JournalEntry

clock = SystemClock()
journal = JournalFile(Path(sys.argv[1]), clock, lambda: "id").account("Sim-1", 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))

def write(attempt):
    journal.write(JournalEntry(key="k", attempt=attempt, token=1, operation="close",
        request="x" * 2000, written_at=clock.now(), outcome=None, tombstone=False))

taken = 0
try:
    while taken < 1000:
        write(taken + 1)
        taken += 1
except JournalUnwritable as error:
    print(taken, journal.writable, len(journal.entries("k")), error, flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
write(taken + 1)
print(journal.writable, len(journal.entries("k")), flush=True)
"""


@contextmanager
def writing(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    arguments = [str(journal_path(folder)), str(ACCOUNTS), str(THREADS_PER_ACCOUNT)]
    process = subprocess.Popen(
        [sys.executable, "-c", WRITES_FOR_EVER, *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


@pytest.mark.parametrize("after", [1, 40, 301])
def test_every_acknowledged_write_is_there_after_a_kill_and_none_is_half(tmp_path: Path, after: int) -> None:
    with writing(tmp_path) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(after)]
        process.kill()
        lines += process.stdout.readlines()
    acknowledged = {tuple(line.split()) for line in lines if line.endswith("\n")}
    assert len(acknowledged) >= after

    file = JournalFile(journal_path(tmp_path), SystemClock(), str)
    try:
        written = _written(file)
    finally:
        file.close()
    assert not {(login, key, int(attempt)) for login, key, attempt in acknowledged} - written


def _written(file: JournalFile) -> set[tuple[str, str, int]]:
    """Every attempt in the file, each one whole, and as many as the account's sequence says."""
    found = set()
    counted: dict[int, int] = defaultdict(int)
    for login in range(1, ACCOUNTS + 1):
        account = file.account("Sim-1", login)
        for thread in range(THREADS_PER_ACCOUNT):
            key = f"{login}-{thread}"
            for entry in account.entries(key):
                assert entry.request == f"{key} {entry.attempt} " + "x" * 700
                found.add((str(login), key, entry.attempt))
                counted[login] += 1
        assert (account.sequence, len(account.unfinished())) == (counted[login], counted[login])
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of a file")
def test_a_full_disk_is_told_and_writing_goes_on_once_there_is_room(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FILLS_ITS_DISK, str(journal_path(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    full, roomy = done.stdout.splitlines()
    taken, writable, entries, sentence = full.split(maxsplit=3)
    assert (writable, entries) == ("False", taken)
    assert "the disk did not take a write" in sentence
    assert roomy == f"True {int(taken) + 1}"
