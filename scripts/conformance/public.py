"""Runs public programs, unchanged, on the simulator.

    python -m scripts.conformance.public [--only NAME ...] [--write] [--keep FOLDER]

It downloads the pinned packages, installs each into an environment of its own in a temporary folder, and
starts a broker with the judge's profile for each. `--write` renews docs/evidence/public-programs.md.
A program whose tests are not in its package runs from a checkout only: `--checkout NAME=FOLDER`.
Exit code 0: all ran and behaved as on a real terminal; 1: something failed; 2: --write without all programs;
3: nothing failed, but not all could be obtained (the last lines say which).
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from scripts.conformance.obtaining import NotObtainedError, obtain
from scripts.conformance.page import PAGE, page, table
from scripts.conformance.programs import PROGRAMS, Program
from scripts.conformance.running import Result, run

PASSED, FAILED, REFUSED, NOT_ALL_OBTAINED = 0, 1, 2, 3


def main() -> int:
    """Run the programs that were asked for and print what came of them."""
    arguments = _arguments()
    checkouts = dict(arguments.checkout)
    chosen = chosen_of(checkouts, arguments.only)
    if arguments.write and len(chosen) < len(PROGRAMS):
        print("--write needs every program: leave --only out and give each --checkout", file=sys.stderr)
        return REFUSED
    with tempfile.TemporaryDirectory(prefix="mt5fleet-programs-") as temporary:
        results = results_of(chosen, arguments.keep or Path(temporary), checkouts)
    print(table(results))
    if arguments.write:
        PAGE.write_text(page(results), encoding="utf-8")
    return exit_code(results)


def chosen_of(checkouts: Mapping[str, Path], only: Sequence[str] | None = None) -> list[Program]:
    """Return the named programs; without names all but those whose checkout was not given."""
    if only:
        return [program for program in PROGRAMS if program.name in only]
    return [program for program in PROGRAMS if not program.commit or program.name in checkouts]


def results_of(programs: Iterable[Program], folder: Path, checkouts: Mapping[str, Path]) -> list[Result]:
    """Run each program; one that cannot be obtained says so in its result."""
    return [_result(program, folder / program.name, checkouts) for program in programs]


def exit_code(results: Iterable[Result]) -> int:
    """Say by a number whether all passed, one failed, or one could not be obtained."""
    found = list(results)
    if any(result.ran and not result.passed for result in found):
        return FAILED
    return PASSED if all(result.ran for result in found) else NOT_ALL_OBTAINED


def _result(program: Program, folder: Path, checkouts: Mapping[str, Path]) -> Result:
    print(f"{program.title}: getting it", file=sys.stderr, flush=True)
    try:
        obtained = obtain(program, folder, checkouts)
    except NotObtainedError as error:
        return Result(title=program.title, missing=str(error))
    print(f"{program.title}: running it", file=sys.stderr, flush=True)
    return run(obtained, folder)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    names = [program.name for program in PROGRAMS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument("--checkout", type=checkout, action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work in this folder and leave it there")
    return parser.parse_args()


def checkout(text: str) -> tuple[str, Path]:
    """Read NAME=FOLDER."""
    name, _, folder = text.partition("=")
    return name, Path(folder)


if __name__ == "__main__":
    sys.exit(main())
