"""The test suites that show names, rules and faults, and what they count."""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from mt5fleet.simulator.process import dropin_folder

ROOT = Path(__file__).resolve().parents[2]
SUITE_S_MAX = 1_800  # each fault is waited for
SIMULATOR = ROOT / "tests" / "unit" / "simulator"
RULE_TOPICS = (
    *("any_request", "bars", "clock", "close_by", "depth", "every_verb", "execution", "fillings"),
    *("invariants", "judged_books", "limits", "live_quotes", "margin", "money", "netting", "positions"),
    *("prices", "real_records", "refusals", "rollover", "sessions", "stop_limits", "triggers", "vectors"),
)
"""Files of the simulator's unit tests that are about a rule of the broker; the others are about its host."""

_COUNT_NAMES = """
import json, MetaTrader5 as module
names = {name: value for name, value in vars(module).items() if not name.startswith("_")}
structures = [value for value in names.values() if isinstance(value, type)]
print(json.dumps({
    "constants": sum(isinstance(value, int) for value in names.values()),
    "functions": sum(callable(value) and not isinstance(value, type) for value in names.values()),
    "structures": len(structures),
    "fields": sum(structure.n_fields for structure in structures),
}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Tests that show one thing; `files` are relative to the repository."""

    title: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How a suite ended."""

    title: str
    tests: int
    failed: int
    skipped: int

    @property
    def passed(self) -> bool:
        """Whether it ran and nothing failed."""
        return self.tests > self.skipped and not self.failed

    def __str__(self) -> str:
        parts = [f"{self.tests - self.failed - self.skipped} of {self.tests} tests passed"]
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        return ", ".join(parts)


def names_suite() -> Suite:
    """Every name, value, field, argument rule and return shape of the drop-in."""
    files = sorted(SIMULATOR.glob("test_dropin_*.py"))
    return Suite(title="names and structures", files=tuple(str(file.relative_to(ROOT)) for file in files))


def rules_suite() -> Suite:
    """What the broker does with requests, prices and money."""
    files = (SIMULATOR / f"test_{topic}.py" for topic in RULE_TOPICS)
    return Suite(title="rules", files=tuple(str(file.relative_to(ROOT)) for file in files))


def faults_suite() -> Suite:
    """Each operation of the fleet under each fault of the simulator."""
    return Suite(title="faults", files=("tests/contract/gateway/test_faults.py",))


def run_suite(suite: Suite) -> Count:
    """Run a suite in a pytest of its own; what it prints goes to standard error."""
    with tempfile.TemporaryDirectory(prefix="mt5fleet-suite-") as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", *suite.files, f"--junitxml={report}"]
        subprocess.run(command, cwd=ROOT, stdout=sys.stderr, timeout=SUITE_S_MAX, check=False)
        return _count(suite.title, report)


def surface() -> dict[str, int]:
    """Count what a program sees of the drop-in."""
    environment = {**os.environ, "PYTHONPATH": str(dropin_folder())}
    command = [sys.executable, "-c", _COUNT_NAMES]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    counts: dict[str, int] = json.loads(ended.stdout)
    return counts


def _count(title: str, report: Path) -> Count:
    if not report.exists():
        return Count(title=title, tests=0, failed=0, skipped=0)
    totals = [
        {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
        for suite in ET.parse(report).iter("testsuite")  # noqa: S314  # our own pytest wrote it
    ]
    return Count(
        title=title,
        tests=sum(total["tests"] for total in totals),
        failed=sum(total["failures"] + total["errors"] for total in totals),
        skipped=sum(total["skipped"] for total in totals),
    )
