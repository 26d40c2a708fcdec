from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mt5fleet.adapters.mt5.context import CallContext
from mt5fleet.adapters.mt5.lastlook import (
    Look,
    account_switches_off,
    refusal_of_any,
    refusal_of_market,
    refusal_of_mode,
    refusal_of_open,
    terminal_switches_off,
)
from mt5fleet.adapters.mt5.settings import TerminalSettings
from mt5fleet.domain.broker import Mode, Quote
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.latch import Binding, Latch
from mt5fleet.domain.order import Outcome, Permit, Retry
from tests.unit.mt5 import rows
from tests.unit.mt5.test_requests import ORDER

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
SETTINGS = TerminalSettings(account="a", server="Simulator-1", login=1001, mode=Mode.DEMO)
PERMIT = Permit(
    key="0" * 64,
    attempt=1,
    token=1,
    not_after=NOW + timedelta(seconds=5),
    sent_at=NOW,
    journal_id="j-1",
    journal_sequence=40,
)
CONTEXT = CallContext(arrived_at=NOW, ledger_age_s=0.5)
BINDING = Binding(journal_id="j-1", sequence=40, created_at=NOW - timedelta(days=1))


def look(**changes: Any) -> Look:
    fields: dict[str, Any] = {
        "settings": SETTINGS,
        "account": rows.account(),
        "terminal": rows.terminal(),
        "permit": PERMIT,
        "now": NOW,
    }
    return Look(**{**fields, **changes})


def open_refusal(
    seen: Look | None = None,
    context: CallContext = CONTEXT,
    binding: Binding = BINDING,
    latch: Latch | None = None,
) -> Outcome | None:
    return refusal_of_open(look() if seen is None else seen, context, binding=binding, latch=latch)


def test_nothing_is_refused_when_all_is_well() -> None:
    assert refusal_of_any(look()) is None
    assert refusal_of_mode(look()) is None
    assert open_refusal() is None


def test_a_shadow_account_refuses_every_send() -> None:
    refused = refusal_of_any(look(settings=replace(SETTINGS, shadow=True)))
    assert refused is not None
    assert refused.denial is DenialReason.SHADOW


@pytest.mark.parametrize("company", ["Real Broker Ltd", "", "mt5fleet simulator"])
def test_a_demo_terminal_of_any_company_is_accepted(company: str) -> None:
    seen = look(terminal=rows.terminal(company=company))
    assert refusal_of_any(seen) is None
    assert refusal_of_mode(seen) is None


@pytest.mark.parametrize(("late_ms", "refused"), [(0, False), (5000, False), (5001, True)])
def test_the_moment_after_which_nothing_leaves_is_exact(late_ms: int, refused: bool) -> None:
    found = refusal_of_any(look(now=NOW + timedelta(milliseconds=late_ms)))
    assert (found is not None) is refused


@pytest.mark.parametrize(("skew_ms", "refused"), [(500, False), (-500, False), (501, True), (-501, True)])
def test_clocks_may_be_half_a_second_apart_and_no_more(skew_ms: int, refused: bool) -> None:
    arrived_at = NOW + timedelta(milliseconds=skew_ms)
    found = open_refusal(context=replace(CONTEXT, arrived_at=arrived_at))
    assert (found is not None) is refused


def test_the_skew_is_measured_at_arrival_and_not_after_a_wait_in_line() -> None:
    assert open_refusal(look(now=NOW + timedelta(seconds=4))) is None


@pytest.mark.parametrize(
    ("configured", "allow_real", "reported", "word"),
    [
        (Mode.DEMO, False, 0, None),
        (Mode.DEMO, False, 1, None),  # a contest is no real money
        (Mode.DEMO, False, 2, "reports mode real"),
        (Mode.DEMO, True, 2, "reports mode real"),
        (Mode.DEMO, False, 7, "reports mode unknown"),
        (Mode.REAL, False, 2, "allow_real"),
        (Mode.REAL, True, 2, None),
        (Mode.REAL, True, 0, "reports mode demo"),
        (Mode.REAL, True, -1, "reports mode unknown"),
    ],
)
def test_only_the_configured_and_allowed_kind_of_money_is_traded(
    configured: Mode, allow_real: bool, reported: int, word: str | None
) -> None:
    settings = replace(SETTINGS, mode=configured, allow_real=allow_real)
    refused = refusal_of_mode(look(settings=settings, account=rows.account(trade_mode=reported)))
    if word is None:
        assert refused is None
    else:
        assert refused is not None
        assert (refused.denial, refused.retry) == (DenialReason.MODE_MISMATCH, Retry.NEVER)
        assert word in refused.sentence


def test_a_wrong_mode_does_not_stop_what_reduces_risk() -> None:
    assert refusal_of_any(look(account=rows.account(trade_mode=2))) is None


@pytest.mark.parametrize("margin_mode", [0, 1])
def test_an_account_that_nets_positions_opens_nothing(margin_mode: int) -> None:
    refused = open_refusal(look(account=rows.account(margin_mode=margin_mode)))
    assert refused is not None
    assert refused.retry is Retry.NEVER


def test_a_latch_refuses_opens_and_says_who_lifts_it() -> None:
    refused = open_refusal(latch=Latch(sequence=4, reason="drawdown", at=NOW))
    assert refused is not None
    assert (refused.denial, refused.retry) == (DenialReason.HALTED, Retry.NEVER)
    assert "drawdown" in refused.sentence
    assert "accounts resume" in refused.sentence


@pytest.mark.parametrize(
    ("told", "retry"),
    [
        ({"journal_id": None}, Retry.AFTER_DELAY),
        ({"journal_id": "j-2"}, Retry.NEVER),
        ({"journal_sequence": 41}, Retry.NEVER),
        ({"journal_sequence": 39}, None),
    ],
)
def test_the_journal_must_be_the_ledgers_and_no_older_copy(told: dict[str, Any], retry: Retry | None) -> None:
    refused = open_refusal(look(permit=replace(PERMIT, **told)))
    assert (None if refused is None else refused.retry) is retry


@pytest.mark.parametrize(("age_s", "refused"), [(0.0, False), (10.0, False), (10.1, True), (None, True)])
def test_without_a_word_from_the_ledger_opens_wait(age_s: float | None, refused: bool) -> None:
    found = open_refusal(context=replace(CONTEXT, ledger_age_s=age_s))
    assert (found is not None) is refused
    assert found is None or found.retry is Retry.AFTER_DELAY


@pytest.mark.parametrize(
    ("account", "terminal", "word"),
    [
        ({}, {"trade_allowed": False}, "toolbar"),
        ({}, {"tradeapi_disabled": True}, "external Python API"),
        ({"trade_allowed": False}, {}, "investor"),
        ({"trade_expert": False}, {}, "ask the broker"),
    ],
)
def test_each_switch_is_named_with_where_to_find_it(
    account: dict[str, bool], terminal: dict[str, bool], word: str
) -> None:
    seen = look(account=rows.account(**account), terminal=rows.terminal(**terminal))
    (sentence,) = (*terminal_switches_off(seen.terminal), *account_switches_off(seen.account))
    refused = refusal_of_any(seen)
    assert word in sentence
    assert refused is not None
    assert (refused.retry, sentence in refused.sentence) == (Retry.AFTER_DELAY, True)


@pytest.mark.parametrize(("age_s", "refused"), [(0, False), (30, False), (31, True), (-5, False), (-6, True)])
def test_a_quote_must_be_fresh_and_not_from_the_future(age_s: int, refused: bool) -> None:
    quote = Quote(
        symbol="EURUSD", bid=Decimal("1.1"), ask=Decimal("1.1001"), at=NOW - timedelta(seconds=age_s)
    )
    assert (refusal_of_market(ORDER, quote, SETTINGS, NOW) is not None) is refused


def test_a_symbol_without_a_quote_is_refused() -> None:
    refused = refusal_of_market(ORDER, None, SETTINGS, NOW)
    assert refused is not None
    assert refused.denial is DenialReason.QUOTE_STALE
