"""Forks of a process that speaks with bridges happen between two calls, never during one.

gRPC survives a fork only when none of its calls is under way (gRPC, doc/fork_support.md); a child forked in
the middle of one hangs at its own first call.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

FORK_WAIT_S_MAX = 20.0  # above the longest call


class ForkGate:
    """Counts the calls under way; a fork waits until there are none and holds new ones back meanwhile."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._calls = 0
        self._forking = False
        self._watches = False

    def watch(self) -> None:
        """Make every later fork of this process wait; asked again, it changes nothing."""
        if sys.platform != "win32" and not self._watches:
            self._watches = True
            os.register_at_fork(before=self.close, after_in_parent=self.reopen, after_in_child=self.renew)

    @contextmanager
    def call(self) -> Iterator[None]:
        """One call."""
        with self._turn:
            while self._forking:
                self._turn.wait()
            self._calls += 1
        try:
            yield
        finally:
            with self._turn:
                self._calls -= 1
                if not self._calls:
                    self._turn.notify_all()

    def close(self) -> None:
        """Wait for the calls under way, at most FORK_WAIT_S_MAX, and let no new one begin."""
        self._turn.acquire()
        self._forking = True
        self._turn.wait_for(lambda: not self._calls, FORK_WAIT_S_MAX)

    def reopen(self) -> None:
        """Let calls begin again."""
        self._forking = False
        self._turn.notify_all()
        self._turn.release()

    def renew(self) -> None:
        """Start anew in a child: the threads that were calling are not there."""
        self._turn, self._calls, self._forking = threading.Condition(), 0, False


GATE: Final = ForkGate()  # of this process: a fork takes all of it
