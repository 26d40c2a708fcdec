"""Runs a program on a broker of its own: the steps of its exercise, and its own tests."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from mt5fleet.simulator.process import BrokerProcess, start_broker
from mt5fleet.simulator.profiles import profile
from scripts.conformance.obtaining import Obtained

EXERCISES = Path(__file__).parent / "exercises"
RUN_S_MAX = 900  # mqpy's own tests wait some seconds before each
SAID_CHARS_MAX = 200
OVERRIDES = ("-o", "addopts=", "-p", "no:cacheprovider")  # what a project configures for its own coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One step or one own test of a program; `excuse` says why a failure is the program's own doing."""

    name: str
    passed: bool
    said: str = ""
    excuse: str = ""
    skipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one program."""

    title: str
    steps: tuple[Check, ...] = ()
    own_tests: tuple[Check, ...] = ()
    missing: str = ""  # why it could not be run at all

    @property
    def failures(self) -> tuple[Check, ...]:
        """What failed without an excuse."""
        checks = (*self.steps, *self.own_tests)
        return tuple(check for check in checks if not (check.passed or check.skipped or check.excuse))

    @property
    def ran(self) -> bool:
        return not self.missing

    @property
    def passed(self) -> bool:
        """Everything that ran did what it does on a real terminal, and something ran."""
        return self.ran and not self.failures and any(c.passed for c in (*self.steps, *self.own_tests))


def run(obtained: Obtained, folder: Path) -> Result:
    """Run everything of one program, each part on a new broker with the judge's profile."""
    program = obtained.program
    steps = () if program.steps is None else _steps(obtained, program.steps)
    own_tests = () if obtained.source is None else _own_tests(obtained, obtained.source, folder)
    return Result(title=program.title, steps=steps, own_tests=own_tests)


def _steps(obtained: Obtained, file: str) -> tuple[Check, ...]:
    with start_broker(profile("judge")) as broker:
        ended = _python(obtained, broker, [str(EXERCISES / file)], EXERCISES)
    lines = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith('{"step"')]
    checks = tuple(_check(obtained, line["step"], passed=line["passed"], said=line["said"]) for line in lines)
    if ended.returncode == 0 or any(not check.passed for check in checks):
        return checks
    return (*checks, Check(name="end", passed=False, said=_tail(ended.stderr)))


def _own_tests(obtained: Obtained, source: Path, folder: Path) -> tuple[Check, ...]:
    report = folder / "report.xml"
    arguments = ["-m", "pytest", *obtained.program.own_tests, *OVERRIDES, f"--junitxml={report}"]
    with start_broker(profile("judge")) as broker:
        ended = _python(obtained, broker, arguments, source)
    if not report.exists():
        return (Check(name="pytest", passed=False, said=_tail(ended.stdout + ended.stderr)),)
    return tuple(_case(obtained, case) for case in ET.parse(report).iter("testcase"))  # noqa: S314  # our own pytest wrote it


def _case(obtained: Obtained, case: ET.Element) -> Check:
    name = f"{case.get('classname', '')}::{case.get('name', '')}"
    trouble = [found for kind in ("failure", "error") for found in case.iter(kind)]
    said = trouble[0].get("message", "") if trouble else ""
    check = _check(obtained, name, passed=not trouble, said=said)
    skipped = next(case.iter("skipped"), None)
    if skipped is None:
        return check
    return Check(name=name, passed=False, skipped=True, said=skipped.get("message", ""))


def _check(obtained: Obtained, name: str, *, passed: bool, said: str) -> Check:
    faults = obtained.program.faults.items()
    reasons = [reason for text, reason in faults if not passed and text in f"{name} {said}"]
    excuse = reasons[0] if reasons else ""
    return Check(name=name, passed=passed, said=" ".join(said.split())[:SAID_CHARS_MAX], excuse=excuse)


def _python(
    obtained: Obtained, broker: BrokerProcess, arguments: list[str], folder: Path
) -> "subprocess.CompletedProcess[str]":
    """Run the program's Python; only `PYTHONPATH` and `MT5FLEET_SIMULATOR` tell it of the simulator."""
    base = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if obtained.package_root is not None:
        base["PYTHONPATH"] = str(obtained.package_root)
    command = [str(obtained.python), "-B", *arguments]
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=broker.environment(base),
            capture_output=True,
            text=True,
            timeout=RUN_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"did not end within {RUN_S_MAX} s")


def _tail(text: str) -> str:
    return " ".join(text.split())[-SAID_CHARS_MAX:]
