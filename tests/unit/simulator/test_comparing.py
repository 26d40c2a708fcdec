"""What the comparison keeps of an answer, and what it calls a difference."""

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mt5fleet.simulator.compare import ABSENT, Answers, Difference, count, differences
from mt5fleet.simulator.comparing.asking import Asker
from mt5fleet.simulator.comparing.describing import VALUES, Focus, described
from mt5fleet.simulator.comparing.questions import Subject, ask_everything_harmless, checked_requests
from tests.unit.simulator.vendor import ScriptedLink, attach, fresh_module

SUBJECT = Subject(
    symbol="EURUSD",
    point=0.00001,
    digits=5,
    volume=0.01,
    bid=1.1,
    ask=1.1001,
    now_s=1_700_000_000,
    filling=1,
    distance=0.005,
)


def _answers(**topics: Any) -> Answers:
    return Answers(account="1 at S", is_demo=True, by_topic=topics)


@pytest.mark.parametrize(
    ("value", "focus", "kept"),
    [
        (None, Focus(), "None"),
        (False, Focus(), "False"),
        (5, Focus(), "int"),
        (5, VALUES, "5"),
        ("x", Focus(), "str"),
        ((), Focus(), "empty tuple"),
        ((500, 6231), Focus(), {"tuple": "int"}),
        ((1, 2), Focus(rows=True), {"tuple": "2 rows", "row 0": "int", "row 1": "int"}),
    ],
)
def test_plain_answer_keeps_its_type_or_its_value(value: object, focus: Focus, kept: object) -> None:
    assert described(value, focus) == kept


def test_structure_keeps_types_signs_and_values_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    tick = fresh_module(monkeypatch).Tick((1, 1.5, -2.0, 0.0, 3, 4, 5, 0.0))

    kept = described(tick, Focus(exact={"volume"}, signs={"bid", "ask", "last"}))

    assert kept == {
        "structure": "Tick",
        "time": "int",
        "volume": "int 3",
        "time_msc": "int",
        "flags": "int",
        "bid": "float positive",
        "ask": "float negative",
        "last": "float zero",
        "volume_real": "float",
    }


def test_array_keeps_its_row_type_and_flags() -> None:
    array = np.zeros(3, dtype=[("time", "<i8")])

    assert described(array) == {
        "array": "[('time', '<i8')]",
        "bytes a row": "8",
        "flags": "owndata True, writeable True",
        "rows": "some",
    }
    assert described(array[:0])["rows"] == "none"  # type: ignore[index]  # an array is described by a dict
    assert described(array, Focus(rows=True))["rows"] == "3"  # type: ignore[index]  # the same


def test_equal_answers_have_no_differences() -> None:
    one = _answers(shapes={"a": {"gave": {"x": "int"}}})

    assert differences(one, one) == ()
    assert count(one) == 1


def test_differences_name_topic_question_and_place() -> None:
    real = _answers(shapes={"a": {"gave": {"x": "int", "y": "str"}}, "b": {"gave": "None"}})
    ours = _answers(shapes={"a": {"gave": {"x": "float", "z": "str"}}, "c": {"raised": "E"}})

    found = differences(real, ours)

    assert found[0] == Difference(topic="shapes", question="a", place="gave.x", real="int", simulator="float")
    assert [(one.question, one.place, one.real, one.simulator) for one in found[1:]] == [
        ("a", "gave.y", "str", ABSENT),
        ("a", "gave.z", ABSENT, "str"),
        ("b", "", json.dumps({"gave": "None"}), ABSENT),
        ("c", "", ABSENT, json.dumps({"raised": "E"})),
    ]


def test_raised_error_is_an_answer_and_later_questions_go_on() -> None:
    module = SimpleNamespace(last_error=lambda: (1, "Success"), broken=lambda: 1 / 0, total=lambda: 3)
    asker = Asker(module, lambda: None)

    assert asker.ask("t", "broken", lambda mt5: mt5.broken()) is None
    assert asker.ask("t", "total", lambda mt5: mt5.total(), VALUES) == 3
    assert asker.answers["t"] == {
        "broken": {"raised": "ZeroDivisionError: division by zero", "last_error": "(1, 'Success')"},
        "total": {"gave": "3", "last_error": "(1, 'Success')"},
    }


def test_connection_that_a_question_broke_is_made_anew() -> None:
    said = [(-10002, "IPC recv failed"), (1, "Success")]
    attached: list[int] = []
    asker = Asker(SimpleNamespace(last_error=lambda: said.pop(0)), lambda: attached.append(1))

    asker.ask("t", "breaks", lambda mt5: None)
    asker.ask("t", "works", lambda mt5: None)

    assert attached == [1]


def test_harmless_questions_send_nothing_and_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    module = fresh_module(monkeypatch)
    refused = {"error": [-4, "Terminal: Not found"]}
    link = ScriptedLink()
    link.answers = _Always(refused)  # type: ignore[assignment]  # every operation is answered alike
    attach(module, link)

    ask_everything_harmless(Asker(module, lambda: None), SUBJECT)

    asked = {request["op"] for request in link.asked}
    assert not asked & {"order_send", "login", "initialize", "market_book_release"}
    assert {"order_check", "copy_rates_range", "symbols_get", "history_deals_get"} <= asked


class _Always(dict[str, Any]):
    """The same answer to everything."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self._answer = answer

    def __missing__(self, key: str) -> Any:
        return self._answer


def test_checked_requests_have_one_fault_each() -> None:
    requests = checked_requests(SUBJECT)
    whole = requests["market buy"]

    for name in ("unknown symbol", "no volume", "unknown filling", "close of an unknown position"):
        changed = {key for key, value in requests[name].items() if whole.get(key) != value}
        assert len(changed) == 1, name
