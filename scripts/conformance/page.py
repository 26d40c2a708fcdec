"""The table of the public programs, for the terminal and as the page in docs/evidence."""

import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from scripts.conformance.programs import PROGRAMS, Program
from scripts.conformance.running import Check, Result

PAGE = Path(__file__).resolve().parents[2] / "docs" / "evidence" / "public-programs.md"

_PAGE = """\
# Public programs on the simulator

Programs that other people wrote for the real `MetaTrader5` module, installed from their published packages
and run unchanged.
Two environment variables are all that differs: `PYTHONPATH` leads to the drop-in module,
`MT5FLEET_SIMULATOR` to a broker with the profile `judge`.
`python -m scripts.conformance.public --write` writes this page; it repeats all of it wherever a package index
can be reached.

A *step* is one thing that a terminal is used for, done through the program's own interface by a file in
`scripts/conformance/exercises`.
*Own tests* are the program's tests for a live terminal, as its author published them.
An *excused* failure is the doing of the program or of its Python, not of the terminal; its reason is below.
Each program has the packages that it asks for, but for `MetaTrader5` itself, which exists for Windows only.

This run: Python {python} on {system}.

{table}

## What each of them did

{details}
"""
_NOT_RUN = "not run"


def table(results: Iterable[Result]) -> str:
    """One row per program."""
    rows = [
        "| program | version | what it is | steps | own tests | result |",
        "|---|---|---|---|---|---|",
        *(_row(result) for result in results),
    ]
    return "\n".join(rows)


def page(results: Sequence[Result]) -> str:
    """The whole page."""
    return _PAGE.format(
        table=table(results),
        details="\n\n".join(_details(result) for result in results),
        python=platform.python_version(),
        system=platform.system(),
    )


def _row(result: Result) -> str:
    program = _program(result)
    name = f"[{program.name}]({program.page}) ({program.licence})"
    cells = (name, program.version, program.about, _count(result.steps), _count(result.own_tests))
    return f"| {' | '.join(cells)} | {_verdict(result)} |"


def _verdict(result: Result) -> str:
    if not result.ran:
        return f"{_NOT_RUN}: {result.missing}"
    return "passed" if result.passed else f"failed: {', '.join(check.name for check in result.failures)}"


def _count(checks: Sequence[Check]) -> str:
    if not checks:
        return "none"
    parts = [f"{sum(check.passed for check in checks)} of {len(checks)} passed"]
    for name, count in (
        ("skipped", sum(check.skipped for check in checks)),
        ("excused", sum(bool(check.excuse) for check in checks)),
    ):
        parts += [f"{count} {name}"] if count else []
    return ", ".join(parts)


def _details(result: Result) -> str:
    lines = [f"### {result.title}", ""]
    lines += [f"- remark: {_program(result).remark}"] if _program(result).remark else []
    lines += [f"- {check.name}: {_outcome(check)}" for check in result.steps]
    lines += _own_tests(result.own_tests)
    if passed := sum(check.passed for check in result.own_tests):
        lines.append(f"- own tests passed: {passed}")
    if not result.ran:
        lines.append(f"- {_NOT_RUN}: {result.missing}")
    return "\n".join(lines)


def _own_tests(checks: Sequence[Check]) -> list[str]:
    reasons = Counter(check.excuse for check in checks if check.excuse)
    excused = [f"- own tests excused: {count}: {reason}" for reason, count in reasons.most_common()]
    others = [check for check in checks if not (check.passed or check.excuse)]
    return [*excused, *(f"- own test `{check.name}`: {_outcome(check)}" for check in others)]


def _outcome(check: Check) -> str:
    if check.passed:
        return "passed"
    if check.skipped:
        return f"skipped by the program ({check.said})"
    return f"excused: {check.excuse}" if check.excuse else f"FAILED: {check.said}"


def _program(result: Result) -> Program:
    return next(program for program in PROGRAMS if program.title == result.title)
