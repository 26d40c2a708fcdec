"""The order state machine: one table, and the only function that moves a state.

Source: the project's design, section 5 "Order state machine". The ledger's scripts repeat the check.
"""

from enum import StrEnum

from mt5fleet.domain.errors import InvalidTransition


class OrderState(StrEnum):
    """Where the order for one account and part stands."""

    RECEIVED = "RECEIVED"  # on the inbox, nothing sent
    SUBMITTING = "SUBMITTING"  # written down, the send is about to happen or has happened
    NOT_SENT = "NOT_SENT"  # proved not executed; may be tried again
    IN_DOUBT = "IN_DOUBT"  # may or may not have reached the broker
    ACCEPTED = "ACCEPTED"  # rests at the broker
    PARTIALLY_FILLED = "PARTIALLY_FILLED"  # part executed, a rest still works
    FILLED = "FILLED"  # executed in full
    APPLIED = "APPLIED"  # a modify, cancel or close reached its goal
    DENIED = "DENIED"  # refused by the fleet
    REJECTED = "REJECTED"  # refused by the broker
    CANCELED = "CANCELED"  # withdrawn; the filled volume may be above zero
    EXPIRED = "EXPIRED"  # its time was over before it was executed
    SUPERSEDED = "SUPERSEDED"  # a newer command made it pointless
    ABANDONED = "ABANDONED"  # a named person settled the doubt


_S = OrderState

FINAL: frozenset[OrderState] = frozenset(
    {_S.DENIED, _S.EXPIRED, _S.CANCELED, _S.SUPERSEDED, _S.REJECTED, _S.FILLED, _S.APPLIED, _S.ABANDONED}
)

_OUTCOMES = frozenset(
    {
        _S.ACCEPTED,
        _S.PARTIALLY_FILLED,
        _S.FILLED,
        _S.APPLIED,
        _S.REJECTED,
        _S.CANCELED,
        _S.EXPIRED,
        _S.NOT_SENT,
        _S.IN_DOUBT,
    }
)

TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    _S.RECEIVED: frozenset({_S.DENIED, _S.EXPIRED, _S.CANCELED, _S.SUPERSEDED, _S.SUBMITTING, _S.IN_DOUBT}),
    _S.SUBMITTING: _OUTCOMES,
    _S.NOT_SENT: frozenset({_S.SUBMITTING, _S.EXPIRED, _S.DENIED, _S.CANCELED, _S.SUPERSEDED, _S.IN_DOUBT}),
    _S.IN_DOUBT: (_OUTCOMES - {_S.IN_DOUBT}) | {_S.ABANDONED, _S.RECEIVED},
    _S.ACCEPTED: frozenset(
        {_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.REJECTED, _S.EXPIRED, _S.IN_DOUBT}
    ),
    _S.PARTIALLY_FILLED: frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED, _S.IN_DOUBT}),
    **{state: frozenset() for state in FINAL},
}

# Late broker evidence moves a final state to what the broker shows; only reconcile uses this table.
BROKER_SHOWS: frozenset[OrderState] = frozenset({_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED})


def advance(current: OrderState, wanted: OrderState) -> OrderState:
    """Give `wanted` when the table allows the move; raise InvalidTransition otherwise."""
    if wanted not in TRANSITIONS[current]:
        raise InvalidTransition(f"an order cannot move from {current} to {wanted}")
    return wanted


def correct(current: OrderState, shown: OrderState) -> OrderState:
    """Give the state the broker shows in place of a final one; raise InvalidTransition otherwise."""
    if current not in FINAL or shown not in BROKER_SHOWS or shown is current:
        raise InvalidTransition(f"broker evidence cannot move an order from {current} to {shown}")
    return shown
