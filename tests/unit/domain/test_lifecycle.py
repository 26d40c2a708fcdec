from itertools import product

import pytest

from mt5fleet.domain.errors import InvalidTransition
from mt5fleet.domain.lifecycle import FINAL, OrderState, advance, correct

S = OrderState

# The design's section 5 "Order state machine", written down a second time on purpose.
_ANSWERS = {
    S.ACCEPTED,
    S.PARTIALLY_FILLED,
    S.FILLED,
    S.APPLIED,
    S.REJECTED,
    S.CANCELED,
    S.EXPIRED,
    S.NOT_SENT,
    S.IN_DOUBT,
}
ALLOWED = {
    S.RECEIVED: {S.DENIED, S.EXPIRED, S.CANCELED, S.SUPERSEDED, S.SUBMITTING, S.IN_DOUBT},
    S.SUBMITTING: _ANSWERS,
    S.NOT_SENT: {S.SUBMITTING, S.EXPIRED, S.DENIED, S.CANCELED, S.SUPERSEDED, S.IN_DOUBT},
    S.IN_DOUBT: (_ANSWERS - {S.IN_DOUBT}) | {S.ABANDONED, S.RECEIVED},
    S.ACCEPTED: {S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.REJECTED, S.EXPIRED, S.IN_DOUBT},
    S.PARTIALLY_FILLED: {S.FILLED, S.CANCELED, S.EXPIRED, S.IN_DOUBT},
}


@pytest.mark.parametrize(("current", "wanted"), list(product(S, S)), ids=lambda state: state.value)
def test_every_pair_moves_only_as_the_design_says(current: S, wanted: S) -> None:
    if wanted in ALLOWED.get(current, set()):
        assert advance(current, wanted) is wanted
    else:
        with pytest.raises(InvalidTransition):
            advance(current, wanted)


def test_final_states_are_those_that_nothing_leaves() -> None:
    assert set(S) - ALLOWED.keys() == FINAL


@pytest.mark.parametrize(("current", "shown"), list(product(S, S)), ids=lambda state: state.value)
def test_late_broker_evidence_moves_final_states_only(current: S, shown: S) -> None:
    visible = {S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED}
    if current in FINAL and shown in visible and shown is not current:
        assert correct(current, shown) is shown
    else:
        with pytest.raises(InvalidTransition):
            correct(current, shown)
