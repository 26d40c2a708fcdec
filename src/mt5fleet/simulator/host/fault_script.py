"""A fault script: a TOML file of faults with the times they come at."""

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from mt5fleet.simulator.host.fault_terms import FaultTerms
from mt5fleet.simulator.terms.base import ConfigError, Terms, sentences

SCRIPT_FAULTS_MAX = 1_000
"""Faults of one script; a longer one is better made by a program."""


class FaultScript(Terms):
    """What shall go wrong, and when; times count from the moment the script is told."""

    name: str = Field(default="", max_length=80)
    faults: tuple[FaultTerms, ...] = Field(min_length=1, max_length=SCRIPT_FAULTS_MAX)


def read_fault_script(path: Path) -> FaultScript:
    """Read a script.

    Raises:
        ConfigError: The file is not readable, or a field breaks its rule.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    try:
        return FaultScript.model_validate(entries)
    except ValidationError as error:
        raise ConfigError(f"{path}: {sentences(error)}") from error
