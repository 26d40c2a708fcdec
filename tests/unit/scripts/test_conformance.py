"""The scripts that run public programs: what counts as passed, and what a page and an exit code say of it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from scripts.conformance.obtaining import NotObtainedError, obtain, requirements
from scripts.conformance.page import PAGE, page, table
from scripts.conformance.programs import PROGRAMS, Program
from scripts.conformance.public import FAILED, NOT_ALL_OBTAINED, PASSED, checkout, chosen_of, exit_code
from scripts.conformance.running import EXERCISES, Check, Result
from scripts.conformance.suites import ROOT, Count, names_suite, rules_suite

GOOD = Check(name="open", passed=True)
BAD = Check(name="close", passed=False, said="10013")
EXCUSED = Check(name="bars", passed=False, said="its own", excuse="it forgets the count")
SKIPPED = Check(name="live", passed=False, said="no credentials", skipped=True)
TITLE = PROGRAMS[0].title


def test_every_program_is_pinned_and_has_something_to_run() -> None:
    assert len(PROGRAMS) >= 5
    for program in PROGRAMS:
        assert program.version
        assert program.page.startswith("https://")
        assert program.steps or program.own_tests, program.name
        assert program.steps is None or (EXERCISES / program.steps).exists(), program.name
        assert not program.commit or len(program.commit) == 40


@pytest.mark.parametrize(
    ("checks", "passed"),
    [
        ((GOOD,), True),
        ((GOOD, EXCUSED, SKIPPED), True),
        ((GOOD, BAD), False),
        ((SKIPPED,), False),
        ((), False),
    ],
)
def test_a_program_passed_when_something_did_and_nothing_failed_without_an_excuse(
    checks: tuple[Check, ...], passed: bool
) -> None:
    assert Result(title=TITLE, steps=checks).passed is passed
    assert Result(title=TITLE, own_tests=checks).passed is passed


def test_exit_code_tells_failed_from_not_obtained() -> None:
    passed, failed = Result(title=TITLE, steps=(GOOD,)), Result(title=TITLE, steps=(BAD,))
    missing = Result(title=TITLE, missing="no index")

    assert exit_code([passed]) == PASSED
    assert exit_code([passed, missing]) == NOT_ALL_OBTAINED
    assert exit_code([missing, failed]) == FAILED


def test_the_table_says_what_was_not_run_and_what_failed() -> None:
    assert "not run: no index" in table([Result(title=TITLE, missing="no index")])
    assert "failed: close" in table([Result(title=TITLE, steps=(GOOD, BAD))])
    assert "1 of 3 passed, 1 skipped, 1 excused" in table(
        [Result(title=TITLE, own_tests=(GOOD, SKIPPED, EXCUSED))]
    )


def test_the_page_gives_the_reason_of_each_excuse() -> None:
    made = page([Result(title=TITLE, steps=(GOOD, EXCUSED), own_tests=(SKIPPED,))])

    assert "- bars: excused: it forgets the count" in made
    assert "skipped by the program (no credentials)" in made


def test_the_page_in_the_repository_shows_every_program_and_no_failure() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert [program.title for program in PROGRAMS if f"### {program.title}\n" not in text] == []
    assert "FAILED" not in text


def test_requirements_leave_the_vendors_module_out(tmp_path: Path) -> None:
    wheel = tmp_path / "some-1-py3-none-any.whl"
    lines = [
        "MetaTrader5>=5.0.45",
        "pandas>=2",
        "rich ; extra == 'fancy'",
        "metatrader5 ; sys_platform == 'win32'",
    ]
    with ZipFile(wheel, "w") as archive:
        text = "".join(f"Requires-Dist: {line}\n" for line in lines)
        archive.writestr("some-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: some\n{text}\n")

    assert requirements(wheel) == ["pandas>=2"]


def test_a_program_of_a_checkout_says_what_it_needs(tmp_path: Path) -> None:
    program = next(program for program in PROGRAMS if program.commit)

    with pytest.raises(NotObtainedError, match=f"--checkout {program.name}=FOLDER"):
        obtain(program, tmp_path / "without", {})
    with pytest.raises(NotObtainedError, match="not " + program.commit[:9]):
        obtain(program, tmp_path / "other", {program.name: tmp_path})
    assert checkout(f"{program.name}=a=b") == (program.name, Path("a=b"))


def test_programs_of_a_checkout_are_left_out_until_it_is_given_or_they_are_named(tmp_path: Path) -> None:
    needing = [program.name for program in PROGRAMS if program.commit]
    without = chosen_of({})

    assert [program for program in without if program.commit] == []
    assert len(without) == len(PROGRAMS) - len(needing)
    assert chosen_of(dict.fromkeys(needing, tmp_path)) == list(PROGRAMS)
    assert [program.name for program in chosen_of({}, needing)] == needing


def test_a_package_that_nobody_has_is_not_obtained(tmp_path: Path) -> None:
    program = Program(name="./no-such-folder", version="1", about="", page="", licence="")

    with pytest.raises(NotObtainedError):
        obtain(program, tmp_path / "program", {})


def test_an_exercise_reports_each_step_and_goes_on_after_a_failure(tmp_path: Path) -> None:
    script = tmp_path / "exercise.py"
    script.write_text(
        "from steps import expect, run\n"
        "def first():\n    expect(1 > 2, 'not so')\n"
        "def second_():\n    return 'seen'\n"
        "run(first, second_)\n"
    )
    ended = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(EXERCISES)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert [json.loads(line) for line in ended.stdout.splitlines()] == [
        {"step": "first", "passed": False, "said": "UnexpectedError: not so"},
        {"step": "second", "passed": True, "said": "seen"},
    ]


def test_a_suite_passed_only_when_tests_ran_and_none_failed() -> None:
    assert Count(title="rules", tests=3, failed=0, skipped=1).passed
    assert not Count(title="rules", tests=3, failed=1, skipped=0).passed
    assert not Count(title="rules", tests=0, failed=0, skipped=0).passed
    assert not Count(title="rules", tests=2, failed=0, skipped=2).passed
    assert str(Count(title="rules", tests=3, failed=1, skipped=1)) == "1 of 3 tests passed, 1 skipped"


def test_the_suites_of_names_and_rules_exist_and_share_no_file() -> None:
    names, rules = set(names_suite().files), set(rules_suite().files)

    assert names
    assert not names & rules
    assert [file for file in sorted(names | rules) if not (ROOT / file).exists()] == []
