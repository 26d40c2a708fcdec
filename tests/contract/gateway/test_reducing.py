from decimal import Decimal

from mt5fleet.domain.ids import OrderKey
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, Outcome
from mt5fleet.domain.signal import Removal
from tests.contract.gateway.rigs import ACCOUNT, Rig, eventually, key_of, limit, market, permit


def close_of(opening: OrderKey, remaining: str) -> CloseOrder:
    return CloseOrder(
        opening_key=opening.text, opening_magic=opening.magic, ticket=None, remaining=Decimal(remaining)
    )


def modify_of(opening: OrderKey, **levels: Decimal | Removal) -> ModifyOrder:
    named = {"stop_loss": None, "take_profit": None, "price": None, **levels}
    return ModifyOrder(opening_key=opening.text, opening_magic=opening.magic, ticket=None, **named)  # type: ignore[arg-type]  # a table of optional fields


def opened(rig: Rig, name: str) -> OrderKey:
    key = key_of(name)
    assert rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key)).state is OrderState.FILLED
    return key


def rested(rig: Rig, name: str) -> OrderKey:
    key = key_of(name)
    assert rig.gateway.submit(ACCOUNT, limit(rig, key), permit(rig, key)).state is OrderState.ACCEPTED
    return key


def test_a_close_is_filled_and_repeats_as_existing(rig: Rig) -> None:
    opening, key = opened(rig, "whole"), key_of("close-whole")
    first = rig.gateway.close(ACCOUNT, close_of(opening, "0"), permit(rig, key))
    again = rig.gateway.close(ACCOUNT, close_of(opening, "0"), permit(rig, key))
    assert (first.state, first.volume, first.existed) == (OrderState.FILLED, Decimal("0.10"), False)
    assert first.deal_ticket
    assert (again.state, again.existed) == (OrderState.FILLED, True)
    assert rig.gateway.positions(ACCOUNT) == ()


def test_another_close_of_a_closed_position_is_applied(rig: Rig) -> None:
    opening = opened(rig, "closed-already")
    rig.gateway.close(ACCOUNT, close_of(opening, "0"), permit(rig, key_of("close-a")))
    key = key_of("close-b")
    tries = iter(range(1, 100))
    again = eventually(
        rig,
        lambda: rig.gateway.close(ACCOUNT, close_of(opening, "0"), permit(rig, key, attempt=next(tries))),
        lambda outcome: outcome.state is OrderState.APPLIED,
    )
    assert again.existed


def test_a_partial_close_reaches_its_goal_once(rig: Rig) -> None:
    opening = opened(rig, "partial")
    first = rig.gateway.close(ACCOUNT, close_of(opening, "0.04"), permit(rig, key_of("part-1")))
    second = rig.gateway.close(ACCOUNT, close_of(opening, "0.04"), permit(rig, key_of("part-2")))
    (position,) = rig.gateway.positions(ACCOUNT)
    assert (first.state, first.volume) == (OrderState.FILLED, Decimal("0.06"))
    assert second.state is OrderState.APPLIED
    assert position.volume == Decimal("0.04")


def test_a_goal_above_the_position_closes_nothing(rig: Rig) -> None:
    opening = opened(rig, "goal-above")
    outcome = rig.gateway.close(ACCOUNT, close_of(opening, "0.50"), permit(rig, key_of("too-much")))
    assert outcome.state is OrderState.APPLIED
    assert rig.gateway.positions(ACCOUNT)[0].volume == Decimal("0.10")


def test_a_close_by_ticket_works_without_a_key(rig: Rig) -> None:
    opened(rig, "by-ticket")
    ticket = rig.gateway.positions(ACCOUNT)[0].ticket
    order = CloseOrder(opening_key=None, opening_magic=None, ticket=ticket, remaining=Decimal(0))
    assert rig.gateway.close(ACCOUNT, order, permit(rig, key_of("flatten"))).state is OrderState.FILLED
    assert rig.gateway.positions(ACCOUNT) == ()


def test_levels_are_set_and_repeat_as_applied(rig: Rig) -> None:
    opening = opened(rig, "levels")
    order = modify_of(opening, stop_loss=Decimal("1.08"), take_profit=Decimal("1.20"))
    first = rig.gateway.modify(ACCOUNT, order, permit(rig, key_of("modify-1")))
    again = rig.gateway.modify(ACCOUNT, order, permit(rig, key_of("modify-2")))
    (position,) = rig.gateway.positions(ACCOUNT)
    assert (first.state, first.existed) == (OrderState.APPLIED, False)
    assert (again.state, again.existed) == (OrderState.APPLIED, True)
    assert (position.stop_loss, position.take_profit) == (Decimal("1.08"), Decimal("1.20"))


def test_a_removed_stop_leaves_the_target(rig: Rig) -> None:
    opening = opened(rig, "remove")
    rig.gateway.modify(ACCOUNT, modify_of(opening, take_profit=Decimal("1.20")), permit(rig, key_of("m-1")))
    rig.gateway.modify(ACCOUNT, modify_of(opening, stop_loss=Removal.REMOVE), permit(rig, key_of("m-2")))
    (position,) = rig.gateway.positions(ACCOUNT)
    assert (position.stop_loss, position.take_profit) == (None, Decimal("1.20"))


def test_a_resting_order_is_moved(rig: Rig) -> None:
    opening = rested(rig, "moved")
    order = modify_of(opening, price=Decimal("1.08500"))
    assert rig.gateway.modify(ACCOUNT, order, permit(rig, key_of("move"))).state is OrderState.APPLIED
    (resting,) = rig.gateway.orders(ACCOUNT)
    assert (resting.price, resting.stop_loss) == (Decimal("1.08500"), Decimal("1.05"))
    assert resting.expires_at is not None


def test_a_cancel_takes_the_order_away_and_repeats_as_applied(rig: Rig) -> None:
    opening = rested(rig, "withdrawn")
    order = CancelOrder(opening_key=opening.text, opening_magic=opening.magic, ticket=None)
    first = rig.gateway.cancel(ACCOUNT, order, permit(rig, key_of("cancel-1")))
    again = rig.gateway.cancel(ACCOUNT, order, permit(rig, key_of("cancel-2")))
    assert (first.state, first.existed) == (OrderState.APPLIED, False)
    assert (again.state, again.existed) == (OrderState.APPLIED, True)
    assert rig.gateway.orders(ACCOUNT) == ()


def test_a_cancelled_order_is_not_placed_again_by_a_replay(rig: Rig) -> None:
    opening = rested(rig, "replayed")
    order = CancelOrder(opening_key=opening.text, opening_magic=opening.magic, ticket=None)
    rig.gateway.cancel(ACCOUNT, order, permit(rig, key_of("cancel-3")))
    replay = rig.gateway.submit(ACCOUNT, limit(rig, opening), permit(rig, opening, attempt=2))
    assert (replay.state, replay.existed) == (OrderState.CANCELED, True)
    assert rig.gateway.orders(ACCOUNT) == ()


def test_the_latch_refuses_opens_and_lets_closes_go(rig: Rig) -> None:
    opening, refused = opened(rig, "before-the-halt"), key_of("after-the-halt")
    rig.gateway.latch(ACCOUNT, 3, "drawdown 20.1 percent")
    rig.gateway.latch(ACCOUNT, 3, "drawdown 20.1 percent")
    outcome = rig.gateway.submit(ACCOUNT, market(rig, refused), permit(rig, refused, token=9))
    assert outcome.state is OrderState.NOT_SENT
    assert outcome.denial == "halted"
    assert rig.opened(refused.magic) == 0
    closed: Outcome = rig.gateway.close(ACCOUNT, close_of(opening, "0"), permit(rig, key_of("out"), token=9))
    assert closed.state is OrderState.FILLED
    assert rig.gateway.health(ACCOUNT).latched
