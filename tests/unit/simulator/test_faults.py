"""Which call a fault strikes, and how often."""

from typing import Any

import pytest

from mt5fleet.simulator.host.fault_terms import FaultTerms
from mt5fleet.simulator.host.faults import FaultPlan, TooManyFaultsError

NOW_MS = 1_000_000


def _plan(*faults: dict[str, Any], begun: list[str] | None = None) -> FaultPlan:
    noted = [] if begun is None else begun
    plan = FaultPlan("1/faults", lambda terms: noted.append(terms.kind.value))
    plan.add([FaultTerms.model_validate(fault) for fault in faults], NOW_MS)
    return plan


def _ends(plan: FaultPlan, calls: int, login: int = 1, call: str = "order_send") -> list[str | None]:
    strikes = [plan.due(login, call) for _ in range(calls)]
    return [strike.end.kind.value if strike.end else None for strike in strikes]


def test_fault_strikes_after_some_calls_and_then_so_many_times() -> None:
    plan = _plan({"kind": "answer_lost", "after": 1, "count": 2})

    assert _ends(plan, 5) == [None, "answer_lost", "answer_lost", None, None]
    assert plan.fired() == {"answer_lost": 2}
    assert plan.standing() == []


@pytest.mark.parametrize(("login", "call"), [(2, "order_send"), (1, "positions_get")])
def test_fault_leaves_other_accounts_and_calls_alone(login: int, call: str) -> None:
    plan = _plan({"kind": "block", "login": 1})

    assert _ends(plan, 3, login, call) == [None] * 3


def test_star_strikes_every_call() -> None:
    plan = _plan({"kind": "none", "call": "*", "count": None})

    assert _ends(plan, 2, call="positions_get") + _ends(plan, 1) == ["none"] * 3


def test_delays_add_up_and_go_together_with_an_end() -> None:
    plan = _plan(
        {"kind": "latency", "delay_ms": 70, "count": None},
        {"kind": "latency", "delay_ms": 30},
        {"kind": "late_answer", "delay_ms": 9},
        {"kind": "answer_lost"},
    )

    first, second = plan.due(1, "order_send"), plan.due(1, "order_send")

    assert (first.latency_ms, first.late_ms, first.end and first.end.kind) == (100, 9, "answer_lost")
    assert (second.latency_ms, second.late_ms, second.end) == (70, 0, None)


def test_second_end_waits_for_the_next_call() -> None:
    plan = _plan({"kind": "block"}, {"kind": "reject"})

    assert _ends(plan, 3) == ["block", "reject", None]


def test_chance_is_seeded() -> None:
    fault = {"kind": "block", "chance": 0.3, "count": None}

    ends = [_ends(_plan(fault), 200) for _ in range(2)]

    assert ends[0] == ends[1]
    assert 30 < ends[0].count("block") < 90


def test_cleared_account_keeps_the_faults_of_others() -> None:
    plan = _plan({"kind": "block", "login": 1}, {"kind": "block", "login": 2}, {"kind": "block"})

    plan.clear(1)
    assert [terms.login for terms in plan.standing()] == [2, None]

    plan.clear()
    assert plan.standing() == []


def test_plan_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mt5fleet.simulator.host.faults.FAULTS_MAX", 1)
    plan = _plan({"kind": "block"})

    with pytest.raises(TooManyFaultsError, match="at most 1"):
        plan.add([FaultTerms.model_validate({"kind": "block"})], NOW_MS)


def test_lagging_account_shows_positions_then_history_then_deals(desk: Any) -> None:
    desk.broker.add_fault(FaultTerms.model_validate({"kind": "visibility_lag", "delay_ms": 300}))
    desk.opened()

    shown = []
    for _ in range(4):
        book = desk.broker.shown(desk.login)
        shown.append((len(book.positions), len(book.history), len(book.deals) - 1))
        desk.step_ms(100)

    assert shown == [(0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1)]
    assert len(desk.book.positions) == 1


def test_lag_set_to_zero_shows_everything_at_once(desk: Any) -> None:
    desk.broker.add_fault(FaultTerms.model_validate({"kind": "visibility_lag", "delay_ms": 300}))
    desk.opened()

    desk.broker.add_fault(
        FaultTerms.model_validate({"kind": "visibility_lag", "delay_ms": 0, "login": desk.login})
    )

    assert len(desk.broker.shown(desk.login).deals) == 2
