"""What the bridge looks at before it sends: ledger, journal, money, and what it never sends."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from mt5fleet.domain.broker import Mode
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.errors import Unreachable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, Outcome, Retry
from mt5fleet.domain.signal import Side
from tests.contract.gateway.rigs import ACCOUNT, Rig, hear, key_of, limit, market, permit
from tests.contract.gateway.terms import Terms

WAITS_MAX = 1000  # of a rig's own length; far longer than any silence in these tests


def silence(rig: Rig) -> None:
    """Let the ledger be quiet for so long that the bridge minds."""
    for _ in range(WAITS_MAX):
        age_s = rig.gateway.health(ACCOUNT).ledger_age_s
        if age_s is None or age_s > rig.silence_s:
            return
        rig.wait()
    raise AssertionError("the bridge heard of the ledger all the time")


def said(call: Callable[[], Outcome]) -> str:
    """The sentence of a refusal; a bridge that starts no terminal refuses by an error."""
    try:
        outcome = call()
    except Unreachable as error:
        return str(error)
    return outcome.sentence if outcome.denial is DenialReason.MODE_MISMATCH else ""


def flatten(rig: Rig, ticket: int, name: str) -> Outcome:
    order = CloseOrder(opening_key=None, opening_magic=None, ticket=ticket, remaining=Decimal(0))
    return rig.gateway.close(ACCOUNT, order, permit(rig, key_of(name), heard=False))


def test_a_bridge_that_never_heard_of_the_ledger_opens_nothing(rig: Rig) -> None:
    key = key_of("never-heard")
    outcome = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, heard=False))
    assert (outcome.state, outcome.retry) == (OrderState.NOT_SENT, Retry.AFTER_DELAY)
    assert "ledger" in outcome.sentence
    assert rig.gateway.health(ACCOUNT).ledger_age_s is None
    assert rig.opened(key.magic) == 0


def test_opens_wait_and_closes_go_while_the_ledger_is_silent(rig: Rig) -> None:
    kept, waiting = key_of("kept"), key_of("waiting")
    rig.gateway.submit(ACCOUNT, market(rig, kept), permit(rig, kept))
    (position,) = rig.gateway.positions(ACCOUNT)
    silence(rig)
    waits = rig.gateway.submit(ACCOUNT, market(rig, waiting), permit(rig, waiting, heard=False))
    assert (waits.state, waits.retry) == (OrderState.NOT_SENT, Retry.AFTER_DELAY)
    assert flatten(rig, position.ticket, "out").state is OrderState.FILLED
    goes = rig.gateway.submit(ACCOUNT, market(rig, waiting), permit(rig, waiting, attempt=2))
    assert goes.state is OrderState.FILLED


def test_the_same_moment_told_again_is_no_word_from_the_ledger(rig: Rig) -> None:
    told = rig.clock.now()
    rig.gateway.readings((ACCOUNT,), ledger_at=told)
    silence(rig)
    rig.gateway.readings((ACCOUNT,), ledger_at=told)
    rig.gateway.readings((ACCOUNT,))
    key = key_of("told-again")
    outcome = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, heard=False))
    assert outcome.state is OrderState.NOT_SENT


def test_a_word_from_the_ledger_makes_its_age_young(rig: Rig) -> None:
    hear(rig)
    age_s = rig.gateway.health(ACCOUNT).ledger_age_s
    assert age_s is not None
    assert 0 <= age_s < 2


@pytest.mark.parametrize(
    ("journal_id", "ahead", "retry"),
    [(None, 0, Retry.AFTER_DELAY), ("another", 0, Retry.NEVER), ("", 1000, Retry.NEVER)],
    ids=["not bound", "another journal", "older copy"],
)
def test_an_open_needs_the_journal_that_the_ledger_knows(
    rig: Rig, journal_id: str | None, ahead: int, retry: Retry
) -> None:
    key = key_of("journal")
    given = permit(rig, key)
    named = given.journal_id if journal_id == "" else journal_id
    sequence = rig.gateway.health(ACCOUNT).journal_sequence + ahead
    told = replace(given, journal_id=named, journal_sequence=sequence)
    outcome = rig.gateway.submit(ACCOUNT, market(rig, key), told)
    assert (outcome.state, outcome.retry) == (OrderState.NOT_SENT, retry)
    assert rig.opened(key.magic) == 0


def test_a_close_goes_whatever_journal_the_ledger_knows(rig: Rig) -> None:
    key = key_of("any-journal")
    rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    (position,) = rig.gateway.positions(ACCOUNT)
    order = CloseOrder(opening_key=None, opening_magic=None, ticket=position.ticket, remaining=Decimal(0))
    told = replace(permit(rig, key_of("out")), journal_id="another", journal_sequence=10**9)
    assert rig.gateway.close(ACCOUNT, order, told).state is OrderState.FILLED


def test_a_demo_terminal_of_any_company_trades(rig: Rig) -> None:
    rig.rename_company("Any Broker Ltd")
    key = key_of("company")
    assert rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key)).state is OrderState.FILLED
    assert rig.gateway.health(ACCOUNT).company == "Any Broker Ltd"


def test_real_money_is_refused_until_it_is_allowed(make_rig: Callable[[Terms], Rig]) -> None:
    rig = make_rig(Terms(mode=Mode.REAL))
    rig.wrong_mode()
    key = key_of("real")
    refused = said(lambda: rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key)))
    assert "allow_real" in refused
    assert any("allow_real" in sentence for sentence in rig.gateway.health(ACCOUNT).why_not)
    assert rig.opened(key.magic) == 0


def test_real_money_trades_once_it_is_allowed(make_rig: Callable[[Terms], Rig]) -> None:
    rig = make_rig(Terms(mode=Mode.REAL, allow_real=True))
    rig.wrong_mode()
    key = key_of("allowed")
    assert rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key)).state is OrderState.FILLED
    assert rig.gateway.health(ACCOUNT).mode is Mode.REAL


def test_a_wrong_mode_refuses_modifies_and_lets_closes_and_cancels_go(rig: Rig) -> None:
    kept, resting = key_of("kept"), key_of("resting")
    rig.gateway.submit(ACCOUNT, market(rig, kept), permit(rig, kept))
    rig.gateway.submit(ACCOUNT, limit(rig, resting), permit(rig, resting))
    (position,) = rig.gateway.positions(ACCOUNT)
    rig.wrong_mode()
    change = ModifyOrder(
        opening_key=None, opening_magic=None, ticket=position.ticket, stop_loss=Decimal("1.08"),
        take_profit=None, price=None,
    )  # fmt: skip
    withdraw = CancelOrder(opening_key=resting.text, opening_magic=resting.magic, ticket=None)
    refused = rig.gateway.modify(ACCOUNT, change, permit(rig, key_of("modify")))
    assert (refused.state, refused.denial) == (OrderState.NOT_SENT, DenialReason.MODE_MISMATCH)
    assert rig.gateway.cancel(ACCOUNT, withdraw, permit(rig, key_of("cancel"))).state is OrderState.APPLIED
    assert flatten(rig, position.ticket, "out").state is OrderState.FILLED


def test_a_shadow_account_sends_nothing_at_all(make_rig: Callable[[Terms], Rig]) -> None:
    rig = make_rig(Terms(shadow=True))
    rig.foreign_position(77, Side.BUY)
    (position,) = rig.gateway.positions(ACCOUNT)
    key = key_of("shadow")
    refused = [
        rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key)),
        flatten(rig, position.ticket, "shadow-out"),
    ]
    assert [outcome.denial for outcome in refused] == [DenialReason.SHADOW] * 2
    assert rig.gateway.health(ACCOUNT).shadow
    assert rig.gateway.positions(ACCOUNT)[0].volume == position.volume
