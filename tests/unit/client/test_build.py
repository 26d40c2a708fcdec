from datetime import timedelta
from decimal import Decimal

import pytest

from mt5fleet.client.build import OPEN_VALID_S, REDUCE_VALID_S
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.signal import Cancel, Close, Entry, Modify, Removal, Side, SizeRule, TakeProfit
from tests.unit.client.conftest import World


def test_opening_has_a_new_id_a_short_life_and_the_producers_approval(world: World) -> None:
    one, two = world.opening(), world.opening()

    assert one.id != two.id
    assert one.created_at == world.clock.now()
    assert one.valid_until - one.created_at == timedelta(seconds=OPEN_VALID_S)
    assert (one.producer, one.approval.by, one.approval.at) == ("desk", "desk", one.created_at)


def test_every_field_of_an_opening_arrives(world: World) -> None:
    signal = world.client.open(
        "XAUUSD",
        "sell",
        accounts=["a"],
        groups=["g"],
        risk_percent=1,
        stop_loss=Decimal("2010.5"),
        take_profits=[("1990", "0.6"), (None, "0.4")],
        entry="limit",
        price="2000",
        tolerance="0.5",
        valid_for_s=5,
        approved_by="ann",
        tags={"k": "v"},
        signal_id="own-1",
    )

    opening = signal.instruction
    assert (signal.id, signal.approval.by, signal.tags) == ("own-1", "ann", {"k": "v"})
    assert (signal.targets.accounts, signal.targets.groups) == (("a",), ("g",))
    assert (opening.symbol, opening.side, opening.entry) == ("XAUUSD", Side.SELL, Entry.LIMIT)
    assert (opening.price, opening.tolerance, opening.stop_loss) == (2000, Decimal("0.5"), Decimal("2010.5"))
    assert (opening.size.rule, opening.size.value) == (SizeRule.RISK_PERCENT, 1)
    assert opening.take_profits == (
        TakeProfit(price=Decimal(1990), share=Decimal("0.6")),
        TakeProfit(price=None, share=Decimal("0.4")),
    )


def test_other_verbs_name_the_opening_and_live_as_long_as_their_risk_allows(world: World) -> None:
    close = world.client.close("S", share="0.5")
    modify = world.client.modify("S", stop_loss="remove", take_profit="1.2")
    cancel = world.client.cancel_order("S", accounts=["a"])

    assert close.instruction == Close(opening_id="S", share=Decimal("0.5"))
    assert modify.instruction == Modify(opening_id="S", stop_loss=Removal.REMOVE, take_profit=Decimal("1.2"))
    assert cancel.instruction == Cancel(opening_id="S")
    assert close.valid_until - close.created_at == timedelta(seconds=REDUCE_VALID_S)
    assert modify.valid_until - modify.created_at == timedelta(seconds=OPEN_VALID_S)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lots": 0.1}, "open.size"),
        ({"lots": True}, "open.size"),
        ({"lots": "many"}, "open.size"),
        ({"lots": "NaN"}, "size.value"),
        ({"multiplier": 2}, "open.size"),
        ({"lots": None}, "open.size"),
        ({"take_profit": 1.1}, "open.take_profit"),
        ({"take_profit": "1.1", "take_profits": [("1.2", 1)]}, "open.take_profits"),
        ({"entry": "limit"}, "open.price"),
        ({"entry": "later"}, "open.entry"),
        ({"groups": []}, "targets"),
        ({"groups": "all"}, "targets.groups"),
        ({"valid_for_s": 0}, "valid_for_s"),
        ({"valid_for_s": float("nan")}, "valid_for_s"),
    ],
)
def test_wrong_argument_is_refused_with_its_field(
    world: World, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidValue) as refused:
        world.opening(**changes)

    assert refused.value.field.startswith(field)


def test_unknown_side_is_refused_with_the_known_ones(world: World) -> None:
    with pytest.raises(InvalidValue, match="buy, sell"):
        world.client.open("EURUSD", "long", groups=["all"], lots=1)
