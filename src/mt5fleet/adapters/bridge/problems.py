"""Refusals on the wire: what went wrong, as far as it is known."""

from mt5fleet.adapters.bridge.protocol.bridge_pb2 import Problem
from mt5fleet.domain.errors import (
    FleetError,
    GatewayError,
    InvalidValue,
    StaleLatch,
    StaleToken,
    Unanswered,
    Unreachable,
    ValueRefused,
)

PROBLEM_KEY = "problem-bin"  # trailing metadata of a refused call
TEXT_CHARS_MAX = 300  # a sentence for a person; metadata has room for some kilobytes only


def problem_of(error: FleetError) -> Problem:
    """An error as a message; a kind that the wire does not know says as little as no answer."""
    text = str(error)[:TEXT_CHARS_MAX]
    if isinstance(error, InvalidValue):
        return Problem(
            kind=Problem.KIND_INVALID_VALUE,
            text=text,
            field=error.field[:TEXT_CHARS_MAX],
            rule=error.rule[:TEXT_CHARS_MAX],
        )
    if isinstance(error, StaleToken):
        return Problem(kind=Problem.KIND_STALE_TOKEN, text=text, newest_token=error.newest)
    if isinstance(error, StaleLatch):
        return Problem(kind=Problem.KIND_STALE_LATCH, text=text, lifted_sequence=error.lifted)
    unreachable = isinstance(error, Unreachable)
    return Problem(kind=Problem.KIND_UNREACHABLE if unreachable else Problem.KIND_UNANSWERED, text=text)


def error_of(problem: Problem) -> GatewayError:
    """The error that the other side packed; one that cannot be read is Unanswered."""
    kind = problem.kind
    if kind == Problem.KIND_INVALID_VALUE:
        return ValueRefused(problem.field, problem.rule)
    if kind == Problem.KIND_STALE_TOKEN and problem.HasField("newest_token"):
        return StaleToken(problem.newest_token)
    if kind == Problem.KIND_STALE_LATCH and problem.HasField("lifted_sequence"):
        return StaleLatch(problem.lifted_sequence)
    if kind == Problem.KIND_UNREACHABLE:
        return Unreachable(problem.text)
    return Unanswered(problem.text or "the bridge refused the call and did not say why")
