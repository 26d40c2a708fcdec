from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from mt5fleet.domain.account import Producer, ProducerKey, Rights
from mt5fleet.fleet_file import FleetFileInvalid
from mt5fleet.producers_file import load_producers, save_producers

AT = datetime(2026, 1, 5, 12, 0, 0, 123456, tzinfo=UTC)


def _producer(name: str = "desk") -> Producer:
    keys = (
        ProducerKey(
            key_id="k1", algorithm="ed25519", public="QUJD+/==", valid_from=AT, valid_until=AT, revoked_at=AT
        ),
        ProducerKey(key_id="k2", algorithm="hmac-sha256", public="DESK_SECRET", valid_from=AT),
    )
    rights = Rights(
        accounts=("a", "b"), symbols=('X"Y', "\\Ü"), volume_lots_max=Decimal("2.50"), signals_per_minute_max=5
    )
    return Producer(name=name, keys=keys, rights=rights)


def test_producers_come_back_as_they_were_saved(tmp_path: Path) -> None:
    simple = Producer(name="x.1", keys=(), rights=Rights(accounts=("*",)))
    producers = {"desk": _producer(), "x.1": simple}

    save_producers(tmp_path / "p.toml", producers)

    assert load_producers(tmp_path / "p.toml") == producers


def test_no_file_means_no_producers(tmp_path: Path) -> None:
    assert load_producers(tmp_path / "none.toml") == {}


def test_saving_leaves_no_draft_behind(tmp_path: Path) -> None:
    save_producers(tmp_path / "p.toml", {"desk": _producer()})
    save_producers(tmp_path / "p.toml", {})

    assert [path.name for path in tmp_path.iterdir()] == ["p.toml"]
    assert load_producers(tmp_path / "p.toml") == {}


@pytest.mark.parametrize(
    "text",
    [
        "nope",
        '[producers.desk]\nsymbols = ["*"]\n',
        "[producers.desk]\nrights = 1\naccounts = []\nkeys = []\n",
    ],
)
def test_spoilt_file_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.toml").write_text(text)

    with pytest.raises(FleetFileInvalid, match=r"p\.toml"):
        load_producers(tmp_path / "p.toml")
