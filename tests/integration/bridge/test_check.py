"""`mt5fleet bridge check` against a real bridge, served from a folder with nothing but its own file."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.simulator.process import start_broker
from tests.contract.gateway.brokers import simulator
from tests.contract.gateway.people import floor_of
from tests.contract.gateway.terms import LOGIN
from tests.integration.bridge.checked_host import TOKEN, Host, is_up, of
from tests.unit.bridge.certificates import Authority

SKIPPED_WITHOUT_TERMINAL = [
    "login and server",
    "mode",
    "algo trading",
    "opens",
    "terminal build",
    "server time",
    "dry order",
]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    folder = tmp_path / "host"
    folder.mkdir()
    with start_broker(simulator(tmp_path / "state")) as broker:
        yield Host(folder, broker)


def test_a_bridge_served_from_its_own_file_passes_every_step(host: Host) -> None:
    with host.serving():
        host.check_until(is_up)
        with host.gateway() as gateway:
            gateway.floor("alpha", floor_of(SystemClock(), "5000"))
        code, steps = host.check()

        assert (code, of(steps, "failed", "warning", "skipped")) == (0, [])
        assert "rita can lift a halt" in steps["people"]["says"]
        assert "equity 5000, 3 readings, signed by rita" in steps["floor"]["says"]
        assert "margin" in steps["dry order"]["says"]
        with host.broker.control() as control:
            truth = control.truth(LOGIN)
    assert (truth["positions"], truth["orders"]) == ([], [])


@pytest.mark.parametrize(
    ("old", "new", "failing", "said"),
    [
        ('mode = "demo"', 'mode = "real"\nallow_real = true', "mode", "is demo, configured is real"),
        ("alpha.password", "wrong.password", "terminal", "refused login, server or password"),
        ('mode = "demo"', 'mode = "real"', "terminal", "accounts.alpha.allow_real"),
        ("alpha.password", "none.password", "terminal", "none.password cannot be read"),
    ],
)
def test_each_wrong_setting_fails_its_own_step(
    host: Host, old: str, new: str, failing: str, said: str
) -> None:
    (host.folder / "wrong.password").write_text("not it")
    host.change(old, new)

    with host.serving():
        code, steps = host.check_until(lambda found: said in found[failing]["says"])

    assert (code, of(steps, "failed")) == (1, [failing])
    assert steps[failing]["todo"]
    assert of(steps, "skipped") == (SKIPPED_WITHOUT_TERMINAL if failing == "terminal" else ["opens"])


def test_a_server_whose_prices_stand_still_warns_of_a_closed_market(host: Host) -> None:
    host.change("server_offset_s = 7200\n", "")

    with host.serving():
        code, steps = host.check_until(is_up)

    assert (code, steps["server time"]["result"]) == (0, "warning")
    assert "market closed?" in steps["server time"]["says"]


def test_a_switch_that_is_off_is_named_with_its_place(host: Host) -> None:
    with host.serving(), host.broker.control() as control:
        host.check_until(is_up)
        control.switch(LOGIN, {"autotrading": False})
        code, steps = host.check()

    assert (code, of(steps, "failed")) == (1, ["algo trading"])
    assert "toolbar" in steps["algo trading"]["says"]


def test_a_terminal_that_went_away_fails_and_skips_what_needs_it(host: Host) -> None:
    with host.serving():
        host.check_until(is_up)
        host.broker.stop()
        code, steps = host.check_until(lambda found: not is_up(found))

    assert (code, of(steps, "failed"), of(steps, "skipped")) == (1, ["terminal"], SKIPPED_WITHOUT_TERMINAL)


def test_a_standing_latch_fails_whatever_the_terminal_says(host: Host) -> None:
    with host.serving():
        host.check_until(is_up)
        with host.gateway() as gateway:
            gateway.latch("alpha", 7, "drawdown reached")
        code, steps = host.check()

    assert (code, of(steps, "failed")) == (1, ["latch"])
    assert "drawdown reached (halt 7)" in steps["latch"]["says"]
    assert "accounts resume alpha" in steps["latch"]["todo"]


def test_a_wrong_token_is_told_from_a_bridge_that_is_away(host: Host) -> None:
    with host.serving():
        host.check_until(is_up)
        (host.folder / "token").write_text("another-token")
        refused = host.check()
        (host.folder / "token").write_text(TOKEN)
        path = host.folder / "bridge.toml"
        kept = path.read_text()
    path.write_text(kept)
    away = host.check()

    assert (refused[0], of(refused[1], "failed")) == (1, ["TLS and token"])
    assert "token" in refused[1]["TLS and token"]["says"]
    assert (away[0], of(away[1], "failed")) == (3, ["connection"])


def test_a_wrong_file_is_exit_code_two(host: Host) -> None:
    host.change("login", "logim")

    for name in ("serve", "check"):
        ended = subprocess.run(
            host.command(name), cwd=host.folder, capture_output=True, timeout=60, check=False
        )
        assert ended.returncode == 2
        assert b"accounts.alpha.logim: is not a field" in ended.stderr


@dataclass(frozen=True)
class _Tls:
    folder: Path
    authority: Authority

    def sections(self, *, asks: bool, name: str = "desk.example", shown: str = "") -> str:
        """TLS of the bridge, and how its host reaches it."""
        pair = self.authority.issue("desk.example", address=None)
        client_ca = f"client_ca_file = '{self.authority.ca_file}'" if asks else ""
        return f"""
[bridge.tls]
cert_file = '{pair.cert_file}'
key_file = '{pair.key_file}'
{client_ca}
[bridge.check]
ca_file = '{self.authority.ca_file}'
server_name = "{name}"
{shown}
[simulator]"""

    def shown(self) -> str:
        own = self.authority.issue("ops")
        return f"cert_file = '{own.cert_file}'\nkey_file = '{own.key_file}'"


@pytest.fixture
def tls(tmp_path: Path) -> _Tls:
    return _Tls(tmp_path, Authority(tmp_path, "house"))


def test_a_bridge_open_to_others_is_checked_over_tls(host: Host, tls: _Tls) -> None:
    host.change("[simulator]", tls.sections(asks=False))

    with host.serving():
        code, steps = host.check_until(is_up)

    assert (code, of(steps, "failed")) == (0, [])
    assert steps["TLS and token"]["says"] == "admitted, TLS, token"


def test_the_host_trusts_the_bridge_s_own_certificate_unless_told_otherwise(host: Host, tls: _Tls) -> None:
    host.change("[simulator]", tls.sections(asks=False))
    host.change(f"ca_file = '{tls.authority.ca_file}'\n", "")

    with host.serving():
        _, steps = host.check()

    assert steps["TLS and token"]["result"] == "ok"


def test_certificates_of_both_sides_need_no_token(host: Host, tls: _Tls) -> None:
    host.change("[simulator]", tls.sections(asks=True, shown=tls.shown()))
    host.change('token_file = "token"\n', "")

    with host.serving():
        code, steps = host.check_until(is_up)

    assert (code, of(steps, "failed")) == (0, [])
    assert steps["TLS and token"]["says"] == "admitted, TLS, certificate only"


@pytest.mark.parametrize("wrong", ["name", "authority"])
def test_a_bridge_that_is_not_the_one_meant_fails_the_tls_step(host: Host, tls: _Tls, wrong: str) -> None:
    name = "other.example" if wrong == "name" else "desk.example"
    host.change("[simulator]", tls.sections(asks=False, name=name))
    with host.serving():
        if wrong == "authority":
            stranger = Authority(tls.folder, "stranger")
            host.change(f"ca_file = '{tls.authority.ca_file}'", f"ca_file = '{stranger.ca_file}'")
        code, steps = host.check()

    assert (code, of(steps, "failed")) == (1, ["TLS and token"])
