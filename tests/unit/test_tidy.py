"""House rules that no other tool checks: size ratchets, reasons beside ignores, words, paths, task names."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from mt5fleet.fleet_default import render_default, write_default

ROOT = Path(__file__).resolve().parents[2]
CODE = ("src", "config", "tasks", "workers", "scripts", "examples", "benchmarks", "tests")
PROSE = ("docs", "docker", ".ci")
TEXT_SUFFIXES = {".py", ".lua", ".toml", ".md", ".txt", ".yml", ".yaml", ".json", ".conf", ".sh", ""}

FUNCTION_LINES_MAX, FUNCTION_LINES_NEVER, FILE_LINES_MAX = 30, 50, 400
#: "file::function" -> its length. A ratchet: an entry may shrink or go; a new one needs its reason beside it.
LONG_FUNCTIONS: dict[str, int] = {}
#: file -> its length. The same ratchet.
LONG_FILES: dict[str, int] = {}

FILLER = {"data", "helper", "helpers", "info", "manager", "misc", "stuff", "util", "utils"}
MT5_NAMES = {"account_info", "symbol_info", "symbol_info_tick", "terminal_info"}  # the vendor's words
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
BANNED_WORDS = re.compile(
    r"\b(blazing|cutting.edge|doorbell|effortless|seamless|state.of.the.art|world.class)",
    re.IGNORECASE,
)
OWN_PATH = re.compile(r"(?<![\w.$}])/(home|root|Users|work)/\w|[A-Z]:\\\\?Users\\")
INDEX_HOST = re.compile(r"index-url|find-links|trusted-host")
IGNORE = re.compile(r"# (?:noqa|type: ignore|pyright: ignore)(?::?\s*(?:[A-Z]+\d+[, ]*)+|\[[\w, -]*\])?(.*)")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _files(*folders: str, suffixes: set[str]) -> list[Path]:
    found = [path for folder in folders for path in sorted((ROOT / folder).rglob("*"))]
    return [
        path
        for path in found
        if path.is_file()
        and path.suffix in suffixes
        and not path.stem.endswith("_pb2")  # made by protoc
        and not {"__pycache__", "mt5fleet.egg-info"} & {*path.parts}
    ]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _code() -> dict[str, ast.Module]:
    return {
        _name(path): ast.parse(path.read_text(encoding="utf-8")) for path in _files(*CODE, suffixes={".py"})
    }


def _lines() -> Iterator[tuple[str, str]]:
    """Every line of every text file, with its place; not of this file, whose patterns are not offences."""
    top = [path for path in sorted(ROOT.iterdir()) if path.is_file() and path.suffix in TEXT_SUFFIXES]
    for path in [*top, *_files(*CODE, *PROSE, suffixes=TEXT_SUFFIXES)]:
        if path != Path(__file__):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                yield f"{_name(path)}:{number}", line


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    for node in ast.iter_child_nodes(tree):
        name = f"{prefix}{getattr(node, 'name', '')}"
        if isinstance(node, Function):
            yield name, node
        yield from _functions(node, f"{name}." if isinstance(node, Function | ast.ClassDef) else prefix)


def _length(function: Function) -> int:
    """Lines from `def` to the end, without the docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    is_documented = ast.get_docstring(function, clean=False) is not None
    return lines - ((first.end_lineno or 0) - first.lineno + 1) if is_documented else lines


def _ratchet(actual: dict[str, int], allowed: dict[str, int], limit: int) -> list[str]:
    """What is over its limit, and which exceptions are larger than they need to be."""
    problems = []
    for name in {**actual, **allowed}:
        size, most = actual.get(name, 0), allowed.get(name, limit)
        if size > most:
            problems.append(f"{name} has {size} lines, {most} are allowed")
        elif name in allowed and size < most:
            problems.append(f"{name} now has {size} lines: lower its exception of {most}, or remove it")
    return problems


def test_functions_stay_short() -> None:
    found = [(path, name, node) for path, tree in _code().items() for name, node in _functions(tree)]
    lengths = {f"{path}::{name}": _length(node) for path, name, node in found}

    assert _ratchet(lengths, LONG_FUNCTIONS, FUNCTION_LINES_MAX) == []
    assert [name for name, size in LONG_FUNCTIONS.items() if size > FUNCTION_LINES_NEVER] == []


def test_files_stay_short() -> None:
    lengths = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name in _code()}

    assert _ratchet(lengths, LONG_FILES, FILE_LINES_MAX) == []


def test_ratchet_refuses_growth_newcomers_and_slack() -> None:
    actual = {"grown": 41, "new": 31, "short": 30, "shrunk": 35, "kept": 40}

    problems = _ratchet(actual, {"grown": 40, "shrunk": 36, "kept": 40, "gone": 33}, 30)

    assert [problem.split()[0] for problem in problems] == ["grown", "new", "shrunk", "gone"]


@pytest.mark.parametrize(
    "pattern", [UNFINISHED, BANNED_WORDS, OWN_PATH, INDEX_HOST], ids=lambda p: p.pattern[:14]
)
def test_no_line_has(pattern: re.Pattern[str]) -> None:
    assert [f"{place}: {line.strip()[:100]}" for place, line in _lines() if pattern.search(line)] == []


def test_definitions_have_no_filler_words() -> None:
    defined = [(path, Path(path).stem) for path in _code()]
    for path, tree in _code().items():
        nodes = [node for node in ast.walk(tree) if isinstance(node, Function | ast.ClassDef)]
        defined += [(path, node.name) for node in nodes if node.name not in MT5_NAMES]

    words = [(path, name, re.findall(r"[A-Z]?[a-z]+", name)) for path, name in defined]
    assert [
        f"{path}: {name}" for path, name, parts in words if FILLER & {part.lower() for part in parts}
    ] == []


def test_every_ignore_in_the_code_has_its_reason() -> None:
    """After the mark on the same line, or as a comment on the line before."""
    bare = []
    for (_, above), (place, line) in pairwise([("", ""), *_lines()]):
        mark = IGNORE.search(line)
        if mark and not mark[1].strip(" #:-") and not above.strip().startswith("#"):
            bare.append(place)

    assert bare == []


def test_every_rule_switched_off_has_its_reason() -> None:
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    switched_off = re.findall(r'^    "[A-Z]+[0-9]*",.*$', settings, re.MULTILINE)

    assert switched_off
    assert [line for line in switched_off if not re.search(r"# \w+( \S+){2}", line)] == []


def test_library_prints_only_in_the_command_line() -> None:
    library = [item for item in _code().items() if item[0].startswith("src/") and "/cli/" not in item[0]]
    calls = [(path, node) for path, tree in library for node in ast.walk(tree) if isinstance(node, ast.Call)]

    assert [path for path, call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"] == []


def test_every_registered_task_has_a_name_of_ours(tmp_path: Path) -> None:
    """Automatic names would publish `tasks.…` to producers. Asked in its own process: the app is global."""
    write_default(render_default(tmp_path))
    told = {**os.environ, "MT5FLEET_FILE": str(tmp_path / "fleet.toml")}
    ask = "from workers.app import app; app.loader.import_default_modules(); print(*app.tasks)"
    command = [sys.executable, "-c", ask]

    asked = subprocess.run(
        command, cwd=ROOT, env=told, capture_output=True, text=True, timeout=60, check=False
    )

    assert asked.returncode == 0, asked.stderr
    names = [name for name in asked.stdout.split() if not name.startswith("celery.")]
    assert names
    assert [name for name in names if not name.startswith("mt5fleet.")] == []
