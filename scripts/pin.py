#!/usr/bin/env python3
"""Writes constraints.txt: one exact version of everything `mt5fleet[workers,bridge,simulator,dev]` needs.

Resolves in an empty virtual environment, so that nothing installed by hand is pinned. Run `make pins`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = "workers,bridge,simulator,dev"
STEP_S_MAX = 1_800
#: What only other platforms install; a freeze on Linux cannot see it.
ELSEWHERE = ("colorama", "MetaTrader5", "numpy")
HEADER = """\
# Exact versions of all extras, for reproducible installs: pip install -c constraints.txt ...
# Written by `make pins`; change versions there, not here.
"""


def main() -> None:
    """Resolve, freeze, write."""
    with tempfile.TemporaryDirectory() as folder:
        python = make_venv(Path(folder))
        run(python, "-m", "pip", "install", "--quiet", "--upgrade", "pip", "setuptools")
        run(python, "-m", "pip", "install", "--quiet", "--editable", f"{ROOT}[{EXTRAS}]")
        pins = run(python, "-m", "pip", "freeze", "--all", "--exclude-editable").splitlines()
    pins = [*pins, *kept_pins({pin.partition("==")[0].lower() for pin in pins})]
    lines = sorted(pins, key=str.lower)
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"constraints.txt: {len(lines)} versions")


def make_venv(folder: Path) -> str:
    """Return the Python of an empty environment."""
    run(sys.executable, "-m", "venv", str(folder))
    return str(folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))


def kept_pins(resolved: set[str]) -> list[str]:
    """Return what the present file says of packages that this platform does not install."""
    missing = {name.lower() for name in ELSEWHERE} - resolved
    present = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in present if line.partition("==")[0].lower() in missing]


def run(*command: str) -> str:
    """Run one step and return its output; its failure ends the program."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=STEP_S_MAX, check=True)
    return done.stdout


if __name__ == "__main__":
    main()
