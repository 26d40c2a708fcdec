import base64
import json
import stat
import sys
from pathlib import Path

import pytest

from mt5fleet.client import FleetClient, ProducerSecret, load_key, save_key
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.messages import Algorithm, SigningKey

SECRET = ProducerSecret(
    producer="desk",
    key=SigningKey(key_id="desk-1", algorithm=Algorithm.HMAC_SHA256, private=b"PLANTED-secret-" * 3),
)


def _file(tmp_path: Path, **changes: object) -> Path:
    path = tmp_path / "desk.key"
    content = {
        "producer": "desk",
        "key_id": "desk-1",
        "algorithm": "hmac-sha256",
        "private": base64.b64encode(SECRET.key.private).decode(),
        **changes,
    }
    path.write_text(json.dumps(content))
    return path


def test_key_file_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    save_key(tmp_path / "k", SECRET)

    assert load_key(tmp_path / "k") == SECRET


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such mode")
def test_key_file_is_for_its_owner_only(tmp_path: Path) -> None:
    save_key(tmp_path / "k", SECRET)

    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600


def test_key_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("older")

    with pytest.raises(InvalidValue, match="never overwritten"):
        save_key(tmp_path / "k", SECRET)

    assert (tmp_path / "k").read_text() == "older"


@pytest.mark.parametrize(
    "changes",
    [
        {"private": "PLANTED-not-base64!"},
        {"private": base64.b64encode(b"PLANTED").decode()},
        {"private": 7},
        {"algorithm": "rsa"},
        {"PLANTED": "extra"},
    ],
)
def test_spoilt_key_file_is_refused_without_showing_it(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidValue) as refused:
        load_key(_file(tmp_path, **changes))

    assert "PLANTED" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"nowhere\.key"):
        load_key(tmp_path / "nowhere.key")


def test_key_of_another_producer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="belongs to producer desk"):
        FleetClient("redis://127.0.0.1:1/0", "other", _file(tmp_path))


def test_secret_shows_in_no_representation(tmp_path: Path) -> None:
    shown = (
        repr(SECRET) + str(SECRET) + repr(vars(FleetClient("redis://127.0.0.1:1/0", "desk", _file(tmp_path))))
    )

    assert "PLANTED" not in shown
    assert base64.b64encode(SECRET.key.private).decode() not in shown


@pytest.mark.parametrize(
    "url", ["http://somewhere/", "rediss://somewhere/0?ssl_cert_reqs=none", "rediss://somewhere/0"]
)
def test_unsafe_address_is_refused_before_anything_is_sent(tmp_path: Path, url: str) -> None:
    with pytest.raises(InvalidValue):
        FleetClient(url, "desk", _file(tmp_path))
