"""The page about fault scripts: its example is one, and it names every kind and field."""

import re
import tomllib
from pathlib import Path

import pytest

from mt5fleet.simulator.host.fault_script import FaultScript, read_fault_script
from mt5fleet.simulator.host.fault_terms import FaultKind, FaultTerms, RecordList
from mt5fleet.simulator.terms.base import ConfigError

PAGE = Path(__file__).resolve().parents[3] / "docs" / "fault-scripts.md"


def test_example_of_the_page_is_a_script() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

    script = FaultScript.model_validate(tomllib.loads(example))

    assert [fault.kind.value for fault in script.faults] == [
        "answer_lost",
        "requote",
        "disconnect",
        "terminal_restart",
    ]
    assert script.faults[1].count is None


def test_page_names_every_kind_field_and_list() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))

    assert {kind.value for kind in FaultKind} <= named
    assert set(FaultTerms.model_fields) - {"kind"} <= named
    assert {one.value for one in RecordList} <= named


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("faults = []", "faults"),
        ("[[faults]]\nkind = 'nonsense'", "faults.0.kind"),
        ("[[faults]]\nkind = 'block'\nafetr = 5", "faults.0.afetr"),
        ("[[faults", "cannot be read"),
    ],
)
def test_broken_script_is_refused_with_its_place(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(content)

    with pytest.raises(ConfigError, match=re.escape(said)):
        read_fault_script(path)
