"""Which parts `up` starts, and what each of them gets to know."""

from pathlib import Path

import pytest

from tests.unit.workers.fleet_in_memory import told_of
from workers.app import _prefork_asked
from workers.part import Part
from workers.plan import Wish, plan

FILE = """
[redis]
ledger_url = "redis://127.0.0.1:1/0"
[simulator]
start = true
[workers]
processes = 3
[bridges.local]
token_env = "LOCAL_TOKEN"
[bridges.far]
address = "10.0.0.5:7451"
token_env = "FAR_TOKEN"
[bridges.far.tls.workers]
ca_file = "ca.pem"
[channels.desk]
kind = "webhook"
url_env = "DESK_URL"
[accounts.alpha]
server = "Simulator-Demo"
login = 1
mode = "demo"
password_env = "ALPHA_PASSWORD"
[accounts.beta]
server = "Simulator-Demo"
login = 2
mode = "demo"
bridge = "far"
"""
AS_TOLD = Wish(workers=None, beat=True, simulator=True)


def planned(folder: Path, wish: Wish = AS_TOLD, **environ: str) -> dict[str, Part]:
    return {part.name: part for part in plan(told_of(folder, FILE, environ), wish)}


def test_whole_fleet_starts_from_the_file_alone(tmp_path: Path) -> None:
    names = list(planned(tmp_path))

    assert names == ["simulator", "bridge-local", "worker-1", "worker-2", "worker-3", "beat"]


def test_a_bridge_is_started_for_an_account_that_is_not_enabled(tmp_path: Path) -> None:
    text = FILE.replace("login = 1\n", "login = 1\nenabled = false\n")

    parts = plan(told_of(tmp_path, text, {}), AS_TOLD)

    assert "bridge-local" in [part.name for part in parts]


def test_command_line_changes_how_many_and_what(tmp_path: Path) -> None:
    names = list(planned(tmp_path, Wish(workers=1, beat=False, simulator=False)))

    assert names == ["bridge-local", "worker-1"]


def test_every_part_gets_only_the_secrets_it_needs(tmp_path: Path) -> None:
    parts = planned(tmp_path)
    everything = {"ALPHA_PASSWORD", "LOCAL_TOKEN", "FAR_TOKEN", "DESK_URL"}

    kept = {name: everything - part.without for name, part in parts.items()}

    assert kept["bridge-local"] == {"ALPHA_PASSWORD", "LOCAL_TOKEN", "FAR_TOKEN"}
    assert kept["worker-1"] == {"LOCAL_TOKEN", "FAR_TOKEN", "DESK_URL"}
    assert kept["beat"] == kept["simulator"] == set()


def test_every_worker_of_a_machine_has_its_own_metrics_port(tmp_path: Path) -> None:
    parts = planned(tmp_path, MT5FLEET_METRICS_PORT="9100")

    ports = [parts[f"worker-{number}"].environment["MT5FLEET_METRICS_PORT"] for number in (1, 2, 3)]
    assert ports == ["9100", "9101", "9102"]


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        (["worker", "-P", "prefork"], True),
        (["worker", "--pool", "prefork"], True),
        (["worker", "--pool=prefork"], True),
        (["worker", "-P", "solo"], False),
        (["worker", "-n", "prefork"], False),
        (["worker", "-P"], False),
    ],
)
def test_prefork_on_the_command_line_is_told_from_celerys_default(options: list[str], asked: bool) -> None:
    assert _prefork_asked(options) is asked
