from mt5fleet.domain.errors import Unanswered
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CancelOrder, CloseOrder, Outcome, Permit
from tests.contract.gateway.rigs import (
    ACCOUNT,
    Rig,
    eventually,
    key_of,
    limit,
    market,
    permit,
    resolve,
)


def submit_in_doubt(rig: Rig, name: str) -> None:
    """A submit whose outcome is not known: no answer, or an answer that says so."""
    key = key_of(name)
    try:
        outcome = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    except Unanswered:
        return
    assert outcome.state is OrderState.IN_DOUBT


def is_settled(outcome: Outcome) -> bool:
    return outcome.state is not OrderState.IN_DOUBT


def test_an_answer_lost_after_execution_is_found_by_resolve(rig: Rig) -> None:
    key = key_of("lost-after")
    rig.lose_answer()
    submit_in_doubt(rig, "lost-after")
    found = eventually(rig, lambda: resolve(rig, key), is_settled)
    assert (found.state, found.existed) == (OrderState.FILLED, True)
    assert found.position_ticket
    assert rig.opened(key.magic) == 1


def test_an_answer_lost_after_execution_is_found_by_the_next_attempt(rig: Rig) -> None:
    key = key_of("lost-then-again")
    rig.lose_answer()
    submit_in_doubt(rig, "lost-then-again")
    again = eventually(
        rig, lambda: rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, attempt=2)), is_settled
    )
    assert (again.state, again.existed) == (OrderState.FILLED, True)
    assert rig.opened(key.magic) == 1


def test_an_order_lost_before_execution_is_proved_absent_after_the_lag(rig: Rig) -> None:
    key = key_of("lost-before")
    rig.lose_order()
    submit_in_doubt(rig, "lost-before")
    first = eventually(rig, lambda: resolve(rig, key), lambda _: True)
    settled = eventually(rig, lambda: resolve(rig, key), is_settled)
    assert first.state is OrderState.IN_DOUBT
    assert settled.state is OrderState.NOT_SENT
    assert rig.opened(key.magic) == 0


def test_an_attempt_proved_absent_is_refused_for_ever_and_the_next_one_goes(rig: Rig) -> None:
    key = key_of("tombstone")
    rig.lose_order()
    submit_in_doubt(rig, "tombstone")
    eventually(rig, lambda: resolve(rig, key), is_settled)
    late = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    assert late.state is OrderState.NOT_SENT
    assert rig.opened(key.magic) == 0
    assert (
        rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, attempt=2)).state is OrderState.FILLED
    )
    assert rig.opened(key.magic) == 1


def test_no_new_attempt_leaves_while_an_earlier_one_is_in_doubt(rig: Rig) -> None:
    key = key_of("earlier")
    rig.lose_order()
    submit_in_doubt(rig, "earlier")
    second = eventually(
        rig,
        lambda: rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, attempt=2)),
        lambda _: True,
    )
    assert second.state is OrderState.IN_DOUBT
    assert rig.opened(key.magic) == 0


def test_an_attempt_that_was_never_handed_over_is_not_sent_at_once(rig: Rig) -> None:
    key = key_of("never-handed-over")
    outcome = (
        resolve(rig, key)
        if _journal_is_older(rig)
        else eventually(rig, lambda: resolve(rig, key), is_settled)
    )
    assert outcome.state is OrderState.NOT_SENT
    late = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    assert late.state is OrderState.NOT_SENT
    assert rig.opened(key.magic) == 0


def test_asking_for_any_attempt_writes_no_tombstone(rig: Rig) -> None:
    key = key_of("any-attempt")
    eventually(rig, lambda: resolve(rig, key, attempt=0), is_settled)
    assert rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key)).state is OrderState.FILLED
    assert resolve(rig, key, attempt=0).state is OrderState.FILLED


def test_a_close_whose_answer_was_lost_is_found_and_not_repeated(rig: Rig) -> None:
    opening, closing = key_of("open-1"), key_of("close-1")
    rig.gateway.submit(ACCOUNT, market(rig, opening), permit(rig, opening))
    rig.lose_answer()
    order = CloseOrder(
        opening_key=opening.text,
        opening_magic=opening.magic,
        ticket=None,
        remaining=market(rig, opening).volume / 2,
    )
    assert _lost(rig, lambda allowed: rig.gateway.close(ACCOUNT, order, allowed), permit(rig, closing))
    found = eventually(rig, lambda: resolve(rig, closing), is_settled)
    assert (found.state, found.volume) == (OrderState.FILLED, order.remaining)
    again = rig.gateway.close(ACCOUNT, order, permit(rig, closing, attempt=2))
    assert again.existed
    (position,) = rig.gateway.positions(ACCOUNT)
    assert position.volume == order.remaining


def test_a_cancel_whose_answer_was_lost_is_applied(rig: Rig) -> None:
    opening, cancel = key_of("resting"), key_of("cancel")
    rig.gateway.submit(ACCOUNT, limit(rig, opening), permit(rig, opening))
    rig.lose_answer()
    order = CancelOrder(opening_key=opening.text, opening_magic=opening.magic, ticket=None)
    assert _lost(rig, lambda allowed: rig.gateway.cancel(ACCOUNT, order, allowed), permit(rig, cancel))
    assert eventually(rig, lambda: resolve(rig, cancel), is_settled).state is OrderState.APPLIED
    assert rig.gateway.orders(ACCOUNT) == ()


def _lost(rig: Rig, call: "object", allowed: Permit) -> bool:
    """Whether the call ended without an answer, or with one that says so."""
    try:
        outcome = call(allowed)  # type: ignore[operator]  # a lambda of the test
    except Unanswered:
        return True
    return outcome.state is OrderState.IN_DOUBT


def _journal_is_older(rig: Rig) -> bool:
    """Only the fake's journal is older than every signal; the others were made a moment ago."""
    return type(rig).__name__ == "FakeRig"
