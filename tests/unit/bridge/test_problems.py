import pytest

from mt5fleet.adapters.bridge.problems import TEXT_CHARS_MAX, error_of, problem_of
from mt5fleet.adapters.bridge.protocol.bridge_pb2 import Problem
from mt5fleet.domain.errors import (
    FleetError,
    InvalidValue,
    StaleLatch,
    StaleToken,
    Unanswered,
    Unreachable,
    ValueRefused,
)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Unreachable("gone"), Unreachable),
        (Unanswered("silent"), Unanswered),
        (StaleToken(9), StaleToken),
        (StaleLatch(7), StaleLatch),
        (InvalidValue("field", "rule"), ValueRefused),
        (ValueRefused("field", "rule"), ValueRefused),
        (FleetError("something else"), Unanswered),
    ],
)
def test_an_error_keeps_what_it_says(error: FleetError, kind: type[FleetError]) -> None:
    arrived = error_of(Problem.FromString(problem_of(error).SerializeToString()))
    assert type(arrived) is kind
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)


@pytest.mark.parametrize(
    "problem", [Problem(), Problem(kind=99), Problem(kind=Problem.KIND_STALE_TOKEN), Problem(kind=4)]
)
def test_a_problem_that_cannot_be_read_says_as_little_as_no_answer(problem: Problem) -> None:
    arrived = error_of(problem)
    assert type(arrived) is Unanswered
    assert str(arrived)


def test_a_long_text_is_cut_to_what_metadata_can_carry() -> None:
    assert len(problem_of(Unanswered("x" * 100_000)).text) == TEXT_CHARS_MAX
    long = problem_of(InvalidValue("f" * 100_000, "r" * 100_000))
    assert long.ByteSize() < 4 * TEXT_CHARS_MAX
