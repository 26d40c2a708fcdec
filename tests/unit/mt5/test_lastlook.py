from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mt5fleet.adapters.mt5.lastlook import (
    Look,
    refusal_of_any,
    refusal_of_market,
    refusal_of_open,
    switches_off,
)
from mt5fleet.adapters.mt5.settings import TerminalSettings
from mt5fleet.domain.broker import Mode, Quote
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.order import Permit, Retry
from tests.unit.mt5 import rows
from tests.unit.mt5.test_requests import ORDER

NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
SETTINGS = TerminalSettings(account="a", server="Simulator-1", login=1001, mode=Mode.DEMO)
PERMIT = Permit(
    key="0" * 64, attempt=1, token=1, not_after=NOW + timedelta(seconds=5), sent_at=NOW, journal_id="j-1"
)


def look(**changes: Any) -> Look:
    fields: dict[str, Any] = {
        "settings": SETTINGS,
        "account": rows.account(),
        "terminal": rows.terminal(),
        "permit": PERMIT,
        "arrived_at": NOW,
        "now": NOW,
    }
    return Look(**{**fields, **changes})


def test_nothing_is_refused_when_all_is_well() -> None:
    assert refusal_of_any(look()) is None
    assert refusal_of_open(look(), journal_id="j-1", latch=None) is None


def test_a_shadow_account_refuses_every_send() -> None:
    refused = refusal_of_any(look(settings=replace(SETTINGS, shadow=True)))
    assert refused is not None
    assert refused.denial is DenialReason.SHADOW


@pytest.mark.parametrize("company", ["Real Broker Ltd", "", "simulator"])
def test_a_terminal_that_is_not_our_simulator_is_refused_by_name(company: str) -> None:
    refused = refusal_of_any(look(terminal=rows.terminal(company=company)))
    assert refused is not None
    assert f"'{company}'" in refused.sentence


@pytest.mark.parametrize(("late_ms", "refused"), [(0, False), (5000, False), (5001, True)])
def test_the_moment_after_which_nothing_leaves_is_exact(late_ms: int, refused: bool) -> None:
    found = refusal_of_any(look(now=NOW + timedelta(milliseconds=late_ms)))
    assert (found is not None) is refused


@pytest.mark.parametrize(("skew_ms", "refused"), [(500, False), (-500, False), (501, True), (-501, True)])
def test_clocks_may_be_half_a_second_apart_and_no_more(skew_ms: int, refused: bool) -> None:
    found = refusal_of_open(
        look(arrived_at=NOW + timedelta(milliseconds=skew_ms)), journal_id="j-1", latch=None
    )
    assert (found is not None) is refused


def test_the_skew_is_measured_at_arrival_and_not_after_a_wait_in_line() -> None:
    waited = look(now=NOW + timedelta(seconds=4))
    assert refusal_of_open(waited, journal_id="j-1", latch=None) is None


@pytest.mark.parametrize("trade_mode", [2, 7])
def test_another_or_unknown_mode_refuses_opens(trade_mode: int) -> None:
    refused = refusal_of_open(look(account=rows.account(trade_mode=trade_mode)), journal_id="j-1", latch=None)
    assert refused is not None
    assert refused.denial is DenialReason.MODE_MISMATCH


@pytest.mark.parametrize("margin_mode", [0, 1])
def test_an_account_that_nets_positions_opens_nothing(margin_mode: int) -> None:
    refused = refusal_of_open(
        look(account=rows.account(margin_mode=margin_mode)), journal_id="j-1", latch=None
    )
    assert refused is not None
    assert refused.retry is Retry.NEVER


def test_a_latch_refuses_opens_and_says_that_it_cannot_be_lifted() -> None:
    refused = refusal_of_open(look(), journal_id="j-1", latch=(4, "drawdown"))
    assert refused is not None
    assert (refused.denial, refused.retry) == (DenialReason.HALTED, Retry.NEVER)
    assert "cannot lift" in refused.sentence


def test_another_journal_than_the_ledger_knows_refuses_opens() -> None:
    assert refusal_of_open(look(), journal_id="j-2", latch=None) is not None


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
    (sentence,) = switches_off(rows.account(**account), rows.terminal(**terminal))
    assert word in sentence
    assert (
        refusal_of_any(look(account=rows.account(**account), terminal=rows.terminal(**terminal))) is not None
    )


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
