"""docs/simulator.md: its configurations are valid, and it names every key and command there is."""

import re
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from mt5fleet.cli.simulator import app
from mt5fleet.simulator.config import SimulatorConfig, TerminalTerms, parse_config
from mt5fleet.simulator.instruments.building import build_listings
from mt5fleet.simulator.terms.account import AccountTerms
from mt5fleet.simulator.terms.base import Terms
from mt5fleet.simulator.terms.prices import CrossPrices, FixedPrices, RecordedPrices, SyntheticPrices
from mt5fleet.simulator.terms.symbol import SymbolTerms
from mt5fleet.simulator.terms.time import ClockTerms, ServerZoneTerms

PAGE = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_configuration_of_the_page_is_valid(text: str) -> None:
    config = parse_config(tomllib.loads(text))

    assert build_listings(config)


@pytest.mark.parametrize(
    "terms",
    [
        *(SimulatorConfig, TerminalTerms, AccountTerms, SymbolTerms, ClockTerms, ServerZoneTerms),
        *(SyntheticPrices, RecordedPrices, CrossPrices, FixedPrices),
    ],
)
def test_page_names_every_key(terms: type[Terms]) -> None:
    words = set(re.findall(r"\w+", PAGE))

    assert [key for key in terms.model_fields if key not in words] == []


def test_page_names_every_command() -> None:
    told = PAGE[PAGE.index("## Commands") :]
    commands: dict[str, object] = getattr(get_command(app), "commands", {})

    assert "serve" in commands
    assert [name for name in commands if f"`{name}`" not in told] == []


def test_page_links_to_the_pages_on_faults_codes_and_programs() -> None:
    links = set(re.findall(r"\]\(([\w./-]+\.md)\)", PAGE))

    assert links == {"faults.md", "fault-scripts.md", "retcodes.md", "evidence/public-programs.md"}
