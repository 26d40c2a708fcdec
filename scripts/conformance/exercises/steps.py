"""Runs the steps of an exercise and prints one JSON line for each; runs in the program's own environment.

An exercise drives a public program through that program's own interface and looks at what it answers.
It imports nothing of mt5fleet: the program alone decides how it speaks to `MetaTrader5`.
"""

import json
import sys
import traceback
from collections.abc import Callable

LOGIN, PASSWORD, SERVER = 12345678, "sim-pass", "Sim-Demo"
SYMBOL = "EURUSD"
LOTS = 0.1
TEXT_CHARS_MAX = 300
"""Of what a step saw or of its error: the page shows one line."""

Step = Callable[[], object]


def run(*steps: Step) -> None:
    """Run each step, named by its function; a failed step does not stop the next one."""
    failed = 0
    for step in steps:
        name = step.__name__.strip("_")
        try:
            line = {"step": name, "passed": True, "said": str(step())[:TEXT_CHARS_MAX]}
        except Exception as error:  # noqa: BLE001  # the program may fail in any way; each is a result
            failed += 1
            traceback.print_exc()
            said = f"{type(error).__name__}: {error}"[:TEXT_CHARS_MAX]
            line = {"step": name, "passed": False, "said": said}
        print(json.dumps(line), flush=True)
    sys.exit(1 if failed else 0)


def expect(condition: object, said: object) -> None:
    """Fail the step unless the condition holds; `said` is what the program answered."""
    if not condition:
        raise UnexpectedError(str(said))


class UnexpectedError(Exception):
    """The program answered something that a real terminal would not have made it answer."""
