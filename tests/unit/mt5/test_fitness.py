"""What a health says: connection, switches, misfits, builds and the server's offset."""

import logging
from typing import Any

import pytest

from mt5fleet.domain.broker import Mode
from tests.unit.mt5 import rows
from tests.unit.mt5.desk import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_terminal_that_may_trade_has_nothing_to_say(desk: Desk) -> None:
    health = desk.gateway.health("a")
    assert (health.connected, health.trade_allowed, health.why_not) == (True, True, ())
    assert (health.login, health.server, health.mode, health.build) == (1001, "Simulator-1", Mode.DEMO, 1)


def test_a_switch_that_is_off_is_named_and_forbids_trading(desk: Desk) -> None:
    desk.module.terminal = rows.terminal(trade_allowed=False, tradeapi_disabled=True)
    desk.module.account = rows.account(trade_expert=False)
    health = desk.gateway.health("a")
    assert (health.connected, health.trade_allowed, len(health.why_not)) == (True, False, 3)


def test_a_terminal_without_its_broker_still_says_what_it_knows(desk: Desk) -> None:
    desk.module.terminal = rows.terminal(connected=False, trade_allowed=False)
    health = desk.gateway.health("a")
    assert (health.connected, health.trade_allowed) == (False, False)
    assert [word in " ".join(health.why_not) for word in ("no connection", "toolbar")] == [True, True]
    assert (health.login, health.build) == (1001, 1)


def test_a_terminal_of_another_account_shows_whose_it_is(desk: Desk) -> None:
    desk.module.account = rows.account(login=1002)
    health = desk.gateway.health("a")
    assert (health.connected, health.login) == (False, 1002)
    assert "configured is 1001" in health.why_not[0]


def test_a_terminal_that_is_gone_says_so_once(desk: Desk) -> None:
    desk.module.account = desk.module.terminal = None
    desk.module.error = (-10004, "No IPC connection")
    health = desk.gateway.health("a")
    assert (health.connected, health.mode, health.login) == (False, None, None)
    assert health.why_not == ("the terminal is not connected to the bridge",)


@pytest.mark.parametrize(
    ("account", "word"), [({"trade_mode": 2}, "mode real"), ({"margin_mode": 0}, "hedging accounts only")]
)
def test_what_refuses_opens_only_is_told_and_leaves_trading_allowed(
    desk: Desk, account: dict[str, int], word: str
) -> None:
    desk.module.account = rows.account(**account)
    health = desk.gateway.health("a")
    assert health.trade_allowed
    assert any(word in sentence for sentence in health.why_not)


def test_the_build_before_is_kept_and_a_change_is_logged(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    assert desk.gateway.health("a").build_before is None
    desk.module.terminal = rows.terminal(build=2)
    with caplog.at_level(logging.WARNING):
        health = desk.gateway.health("a")
        again = desk.gateway.health("a")
    assert (health.build, health.build_before, again.build_before) == (2, 1, 1)
    assert [record.message for record in caplog.records] == ["the terminal's build changed from 1 to 2"]


def test_a_journal_that_takes_no_writes_does_not_hide_the_terminal(desk: Desk) -> None:
    desk.journal.disk_fails = True
    health = desk.gateway.health("a")
    assert health.connected
    assert not health.journal_writable


def ticks(desk: Desk, offset_s: int) -> Any:
    desk.module.offset_s = offset_s
    for _ in range(3):
        desk.clock.advance_s(1)
        desk.gateway.quote("a", "EURUSD")
    return desk.gateway.health("a")


def test_a_configured_offset_that_the_ticks_contradict_is_told() -> None:
    desk = Desk(server_offset_s=7200)
    assert ticks(desk, 7200).why_not == ()
    health = ticks(desk, 10_800)
    assert (health.server_offset_s, health.offset_before_s) == (7200, 7200)
    (sentence,) = health.why_not
    assert "7200" in sentence
    assert "10800" in sentence
    assert health.trade_allowed


def test_summer_time_is_followed_and_told_where_the_offset_is_learned() -> None:
    desk = Desk(server_offset_s=None)
    assert ticks(desk, 7200).offset_before_s is None
    health = ticks(desk, 10_800)
    assert (health.server_offset_s, health.offset_before_s, health.why_not) == (10_800, 7200, ())
