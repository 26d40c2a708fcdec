"""Faults on demand: what shall go wrong, on which account and call, when and how often.

Chance is drawn for each fault from a stream of its own, so that calls of other accounts do not move it.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from mt5fleet.simulator.host.fault_terms import BESIDE_AN_END, HELD, FaultKind, FaultTerms

__all__ = ["FaultKind", "FaultPlan", "FaultTerms", "Strike", "TooManyFaultsError"]

FAULTS_MAX = 10_000
"""Standing and planned faults of one broker; a script that adds more has lost count."""

MS_PER_S = 1000

Begin = Callable[[FaultTerms], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """What happens to one call: delays add up, faults that hold begin, and at most one decides its end."""

    latency_ms: int = 0
    late_ms: int = 0
    begins: tuple[FaultTerms, ...] = ()
    empties: FaultTerms | None = None
    share: Decimal | None = None  # of the volume that is on offer
    end: FaultTerms | None = None


NO_STRIKE = Strike()


class TooManyFaultsError(Exception):
    """The plan is full."""


class FaultPlan:
    """Faults that stand and faults whose time will come; every call asks which of them is due.

    `begin` is told of each fault that waits for no call when its time has come.
    """

    def __init__(self, seed: str, begin: Begin) -> None:
        self._seed = seed
        self._begin = begin
        self._armed: list[_Armed] = []
        self._planned: list[_Planned] = []
        self._fired: dict[FaultKind, int] = {}
        self._told = 0
        self._next_ms: int | None = None  # when `advance` has something to do

    def add(self, faults: Sequence[FaultTerms], now_ms: int) -> None:
        """Arm faults, and plan those whose time has not come; all of them or none.

        Raises:
            TooManyFaultsError: The plan is full.
        """
        if len(self._armed) + len(self._planned) + len(faults) > FAULTS_MAX:
            raise TooManyFaultsError(f"faults: at most {FAULTS_MAX} may stand; clear them first")
        for terms in faults:
            self._told += 1
            at_ms = now_ms + round(terms.at_s * MS_PER_S)
            heapq.heappush(self._planned, _Planned(at_ms, self._told, terms, terms.times))
        self._next_ms = now_ms
        self.advance(now_ms)

    def advance(self, now_ms: int) -> None:
        """Arm what is due, begin what waits for no call, and drop what has stood long enough."""
        if self._next_ms is None or now_ms < self._next_ms:
            return
        while self._planned and self._planned[0].at_ms <= now_ms:
            self._come(heapq.heappop(self._planned))
        self._armed = [armed for armed in self._armed if not armed.is_over(now_ms)]
        ends = [armed.until_ms for armed in self._armed if armed.until_ms is not None]
        self._next_ms = min([*ends, *(planned.at_ms for planned in self._planned[:1])], default=None)

    def clear(self, login: int | None = None) -> None:
        """Remove every fault, planned ones too, or those of one account."""
        self._armed = [armed for armed in self._armed if login is not None and armed.terms.login != login]
        self._planned = [plan for plan in self._planned if login is not None and plan.terms.login != login]
        heapq.heapify(self._planned)

    def due(self, login: int | None, call: str) -> Strike:
        """Count this call wherever it matches and return what strikes it."""
        if not self._armed:
            return NO_STRIKE
        strike = NO_STRIKE
        for armed in self._armed:
            if not armed.is_due(login, call) or (armed.decides and strike.end is not None):
                continue
            armed.spend()
            strike = _added(strike, armed.terms)
            self._count(armed.terms.kind)
        self._armed = [armed for armed in self._armed if armed.left != 0]
        return strike

    def standing(self) -> list[FaultTerms]:
        return [armed.terms for armed in self._armed]

    def planned(self) -> list[FaultTerms]:
        """Return the faults whose time has not come, in order of time."""
        return [plan.terms for plan in sorted(self._planned)]

    def fired(self) -> dict[str, int]:
        """Return how many faults struck, by kind: the proof that a fault run had faults."""
        return {kind.value: times for kind, times in self._fired.items()}

    def _come(self, plan: "_Planned") -> None:
        terms = plan.terms
        if terms.every_s is not None and plan.left > 1:
            again_ms = plan.at_ms + round(terms.every_s * MS_PER_S)
            heapq.heappush(self._planned, _Planned(again_ms, plan.serial, terms, plan.left - 1))
        if terms.waits_for_a_call:
            seed = f"{self._seed}/{plan.serial}/{plan.left}"
            self._armed.append(_Armed(terms, Random(seed), plan.at_ms))
            return
        self._count(terms.kind)
        self._begin(terms)

    def _count(self, kind: FaultKind) -> None:
        self._fired[kind] = self._fired.get(kind, 0) + 1


@dataclass(frozen=True, slots=True, order=True)
class _Planned:
    """A fault whose time will come; `left` times in all."""

    at_ms: int
    serial: int
    terms: FaultTerms
    left: int


class _Armed:
    """A fault with its counters."""

    def __init__(self, terms: FaultTerms, chance: Random, since_ms: int) -> None:
        self.terms = terms
        self.left = terms.count
        self.until_ms = None if terms.for_s is None else since_ms + round(terms.for_s * MS_PER_S)
        self.decides = terms.kind not in BESIDE_AN_END | HELD
        self._chance = chance
        self._seen = 0

    def is_due(self, login: int | None, call: str) -> bool:
        if self.terms.login not in (None, login) or self.terms.call not in ("*", call):
            return False
        self._seen += 1
        if self._seen <= self.terms.after:
            return False
        return self.terms.chance >= 1 or self._chance.random() < self.terms.chance

    def spend(self) -> None:
        self.left = None if self.left is None else self.left - 1

    def is_over(self, now_ms: int) -> bool:
        return self.until_ms is not None and self.until_ms <= now_ms


def _added(strike: Strike, terms: FaultTerms) -> Strike:
    match terms.kind:
        case FaultKind.LATENCY:
            return replace(strike, latency_ms=strike.latency_ms + terms.delay_ms)
        case FaultKind.LATE_ANSWER:
            return replace(strike, late_ms=strike.late_ms + terms.delay_ms)
        case FaultKind.EMPTY_LISTS:
            return replace(strike, empties=terms)
        case FaultKind.PARTIAL_FILL:
            return replace(strike, share=terms.share)
        case FaultKind.SERVER_OFFSET | FaultKind.DISCONNECT:
            return replace(strike, begins=(*strike.begins, terms))
        case _:
            return replace(strike, end=terms)
