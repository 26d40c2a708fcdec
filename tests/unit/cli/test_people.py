import json
import stat
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from mt5fleet.client import load_key
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.person import Role
from mt5fleet.messages import ResumeRecord, open_record, sign_record, verify_record
from mt5fleet.people_file import load_people, save_people
from mt5fleet.person_key_file import load_person_key
from tests.unit.cli.conftest import World

FAR_BRIDGE = """
[bridges.far]
address = "10.0.0.5:7451"
token_env = "FAR_TOKEN"
tls.workers.ca_file = "ca.pem"
"""


def _private(world: World, key_id: str = "ann-1") -> Path:
    return world.folder / "secrets" / "people" / f"{key_id}.key"


def _resume(world: World) -> ResumeRecord:
    now = world.clock.now()
    return ResumeRecord(server="B", login=1, sequence=1, reason="checked", person="ann", at=now)


def _counts(world: World, key_id: str = "ann-1") -> bool:
    """Whether a record that the key signs now would be accepted by a bridge that reads the file now."""
    text = sign_record(_resume(world), load_person_key(_private(world, key_id)).key)
    try:
        verify_record(open_record(text), load_people(world.folder / "people.toml"), world.clock.now())
    except InvalidValue:
        return False
    return True


def _add(world: World, name: str = "ann", *options: str | Path) -> None:
    result = world.run("people", "add", name, "--role", "risk", *options)
    assert result.code == 0, result.err


def test_added_person_can_sign_what_a_bridge_verifies_without_any_ledger(world: World) -> None:
    _add(world)

    person = load_people(world.folder / "people.toml")["ann"]
    assert (person.role, [key.key_id for key in person.keys]) == (Role.RISK, ["ann-1"])
    assert load_person_key(_private(world)).person == "ann"
    assert _counts(world)
    assert world.urls == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such mode")
def test_private_key_of_a_person_is_for_its_owner_only_and_shown_nowhere(world: World) -> None:
    result = world.run("people", "add", "ann", "--role", "risk", "--out", world.folder / "ann.key")

    private = json.loads((world.folder / "ann.key").read_text())["private"]
    assert stat.S_IMODE((world.folder / "ann.key").stat().st_mode) == 0o600
    for text in (result.out, result.err, (world.folder / "people.toml").read_text()):
        assert private not in text


def test_key_of_a_person_signs_no_signal(world: World) -> None:
    _add(world)

    with pytest.raises(InvalidValue, match="key of a person"):
        load_key(_private(world))


def test_person_is_not_added_twice_and_no_key_overwritten(world: World) -> None:
    _add(world)
    before = _private(world).read_text()

    assert world.run("people", "add", "ann", "--role", "operator").code == 1
    assert world.run("people", "add", "bob", "--role", "risk", "--out", _private(world)).code == 1
    assert _private(world).read_text() == before
    assert {name: one.role for name, one in load_people(world.folder / "people.toml").items()} == {
        "ann": Role.RISK
    }


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("a b", "--role", "risk"), 1),
        (("x" * 57, "--role", "risk"), 1),
        (("ann", "--role", "boss"), 2),
        (("ann",), 2),
        (("ann", "--role", "risk", "--bridge-file", "nowhere/people.toml"), 2),
    ],
)
def test_person_with_wrong_words_is_refused_before_a_key_is_made(
    world: World, options: tuple[str, ...], code: int
) -> None:
    assert world.run("people", "add", *options).code == code
    assert not (world.folder / "secrets" / "people").exists()


def test_spoilt_people_file_is_refused_and_left_alone(world: World) -> None:
    (world.folder / "people.toml").write_text("nope")

    result = world.run("people", "add", "ann", "--role", "risk")

    assert (result.code, (world.folder / "people.toml").read_text()) == (1, "nope")
    assert not _private(world).exists()


def test_rotation_keeps_the_old_key_of_a_person_for_the_stated_time(world: World) -> None:
    _add(world)
    world.clock.advance_s(10)

    result = world.run("people", "rotate", "ann", "--keep-old", "24h")

    assert result.code == 0
    assert (_counts(world), _counts(world, "ann-2")) == (True, True)
    world.clock.advance_s(timedelta(hours=24).total_seconds())
    assert (_counts(world), _counts(world, "ann-2")) == (False, True)


def test_rotation_with_an_unclear_time_makes_no_key(world: World) -> None:
    _add(world)

    assert world.run("people", "rotate", "ann", "--keep-old", "91d").code == 1
    assert not _private(world, "ann-2").exists()


def test_revoked_key_of_a_person_counts_no_longer_and_the_other_does(world: World) -> None:
    _add(world)
    world.run("people", "rotate", "ann", "--keep-old", "24h")

    result = world.run("people", "revoke", "ann", "--key", "ann-1")

    assert result.code == 0
    assert (_counts(world), _counts(world, "ann-2")) == (False, True)


def test_revoking_a_person_ends_every_key_and_keeps_the_first_moment(world: World) -> None:
    _add(world)
    world.run("people", "rotate", "ann", "--keep-old", "24h")
    world.run("people", "revoke", "ann", "--key", "ann-1")
    first = world.clock.now()
    world.clock.advance_s(60)

    world.run("people", "revoke", "ann")

    keys = load_people(world.folder / "people.toml")["ann"].keys
    assert [key.revoked_at for key in keys] == [first, world.clock.now()]


@pytest.mark.parametrize(
    "command", [("rotate", "eve", "--keep-old", "1h"), ("revoke", "eve"), ("revoke", "ann", "--key", "ann-7")]
)
def test_unknown_person_or_key_is_named_with_those_that_are_known(
    world: World, command: tuple[str, ...]
) -> None:
    _add(world)

    result = world.run("people", *command)

    assert result.code == 1
    assert "Known: ann" in result.err


def test_list_shows_roles_and_what_is_good(world: World) -> None:
    _add(world)
    world.run("people", "rotate", "ann", "--keep-old", "1h")
    world.run("people", "revoke", "ann", "--key", "ann-2")

    shown = world.run("people", "list").out
    (ann,) = world.run("people", "list", "--json").json

    assert "risk" in shown
    assert [(key["key_id"], key["revoked_at"] is None) for key in ann["keys"]] == [
        ("ann-1", True),
        ("ann-2", False),
    ]
    assert "revoked" in shown


def test_empty_list_is_a_list(world: World) -> None:
    assert world.run("people", "list", "--json").json == []


def test_mounted_bridge_gets_the_public_key(world: World, tmp_path: Path) -> None:
    _add(world, "ann", "--bridge-file", tmp_path / "people.toml")

    assert load_people(tmp_path / "people.toml") == load_people(world.folder / "people.toml")


def test_no_copy_brings_a_revoked_key_back_or_loses_somebody(world: World, tmp_path: Path) -> None:
    copy = tmp_path / "people.toml"
    _add(world, "ann", "--bridge-file", copy)
    old = load_people(world.folder / "people.toml")
    world.run("people", "revoke", "ann", "--bridge-file", copy)
    _add(world, "bob", "--bridge-file", copy)
    save_people(world.folder / "people.toml", old)

    result = world.run("people", "add", "cid", "--role", "operator", "--bridge-file", copy)

    found = load_people(copy)
    assert set(found) == {"ann", "bob", "cid"}
    assert found["ann"].keys[0].revoked_at is not None
    assert "it also names bob" in result.out


def test_copy_that_cannot_be_written_is_told_and_the_command_fails(world: World, tmp_path: Path) -> None:
    (tmp_path / "people.toml.new").mkdir()

    result = world.run("people", "add", "ann", "--role", "risk", "--bridge-file", tmp_path / "people.toml")

    assert result.code == 1
    assert f"{tmp_path / 'people.toml'} is not" in result.err
    assert "ann" in load_people(world.folder / "people.toml")


def test_spoilt_copy_is_refused_before_anything_is_written(world: World, tmp_path: Path) -> None:
    (tmp_path / "people.toml").write_text("nope")

    result = world.run("people", "add", "ann", "--role", "risk", "--bridge-file", tmp_path / "people.toml")

    assert result.code == 1
    assert not (world.folder / "people.toml").exists()
    assert not _private(world).exists()


def test_bridge_on_another_host_is_named_until_its_file_is_written(world: World, tmp_path: Path) -> None:
    world.fleet.write_text(world.fleet.read_text() + FAR_BRIDGE)

    told = world.run("people", "add", "ann", "--role", "risk").out
    written = world.run("people", "revoke", "ann", "--bridge-file", f"far={tmp_path / 'people.toml'}").out

    assert f"Bridge far does not know yet: copy {world.folder.resolve() / 'people.toml'} to its host" in told
    assert "10.0.0.5:7451" in told
    assert "does not know yet" not in written
    assert load_people(tmp_path / "people.toml")["ann"].keys[0].revoked_at is not None


def test_bridge_of_this_host_that_reads_another_file_is_named(world: World) -> None:
    (world.folder / "beside").mkdir()
    world.fleet.write_text(world.fleet.read_text() + '\n[bridges.near]\npeople_file = "beside/people.toml"\n')

    told = world.run("people", "add", "ann", "--role", "risk").out
    written = world.run("people", "revoke", "ann", "--bridge-file", "beside/people.toml").out

    assert "Bridge near does not know yet" in told
    assert "does not know yet" not in written
    assert "Bridge local" not in told + written
