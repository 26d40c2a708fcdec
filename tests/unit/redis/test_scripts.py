import re

import pytest

from mt5fleet.adapters.redis.scripts import load_scripts, script_sources
from mt5fleet.adapters.redis.settings import LedgerSettings
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.domain.lifecycle import FINAL, TRANSITIONS

SHARED = {"core", "inbox_core"}
SOURCES = script_sources()
OWN = sorted(set(SOURCES) - SHARED)
# New signals, records and registrations must leave the last memory to what is on its way.
NOT_WHEN_FULL = {"post", "push", "apply", "put_producer"}
WRITES = re.compile(r"redis\.p?call\('(?:HSET|HSETNX|HINCRBY|HDEL|DEL)', [^)]*", re.DOTALL)


def test_there_is_a_script_for_each_file_and_every_file_is_found() -> None:
    assert set(load_scripts(LedgerSettings())) == set(OWN)
    assert len(OWN) > 30


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_script_opens_with_what_it_does_and_its_key_map(name: str) -> None:
    lines = SOURCES[name].splitlines()
    comments = [line for line in lines[: 14 if name in SHARED else 12] if line.startswith("--")]

    assert comments[0].endswith(".")
    assert any("KEYS: base = prefix{" in line or "Key map" in line for line in comments)
    if name not in SHARED:
        assert lines[0].startswith("#!lua")


@pytest.mark.parametrize("name", OWN)
def test_finishing_runs_in_a_full_store_and_taking_on_does_not(name: str) -> None:
    flags = SOURCES[name].splitlines()[0].removeprefix("#!lua").strip()

    assert flags == ("" if name in NOT_WHEN_FULL else flags)
    assert flags in {"", "flags=allow-oom", "flags=no-writes"}
    assert (flags == "") == (name in NOT_WHEN_FULL)


@pytest.mark.parametrize("name", OWN)
def test_script_takes_one_base_and_reads_no_clock_of_its_own(name: str) -> None:
    assert "KEYS[2]" not in SOURCES[name]
    assert "'TIME'" not in SOURCES[name]
    assert "os." not in SOURCES[name]


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_no_script_lifts_a_latch(name: str) -> None:
    for write in WRITES.findall(SOURCES[name]):
        assert "resumed_seq" not in write
    assert not re.search(r"'DEL', (?:guard|base \.\. ':guard')", SOURCES[name])


def test_the_search_for_writes_would_find_a_lifted_latch() -> None:
    lifting = "redis.call('HSET', guard, 'flatten_due', 0,\n  'resumed_seq', whole(now))"

    assert any("resumed_seq" in write for write in WRITES.findall(lifting))


def test_halt_number_is_written_where_a_halt_begins_or_is_renumbered_and_only_grows() -> None:
    writers = [
        name
        for name, text in SOURCES.items()
        if any("'halted_seq'" in write for write in WRITES.findall(text))
    ]

    assert sorted(writers) == ["judge", "renumber_halt"]
    assert all("whole(math.max(num(" in SOURCES[name] for name in writers)


def test_scripts_carry_the_state_table_of_the_domain() -> None:
    text = load_scripts(LedgerSettings())["finish"].text
    moves = re.search(r"local MOVES = '\|(.*)\|'", text)
    final = re.search(r"local FINAL = '\|(.*)\|'", text)

    assert moves is not None
    assert final is not None
    assert set(moves[1].split("|")) == {f"{a}>{b}" for a, wanted in TRANSITIONS.items() for b in wanted}
    assert set(final[1].split("|")) == set(FINAL)


def test_settings_reach_the_scripts_and_change_their_hash() -> None:
    usual, longer = (load_scripts(LedgerSettings(wake_ms=ms))["push"] for ms in (2_000, 3_000))

    assert "local WAKE_MS = 3000\n" in longer.text
    assert usual.sha != longer.sha


def test_flags_are_left_out_for_servers_that_do_not_know_them() -> None:
    scripts = load_scripts(LedgerSettings(script_flags=False))

    assert not any(script.text.startswith("#!") for script in scripts.values())


@pytest.mark.parametrize(
    ("field", "value"),
    [("wake_ms", 0), ("events_max", -1), ("order_keep_ms", 1_000), ("record_keep_ms", 1_000)],
)
def test_settings_that_cannot_work_are_refused_by_name(field: str, value: int) -> None:
    with pytest.raises(InvalidValue, match="ledger"):
        LedgerSettings(**{field: value})
