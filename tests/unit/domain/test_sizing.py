from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5fleet.domain.denial import Denial, DenialReason
from mt5fleet.domain.signal import Size, SizeRule
from mt5fleet.domain.sizing import Plan, SizeFacts, floor_to_step, part_volume, plan
from mt5fleet.testing.fake_broker import fake_instrument

EURUSD = fake_instrument("EURUSD")
WHOLE = (Decimal(1),)


def facts(
    *, equity: str = "10000", stop_loss: str | None = "1.09000", base: str | None = "0.10"
) -> SizeFacts:
    return SizeFacts(
        entry=Decimal("1.10000"),
        stop_loss=None if stop_loss is None else Decimal(stop_loss),
        equity=Decimal(equity),
        base_lots=None if base is None else Decimal(base),
    )


def volumes(size: Size, *shares: str, given_facts: SizeFacts | None = None) -> list[str]:
    agreed = plan(size, tuple(Decimal(share) for share in shares), given_facts or facts(), EURUSD)
    assert isinstance(agreed, Plan)
    return [str(volume.normalize()) for volume in agreed.volumes]


def lots(value: str) -> Size:
    return Size(rule=SizeRule.LOTS, value=Decimal(value))


def denied(result: Plan | Decimal | Denial) -> DenialReason:
    assert isinstance(result, Denial)
    return result.reason


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (lots("0.10"), "0.1"),
        (lots("0.199"), "0.19"),
        (Size(rule=SizeRule.MULTIPLIER, value=Decimal("2.55")), "0.25"),
        # 1 % of 10,000 is 100; 1,000 ticks of 1.00 a lot are 1,000: 0.1 lots
        (Size(rule=SizeRule.RISK_PERCENT, value=Decimal(1)), "0.1"),
        (Size(rule=SizeRule.RISK_PERCENT, value=Decimal("1.99")), "0.19"),
    ],
)
def test_lots_follow_the_rule_and_are_rounded_down(size: Size, expected: str) -> None:
    assert volumes(size, "1") == [expected]


@pytest.mark.parametrize(
    ("size", "given_facts", "missing"),
    [
        (Size(rule=SizeRule.RISK_PERCENT, value=Decimal(1)), facts(stop_loss=None), "open.stop_loss"),
        (Size(rule=SizeRule.RISK_PERCENT, value=Decimal(1)), facts(stop_loss="1.1"), "instrument.tick_value"),
        (Size(rule=SizeRule.MULTIPLIER, value=Decimal(1)), facts(base=None), "account.base_lots"),
    ],
)
def test_rule_without_its_number_is_denied(size: Size, given_facts: SizeFacts, missing: str) -> None:
    result = plan(size, WHOLE, given_facts, EURUSD)

    assert denied(result) is DenialReason.SIZE_UNKNOWN
    assert isinstance(result, Denial)
    assert result.numbers == {"missing": missing}


def test_volume_below_the_smallest_lot_is_never_rounded_up() -> None:
    assert denied(plan(lots("0.0099"), WHOLE, facts(), EURUSD)) is DenialReason.VOLUME_BELOW_MIN


@pytest.mark.parametrize(
    ("total", "shares", "expected"),
    [
        ("0.10", ("0.5", "0.5"), ["0.05", "0.05"]),
        ("0.10", ("0.33", "0.33", "0.34"), ["0.03", "0.03", "0.04"]),
        ("0.03", ("0.2", "0.3", "0.5"), ["0", "0.01", "0.02"]),
        ("0.02", ("0.4", "0.3", "0.3"), ["0", "0.01", "0.01"]),
        ("0.01", ("0.5", "0.5"), ["0", "0.01"]),
        ("0.02", ("0.75", "0.25"), ["0.01", "0.01"]),
        ("0.01", ("0.999", "0.001"), ["0", "0.01"]),
    ],
)
def test_small_shares_are_merged_into_the_following_part(
    total: str, shares: tuple[str, ...], expected: list[str]
) -> None:
    assert volumes(lots(total), *shares) == expected


def test_merged_part_says_who_took_its_volume() -> None:
    agreed = plan(lots("0.01"), (Decimal("0.5"), Decimal("0.3"), Decimal("0.2")), facts(), EURUSD)
    assert isinstance(agreed, Plan)

    result = part_volume(agreed, 0)

    assert denied(result) is DenialReason.PART_MERGED
    assert isinstance(result, Denial)
    assert result.numbers["merged_into"] == "2"


@given(
    total=st.decimals("0.01", "50", places=3),
    cuts=st.lists(st.integers(1, 99), max_size=4, unique=True),
    volume_min=st.sampled_from(["0.01", "0.02", "0.10"]),
)
def test_parts_add_up_to_the_rounded_total_and_each_can_be_traded(
    total: Decimal, cuts: list[int], volume_min: str
) -> None:
    rules = replace(EURUSD, volume_min=Decimal(volume_min))
    edges = [0, *sorted(cuts), 100]
    shares = tuple(Decimal(high - low) / 100 for low, high in pairwise(edges))

    agreed = plan(lots(str(total)), shares, facts(), rules)

    if isinstance(agreed, Denial):
        assert floor_to_step(total, rules.volume_step) < rules.volume_min
        return
    assert sum(agreed.volumes) == floor_to_step(total, rules.volume_step)
    for volume, merged in zip(agreed.volumes, agreed.merged_into, strict=True):
        assert (volume == 0) == (merged is not None)
        assert volume == 0 or (volume >= rules.volume_min and volume % rules.volume_step == 0)
        assert merged is None or agreed.volumes[merged] > 0
