"""Run a program as a part of the local fleet: it ends when its supervisor ends, however that happens.

The supervisor holds the other end of the part's standard input and never writes; the end of that pipe is the
supervisor's end, also after kill -9 and also on Windows.
"""

import _thread
import os
import runpy
import signal
import sys
import threading
import warnings

STDIN = 0
GRACE_S = 15.0  # what a warm stop may take before the process is cut: longer than one slice of an account
EXIT_ORPHANED = 70
READ_BYTES = 64
ROOT_WARNING = r"\s*You're running the worker with superuser"


def run(argv: list[str]) -> None:
    """Watch the parent's pipe, then become the module `argv[0]` with the rest as its arguments."""
    # Eight lines from every worker; the supervisor says it once.
    warnings.filterwarnings("ignore", message=ROOT_WARNING)
    threading.Thread(target=_watch, name="parent-watch", daemon=True).start()
    sys.argv = argv
    runpy.run_module(argv[0], run_name="__main__", alter_sys=True)


def _watch() -> None:
    try:
        while os.read(STDIN, READ_BYTES):  # not sys.stdin: its lock would be held across a fork
            pass
    except OSError:  # a pipe that cannot be read has no owner either
        pass
    _stop_warm()
    threading.Event().wait(GRACE_S)
    os._exit(EXIT_ORPHANED)


def _stop_warm() -> None:
    if sys.platform == "win32":
        _thread.interrupt_main(signal.SIGINT)  # os.kill would end the process without a stop
    else:
        os.kill(os.getpid(), signal.SIGTERM)
