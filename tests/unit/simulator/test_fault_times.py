"""Faults that are planned, that stand for a time, that repeat, and that hold without a call."""

from typing import Any

import pytest
from pydantic import ValidationError

from mt5fleet.simulator.codes import OrderType
from mt5fleet.simulator.host.control import command
from mt5fleet.simulator.host.fault_terms import FaultTerms
from mt5fleet.simulator.host.faults import FaultPlan

NOW_MS = 1_000_000


def _terms(**fault: Any) -> FaultTerms:
    return FaultTerms.model_validate(fault)


def _plan(*faults: FaultTerms) -> tuple[FaultPlan, list[str]]:
    begun: list[str] = []
    plan = FaultPlan("1/faults", lambda terms: begun.append(terms.kind.value))
    plan.add(faults, NOW_MS)
    return plan, begun


def _end(plan: FaultPlan, login: int = 1) -> str | None:
    end = plan.due(login, "order_send").end
    return None if end is None else end.kind.value


def test_planned_fault_strikes_only_from_its_time_on() -> None:
    plan, _ = _plan(_terms(kind="reject", at_s=5))
    assert [terms.at_s for terms in plan.planned()] == [5]

    plan.advance(NOW_MS + 4_999)
    early = _end(plan)
    plan.advance(NOW_MS + 5_000)

    assert (early, _end(plan), plan.planned()) == (None, "reject", [])


def test_fault_told_for_a_time_strikes_every_call_until_it_is_over() -> None:
    plan, _ = _plan(_terms(kind="off_quotes", for_s=2))

    during = [_end(plan) for _ in range(3)]
    plan.advance(NOW_MS + 2_000)

    assert (during, _end(plan)) == (["off_quotes"] * 3, None)


def test_repeated_fault_comes_so_often_and_so_far_apart() -> None:
    plan, begun = _plan(_terms(kind="disconnect", lasts_ms=1, at_s=1, every_s=10, times=3))
    counts = []
    for second in (0, 1, 10, 11, 21, 31, 100):
        plan.advance(NOW_MS + second * 1_000)
        counts.append(len(begun))

    assert counts == [0, 1, 1, 2, 3, 3, 3]
    assert plan.fired() == {"disconnect": 3}


def test_fault_without_a_call_begins_at_once() -> None:
    _, begun = _plan(_terms(kind="server_offset", shift_ms=3_600_000))

    assert begun == ["server_offset"]


def test_chance_of_one_fault_does_not_move_with_other_accounts_calls() -> None:
    fault = _terms(kind="block", login=1, chance=0.5, count=0)
    alone, _ = _plan(fault)
    busy, _ = _plan(fault, _terms(kind="reject", login=2, chance=0.5, count=0))

    ends = []
    for _ in range(100):
        _end(busy, login=2)
        ends.append(_end(busy))

    assert ends == [_end(alone) for _ in range(100)]
    assert {None, "block"} == set(ends)


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"kind": "disconnect"}, "lasts_ms"),
        ({"kind": "terminal_restart"}, "lasts_ms"),
        ({"kind": "empty_lists"}, "lasts_ms"),
        ({"kind": "server_offset"}, "shift_ms"),
        ({"kind": "server_offset", "shift_ms": 5, "login": 1}, "login"),
        ({"kind": "partial_fill", "share": 1}, "share"),
        ({"kind": "off_quotes", "call": "positions_get"}, "call"),
        ({"kind": "block", "call": ""}, "call"),
        ({"kind": "block", "times": 2}, "every_s"),
    ],
)
def test_fault_that_does_not_fit_its_kind_names_the_field(fault: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError, match=field):
        FaultTerms.model_validate(fault)


def test_terms_survive_the_way_through_json() -> None:
    for fault in (
        _terms(kind="disconnect", lasts_ms=5, login=1),
        _terms(kind="partial_fill", share="0.25", count=0),
        _terms(kind="reject", for_s=3, at_s=1, every_s=9, times=2),
        _terms(kind="empty_lists", lasts_ms=9, lists=["positions"]),
    ):
        assert FaultTerms.model_validate(fault.model_dump(mode="json")) == fault


def _add(desk: Any, **fault: Any) -> None:
    desk.broker.add_fault(_terms(**fault))


def test_disconnected_terminal_is_refused_and_shows_what_it_knew(desk: Any) -> None:
    held = desk.opened()
    _add(desk, kind="disconnect", lasts_ms=5_000, login=desk.login)
    desk.broker.deposit(desk.login, desk.book.balance)

    refused = desk.market(OrderType.BUY)
    shown = desk.broker.shown(desk.login)
    during = (refused.retcode.value, list(shown.positions), len(shown.deals))
    outage = desk.broker.outages.of(desk.login)
    desk.quote("1.20000", "1.20010")
    desk.step_ms(5_000)

    assert during == (10031, [held], 2)
    assert str(outage.quotes["EURUSD"].bid) == "1.10000"
    assert desk.broker.outages.of(desk.login) is None
    assert len(desk.broker.shown(desk.login).deals) == 3
    assert desk.market(OrderType.BUY).retcode == 10009


def test_lag_that_stood_before_a_disconnect_stands_after_it(desk: Any) -> None:
    _add(desk, kind="visibility_lag", delay_ms=300)
    _add(desk, kind="disconnect", lasts_ms=1_000)
    desk.step_ms(1_000)

    desk.opened()
    assert len(desk.broker.shown(desk.login).positions) == 0
    desk.step_ms(100)
    assert len(desk.broker.shown(desk.login).positions) == 1


def test_server_clock_is_off_for_a_while(desk: Any) -> None:
    before = desk.broker.market.server_ms()
    _add(desk, kind="server_offset", shift_ms=-3_600_000, lasts_ms=2_000)

    desk.opened()
    deal = list(desk.book.deals.values())[-1]
    desk.step_ms(2_000)

    assert deal.time_ms == before - 3_600_000
    assert desk.broker.market.server_ms() == before + 2_000


def test_clearing_ends_what_holds(desk: Any) -> None:
    _add(desk, kind="disconnect", lasts_ms=60_000)
    _add(desk, kind="server_offset", shift_ms=900_000)
    _add(desk, kind="reject", at_s=100)
    before = desk.broker.market.server_ms()

    command(desk.broker, "clear_faults", {})

    assert desk.broker.market.server_ms() == before - 900_000
    assert desk.market(OrderType.BUY).retcode == 10009
    assert command(desk.broker, "faults", {})["planned"] == []


def test_script_with_an_unknown_account_changes_nothing(desk: Any) -> None:
    script = [{"kind": "reject"}, {"kind": "reject", "login": 77}]

    with pytest.raises(Exception, match="no account 77"):
        command(desk.broker, "fault_script", {"faults": script})

    assert command(desk.broker, "faults", {})["standing"] == []
