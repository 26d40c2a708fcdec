"""The dry run over a scripted module: its answers and its silences."""

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from mt5fleet.adapters.mt5.retcodes import RETCODES
from mt5fleet.domain.errors import Unreachable, ValueRefused
from mt5fleet.domain.signal import Entry
from tests.unit.mt5 import rows
from tests.unit.mt5.desk import Desk


def answered(**changes: Any) -> Any:
    fields = {"retcode": 0, "margin": 110.0, "margin_free": 9890.0, "comment": "Done"}
    return SimpleNamespace(**{**fields, **changes})


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.module.on_check = answered
    return made


def test_zero_means_that_it_passed(desk: Desk) -> None:
    check = desk.gateway.check("a", desk.order())
    assert (check.passed, check.retcode) == (True, 0)
    assert (check.margin, check.margin_free) == (Decimal("110.00"), Decimal("9890.00"))


@pytest.mark.parametrize("retcode", [*RETCODES, 10009, 77])
def test_every_other_code_is_a_refusal_in_words(desk: Desk, retcode: int) -> None:
    desk.module.on_check = lambda: answered(retcode=retcode, comment="No money")
    check = desk.gateway.check("a", desk.order())
    assert (check.passed, check.retcode) == (False, retcode)
    assert "'No money'" in check.sentence


def test_what_is_checked_is_what_would_be_sent_and_nothing_is_sent(desk: Desk) -> None:
    desk.gateway.check("a", desk.order())
    desk.module.on_send = lambda: None
    desk.submit()
    assert desk.module.checked == desk.module.sent


def test_a_resting_order_is_checked_as_one(desk: Desk) -> None:
    desk.gateway.check("a", replace(desk.order(), entry=Entry.LIMIT, price=Decimal("1.09")))
    (request,) = desk.module.checked
    assert (request["action"], request["type"], request["price"]) == (5, 2, 1.09)
    assert desk.module.sent == []


@pytest.mark.parametrize("error", [(-2, 'Invalid "volume" argument'), (-10004, "No IPC connection")])
def test_no_answer_is_an_error_with_the_terminals_reason(desk: Desk, error: tuple[int, str]) -> None:
    desk.module.on_check, desk.module.error = (lambda: None), error
    with pytest.raises(Unreachable) as refused:
        desk.gateway.check("a", desk.order())
    assert str(error[0]) in str(refused.value)
    assert error[1] in str(refused.value)


@pytest.mark.parametrize("field", ["margin", "margin_free"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_margin_that_is_no_number_is_no_answer(desk: Desk, field: str, value: float) -> None:
    desk.module.on_check = lambda: answered(**{field: value})
    with pytest.raises(Unreachable, match="not a number"):
        desk.gateway.check("a", desk.order())


def test_an_unknown_symbol_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.module, "symbol_info", lambda _: None)
    with pytest.raises(ValueRefused, match=r"order\.symbol"):
        desk.gateway.check("a", desk.order())


def test_a_symbol_without_a_price_is_not_checked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.module, "symbol_info_tick", lambda _: None)
    with pytest.raises(Unreachable, match="no price"):
        desk.gateway.check("a", desk.order())


def test_a_shadow_account_and_a_halted_one_are_checked() -> None:
    desk = Desk(shadow=True)
    desk.module.on_check = answered
    desk.gateway.latch("a", 1, "drawdown")
    assert desk.gateway.check("a", desk.order()).passed


def test_the_terminal_of_another_account_is_not_asked(desk: Desk) -> None:
    desk.module.account = rows.account(login=1002)
    with pytest.raises(Unreachable, match="configured is 1001"):
        desk.gateway.check("a", desk.order())
    assert desk.module.checked == []
