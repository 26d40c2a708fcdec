import json
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from mt5fleet.cli.exits import ExitCode
from mt5fleet.cli.producer_book import merged
from mt5fleet.client import load_key
from mt5fleet.domain.account import Producer, ProducerKey, Rights
from mt5fleet.fleet_file import load
from mt5fleet.messages import dump_signal, open_envelope, sign, verify
from mt5fleet.producers_file import load_producers
from tests.unit.cli.conftest import World


def test_init_writes_a_fleet_that_loads_and_says_what_comes_next(world: World, tmp_path: Path) -> None:
    result = world.run("init", tmp_path / "new", "--redis", "redis://127.0.0.1:7777/0")

    assert result.code == 0
    assert load(tmp_path / "new" / "fleet.toml").ledger_url({}) == "redis://127.0.0.1:7777/0"
    assert "mt5fleet accounts apply" in result.out


def test_init_into_a_used_folder_is_refused(world: World) -> None:
    before = world.fleet.read_text()

    result = world.run("init", world.folder)

    assert (result.code, world.fleet.read_text()) == (1, before)


def test_init_shows_no_password(world: World, tmp_path: Path) -> None:
    result = world.run("init", tmp_path / "new")

    secrets = [path.read_text().strip() for path in (tmp_path / "new" / "secrets").iterdir()]
    assert len(secrets) == 4
    assert not [one for one in secrets if one in result.out + result.err]


def test_added_producer_can_sign_what_the_fleet_verifies(told: World) -> None:
    result = told.run(
        "producers", "add", "desk", "--accounts", "demo-usd-1,demo-eur-1", "--volume", "2.5", "--rate", "9"
    )

    secret = load_key(told.folder / "secrets" / "desk-1.key")
    producer = told.ledger.producers()["desk"]
    assert result.code == 0
    verify(open_envelope(sign(told.opening(), secret.key)), producer.keys[0], lambda _: b"")
    assert producer.rights.accounts == ("demo-usd-1", "demo-eur-1")
    assert (str(producer.rights.volume_lots_max), producer.rights.signals_per_minute_max) == ("2.5", 9)
    assert load_producers(told.folder / "producers.toml") == told.ledger.producers()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such mode")
def test_private_key_is_for_its_owner_only_and_shown_nowhere(told: World) -> None:
    result = told.run("producers", "add", "desk", "--accounts", "*")

    path = told.folder / "secrets" / "desk-1.key"
    private = json.loads(path.read_text())["private"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for text in (result.out, result.err, (told.folder / "producers.toml").read_text()):
        assert private not in text


def test_producer_is_not_added_twice_and_no_key_overwritten(told: World) -> None:
    told.run("producers", "add", "desk", "--accounts", "*")
    before = (told.folder / "secrets" / "desk-1.key").read_text()

    assert told.run("producers", "add", "desk", "--accounts", "*").code == 1
    assert told.run("producers", "add", "other", "--accounts", "*", "--out", "secrets/desk-1.key").code == 1
    assert (told.folder / "secrets" / "desk-1.key").read_text() == before
    assert set(told.ledger.producers()) == {"desk"}


@pytest.mark.parametrize(
    "options",
    [
        ("a b", "--accounts", "*"),
        ("desk", "--accounts", ","),
        ("desk", "--accounts", "*", "--volume", "-1"),
        ("desk", "--accounts", "*", "--volume", "many"),
        ("desk", "--accounts", "*", "--rate", "0"),
    ],
)
def test_producer_with_wrong_rights_is_refused_before_a_key_is_made(
    told: World, options: tuple[str, ...]
) -> None:
    assert told.run("producers", "add", *options).code != 0
    assert list((told.folder / "secrets").glob("*.key")) == []


def test_shared_secret_is_named_by_its_variable_only(told: World) -> None:
    told.run("producers", "add", "old", "--accounts", "*", "--hmac-env", "OLD_SECRET")

    (key,) = told.ledger.producers()["old"].keys
    assert (key.algorithm, key.public) == ("hmac-sha256", "OLD_SECRET")
    assert load_key(told.folder / "secrets" / "old-1.key").key.algorithm == "hmac-sha256"


def test_rotation_keeps_the_old_key_for_the_stated_time(told: World) -> None:
    told.run("producers", "add", "desk", "--accounts", "*")
    told.clock.advance_s(10)

    result = told.run("producers", "rotate", "desk", "--keep-old", "24h")

    old, new = told.ledger.producers()["desk"].keys
    assert result.code == 0
    assert old.valid_until == told.clock.now() + timedelta(hours=24)
    assert (new.key_id, new.valid_from, new.valid_until) == ("desk-2", told.clock.now(), None)


def test_rotation_never_prolongs_a_key(told: World) -> None:
    told.run("producers", "add", "desk", "--accounts", "*")
    told.run("producers", "rotate", "desk", "--keep-old", "1h")
    soon = told.ledger.producers()["desk"].keys[0].valid_until

    told.run("producers", "rotate", "desk", "--keep-old", "7d")

    assert told.ledger.producers()["desk"].keys[0].valid_until == soon


@pytest.mark.parametrize("text", ["24", "h", "1w", "91d", "-1h"])
def test_unclear_time_to_keep_is_refused(told: World, text: str) -> None:
    told.run("producers", "add", "desk", "--accounts", "*")

    assert told.run("producers", "rotate", "desk", f"--keep-old={text}").code == 1
    assert len(told.ledger.producers()["desk"].keys) == 1


def test_revoked_key_is_marked_and_the_other_stays_good(told: World) -> None:
    told.run("producers", "add", "desk", "--accounts", "*")
    told.run("producers", "rotate", "desk", "--keep-old", "24h")

    result = told.run("producers", "revoke", "desk", "--key", "desk-1")

    one, two = told.ledger.producers()["desk"].keys
    assert result.code == 0
    assert (one.revoked_at, two.revoked_at) == (told.clock.now(), None)
    assert "revoked" in told.run("producers", "list").out


def test_revoking_without_a_key_revokes_all(told: World) -> None:
    told.run("producers", "add", "desk", "--accounts", "*")
    told.run("producers", "rotate", "desk", "--keep-old", "24h")

    told.run("producers", "revoke", "desk")

    assert all(key.revoked_at for key in told.ledger.producers()["desk"].keys)


def test_unknown_producer_and_key_are_refused_with_the_known_ones(told: World) -> None:
    told.run("producers", "add", "desk", "--accounts", "*")

    assert "desk" in told.run("producers", "revoke", "nobody").err
    result = told.run("producers", "revoke", "desk", "--key", "desk-9")
    assert (result.code, "desk-1" in result.err) == (1, True)


def test_emptied_ledger_is_filled_again_from_the_file(told: World) -> None:
    told.run("producers", "add", "desk", "--accounts", "*")
    before = told.ledger.producers()
    told.ledger.wipe()

    assert told.run("producers", "apply").code == 0
    assert told.ledger.producers() == before


def test_old_file_brings_no_revoked_key_back(told: World) -> None:
    told.run("producers", "add", "desk", "--accounts", "*")
    old = (told.folder / "producers.toml").read_text()
    told.run("producers", "revoke", "desk")
    (told.folder / "producers.toml").write_text(old)

    told.run("producers", "rotate", "desk", "--keep-old", "1h")

    assert told.ledger.producers()["desk"].keys[0].revoked_at is not None


def test_key_known_on_one_side_only_is_kept(told: World) -> None:
    at = told.clock.now()
    one, two = (ProducerKey(key_id=name, algorithm="ed25519", public="x", valid_from=at) for name in "ab")
    rights = Rights(accounts=("*",))

    both = merged(
        {"p": Producer(name="p", keys=(one,), rights=rights)},
        {
            "p": Producer(name="p", keys=(two,), rights=rights),
            "q": Producer(name="q", keys=(), rights=rights),
        },
    )

    assert [key.key_id for key in both["p"].keys] == ["a", "b"]
    assert set(both) == {"p", "q"}


def test_list_json_holds_keys_and_rights(told: World) -> None:
    told.run("producers", "add", "desk", "--accounts", "*", "--symbols", "EURUSD,GBPUSD")

    (shown,) = told.run("producers", "list", "--json").json

    assert shown["rights"]["symbols"] == ["EURUSD", "GBPUSD"]
    assert [key["key_id"] for key in shown["keys"]] == ["desk-1"]


def test_queues_show_the_real_backlog_and_the_wake_ups(told: World) -> None:
    told.ledger.post("S1", "h", sign(told.opening(), load_key(told.key_file()).key))
    told.run("halt", "--account", "demo-usd-1", "--reason", "r", "--by", "ann")
    told.clock.advance_s(2)

    shown = told.run("queues", "--json").json
    text = told.run("queues").out

    assert shown["intake"] == {"waiting": 1, "oldest_age_s": 2.0, "owned": False}
    assert shown["lanes"]["normal"] == {"waiting": 0, "oldest_age_s": None}
    assert [one["account"] for one in shown["accounts"] if one["flatten_due"]] == ["demo-usd-1"]
    assert shown["wake_ups"] == told.depths
    assert "2.0 s" in text
    assert "has no owner" in text


def test_events_are_told_in_order(told: World) -> None:
    signal = told.executed()

    lines = told.run("events", "tail", "demo-usd-1").out.splitlines()
    shown = told.run("events", "tail", "demo-usd-1", "--limit", "1", "--json").json

    kinds = [line.split()[1] for line in lines]
    assert kinds == ["order_received", "order_begun", "order_filled"]
    assert signal.id in lines[0]
    assert [one["event"]["type"] for one in shown] == ["order_filled"]


def test_fleet_file_is_found_by_option_variable_and_folder(
    told: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "mt5fleet init" in told.run("accounts", "show").err
    assert told.run("accounts", "show", "--fleet", told.fleet).code == 0

    monkeypatch.setenv("MT5FLEET_FILE", str(told.fleet))
    assert told.run("accounts", "show").code == 0


def test_missing_variable_of_the_address_is_named(told: World) -> None:
    told.fleet.write_text(
        told.fleet.read_text().replace("redis://127.0.0.1:6379/0", "redis://:${NO_SUCH}@h/0")
    )

    result = told.run("accounts", "show")

    assert (result.code, "NO_SUCH" in result.err) == (1, True)


def test_every_command_has_help_and_every_exit_code_a_meaning(world: World) -> None:
    for command in (
        (),
        ("accounts",),
        ("signals",),
        ("producers",),
        ("deadletters",),
        ("events",),
        ("bridge",),
        ("simulator",),
        ("accounts", "apply"),
        ("signals", "submit"),
        ("producers", "rotate"),
        ("halt",),
        ("queues",),
        ("init",),
    ):
        assert world.run(*command, "--help").code == 0
    assert [code.value for code in ExitCode] == [0, 1, 2, 3, 4]


def test_command_loads_nothing_that_only_workers_use() -> None:
    heavy = ("numpy", "sentry_sdk", "grpc", "httpx", "structlog", "MetaTrader5", "flower")
    code = f"import sys, mt5fleet.cli.main; print([m for m in {heavy!r} if m in sys.modules])"

    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert shown.stdout.strip() == "[]"


def test_client_loads_neither_simulator_nor_bridge() -> None:
    heavy = (
        "mt5fleet.simulator",
        "mt5fleet.bridge",
        "mt5fleet.service",
        "numpy",
        "sentry_sdk",
        "grpc",
        "typer",
        "rich",
    )
    code = f"import sys, mt5fleet.client; print([m for m in {heavy!r} if m in sys.modules])"

    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert shown.stdout.strip() == "[]"


def test_signal_object_of_the_documentation_is_valid(world: World) -> None:
    text = (Path(__file__).parents[3] / "docs" / "producers.md").read_text(encoding="utf-8")
    block = text[text.index("```json") + 7 :]
    content = json.loads(block[: block.index("```")])

    result = world.run("signals", "submit", "-", "--key", world.key_file(), typed=json.dumps(content))

    assert result.code == 0, result.err
    assert dump_signal(world.opening())["verb"] == content["verb"]
