from datetime import UTC, datetime
from decimal import Decimal

import pytest

from mt5fleet.domain.account import GuardMemory, TradingState
from mt5fleet.domain.broker import Mode, Reading
from mt5fleet.domain.errors import LedgerUnavailable
from tests.unit.cli.conftest import World

AT = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def _judged(world: World, equity: str, halt_reason: str | None = None) -> None:
    reading = Reading(
        account="demo-usd-1",
        at=world.clock.now(),
        source="bridge",
        currency="USD",
        balance=Decimal(10000),
        equity=Decimal(equity),
        credit=Decimal(0),
        margin=Decimal(10),
        margin_free=Decimal(9000),
        profit=Decimal(0),
        leverage=100,
        positions=2,
        orders=1,
    )
    memory = GuardMemory(
        peak_equity=Decimal(12000),
        first_balance=Decimal(10000),
        last_equity=Decimal(equity),
        last_balance=Decimal(10000),
        last_at=world.clock.now(),
        cash_flow_total=Decimal(0),
        sequence=1,
    )
    world.ledger.judge("demo-usd-1", reading, memory, halt_reason=halt_reason, events=(), alert=None)


def test_apply_shows_every_new_account_and_stores_it(world: World) -> None:
    result = world.run("accounts", "apply", world.fleet, "--yes")

    assert result.code == 0
    assert set(world.ledger.accounts()) == {"demo-usd-1", "demo-usd-2", "demo-eur-1"}
    assert world.ledger.groups()["all"][-1].accounts == ("demo-eur-1", "demo-usd-1", "demo-usd-2")
    for shown in ("demo-eur-1", "5003", "Simulator-Demo", "group all", "Stored 3 accounts"):
        assert shown in result.out


def test_second_apply_changes_nothing(told: World) -> None:
    before = told.ledger.revision()

    assert "Nothing to change" in told.run("accounts", "apply", told.fleet).out
    assert told.ledger.revision() == before


def test_apply_asks_and_a_no_stores_nothing(world: World) -> None:
    result = world.run("accounts", "apply", world.fleet, typed="n\n")

    assert result.code == 1
    assert "Nothing was stored" in result.err
    assert world.ledger.accounts() == {}


def test_apply_without_an_answer_stores_nothing(world: World) -> None:
    result = world.run("accounts", "apply", world.fleet)

    assert result.code != 0
    assert world.ledger.accounts() == {}


def test_apply_shows_each_changed_field_with_both_values(told: World) -> None:
    text = told.fleet.read_text().replace("positions_max = 50", "positions_max = 7")
    told.fleet.write_text(text.replace("login = 5002", "login = 5999"))

    result = told.run("accounts", "apply", told.fleet, typed="y\n")

    rows = [line for line in result.out.splitlines() if "demo-usd-2" in line]
    assert any("login" in row and "5002" in row and "5999" in row for row in rows)
    assert any("limits.positions_max" in row and "50" in row and " 7 " in row for row in rows)
    assert told.ledger.accounts()["demo-usd-2"].login == 5999


def test_removed_account_is_shown_as_removed(told: World) -> None:
    text = told.fleet.read_text()
    told.fleet.write_text(text[: text.index("[accounts.demo-eur-1]")])

    result = told.run("accounts", "apply", told.fleet, "--yes")

    assert any("demo-eur-1" in row and "removed" in row for row in result.out.splitlines())
    assert "demo-eur-1" not in told.ledger.accounts()


def _make_real(world: World, allowed: str) -> None:
    text = world.fleet.read_text()
    real = f'login = 5003\nmode = "real"\n{allowed}'
    world.fleet.write_text(text.replace('login = 5003\nmode = "demo"\n', real))


@pytest.mark.parametrize(
    ("allowed", "options", "next_step"),
    [
        ("", [], "write allow_real = true in accounts.demo-eur-1"),
        ("", ["--allow-real"], "write allow_real = true in accounts.demo-eur-1"),
        ("allow_real = true\n", [], "--allow-real"),
    ],
)
def test_real_money_must_be_allowed_in_the_file_and_by_who_applies_it(
    world: World, allowed: str, options: list[str], next_step: str
) -> None:
    _make_real(world, allowed)

    result = world.run("accounts", "apply", world.fleet, "--yes", *options)

    assert result.code == 1
    assert "demo-eur-1: mode is real" in result.err
    assert "demo-usd-1" not in result.err
    assert next_step in result.err
    assert world.ledger.accounts() == {}


def test_real_money_is_stored_after_a_warning_and_a_yes(world: World) -> None:
    _make_real(world, "allow_real = true\n")

    refused = world.run("accounts", "apply", world.fleet, "--allow-real", typed="n\n")
    assert world.ledger.accounts() == {}
    stored = world.run("accounts", "apply", world.fleet, "--allow-real", typed="y\n")

    assert (refused.code, stored.code) == (1, 0)
    for said in ("REAL MONEY: demo-eur-1", "no command lifts it yet", "bridge check", "real money included?"):
        assert said in stored.out
    assert world.ledger.accounts()["demo-eur-1"].mode is Mode.REAL


def test_demo_accounts_are_stored_without_a_warning(world: World) -> None:
    assert "REAL MONEY" not in world.run("accounts", "apply", world.fleet, "--yes").out


def test_broken_file_is_refused_with_all_problems(world: World) -> None:
    world.fleet.write_text(world.fleet.read_text().replace("login = 5001", 'login = "PLANTED"'))

    result = world.run("accounts", "apply", world.fleet, "--yes")

    assert result.code == 1
    assert "accounts.demo-usd-1.login" in result.err
    assert "PLANTED" not in result.err


def test_show_tells_money_drawdown_and_halt(told: World) -> None:
    _judged(told, "9600", halt_reason="drawdown from peak equity reached")
    told.clock.advance_s(3)

    result = told.run("accounts", "show", "demo-usd-1")

    assert result.code == 0
    for shown in ("HALTED", "9600", "20.00 %", "3.0 s ago", "drawdown from peak equity", "12000"):
        assert shown in result.out


def test_show_json_holds_account_status_and_reading(told: World) -> None:
    _judged(told, "9600")

    (shown,) = told.run("accounts", "show", "demo-usd-1", "--json").json

    assert shown["account"]["login"] == 5001
    assert shown["status"]["state"] == "ACTIVE"
    assert shown["reading"]["equity"] == "9600"
    assert shown["drawdown_percent"] == "20.0000"


def test_account_never_read_shows_no_number(told: World) -> None:
    shown = told.run("accounts", "show", "--json").json

    assert [(one["reading"], one["drawdown_percent"]) for one in shown] == [(None, None)] * 3


def test_unknown_account_is_refused_with_the_known_ones(told: World) -> None:
    result = told.run("accounts", "show", "nope")

    assert result.code == 1
    assert "demo-usd-1" in result.err


def test_resume_is_refused_and_says_why(told: World) -> None:
    told.run("halt", "--account", "demo-usd-1", "--reason", "r", "--by", "ann")

    result = told.run("accounts", "resume", "demo-usd-1")

    assert result.code == 1
    assert "cannot be lifted" in result.err
    assert told.ledger.account_status("demo-usd-1").state is TradingState.HALTED


def test_halt_latches_tells_people_and_wakes_the_flatten(told: World) -> None:
    result = told.run("halt", "--account", "demo-usd-1", "--reason", "too hot", "--by", "ann")

    status = told.ledger.account_status("demo-usd-1")
    assert result.code == 0
    assert (status.state, status.flatten_due) == (TradingState.HALTED, True)
    assert status.reason == "too hot (halted by ann)"
    assert told.waker.woken == [("urgent", "demo-usd-1")]
    (pending,) = told.ledger.pending(10)
    assert "ann" in pending.alert.text
    assert told.ledger.account_events("demo-usd-1", 10)[-1].event.numbers == {
        "reason": "too hot",
        "by": "ann",
    }


def test_second_halt_changes_nothing(told: World) -> None:
    told.run("halt", "--account", "demo-usd-1", "--reason", "first", "--by", "ann")

    result = told.run("halt", "--account", "demo-usd-1", "--reason", "second", "--by", "bob")

    assert result.code == 0
    assert "already" in result.out
    assert told.ledger.account_status("demo-usd-1").reason == "first (halted by ann)"


def test_halt_stands_when_the_wake_up_fails(told: World) -> None:
    told.waker.broken = True

    result = told.run("halt", "--account", "demo-usd-1", "--reason", "r", "--by", "ann")

    assert result.code == 0
    assert "sweep" in result.err
    assert told.ledger.account_status("demo-usd-1").state is TradingState.HALTED


@pytest.mark.parametrize("reason", ["", "  ", "x" * 201, "a\nb"])
def test_halt_without_a_readable_reason_is_refused(told: World, reason: str) -> None:
    result = told.run("halt", "--account", "demo-usd-1", "--reason", reason, "--by", "ann")

    assert result.code == 1
    assert told.ledger.account_status("demo-usd-1").state is TradingState.ACTIVE


def test_silent_ledger_is_exit_code_three(told: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent() -> None:
        raise LedgerUnavailable("no answer")

    monkeypatch.setattr(told.ledger, "accounts", silent)

    result = told.run("accounts", "show")

    assert result.code == 3
    assert "Redis" in result.err


def test_usage_error_is_exit_code_two(world: World) -> None:
    assert world.run("accounts", "bogus").code == 2
