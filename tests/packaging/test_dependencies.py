"""What the code imports is declared, in the extra of those who run it; what is declared is pinned."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = ("workers", "bridge", "simulator", "dev")
OURS = {"mt5fleet", "config", "tasks", "workers", "MetaTrader5"}  # the last by declaration, on Windows only
#: Parts of one project under two names.
SAME_PROJECT = {"pydantic_core": "pydantic"}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared(*extras: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [
        *project["dependencies"],
        *(t for extra in extras for t in project["optional-dependencies"][extra]),
    ]
    return {_normal(Requirement(text).name) for text in texts}


def _imported(*folders: str) -> dict[str, str]:
    """Top-level name of each import outside the standard library -> a file that has it."""
    found = {}
    for path in (path for folder in folders for path in ROOT.glob(f"{folder}/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names.append(node.module or "")
            tops = {name.partition(".")[0] for name in names}
            found |= {top: path.relative_to(ROOT).as_posix() for top in tops if not _is_neighbour(top, path)}
    return {name: path for name, path in found.items() if name not in sys.stdlib_module_names | OURS}


def _is_neighbour(name: str, importer: Path) -> bool:
    """Whether the import finds a file of this repository: at its root, or beside the importing script."""
    places = [folder / end for folder in (ROOT, importer.parent) for end in (name, f"{name}.py")]
    return any(place.exists() for place in places)


def _undeclared(imported: dict[str, str], declared: set[str]) -> list[str]:
    distributions = packages_distributions()
    problems = []
    for name, path in imported.items():
        candidates = {_normal(d) for d in distributions.get(SAME_PROJECT.get(name, name), [name])}
        if not candidates & declared:
            problems.append(f"{path} imports {name}")
    return problems


@pytest.mark.parametrize(
    ("folders", "extras"),
    [
        (("src/mt5fleet", "src/mt5fleet/domain/**", "src/mt5fleet/ports/**", "src/mt5fleet/service/**"), ()),
        (("src/mt5fleet/messages/**", "src/mt5fleet/cli/**"), ()),
        (("src/mt5fleet/bridge/**",), ("bridge",)),
        (("src/mt5fleet/simulator/**",), ("simulator",)),
        (("src/mt5fleet/adapters/**", "config/**", "tasks/**", "workers/**"), ("workers", "bridge")),
        (("src/mt5fleet/testing/**", "scripts", "examples/**", "benchmarks/**", "tests/**"), EXTRAS),
    ],
    ids=["library", "wire and command line", "terminal side", "simulator", "application", "developers"],
)
def test_every_import_is_declared_for_those_who_run_it(
    folders: tuple[str, ...], extras: tuple[str, ...]
) -> None:
    assert _undeclared(_imported(*folders), _declared(*extras)) == []


def test_every_declared_requirement_is_pinned() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {_normal(line.partition("==")[0]) for line in lines if "==" in line}

    assert _declared(*EXTRAS) - pinned == set()


def test_constraints_hold_exact_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if not re.fullmatch(r"#.*|[\w.-]+==[\w.]+", line)] == []
