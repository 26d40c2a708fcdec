"""A child whose thread is lost in a call that holds the interpreter's lock ends with its killed parent."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from subprocess import PIPE, Popen

import pytest

from mt5fleet.bridge.die_together import EXIT_ORPHANED

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal is Linux's")

GONE_MS_MAX = 20_000
START_S_MAX = 30

CHILD = """
import ctypes, sys, threading
from mt5fleet.bridge.die_together import follow_parent
follow_parent(int(sys.argv[1]))
threading.Thread(target=sys.stdin.read, daemon=True).start()
print("blocked", flush=True)
ctypes.PyDLL(None).sleep(600)  # PyDLL keeps the lock, as the terminal's module does
"""
PARENT = f"""
import os, subprocess, sys
child = subprocess.Popen(
    [sys.executable, "-c", {CHILD!r}, str(os.getpid())],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture
def parent() -> Iterator[Popen[bytes]]:
    with Popen([sys.executable, "-c", PARENT], stdout=PIPE) as process:
        yield process
        process.kill()


def test_child_that_holds_the_lock_ends_when_its_parent_is_killed(parent: Popen[bytes]) -> None:
    assert parent.stdout is not None
    child = os.pidfd_open(int(parent.stdout.readline()))
    ends = select.poll()
    ends.register(child, select.POLLIN)
    lived = ends.poll(0) == []

    parent.kill()
    ended = ends.poll(GONE_MS_MAX)

    if not ended:
        signal.pidfd_send_signal(child, signal.SIGKILL)
    os.close(child)
    assert lived
    assert ended


def test_child_that_comes_too_late_to_follow_ends_at_once() -> None:
    nobody = "1000000000"  # above any process number of Linux

    orphan = subprocess.run(
        [sys.executable, "-c", CHILD, nobody], stdin=PIPE, timeout=START_S_MAX, check=False
    )

    assert orphan.returncode == EXIT_ORPHANED
