"""The broker's clock as its journal knows it: what it was told last outlives the process."""

from collections.abc import Callable

from mt5fleet.simulator.clock import Clock, ClockState, SimulatedClock
from mt5fleet.simulator.host.journal import Journal
from mt5fleet.simulator.terms.time import ClockTerms


def resume_clock(clock: Clock, terms: ClockTerms, remembered: ClockState | None, journal: Journal) -> None:
    """Let the clock go on as the journal left it, or note where a simulated one starts."""
    if not isinstance(clock, SimulatedClock):
        return
    if remembered is not None:
        clock.resume(remembered)
    elif not terms.is_real:
        _note(clock, journal)


def tell_clock(clock: SimulatedClock, tell: Callable[[SimulatedClock], None], journal: Journal) -> None:
    """Tell the clock something and note it; raises ClockError, and nothing is changed then."""
    tell(clock)
    _note(clock, journal)


def _note(clock: SimulatedClock, journal: Journal) -> None:
    journal.append({"kind": "clock", **clock.state.to_record()})
