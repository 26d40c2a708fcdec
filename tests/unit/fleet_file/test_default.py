import stat
import sys
from pathlib import Path

import pytest

from mt5fleet.fleet_default import FilesExist, render_default, write_default
from mt5fleet.fleet_file import load
from mt5fleet.secret_source import resolve_secret
from mt5fleet.simulator.config import load_config


def test_default_fleet_loads_unedited_and_fits_its_simulator(tmp_path: Path) -> None:
    write_default(render_default(tmp_path))

    fleet, broker = load(tmp_path / "fleet.toml"), load_config(tmp_path / "simulator.toml")

    assert len(fleet.accounts) == 3
    assert fleet.groups() == {"all": tuple(sorted(fleet.accounts))}
    assert len({account.currency for account in broker.accounts}) == 2
    known = {(one.server, one.login): one.password for one in broker.accounts}
    for terms in fleet.accounts.values():
        assert resolve_secret(terms.password, {}) == known[terms.server, terms.login]
    assert fleet.simulator.address.endswith(f":{broker.port}")
    assert resolve_secret(fleet.bridges["local"].token, {})


def test_the_bridge_in_the_comments_is_good_as_it_stands(tmp_path: Path) -> None:
    write_default(render_default(tmp_path))
    path = tmp_path / "fleet.toml"
    lines = path.read_text().splitlines()
    first = lines.index("# [bridges.desk]")
    last = next(number for number in range(first, len(lines)) if not lines[number])
    lines[first:last] = [line.removeprefix("# ") for line in lines[first:last]]
    path.write_text("\n".join(lines))

    desk = load(path).bridges["desk"]

    assert (desk.is_far, desk.wants_token) == (True, True)
    assert desk.tls.bridge is not None
    assert desk.tls.bridge.key_file == tmp_path / "tls" / "desk.key"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such mode")
def test_files_with_passwords_are_for_their_owner_only(tmp_path: Path) -> None:
    files = render_default(tmp_path)
    write_default(files)

    secret = [resolve_secret(terms.password, {}) for terms in load(tmp_path / "fleet.toml").accounts.values()]
    holding = [item.path for item in files if any(one in item.text for one in secret)]
    assert len(holding) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in holding} == {0o600}


def test_every_new_fleet_has_its_own_passwords(tmp_path: Path) -> None:
    one, two = (
        {f.path: f.text for f in render_default(tmp_path) if "password" in f.path.name} for _ in range(2)
    )

    assert len({*one.values(), *two.values()}) == 6


def test_passwords_show_in_no_representation(tmp_path: Path) -> None:
    assert "PLANTED" not in repr(render_default(tmp_path, new_password=lambda: "PLANTED"))


def test_existing_file_stops_everything(tmp_path: Path) -> None:
    (tmp_path / "simulator.toml").write_text("mine")

    with pytest.raises(FilesExist, match="simulator"):
        write_default(render_default(tmp_path))

    assert [path.name for path in tmp_path.iterdir()] == ["simulator.toml"]
