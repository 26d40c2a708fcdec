import os
import string
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mt5fleet.domain.person import Person, PersonKey, Role
from mt5fleet.messages import SigningKey
from mt5fleet.people_file import (
    PEOPLE_BYTES_MAX,
    PeopleFile,
    PeopleFileInvalid,
    load_people,
    save_people,
)

AT = datetime(2026, 1, 5, 12, 0, 0, 123456, tzinfo=UTC)


def _key(key_id: str, **ends: datetime) -> PersonKey:
    return PersonKey(key_id=key_id, public=SigningKey.generate(key_id).public, valid_from=AT, **ends)


ANN = Person(
    name="ann",
    role=Role.RISK,
    keys=(
        _key("ann-1", revoked_at=AT + timedelta(days=1)),
        _key("ann-2", valid_until=AT + timedelta(days=2)),
        _key("ann-3"),
    ),
)
BOB = Person(name="b.ob", role=Role.OPERATOR, keys=())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.toml"


def test_people_come_back_as_they_were_saved(path: Path) -> None:
    save_people(path, {"ann": ANN, "b.ob": BOB})

    assert load_people(path) == {"ann": ANN, "b.ob": BOB}
    assert [one.name for one in path.parent.iterdir()] == ["people.toml"]


def test_no_file_means_nobody(path: Path) -> None:
    people = PeopleFile(path)

    assert (load_people(path), people(), people.problem) == ({}, {}, None)


def test_too_many_people_are_not_written_and_the_old_file_stands(path: Path) -> None:
    save_people(path, {"ann": ANN})
    crowd = {f"p{n}": Person(name=f"p{n}", role=Role.RISK, keys=(ANN.keys[0],)) for n in range(2000)}

    with pytest.raises(PeopleFileInvalid, match="would be over"):
        save_people(path, crowd)

    assert load_people(path) == {"ann": ANN}


def _otherwise(public: str) -> str:
    """Another text that lenient decoders read as the same key: its last two bits are not looked at."""
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    return f"{public[:-2]}{letters[letters.index(public[-2]) + 1]}="


_KEY_LINES = f"""
[[people.ann.keys]]
key_id = "ann-1"
public = "{ANN.keys[0].public}"
valid_from = 2026-01-05T12:00:00Z
"""
_ANN = f'[people.ann]\nrole = "risk"\n{_KEY_LINES}'
SPOILT = {
    "no TOML": "nope",
    "role missing": "[people.ann]\n",
    "role unknown": '[people.ann]\nrole = "boss"\n',
    "name with a space": '[people."a b"]\nrole = "risk"\n',
    "unknown field": '[people.ann]\nrole = "risk"\nphone = "1"\n',
    "unknown table": '[persons.ann]\nrole = "risk"\n',
    "key too short": _ANN.replace(ANN.keys[0].public, "QUJD"),
    "key no base64": _ANN.replace(ANN.keys[0].public, "?" * 43 + "="),
    "key cut off": _ANN.replace("valid_from = 2026-01-05T12:00:00Z", ""),
    "moment without zone": _ANN.replace("00Z", "00"),
    "one id twice": _ANN + _KEY_LINES.replace(ANN.keys[0].public, ANN.keys[1].public),
    "one key for two people": _ANN + _ANN.replace("ann", "bob"),
    "one key for two people, spelled otherwise": _ANN
    + _ANN.replace("ann", "bob").replace(ANN.keys[0].public, _otherwise(ANN.keys[0].public)),
    "too long": _ANN + "#" * PEOPLE_BYTES_MAX,
    "deep nesting": "a = " + "[" * 50_000,
    "number too long": "a = " + "9" * 5_000,
    "number too large": "a = 1e99999999999999999999",
}


@pytest.mark.parametrize("text", SPOILT.values(), ids=SPOILT)
def test_file_that_breaks_a_rule_names_nobody_and_says_why(path: Path, text: str) -> None:
    path.write_text(text)
    people = PeopleFile(path)

    with pytest.raises(PeopleFileInvalid, match=r"people\.toml: "):
        load_people(path)
    assert people() == {}
    assert str(path) in str(people.problem)


def test_bridge_s_log_says_once_what_is_wrong_with_the_file(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text(_ANN)
    people = PeopleFile(path)
    assert people()
    path.write_text(_ANN[: len(_ANN) // 2])
    for _ in range(3):
        assert people() == {}
    path.unlink()
    assert people() == {}

    (said,) = caplog.messages
    assert str(path) in said


def test_file_that_is_not_text_names_nobody(path: Path) -> None:
    path.write_bytes(b"\xff\xfe")

    assert PeopleFile(path)() == {}


def test_folder_in_the_files_place_names_nobody_and_says_why(path: Path) -> None:
    path.mkdir()
    people = PeopleFile(path)

    assert people() == {}
    assert "cannot be read" in str(people.problem)


def test_file_below_another_file_names_nobody_and_says_why(path: Path) -> None:
    path.write_text(_ANN)
    people = PeopleFile(path / "people.toml")

    assert people() == {}
    assert os.name == "nt" or "cannot be read" in str(people.problem)


def test_change_of_the_file_is_seen_at_the_next_question(path: Path) -> None:
    people = PeopleFile(path)
    seen = [set(people())]

    save_people(path, {"ann": ANN})
    seen.append(set(people()))
    save_people(path, {"ann": ANN, "b.ob": BOB})
    seen.append(set(people()))
    path.unlink()
    seen.append(set(people()))

    assert seen == [set(), {"ann"}, {"ann", "b.ob"}, set()]


def test_file_that_did_not_change_is_not_read_again(path: Path) -> None:
    save_people(path, {"ann": ANN})
    people = PeopleFile(path)

    assert people() is people()


def test_people_are_gone_while_the_file_is_spoilt_and_back_when_it_is_mended(path: Path) -> None:
    save_people(path, {"ann": ANN})
    people = PeopleFile(path)
    assert people() == {"ann": ANN}

    path.write_text("nope")
    assert (people(), people.problem is None) == ({}, False)

    save_people(path, {"ann": ANN})
    assert (people(), people.problem) == ({"ann": ANN}, None)


def test_every_cut_of_a_file_lets_no_revoked_key_come_back(path: Path) -> None:
    save_people(path, {"ann": ANN})
    whole = path.read_bytes()

    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        found = PeopleFile(path)().get("ann")
        good = set() if found is None else {key.key_id for key in found.keys if key.is_good(AT)}
        assert good <= {"ann-2", "ann-3"}
