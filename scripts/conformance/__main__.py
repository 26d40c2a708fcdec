"""Behind `make conformance`: names and structures, trading rules, faults, and programs of other people.

    python -m scripts.conformance [--without-programs]

Its last lines count what was shown. Exit code 0: everything holds; 1: something does not; 3: everything that
could be looked at holds, but not all public programs could be obtained.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.conformance.page import table
from scripts.conformance.programs import PROGRAMS
from scripts.conformance.public import FAILED, PASSED, checkout, chosen_of, exit_code, results_of
from scripts.conformance.running import Result
from scripts.conformance.suites import faults_suite, names_suite, rules_suite, run_suite, surface
from tests.contract.gateway.fault_table import FAULTS, TABLE


def main() -> int:
    """Run everything and print the counts last."""
    arguments = _arguments()
    names, rules, faults = (run_suite(suite()) for suite in (names_suite, rules_suite, faults_suite))
    programs = [] if arguments.without_programs else _programs(dict(arguments.checkout))
    print(
        f"names and structures equal: {_names()} ({names})",
        f"rules tested: {rules}",
        f"faults survived: {_faults()} ({faults})",
        f"public programs run: {_count(programs)}",
        sep="\n",
    )
    if not all(suite.passed for suite in (names, rules, faults)):
        return FAILED
    return exit_code(programs) if programs else PASSED


def _programs(checkouts: Mapping[str, Path]) -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="mt5fleet-programs-") as folder:
        results = results_of(chosen_of(checkouts), Path(folder), checkouts)
    print(table(results), flush=True)
    return results


def _names() -> str:
    seen = surface()
    return (
        f"{seen['constants']} constants, {seen['functions']} functions with Buy, Sell and Close, "
        f"{seen['structures']} structures with {seen['fields']} fields"
    )


def _faults() -> str:
    operations = {row.operation for row in TABLE}
    return f"{len(FAULTS)} faults under {len(operations)} operations, in process and over the bridge"


def _count(results: Sequence[Result]) -> str:
    if not results:
        return "none were asked for"
    parts = [f"{sum(result.passed for result in results)} of {len(results)} passed"]
    parts += [f"failed: {result.title}" for result in results if result.ran and not result.passed]
    parts += [f"could not get {result.title}" for result in results if not result.ran]
    seen = {result.title for result in results}
    parts += [f"left out without --checkout: {p.title}" for p in PROGRAMS if p.title not in seen]
    return ", ".join(parts)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--checkout", type=checkout, action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--without-programs", action="store_true", help="only what is in the repository")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
