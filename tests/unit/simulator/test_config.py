"""The configuration refuses what it does not know, and says which field breaks which rule."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mt5fleet.simulator.config import load_config, parse_config
from mt5fleet.simulator.host.faults import FaultKind
from mt5fleet.simulator.instruments.building import build_listings
from mt5fleet.simulator.terms.account import AccountMode
from mt5fleet.simulator.terms.base import ConfigError
from mt5fleet.simulator.terms.prices import RecordedPrices


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ({"hots": "127.0.0.1"}, "hots: Extra inputs are not permitted"),
        ({"host": "0.0.0.0"}, "host: .*loopback"),  # noqa: S104  # refused is the point
        ({"accounts": [{"login": 1, "pasword": "x"}]}, r"accounts\.0\.pasword: Extra inputs"),
        ({"accounts": [{"login": 1}, {"login": 1}]}, "each login may appear once"),
        (
            {"accounts": [{"login": 1, "server": "ICMarkets-Live"}]},
            r"accounts\.0\.server: .*must contain 'sim'",
        ),
        ({"accounts": [{"login": 1, "balance": "-1"}]}, r"accounts\.0\.balance"),
        ({"attach_login": 5}, "attach_login: no account has this login"),
        ({"prices": {"EURUSD": {"source": "fixed", "bid": "2", "ask": "1"}}}, "ask must not be below bid"),
        ({"prices": {"EURUSD": {"source": "guess"}}}, r"prices\.EURUSD"),
        ({"faults": [{"kind": "late_answer"}]}, "delay_ms: late_answer needs a delay"),
        ({"faults": [{"kind": "reject", "call": "positions_get"}]}, "reject is an answer of order_send only"),
        ({"speed": 0}, "speed"),
        ({"server_zone": {"plus_hours": 15}}, "server_zone.plus_hours"),
    ],
)
def test_wrong_field_is_named_with_its_rule(entries: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        parse_config(entries)


def test_password_never_shows_in_an_error_or_a_repr() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config({"accounts": [{"login": "x", "password": "hunter2" * 20}]})
    config = parse_config({"accounts": [{"login": 1, "password": "hunter2"}]})

    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(config)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "simulator.toml"
    path.write_text('state_dir = "state"\n[prices.EURUSD]\nsource = "recorded"\nfile = "ticks.csv"\n')

    config = load_config(path)

    assert config.state_dir == tmp_path / "state"
    prices = config.prices["EURUSD"]
    assert isinstance(prices, RecordedPrices)
    assert prices.file == tmp_path / "ticks.csv"


def test_configuration_survives_being_written_as_json(tmp_path: Path) -> None:
    config = parse_config(
        {
            "accounts": [{"login": 1, "password": "pw", "balance": "10.50", "mode": "real"}],
            "prices": {"EURUSD": {"source": "fixed", "bid": "1.1", "ask": "1.2"}},
            "faults": [{"kind": "answer_lost", "login": 1}],
        }
    )
    path = tmp_path / "simulator.json"
    path.write_text(config.model_dump_json())

    assert load_config(path) == config


@pytest.mark.parametrize("content", ["not = toml = at all", "\xff"])
def test_unreadable_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content.encode("latin-1"))

    with pytest.raises(ConfigError, match=r"broken\.toml: cannot be read"):
        load_config(path)


def test_symbol_like_another_takes_its_terms_under_a_new_name() -> None:
    listings = build_listings(
        parse_config({"symbols": [{"name": "EURUSD-Z", "like": "EURUSD", "stops_level_points": 1}]})
    )

    assert listings["EURUSD-Z"].spec.contract_size == Decimal(100_000)
    assert (listings["EURUSD-Z"].spec.stops_level_points, listings["EURUSD"].spec.stops_level_points) == (
        1,
        0,
    )


def test_new_symbol_gets_its_tick_from_its_digits() -> None:
    symbol = {
        "name": "DOTUSD",
        "base": "DOT",
        "profit": "USD",
        "digits": 4,
        "contract_size": 100,
        "calc_mode": 2,
    }

    spec = build_listings(parse_config({"symbols": [symbol]}))["DOTUSD"].spec

    assert (spec.tick_size, spec.margin) == (Decimal("0.0001"), "DOT")


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ({"symbols": [{"name": "NEW"}]}, r"symbols\.NEW\.base: needed"),
        ({"symbols": [{"name": "NEW", "like": "NOPE"}]}, r"symbols\.NEW\.like: no symbol NOPE"),
        ({"prices": {"NOPE": {"source": "none"}}}, r"prices\.NOPE: no such symbol"),
    ],
)
def test_symbol_without_terms_is_refused(entries: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        build_listings(parse_config(entries))


def test_account_modes_have_the_vendors_numbers() -> None:
    assert [mode.number for mode in (AccountMode.DEMO, AccountMode.CONTEST, AccountMode.REAL)] == [0, 1, 2]


def test_fault_kinds_are_what_the_command_line_takes() -> None:
    assert json.loads(json.dumps(list(FaultKind)))[0] == "answer_lost"
