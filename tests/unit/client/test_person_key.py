import base64
import json
import stat
import sys
from pathlib import Path

import pytest

from mt5fleet.client import ProducerSecret, load_key, save_key
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.messages import Algorithm, SigningKey
from mt5fleet.person_key_file import PersonSecret, load_person_key, save_person_key

KEY = SigningKey(key_id="ann-1", algorithm=Algorithm.ED25519, private=b"PLANTED-private-key-of-ann-32-by")
SECRET = PersonSecret(person="ann", key=KEY)


def test_key_of_a_person_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    save_person_key(tmp_path / "k", SECRET)

    assert load_person_key(tmp_path / "k") == SECRET
    assert "PLANTED" not in repr(SECRET)


def test_file_says_what_the_key_is_for(tmp_path: Path) -> None:
    save_person_key(tmp_path / "k", SECRET)

    content = json.loads((tmp_path / "k").read_text())
    assert content["person"] == "ann"
    assert "never signals" in content["use"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such mode")
def test_key_of_a_person_is_for_its_owner_only(tmp_path: Path) -> None:
    save_person_key(tmp_path / "k", SECRET)

    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600


def test_key_of_a_person_is_never_overwritten(tmp_path: Path) -> None:
    save_person_key(tmp_path / "k", SECRET)
    before = (tmp_path / "k").read_text()

    with pytest.raises(InvalidValue, match="never overwritten"):
        save_person_key(tmp_path / "k", PersonSecret(person="bob", key=SigningKey.generate("bob-1")))

    assert (tmp_path / "k").read_text() == before


def test_key_of_a_producer_is_not_taken_for_a_persons(tmp_path: Path) -> None:
    save_key(tmp_path / "k", ProducerSecret(producer="ann", key=KEY))

    with pytest.raises(InvalidValue, match="is the key of a producer; this needs the key of a person"):
        load_person_key(tmp_path / "k")


def test_key_of_a_person_is_not_taken_for_a_producers(tmp_path: Path) -> None:
    save_person_key(tmp_path / "k", SECRET)

    with pytest.raises(InvalidValue, match="is the key of a person; this needs the key of a producer"):
        load_key(tmp_path / "k")


@pytest.mark.parametrize(
    "changes",
    [
        {"private": "PLANTED-not-base64!"},
        {"private": base64.b64encode(b"PLANTED").decode()},
        {"private": 7},
        {"algorithm": "hmac-sha256"},
        {"producer": "ann"},
        {"PLANTED": "extra"},
        {"use": None},
    ],
)
def test_spoilt_key_of_a_person_is_refused_without_showing_it(
    tmp_path: Path, changes: dict[str, object]
) -> None:
    save_person_key(tmp_path / "good", SECRET)
    content = json.loads((tmp_path / "good").read_text())
    (tmp_path / "k").write_text(json.dumps({**content, **changes}))

    with pytest.raises(InvalidValue) as refused:
        load_person_key(tmp_path / "k")

    assert "PLANTED" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "[" * 4000, "null"])
def test_file_that_holds_no_key_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "k").write_text(text)

    with pytest.raises(InvalidValue):
        load_person_key(tmp_path / "k")
