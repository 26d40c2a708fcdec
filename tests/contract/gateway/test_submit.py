from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.errors import StaleToken, Unreachable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Retry
from mt5fleet.domain.signal import Entry, Side
from tests.contract.gateway.rigs import ACCOUNT, ASK, BID, SYMBOL, Rig, key_of, limit, market, permit


def test_a_market_order_fills_with_tickets_volume_and_price(rig: Rig) -> None:
    key = key_of("fills")
    outcome = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    assert (outcome.state, outcome.existed, outcome.volume) == (OrderState.FILLED, False, Decimal("0.10"))
    assert outcome.price == ASK
    assert outcome.order_ticket
    assert outcome.deal_ticket
    assert outcome.position_ticket
    assert outcome.broker_at is not None
    assert abs(outcome.broker_at - rig.clock.now()) < timedelta(seconds=30)
    assert rig.opened(key.magic) == 1


def test_the_position_shows_what_was_asked_for(rig: Rig) -> None:
    key = key_of("shows")
    outcome = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    (position,) = rig.gateway.positions(ACCOUNT)
    assert (position.ticket, position.symbol, position.side) == (outcome.position_ticket, SYMBOL, Side.BUY)
    assert (position.volume, position.stop_loss) == (Decimal("0.10"), Decimal("1.05"))
    assert (position.magic, position.comment) == (key.magic, key.comment)


def test_the_same_attempt_twice_gives_one_order(rig: Rig) -> None:
    key = key_of("twice")
    first = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    again = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    assert (again.state, again.existed) == (OrderState.FILLED, True)
    assert (again.position_ticket, again.volume) == (first.position_ticket, first.volume)
    assert rig.opened(key.magic) == 1


def test_another_attempt_after_the_fill_gives_no_second_order(rig: Rig) -> None:
    key = key_of("other-attempt")
    rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    again = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, attempt=2))
    assert (again.state, again.existed) == (OrderState.FILLED, True)
    assert rig.opened(key.magic) == 1


def test_a_refused_order_is_rejected_and_stays_so(rig: Rig) -> None:
    key = key_of("rejected")
    rig.reject()
    first = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    again = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    assert (first.state, first.retcode, first.retry) == (OrderState.REJECTED, 10006, Retry.NEVER)
    assert (again.state, again.existed) == (OrderState.REJECTED, True)
    assert rig.opened(key.magic) == 0


def test_a_requote_may_be_tried_again_as_the_next_attempt(rig: Rig) -> None:
    key = key_of("requote")
    rig.requote()
    first = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    same = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    second = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, attempt=2))
    assert (first.state, first.retry) == (OrderState.NOT_SENT, Retry.AFTER_REPRICE)
    assert same.state is OrderState.NOT_SENT
    assert second.state is OrderState.FILLED
    assert rig.opened(key.magic) == 1


def test_an_older_token_is_refused_and_a_newer_one_is_kept(rig: Rig) -> None:
    first, second = key_of("newer-token"), key_of("older-token")
    rig.gateway.submit(ACCOUNT, market(rig, first), permit(rig, first, token=7))
    with pytest.raises(StaleToken) as refused:
        rig.gateway.submit(ACCOUNT, market(rig, second), permit(rig, second, token=6))
    assert refused.value.newest == 7
    assert rig.gateway.health(ACCOUNT).newest_token == 7
    assert rig.opened(second.magic) == 0


def test_reads_with_an_older_token_are_refused_too(rig: Rig) -> None:
    assert rig.gateway.positions(ACCOUNT, token=5) == ()
    with pytest.raises(StaleToken):
        rig.gateway.positions(ACCOUNT, token=4)
    assert rig.gateway.positions(ACCOUNT) == ()


def test_nothing_is_sent_after_its_time(rig: Rig) -> None:
    key = key_of("too-late")
    outcome = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, valid_s=-1))
    assert (outcome.state, outcome.retry) == (OrderState.NOT_SENT, Retry.AFTER_DELAY)
    assert rig.opened(key.magic) == 0


def test_an_attempt_that_was_not_sent_is_closed_for_ever(rig: Rig) -> None:
    key = key_of("closed")
    rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, valid_s=-1))
    assert rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key)).state is OrderState.NOT_SENT
    second = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key, attempt=2))
    assert second.state is OrderState.FILLED


def test_a_price_worse_than_the_tolerance_is_not_sent(rig: Rig) -> None:
    key = key_of("tolerance")
    asked = replace(market(rig, key), price=ASK, tolerance=Decimal("0.00020"))
    rig.move_to(BID + Decimal("0.00021"), ASK + Decimal("0.00021"))
    outside = rig.gateway.submit(ACCOUNT, asked, permit(rig, key))
    rig.move_to(BID + Decimal("0.00020"), ASK + Decimal("0.00020"))
    at_the_edge = rig.gateway.submit(ACCOUNT, asked, permit(rig, key, attempt=2))
    assert (outside.state, outside.retry) == (OrderState.NOT_SENT, Retry.AFTER_REPRICE)
    assert outside.denial is DenialReason.PRICE_MOVED
    assert at_the_edge.state is OrderState.FILLED


def test_a_better_price_than_asked_for_is_taken(rig: Rig) -> None:
    key = key_of("better")
    asked = replace(market(rig, key), price=ASK, tolerance=Decimal("0.00010"))
    rig.move_to(BID - Decimal("0.01"), ASK - Decimal("0.01"))
    assert rig.gateway.submit(ACCOUNT, asked, permit(rig, key)).state is OrderState.FILLED


def test_another_mode_than_configured_refuses_opens(rig: Rig) -> None:
    key = key_of("mode")
    rig.wrong_mode()
    outcome = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    assert (outcome.state, outcome.denial) == (OrderState.NOT_SENT, DenialReason.MODE_MISMATCH)
    assert rig.opened(key.magic) == 0


def test_clocks_that_differ_refuse_opens(rig: Rig) -> None:
    key = key_of("clocks")
    ahead = replace(
        permit(rig, key),
        sent_at=rig.clock.now() + timedelta(seconds=2),
        not_after=rig.clock.now() + timedelta(seconds=7),
    )
    outcome = rig.gateway.submit(ACCOUNT, market(rig, key), ahead)
    assert (outcome.state, outcome.retry) == (OrderState.NOT_SENT, Retry.AFTER_DELAY)
    assert rig.opened(key.magic) == 0


def test_a_pending_order_rests_until_its_expiration(rig: Rig) -> None:
    key = key_of("pending")
    asked = limit(rig, key)
    outcome = rig.gateway.submit(ACCOUNT, asked, permit(rig, key))
    (resting,) = rig.gateway.orders(ACCOUNT)
    assert (outcome.state, outcome.price) == (OrderState.ACCEPTED, Decimal("1.09000"))
    assert (resting.ticket, resting.entry) == (outcome.order_ticket, Entry.LIMIT.value)
    assert (resting.price, resting.volume_left) == (Decimal("1.09000"), Decimal("0.10"))
    assert resting.expires_at == asked.expires_at
    again = rig.gateway.submit(ACCOUNT, asked, permit(rig, key))
    assert (again.state, again.existed) == (OrderState.ACCEPTED, True)
    assert rig.opened(key.magic) == 1


def test_a_foreign_order_under_the_key_is_a_clash_and_not_ours(rig: Rig) -> None:
    key = key_of("clash")
    rig.foreign_position(key.magic, Side.SELL)
    outcome = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    assert outcome.state is OrderState.IN_DOUBT
    assert "key clash" in outcome.sentence


def test_an_order_at_the_broker_that_fits_is_ours_even_without_a_journal_entry(rig: Rig) -> None:
    key = key_of("fits")
    rig.foreign_position(key.magic, Side.BUY)
    outcome = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    assert (outcome.state, outcome.existed) == (OrderState.FILLED, True)


def test_an_empty_history_is_no_evidence(rig: Rig) -> None:
    first, second = key_of("before"), key_of("after")
    rig.gateway.submit(ACCOUNT, market(rig, first), permit(rig, first))
    rig.empty_history()
    with pytest.raises(Unreachable):
        rig.gateway.positions(ACCOUNT)
    with pytest.raises(Unreachable):
        rig.gateway.submit(ACCOUNT, market(rig, second), permit(rig, second))


def test_an_unknown_symbol_has_no_instrument_and_no_quote(rig: Rig) -> None:
    assert rig.gateway.instrument(ACCOUNT, "NOSUCH") is None
    assert rig.gateway.quote(ACCOUNT, "NOSUCH") is None


def test_readings_of_many_accounts_name_the_failed_ones(rig: Rig) -> None:
    readings = rig.gateway.readings((ACCOUNT, "nobody"))
    mine, other = readings[ACCOUNT], readings["nobody"]
    assert not isinstance(mine, str)
    assert mine.equity == Decimal(10_000)
    assert isinstance(other, str)
    assert "nobody" in other
