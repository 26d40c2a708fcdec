from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5fleet.domain.account import Limits
from mt5fleet.domain.broker import DealEntry
from mt5fleet.domain.drawdown import (
    Flow,
    drawdown_percent,
    drawdown_reached,
    explained_flow,
    first_memory,
    floor_of,
    flow_by_time,
    reached,
    remembered,
    without_flow,
)
from mt5fleet.domain.guards import Breached, Healthy, judge, why_blind
from mt5fleet.domain.retry import backoff_ms
from mt5fleet.domain.risk import modify_adds_risk
from mt5fleet.domain.signal import Modify, Removal, Side
from mt5fleet.testing.builders import START, make_deal, make_memory, make_position, make_reading

NO_FLOW = Flow(amount=Decimal(0), last_deal=0)
money = st.decimals("1", "1000000", places=2)


def after(path: tuple[str, ...]) -> Healthy | Breached:
    """The verdict at the end of an equity path."""
    memory = first_memory(make_reading(path[0]), ())
    for equity in path[1:]:
        memory = remembered(memory, make_reading(equity), NO_FLOW)
    return judge(make_reading(path[-1]), memory, Limits())


@pytest.mark.parametrize(
    ("path", "breached"),
    [
        (("10000",), False),
        (("10000", "8000.01"), False),
        (("10000", "8000"), True),
        (("10000", "12000", "9600.01"), False),
        (("10000", "12000", "9600"), True),
        (("10000", "12000", "9599"), True),
        (("10000", "12000", "10000", "12000"), False),
    ],
)
def test_drawdown_from_the_peak_breaches_exactly_when_reached(path: tuple[str, ...], breached: bool) -> None:
    assert isinstance(after(path), Breached) is breached


@pytest.mark.parametrize(("equity", "breached"), [("5000.01", False), ("5000", True)])
def test_floor_breaches_exactly_when_reached(equity: str, breached: bool) -> None:
    limits = Limits(drawdown_percent_max=Decimal(100))

    verdict = judge(make_reading(equity), make_memory(), limits)

    assert isinstance(verdict, Breached) is breached


def test_owners_floor_replaces_the_half() -> None:
    assert floor_of(Limits(equity_floor=Decimal(9000)), make_memory()) == 9000
    assert floor_of(Limits(), make_memory(first_balance="3000")) == 1500


def test_account_seen_first_with_a_floating_loss_is_not_in_breach() -> None:
    seen = make_reading(equity="7000", balance="10000")

    assert isinstance(judge(seen, first_memory(seen, ()), Limits()), Healthy)


@pytest.mark.parametrize("field", ["equity", "balance", "margin", "margin_free"])
@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_reading_that_is_no_number_is_blind(field: str, value: str) -> None:
    reading = replace(make_reading(), **{field: Decimal(value)})

    assert why_blind(reading, START, Decimal(10)) is not None


@pytest.mark.parametrize(("equity", "balance"), [("0", "10"), ("-1", "10"), ("10", "-1")])
def test_reading_of_no_open_account_is_blind(equity: str, balance: str) -> None:
    assert why_blind(make_reading(equity, balance), START, Decimal(10)) is not None


@pytest.mark.parametrize(("age_s", "blind"), [(10, False), (10.1, True), (-5, False), (-5.1, True)])
def test_reading_is_blind_past_its_age_and_ahead_of_the_clock(age_s: float, blind: bool) -> None:
    now = START + timedelta(seconds=age_s)

    assert (why_blind(make_reading(), now, Decimal(10)) is not None) is blind


@given(peak=money, equity=money, amount=st.decimals("-900000", "900000", places=2))
def test_cash_flow_moves_no_drawdown(peak: Decimal, equity: Decimal, amount: Decimal) -> None:
    peak = max(peak, equity)
    if equity + amount < 1:
        return

    moved = without_flow(peak, equity + amount, amount)

    before, behind = drawdown_percent(peak, equity), drawdown_percent(moved, equity + amount)
    assert abs(before - behind) <= Decimal("0.02")


@given(peak=money, equity=money, percent=st.decimals("0.1", "100", places=1))
def test_exact_comparison_agrees_with_the_percentage_shown(
    peak: Decimal, equity: Decimal, percent: Decimal
) -> None:
    shown = drawdown_percent(peak, equity)

    if abs(shown - percent) > Decimal("0.001"):
        assert drawdown_reached(peak, equity, percent) is reached(shown, percent)


def test_flow_is_the_oldest_run_of_deals_that_explains_the_balance() -> None:
    memory = make_memory()
    trade = make_deal(1, "50", entry=DealEntry.OUT)
    deposit, later = make_deal(2, "500"), make_deal(3, "1000")
    reading = make_reading("10550", "10550")

    flow = explained_flow(memory, reading, (later, deposit, trade))

    assert flow == Flow(amount=Decimal(500), last_deal=2)


def test_deals_accounted_for_are_not_counted_again() -> None:
    memory = replace(make_memory(), last_deal=2)

    assert explained_flow(memory, make_reading(), (make_deal(2, "500"),)) == Flow(
        amount=Decimal(0), last_deal=2
    )


def test_deals_that_do_not_add_up_explain_nothing() -> None:
    assert explained_flow(make_memory(), make_reading(balance="9000"), (make_deal(1, "-1"),)) is None


@pytest.mark.parametrize(("balance", "explained"), [("10010.01", True), ("10010.02", False)])
def test_each_deal_may_be_off_by_the_brokers_rounding(balance: str, explained: bool) -> None:
    deals = (make_deal(1, "10.004", entry=DealEntry.OUT),)

    flow = explained_flow(make_memory(), make_reading(balance, balance), deals)

    assert (flow is not None) is explained


@pytest.mark.parametrize(("balance", "unit_deals_off"), [("100000", "1"), ("100.00000000", "0.00000001")])
def test_rounding_allowed_is_the_smallest_unit_of_the_currency(balance: str, unit_deals_off: str) -> None:
    """A deposit below a cent of a currency with eight digits is no rounding; a yen in a yen account is."""
    memory = first_memory(make_reading(balance, balance), ())
    loss, deposit = Decimal("-2") * Decimal(unit_deals_off), Decimal("4") * Decimal(unit_deals_off)
    shown = make_reading(balance, str(Decimal(balance) + loss + Decimal(unit_deals_off)))
    deals = (make_deal(1, str(loss), entry=DealEntry.OUT), make_deal(2, str(deposit)))

    assert explained_flow(memory, shown, deals) == Flow(amount=Decimal(0), last_deal=1)


@pytest.mark.parametrize("credit", ["3000", "-3000"])
def test_credit_given_or_taken_back_moves_no_drawdown(credit: str) -> None:
    """A broker that takes a bonus back takes its own money: no loss."""
    given = max(-Decimal(credit), Decimal(0))
    seen = replace(make_reading("13000"), credit=given, equity=Decimal(10_000) + given)
    memory = first_memory(seen, ())
    now = replace(seen, credit=seen.credit + Decimal(credit), equity=seen.equity + Decimal(credit))

    later = remembered(memory, now, NO_FLOW)

    assert drawdown_percent(later.peak_equity, now.equity) == 0
    assert later.cash_flow_total == Decimal(credit)


def test_credit_beside_the_balance_explains_no_change_of_it() -> None:
    memory = first_memory(make_reading(), ())
    deals = (make_deal(1, "3000", entry=DealEntry.CREDIT), make_deal(2, "-100", entry=DealEntry.OUT))

    assert explained_flow(memory, make_reading("9900", "9900"), deals) == Flow(amount=Decimal(0), last_deal=2)


def test_cost_of_trading_is_a_loss_and_no_withdrawal() -> None:
    memory = first_memory(make_reading(), ())
    now = make_reading("7900", "7900")
    flow = explained_flow(memory, now, (make_deal(1, "-2100", entry=DealEntry.COST),))

    assert flow == Flow(amount=Decimal(0), last_deal=1)
    assert isinstance(judge(now, remembered(memory, now, flow), Limits()), Breached)


def test_deposit_into_an_account_that_lost_everything_hides_no_loss() -> None:
    memory = first_memory(make_reading("1000", "1000"), ())
    now = make_reading("4500", "6000")  # 5000 put in, 1500 lost: more than there was

    later = remembered(memory, now, Flow(amount=Decimal(5000), last_deal=1))

    assert isinstance(judge(now, later, Limits()), Breached)


def test_flow_by_time_takes_what_lies_between_the_readings() -> None:
    at = START + timedelta(seconds=5)
    reading = make_reading(at=at)
    behind = at + timedelta(seconds=1)
    deals = (make_deal(1, "7"), make_deal(2, "-300", at=at), make_deal(3, "9", at=behind))

    flow = flow_by_time(make_memory(), reading, deals)

    assert flow == Flow(amount=Decimal(-300), last_deal=2)


@pytest.mark.parametrize(
    ("side", "now", "wanted", "adds"),
    [
        (Side.BUY, "1.09", Decimal("1.08"), True),
        (Side.BUY, "1.09", Decimal("1.095"), False),
        (Side.SELL, "1.11", Decimal("1.12"), True),
        (Side.SELL, "1.11", Decimal("1.105"), False),
        (Side.BUY, "1.09", Removal.REMOVE, True),
        (Side.BUY, None, Removal.REMOVE, False),
        (Side.BUY, None, Decimal("1.08"), False),
    ],
)
def test_wider_or_missing_stop_adds_risk(
    side: Side, now: str | None, wanted: Decimal | Removal, adds: bool
) -> None:
    change = Modify(opening_id="S1", stop_loss=wanted)

    assert modify_adds_risk(change, (make_position(side, stop_loss=now),)) is adds


def test_moved_entry_and_unseen_position_add_risk_and_a_target_never_does() -> None:
    assert modify_adds_risk(Modify(opening_id="S1", price=Decimal(1)), ())
    assert modify_adds_risk(Modify(opening_id="S1", stop_loss=Decimal(1)), ())
    assert not modify_adds_risk(Modify(opening_id="S1", take_profit=Decimal(1)), ())


@pytest.mark.parametrize(
    ("failed", "jitter", "expected"), [(0, 0, 100), (1, 0, 100), (2, 0, 200), (9, 0, 1000), (99, 0.5, 750)]
)
def test_backoff_doubles_up_to_its_limit(failed: int, jitter: float, expected: int) -> None:
    assert backoff_ms(failed, base_ms=100, max_ms=1000, jitter=jitter) == expected
