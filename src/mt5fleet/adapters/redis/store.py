"""The road to the server: scripts by hash, plain reads in one pipeline, and typed errors only."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import redis
from redis.exceptions import NoScriptError, OutOfMemoryError, RedisError, ResponseError

from mt5fleet.adapters.redis.keys import Keys
from mt5fleet.adapters.redis.scripts import SERVER_CLOCK, Script, load_scripts
from mt5fleet.adapters.redis.settings import LedgerSettings
from mt5fleet.domain.errors import (
    Conflict,
    FleetError,
    InvalidTransition,
    LeaseLost,
    LedgerError,
    LedgerFull,
    LedgerUnavailable,
)

Answer = None | int | str | Sequence["Answer"]
Argument = str | int
T = TypeVar("T")

PIPELINE_MAX = 500  # calls of one round trip: the largest envelopes then make 32 MB
_MARK = "MT5FLEET"
_KINDS: dict[str, type[FleetError]] = {
    "LEASE_LOST": LeaseLost,
    "CONFLICT": Conflict,
    "TRANSITION": InvalidTransition,
    "FULL": LedgerFull,
}


@dataclass(frozen=True, slots=True)
class Call:
    """One script call: which script, under which base, with which arguments."""

    script: str
    base: str
    arguments: tuple[Argument, ...] = ()


class Store:
    """Runs scripts and reads; every error that leaves it is one of ours."""

    def __init__(
        self, client: redis.Redis, settings: LedgerSettings, *, clock_lua: str = SERVER_CLOCK
    ) -> None:
        """Take a client that decodes answers. `clock_lua` gives scripts their `now_us`; tests may step it."""
        if not client.get_encoder().decode_responses:
            raise ValueError("the ledger's client must decode answers: decode_responses=True")
        self.client = client
        self.settings = settings
        self.keys = Keys(settings.prefix)
        self._scripts = load_scripts(settings, clock_lua)

    def run(self, script: str, base: str, *arguments: Argument) -> Answer:
        """One script, one round trip; two when the server does not know the script (first use, emptied)."""
        known = self._scripts[script]
        with translated():
            try:
                return _answer(self.client.evalsha(known.sha, 1, base, *arguments))
            except NoScriptError:
                return self._load_and_run(known, base, arguments)

    def run_many(self, calls: Sequence[Call]) -> list[Answer | FleetError]:
        """Many scripts, PIPELINE_MAX to a round trip; a refused one has its error in its place.

        Raises LedgerUnavailable when the server cannot be reached.
        """
        settled: list[Answer | FleetError] = []
        for chunk in _chunks(calls):
            with translated():
                answers = self._pipelined(chunk)
                settled += [self._settled(call, answer) for call, answer in zip(chunk, answers, strict=True)]
        return settled

    def read(self, *commands: tuple[Argument, ...]) -> list[Answer]:
        """Plain commands, PIPELINE_MAX to a round trip."""
        answers: list[Answer] = []
        for chunk in _chunks(commands):
            with translated(), self.client.pipeline(transaction=False) as pipe:
                for command in chunk:
                    pipe.execute_command(*command)  # type: ignore[no-untyped-call] # raw commands have no types
                answers += [_answer(answer) for answer in pipe.execute()]
        return answers

    def ask(self, command: Callable[[], T]) -> T:
        """One command of the client, with our errors."""
        with translated():
            return command()

    def _pipelined(self, calls: Sequence[Call]) -> list[object]:
        with self.client.pipeline(transaction=False) as pipe:
            for call in calls:
                sha = self._scripts[call.script].sha
                pipe.evalsha(sha, 1, call.base, *call.arguments)
            return list(pipe.execute(raise_on_error=False))

    def _settled(self, call: Call, answer: object) -> Answer | FleetError:
        if isinstance(answer, NoScriptError):
            answer = self._caught(call)
        if isinstance(answer, RedisError):
            return known_error(answer)
        return _answer(answer)

    def _caught(self, call: Call) -> object:
        try:
            return self._load_and_run(self._scripts[call.script], call.base, call.arguments)
        except ResponseError as error:
            return error

    def _load_and_run(self, script: Script, base: str, arguments: tuple[Argument, ...]) -> Answer:
        """EVAL loads and runs at once, so that no emptying can come between."""
        return _answer(self.client.eval(script.text, 1, base, *arguments))


@contextmanager
def translated() -> Iterator[None]:
    """Turn every error of the client into one of ours."""
    try:
        yield
    except RedisError as error:
        raise known_error(error) from error


def known_error(error: RedisError) -> FleetError:
    """What an error of the client says about the write."""
    text = str(error)
    mark, _, rest = text.partition(" ")
    if mark == _MARK:
        kind, _, sentence = rest.partition(" ")
        return _KINDS[kind](sentence)
    if isinstance(error, OutOfMemoryError) or mark.endswith("OOM"):
        return LedgerFull("the ledger's server is out of memory: nothing was written")
    return LedgerUnavailable(f"the ledger gave no usable answer: {type(error).__name__}: {text}")


def given(answer: Answer | FleetError) -> Answer:
    """The answer of one call out of many; raises the error that stands in its place."""
    if isinstance(answer, FleetError):
        raise answer
    return answer


def listed(answer: Answer) -> Sequence[Answer]:
    """An answer that must be a list."""
    if isinstance(answer, (str, int)) or answer is None:
        raise LedgerError("the ledger answered with a single value where a list belongs")
    return answer


def text_of(answer: Answer) -> str:
    """An answer that must be a text or number, as text; nothing is an empty text."""
    if isinstance(answer, (str, int)):
        return str(answer)
    if answer is None:
        return ""
    raise LedgerError("the ledger answered with a list where a single value belongs")


def int_of(answer: Answer) -> int:
    """An answer that must be a whole number; nothing is 0, as it is for an absent counter."""
    return int(text_of(answer) or "0")


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), PIPELINE_MAX):
        yield items[start : start + PIPELINE_MAX]


def _answer(raw: object) -> Answer:
    """Check the outermost shape once; the readers above check what they take."""
    if raw is None or isinstance(raw, (str, int, list, tuple)):
        return raw
    raise LedgerError(f"the ledger answered with {type(raw).__name__}")
