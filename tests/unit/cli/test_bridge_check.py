"""What `mt5fleet bridge check` finds at made-up terminals."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import Unreachable
from mt5fleet.domain.latch import Latch
from tests.unit.cli.bridge_world import LOGINS, BridgeWorld
from tests.unit.cli.conftest import World

TERMINAL = ["login and server", "mode", "algo trading", "opens", "terminal build", "server time"]


@pytest.fixture
def here(world: World, monkeypatch: pytest.MonkeyPatch) -> BridgeWorld:
    return BridgeWorld(world, monkeypatch)


def results(steps: Mapping[str, Mapping[str, str]], *wanted: str) -> list[str]:
    """Names of the steps that ended so."""
    return [name for name, step in steps.items() if step["result"] in wanted]


def test_a_healthy_bridge_passes_every_step(here: BridgeWorld) -> None:
    code, found = here.check()

    assert code == 0
    assert list(found) == ["", *sorted(LOGINS)]
    assert list(found[""]) == ["connection", "TLS and token", "version", "clock", "people"]
    for steps in found.values():
        assert results(steps, "failed", "warning", "skipped") == []
    assert "buy 0.01 EURUSD" in found["demo-usd-1"]["dry order"]["says"]
    assert "margin 10" in found["demo-usd-1"]["dry order"]["says"]
    assert here.bridge.executed == ()
    assert here.bridge.closed


def test_the_table_is_for_people(here: BridgeWorld) -> None:
    here.bridge.changes["floor"] = None

    result = here.world.run("bridge", "check", "demo-usd-1")

    assert result.code == 0
    for said in (
        "Bridge local at 127.0.0.1:7451",
        "Account demo-usd-1",
        "warning",
        "No step failed, 1 warning.",
    ):
        assert said in result.out
    assert "mt5fleet accounts floor demo-usd-1" in " ".join(result.out.split())
    assert "demo-usd-2" not in result.out


def test_the_check_needs_no_ledger(here: BridgeWorld) -> None:
    here.check()

    assert here.world.urls == []


def test_nobody_at_the_address_is_exit_code_three(here: BridgeWorld) -> None:
    here.nobody_listens = True

    code, found = here.check()

    assert code == 3
    assert results(found[""], "failed") == ["connection"]
    assert "mt5fleet bridge serve" in found[""]["connection"]["todo"]


def test_a_refused_token_is_the_token_s_step(here: BridgeWorld) -> None:
    here.bridge.silent = Unreachable("bridge local refuses the call (UNAUTHENTICATED: token)")

    code, found = here.check()

    assert code == 1
    assert results(found[""], "failed") == ["TLS and token"]
    assert "certificate" not in found[""]["TLS and token"]["todo"]
    assert here.bridge.closed


@pytest.mark.parametrize("shows", [True, False])
def test_a_bridge_behind_tls_that_hangs_up_sends_people_to_the_certificates(
    here: BridgeWorld, shows: bool
) -> None:
    here.bridge.silent = Unreachable("bridge local does not answer (UNAVAILABLE: Socket closed)")
    files = ("ca_file", "cert_file", "key_file") if shows else ("ca_file",)
    for name in files:
        (here.world.folder / f"{name}.pem").touch()
    workers = "".join(f'{name} = "{name}.pem"\n' for name in files)
    bridge = '[bridges.local.tls.bridge]\ncert_file = "b.pem"\nkey_file = "b.key"\n'
    sections = f"{bridge}[bridges.local.tls.workers]\n{workers}"
    here.world.fleet.write_text(here.world.fleet.read_text() + sections)

    todo = here.check()[1][""]["TLS and token"]["todo"]

    assert "ca_file signed the bridge's certificate" in todo
    assert ("client_ca_file" in todo) is shows


@pytest.mark.parametrize(
    ("change", "step", "said"),
    [
        ({"version": "0.0.0"}, "version", "0.0.0"),
        ({"risk_people": ()}, "people", "nobody"),
    ],
)
def test_what_only_should_be_known_warns(
    here: BridgeWorld, change: dict[str, object], step: str, said: str
) -> None:
    here.bridge.changes |= change

    code, found = here.check()

    assert code == 0
    assert results(found[""], "warning") == [step]
    assert said in found[""][step]["says"]
    assert found[""][step]["todo"]


@pytest.mark.parametrize(("apart_s", "result"), [(0.4, "ok"), (-0.4, "ok"), (0.6, "failed"), (-9, "failed")])
def test_a_clock_beyond_half_a_second_fails(here: BridgeWorld, apart_s: float, result: str) -> None:
    here.bridge.changes["bridge_at"] = here.world.clock.now() + timedelta(seconds=apart_s)

    code, found = here.check()

    assert found[""]["clock"]["result"] == result
    assert code == (1 if result == "failed" else 0)


@pytest.mark.parametrize(
    ("change", "step", "said"),
    [
        ({"journal_writable": False}, "journal", "cannot be written"),
        ({"mode": Mode.REAL}, "mode", "is real, configured is demo"),
        ({"mode": None}, "mode", "does not tell"),
        ({"trade_allowed": False, "why_not": ("the toolbar's button is off",)}, "algo trading", "toolbar"),
        ({"why_not": ("netting is not supported",)}, "opens", "netting"),
        ({"shadow": True}, "shadow", "the file says no"),
    ],
)
def test_each_fault_fails_its_own_step_with_what_to_do(
    here: BridgeWorld, change: dict[str, object], step: str, said: str
) -> None:
    here.bridge.changes |= change

    code, found = here.check("demo-usd-1")

    assert code == 1
    assert results(found["demo-usd-1"], "failed") == [step]
    assert said in found["demo-usd-1"][step]["says"]
    assert found["demo-usd-1"][step]["todo"]


def test_a_standing_latch_fails_with_its_reason(here: BridgeWorld) -> None:
    here.bridge.changes["latch"] = Latch(sequence=7, reason="drawdown", at=here.world.clock.now(), local=True)

    code, found = here.check("demo-usd-1")

    assert code == 1
    assert results(found["demo-usd-1"], "failed") == ["latch"]
    assert "drawdown (the bridge itself raised it)" in found["demo-usd-1"]["latch"]["says"]


def test_a_terminal_that_is_away_fails_and_skips_what_needs_it(here: BridgeWorld) -> None:
    here.bridge.books["demo-usd-1"].connected = False

    code, found = here.check()

    assert code == 1
    steps = found["demo-usd-1"]
    assert results(steps, "failed") == ["terminal"]
    assert results(steps, "skipped") == [*TERMINAL, "dry order"]
    assert results(found["demo-usd-2"], "failed", "skipped") == []


def test_another_login_is_told_from_a_terminal_that_is_away(here: BridgeWorld) -> None:
    here.bridge.changes |= {
        "connected": False,
        "trade_allowed": False,
        "login": 9,
        "why_not": ("logged in as 9",),
    }

    code, found = here.check("demo-usd-1")

    assert code == 1
    assert results(found["demo-usd-1"], "failed") == ["login and server"]
    assert "9 on Simulator-Demo, configured is 5001" in found["demo-usd-1"]["login and server"]["says"]


def test_an_account_whose_process_gives_no_answer_fails_alone(here: BridgeWorld) -> None:
    here.bridge.broken["demo-usd-1"] = "its terminal is being restarted"

    code, found = here.check()

    assert code == 1
    assert found["demo-usd-1"]["terminal"]["says"] == "its terminal is being restarted"
    assert results(found["demo-usd-2"], "failed", "skipped") == []


def test_an_account_that_the_bridge_was_not_told_fails(here: BridgeWorld) -> None:
    del here.bridge.books["demo-eur-1"]

    code, found = here.check()

    assert code == 1
    assert "start the bridge again" in found["demo-eur-1"]["account"]["todo"]


def test_a_server_time_that_is_not_known_warns_and_says_closed_market(here: BridgeWorld) -> None:
    here.bridge.changes["server_offset_s"] = None

    code, found = here.check("demo-usd-1")

    assert code == 0
    assert results(found["demo-usd-1"], "warning") == ["server time"]
    assert "market closed?" in found["demo-usd-1"]["server time"]["says"]


@pytest.mark.parametrize(
    ("now_s", "before_s", "said"),
    [
        (7200, None, "UTC+02:00 from its prices"),
        (-12600, None, "UTC-03:30 from its prices"),
        (10800, 7200, "UTC+03:00 from its prices, before UTC+02:00"),
    ],
)
def test_server_time_is_told_with_its_source(
    here: BridgeWorld, now_s: int, before_s: int | None, said: str
) -> None:
    here.bridge.changes |= {"server_offset_s": now_s, "offset_before_s": before_s}

    assert here.check("demo-usd-1")[1]["demo-usd-1"]["server time"]["says"] == said


def test_a_symbol_that_the_terminal_does_not_know_fails_the_dry_order(here: BridgeWorld) -> None:
    code, found = here.check("demo-usd-1", "--symbol", "GOLD")

    assert code == 1
    assert results(found["demo-usd-1"], "failed") == ["dry order"]
    assert "accounts.demo-usd-1.symbols" in found["demo-usd-1"]["dry order"]["todo"]


def test_the_dry_order_takes_the_account_s_own_name_of_the_symbol(here: BridgeWorld) -> None:
    fleet = here.world.fleet
    fleet.write_text(fleet.read_text() + 'symbols = { YEN = "USDJPY" }\n')

    for options in ((), ("--symbol", "YEN")):
        assert "USDJPY" in here.check("demo-eur-1", *options)[1]["demo-eur-1"]["dry order"]["says"]


def test_an_unknown_account_or_a_wrong_file_is_exit_code_two(here: BridgeWorld, tmp_path: Path) -> None:
    assert here.world.run("bridge", "check", "nope").code == 2
    assert here.world.run("bridge", "check", "--name", "nope").code == 2
    assert here.world.run("bridge", "check", "--config", str(tmp_path / "none.toml")).code == 2
    assert here.world.run("bridge", "check", "--config", "x", "--name", "local").code == 2
    assert here.addresses == []


def test_a_token_that_cannot_be_read_is_exit_code_two_and_named(here: BridgeWorld) -> None:
    (here.world.folder / "secrets" / "bridge.token").unlink()

    result = here.world.run("bridge", "check")

    assert result.code == 2
    assert "bridges.local.token" in result.err


def test_the_file_of_the_host_alone_is_enough(here: BridgeWorld, tmp_path: Path) -> None:
    printed = here.world.run("bridge", "config").out
    path = tmp_path / "bridge.toml"
    path.write_text(printed)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "bridge.token").write_text("same")
    here.world.fleet.unlink()

    code, found = here.check("--config", str(path))

    assert code == 0
    assert list(found) == ["", *sorted(LOGINS)]
    assert here.addresses[0].token == "same"
