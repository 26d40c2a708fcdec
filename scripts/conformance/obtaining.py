"""Gets a program: its package into a throw-away environment, its source package for its own tests."""

import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement

from scripts.conformance.programs import Program

PIP_S_MAX = 600  # a slow index and some large packages
PIP_OPTIONS = ("--disable-pip-version-check", "--quiet", "--retries", "2", "--timeout", "20")
SAID_CHARS_MAX = 300
PROVIDED = "metatrader5"  # the package that the simulator stands in for; it exists for Windows only
TEST_TOOLS = ("pytest>=8,<10",)


class NotObtainedError(Exception):
    """The program or something that it needs cannot be had here; the text says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obtained:
    """A program ready to run.

    `python` has what it needs installed, and the program itself unless it lies under `package_root`; `source`
    holds its own tests, if it has any.
    """

    program: Program
    python: Path
    source: Path | None
    package_root: Path | None = None


def obtain(program: Program, folder: Path, checkouts: Mapping[str, Path]) -> Obtained:
    """Install a program into an environment of its own under `folder`.

    Raises:
        NotObtainedError: The package index cannot be reached or does not have it, or there is no checkout.
    """
    folder.mkdir(parents=True)
    return _of_checkout(program, folder, checkouts) if program.commit else _of_index(program, folder)


def _of_checkout(program: Program, folder: Path, checkouts: Mapping[str, Path]) -> Obtained:
    if program.name not in checkouts:
        place = f"{program.page} at {program.commit[:9]}"
        raise NotObtainedError(f"needs --checkout {program.name}=FOLDER with a checkout of {place}")
    found = _commit(checkouts[program.name])
    if found != program.commit:
        raise NotObtainedError(f"{checkouts[program.name]} is at {found[:9]}, not {program.commit[:9]}")
    source = folder / "source"  # a copy: its tests write beside themselves
    shutil.copytree(checkouts[program.name], source, ignore=shutil.ignore_patterns(".git", "__pycache__"))
    for name, text in program.settings.items():
        (source / name).write_text(text, encoding="utf-8")
    python = _environment(folder / "environment")
    _pip(program, python, "install", *program.needs, *TEST_TOOLS)
    return Obtained(program=program, python=python, source=source, package_root=source / "src")


def _commit(checkout: Path) -> str:
    command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.stdout.strip() or "no commit"


def _of_index(program: Program, folder: Path) -> Obtained:
    wheel = _downloaded(program, folder / "wheel")
    python = _environment(folder / "environment")
    _pip(program, python, "install", "--no-deps", str(wheel))
    _pip(program, python, "install", *requirements(wheel), *program.needs, *TEST_TOOLS)
    source = _source(program, folder / "source") if program.own_tests else None
    return Obtained(program=program, python=python, source=source)


def _downloaded(program: Program, folder: Path, *options: str) -> Path:
    pin = f"{program.name}=={program.version}"
    _pip(program, Path(sys.executable), "download", "--no-deps", "--dest", str(folder), *options, pin)
    (found,) = folder.iterdir()
    return found


def _environment(folder: Path) -> Path:
    venv.create(folder, with_pip=True, symlinks=sys.platform != "win32")
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def requirements(wheel: Path) -> list[str]:
    """What the package asks for, without the vendor's module: that is what the simulator offers."""
    with ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        asked = HeaderParser().parsestr(archive.read(name).decode()).get_all("Requires-Dist", [])
    requirements = [Requirement(text) for text in asked]
    return [
        str(requirement)
        for requirement in requirements
        if requirement.name.lower() != PROVIDED
        and (requirement.marker is None or requirement.marker.evaluate({"extra": ""}))
    ]


def _source(program: Program, folder: Path) -> Path:
    archive = _downloaded(program, folder / "archive", "--no-binary", program.name)
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "tree", filter="data")
    (tree,) = (folder / "tree").iterdir()
    return tree


def _pip(program: Program, python: Path, *arguments: str) -> None:
    command = [str(python), "-m", "pip", *PIP_OPTIONS, *arguments]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PIP_S_MAX, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotObtainedError(f"{program.title}: pip did not end within {PIP_S_MAX} s") from error
    if ended.returncode != 0:
        raise NotObtainedError(f"{program.title}: {_last_error(ended.stderr)}")


def _last_error(text: str) -> str:
    """The newest error line of pip; its warnings name places that are nobody's business."""
    lines = [line for line in text.splitlines() if line.startswith("ERROR:")]
    return (lines or ["pip failed without a reason"])[-1][:SAID_CHARS_MAX]
