"""Answers of the scripts as domain values."""

from dataclasses import replace

from mt5fleet.adapters.redis.microtime import from_us
from mt5fleet.adapters.redis.store import Answer, Argument, int_of, listed, text_of
from mt5fleet.codec import decode, encode
from mt5fleet.domain.account import AccountStatus, GuardMemory, TradingState
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Command, Outcome
from mt5fleet.domain.record import Alert, Event, OrderRecord, Severity

_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
ORDER_FIELDS = (
    *("command", "state", "attempt", "reason", "sentence", "outcome"),
    *("goal", "arrival", "begun", "finished"),
)

COMMAND_FIELDS = ("command", "envelope", "state", "attempt", "takeovers", "begun", "goal")


def alert_arguments(alert: Alert | None) -> tuple[Argument, ...]:
    """Alert, rank and subject, as `tell` takes them; empty texts for none."""
    if alert is None:
        return ("", "", "")
    return (encode(Alert, alert), _RANK[alert.severity], alert.dedupe)


def event_arguments(events: tuple[Event, ...]) -> tuple[Argument, ...]:
    """Pairs of event and signal id, as `tell` takes them."""
    return tuple(
        part
        for event in events
        for part in (encode(Event, event), "" if event.signal_id is None else event.signal_id)
    )


def command_of(answer: Answer) -> Command:
    """A command from its fixed part, its envelope and its present state."""
    fixed, envelope, state, attempt, takeovers, begun, goal = listed(answer)
    return replace(
        decode(Command, text_of(fixed)),
        envelope=text_of(envelope),
        state=OrderState(text_of(state)),
        attempt=int_of(attempt),
        takeovers=int_of(takeovers),
        begun_at=from_us(int_of(begun)) if begun is not None else None,
        goal=text_of(goal) if goal is not None else None,
    )


def order_of(answer: Answer) -> OrderRecord | None:
    """An order from ORDER_FIELDS; None when there is none."""
    fixed, state, attempt, reason, sentence, outcome, goal, arrival, begun, finished = listed(answer)
    if fixed is None or state is None:
        return None
    command = decode(Command, text_of(fixed))
    return OrderRecord(
        account=command.account,
        signal_id=command.signal_id,
        part=command.part,
        key=command.key,
        state=OrderState(text_of(state)),
        attempt=int_of(attempt),
        reason=text_of(reason),
        sentence=text_of(sentence),
        outcome=None if outcome is None else decode(Outcome, text_of(outcome)),
        goal=None if goal is None else text_of(goal),
        received_at=from_us(int_of(arrival)),
        begun_at=None if begun is None else from_us(int_of(begun)),
        finished_at=None if finished is None else from_us(int_of(finished)),
    )


def status_of(account: str, answer: Answer) -> AccountStatus:
    """An account's state from the guard fields; one never seen is ACTIVE without memory."""
    halted, resumed, reducing, reason, since, confirmed, due, flat, rounds, memory, *rest = listed(answer)
    journal, journal_seq, journal_older = rest
    is_halted = int_of(halted) > int_of(resumed)
    return AccountStatus(
        account=account,
        state=_state(is_halted=is_halted, is_reducing=int_of(reducing) == 1),
        reason=text_of(reason),
        since=from_us(int_of(since)) if int_of(since) else None,
        halted_seq=int_of(halted),
        resumed_seq=int_of(resumed),
        latch_confirmed=int_of(confirmed) == 1,
        flatten_due=is_halted and int_of(due) == 1,
        flat_at=from_us(int_of(flat)) if int_of(flat) else None,
        flatten_rounds=int_of(rounds),
        memory=None if memory is None else decode(GuardMemory, text_of(memory)),
        journal_id=None if journal is None else text_of(journal),
        journal_sequence=int_of(journal_seq),
        journal_older=int_of(journal_older) == 1,
    )


def _state(*, is_halted: bool, is_reducing: bool) -> TradingState:
    if is_halted:
        return TradingState.HALTED
    return TradingState.REDUCING if is_reducing else TradingState.ACTIVE
