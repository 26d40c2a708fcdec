"""What is published: one top-level name, complete, light, and enough for a producer."""

import json
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
SHIPPED_SUFFIXES = {".py", ".lua", ".json", ".proto", ".pyi", ".toml", ".typed"}
#: What a producer must never pay for, or even have installed. (sqlite3 stays: the spool is such a file.)
HEAVY = {
    *("MetaTrader5", "apprise", "fakeredis", "flower", "grpc", "httpx", "lupa", "numpy", "prometheus_client"),
    *("psutil", "pydantic_settings", "sentry_sdk", "structlog", "tornado"),
    *(
        "mt5fleet.adapters.mt5",
        "mt5fleet.adapters.bridge",
        "mt5fleet.bridge",
        "mt5fleet.cli",
        "mt5fleet.simulator",
    ),
    *("mt5fleet.adapters.sqlite", "mt5fleet.testing", "config", "tasks", "workers"),
}
PROBE_S_MAX = 60
INSTALL_S_MAX = 300


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def _loaded_by(statement: str, *options: str) -> set[str]:
    """Names of all modules in a fresh process after the statement."""
    program = f"import sys, json; {statement}; print(json.dumps(list(sys.modules)))"
    command = [sys.executable, *options, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_S_MAX, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    return set(json.loads(done.stdout))


def _add_closure(of: Distribution, seen: dict[str, Distribution]) -> None:
    """Add what a plain `pip install` of it brings along, by the metadata of what is installed here."""
    for text in of.requires or []:
        needed = Requirement(text)
        if needed.name not in seen and (needed.marker is None or needed.marker.evaluate({"extra": ""})):
            seen[needed.name] = distribution(needed.name)
            _add_closure(seen[needed.name], seen)


def _link_into(folder: Path, found: Distribution) -> None:
    """Link the top-level files of one installed distribution into a folder of its own."""
    for top in {file.parts[0] for file in found.files or [] if file.parts[0] not in {"..", "__pycache__"}}:
        link = folder / top
        if not link.exists():
            link.symlink_to(Path(str(found.locate_file(top))))


def test_wheel_has_one_top_level_name(wheel: Path) -> None:
    assert {name.partition("/")[0] for name in _names(wheel)} == {"mt5fleet"}


def test_wheel_has_every_module_script_table_and_the_typing_mark(wheel: Path) -> None:
    files = [path for path in (SOURCE / "mt5fleet").rglob("*") if path.suffix in SHIPPED_SUFFIXES]
    expected = {path.relative_to(SOURCE).as_posix() for path in files}

    assert "mt5fleet/py.typed" in expected
    assert {name for name in expected if name.endswith(".lua")}
    assert expected - _names(wheel) == set()


def test_wheel_has_no_tests_and_no_leftovers(wheel: Path) -> None:
    odd = [name for name in _names(wheel) if Path(name).suffix not in SHIPPED_SUFFIXES]

    assert odd == []


def test_importing_the_client_loads_nothing_heavy() -> None:
    assert _loaded_by("import mt5fleet.client") & HEAVY == set()


def test_client_and_command_line_run_on_the_base_requirements_alone(wheel: Path, tmp_path: Path) -> None:
    """In a folder that holds the wheel and the closure of its base requirements, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    closure: dict[str, Distribution] = {}
    _add_closure(Distribution.at(next(tmp_path.glob("mt5fleet-*.dist-info"))), closure)
    for found in closure.values():
        _link_into(tmp_path, found)

    alone = ("-I", "-S")  # no site-packages, no environment
    loaded = _loaded_by(
        f"sys.path.append({str(tmp_path)!r}); import mt5fleet.client, mt5fleet.cli.main", *alone
    )

    assert "mt5fleet.client" in loaded
    assert {"celery", "redis", "cryptography"} <= {name.lower() for name in closure}
    assert {"flower", "apprise", "sentry-sdk", "psutil", "pytest"} & {
        name.lower() for name in closure
    } == set()


@pytest.mark.slow  # fetches packages
@pytest.mark.timeout(INSTALL_S_MAX * 3)
def test_wheel_installs_into_an_empty_environment_and_its_command_answers(
    wheel: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "venv"
    scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
    pip = [str(scripts / "python"), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt")]
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, str(wheel)],
        [str(scripts / "mt5fleet"), "--help"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False)
        assert done.returncode == 0, f"{command}: {done.stdout[-2_000:]}{done.stderr[-2_000:]}"
