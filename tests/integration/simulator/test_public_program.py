"""One program of somebody else, unchanged, on the simulator; `make conformance` runs the others."""

from pathlib import Path

import pytest

from scripts.conformance.obtaining import NotObtainedError, obtain
from scripts.conformance.programs import PROGRAMS
from scripts.conformance.running import run

SMALLEST = "pymt5adapter"  # it needs numpy and nothing else


@pytest.mark.timeout(600)  # it is downloaded and installed
def test_pymt5adapter_connects_reads_trades_and_finds_its_history(tmp_path: Path) -> None:
    program = next(program for program in PROGRAMS if program.name == SMALLEST)
    try:
        obtained = obtain(program, tmp_path / "program", {})
    except NotObtainedError as error:
        pytest.skip(f"{SMALLEST} cannot be installed here: {error}")

    result = run(obtained, tmp_path)

    assert result.failures == ()
    assert len(result.steps) == 10
