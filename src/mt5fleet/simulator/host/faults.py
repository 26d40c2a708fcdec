"""Faults on demand: what shall go wrong, on which account and call, and how often."""

from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

FAULTS_MAX = 10_000
"""Standing faults of one broker; a script that adds more has lost count."""

DELAY_MS_MAX = 3_600_000


class FaultKind(StrEnum):
    """What goes wrong."""

    ANSWER_LOST = "answer_lost"  # executed, then the connection is dropped without an answer
    CONNECTION_LOST = "connection_lost"  # dropped before anything is executed
    LATE_ANSWER = "late_answer"  # executed at once, answered delay_ms later
    LATENCY = "latency"  # executed delay_ms later, then answered
    BLOCK = "block"  # never executed, never answered
    BLOCK_EXECUTED = "block_executed"  # executed, never answered
    REJECT = "reject"  # answered with `retcode`, not executed
    REQUOTE = "requote"  # answered 10004 with the current quote, not executed
    NONE = "none"  # the call gives None and last_error (code, text); not executed
    VISIBILITY_LAG = "visibility_lag"  # records show up to delay_ms later; stands until set to 0


class FaultTerms(BaseModel):
    """One fault: matching calls are counted, the first `after` pass, the next `count` go wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    login: int | None = None  # None: every account
    call: str = "order_send"  # name of the module's function, or "*"
    after: int = Field(default=0, ge=0)
    count: int | None = Field(default=1, ge=1)  # None: for ever
    chance: float = Field(default=1.0, gt=0, le=1)  # share of due calls that go wrong, seeded
    delay_ms: int = Field(default=0, ge=0, le=DELAY_MS_MAX)
    retcode: int = Field(default=10006, ge=10000, le=10999)
    code: int = -1
    text: str = Field(default="Terminal: Call failed", max_length=200)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind in _DELAYS and self.delay_ms == 0:
            raise ValueError(f"delay_ms: {self.kind} needs a delay above 0")
        if self.kind in (FaultKind.REJECT, FaultKind.REQUOTE) and self.call != "order_send":
            raise ValueError(f"call: {self.kind} is an answer of order_send only")
        return self


_DELAYS = (FaultKind.LATENCY, FaultKind.LATE_ANSWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What happens to one call: delays add up, and at most one fault decides its end."""

    latency_ms: int = 0
    late_ms: int = 0
    end: FaultTerms | None = None


class TooManyFaultsError(Exception):
    """The plan is full."""


class FaultPlan:
    """The standing faults; every call asks which of them is due."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._armed: list[_Armed] = []
        self._fired: dict[FaultKind, int] = {}

    def add(self, terms: FaultTerms) -> None:
        if len(self._armed) >= FAULTS_MAX:
            raise TooManyFaultsError(f"faults: at most {FAULTS_MAX} may stand; clear them first")
        self._armed.append(_Armed(terms))

    def clear(self, login: int | None = None) -> None:
        """Remove every fault, or those of one account."""
        self._armed = [armed for armed in self._armed if login is not None and armed.terms.login != login]

    def due(self, login: int | None, call: str) -> Strike:
        """Count this call wherever it matches and return what strikes it."""
        strike = Strike()
        for armed in self._armed:
            is_ending = armed.terms.kind not in _DELAYS
            if not armed.is_due(login, call, self._chance) or (is_ending and strike.end is not None):
                continue
            armed.spend()
            strike = _added(strike, armed.terms)
            self._fired[armed.terms.kind] = self._fired.get(armed.terms.kind, 0) + 1
        self._armed = [armed for armed in self._armed if armed.left != 0]
        return strike

    def standing(self) -> list[FaultTerms]:
        return [armed.terms for armed in self._armed]

    def fired(self) -> dict[str, int]:
        """Return how many faults struck, by kind: the proof that a fault run had faults."""
        return {kind.value: times for kind, times in self._fired.items()}


class _Armed:
    """A fault with its counters."""

    def __init__(self, terms: FaultTerms) -> None:
        self.terms = terms
        self.seen = 0
        self.left = terms.count

    def is_due(self, login: int | None, call: str, chance: Random) -> bool:
        if self.terms.login not in (None, login) or self.terms.call not in ("*", call):
            return False
        self.seen += 1
        if self.seen <= self.terms.after:
            return False
        return self.terms.chance >= 1 or chance.random() < self.terms.chance

    def spend(self) -> None:
        self.left = None if self.left is None else self.left - 1


def _added(strike: Strike, terms: FaultTerms) -> Strike:
    match terms.kind:
        case FaultKind.LATENCY:
            return replace(strike, latency_ms=strike.latency_ms + terms.delay_ms)
        case FaultKind.LATE_ANSWER:
            return replace(strike, late_ms=strike.late_ms + terms.delay_ms)
        case _:
            return replace(strike, end=terms)
