"""The same questions asked of a real terminal and of the simulator, and where the answers differ."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mt5fleet
from mt5fleet.simulator.process import dropin_folder, terminal_environment

CHILD = "mt5fleet.simulator.comparing.child"
ADDRESS_VARIABLE = "MT5FLEET_SIMULATOR"
TIME_LIMIT_S = 300.0
"""For one run of the questions; the vendor's package itself may wait for a terminal without end."""

ABSENT = "(not there)"


class CannotCompareError(Exception):
    """One of the two could not be asked; the text says which and why."""


class LeftBehindError(Exception):
    """A run that traded ended badly: something may be open that it opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Who is asked: a terminal through the vendor's package, or a simulator through the drop-in."""

    name: str
    environment: Mapping[str, str] = field(repr=False)
    path: str = ""  # of the terminal; empty takes the one that runs
    is_dropin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one side said."""

    account: str
    is_demo: bool
    by_topic: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place in one answer where the two sides are not the same."""

    topic: str
    question: str
    place: str
    real: str
    simulator: str


def simulator_side(address: str, name: str = "simulator") -> Side:
    """Return a simulator that listens at an address; its `attach_login` is the account asked."""
    return Side(
        name=name, environment=_package_found(terminal_environment(address, os.environ)), is_dropin=True
    )


def real_side(path: str = "") -> Side:
    """Return the terminal of this machine, logged in already; needs the vendor's package."""
    dropin = str(dropin_folder())
    paths = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part and part != dropin]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    environment.pop(ADDRESS_VARIABLE, None)
    return Side(name="terminal", environment=_package_found(environment), path=path, is_dropin=False)


def ask(side: Side, symbol: str, *, trade: bool = False) -> Answers:
    """Ask everything, in a process of its own.

    Raises:
        CannotCompareError: The side could not be asked; nothing was traded.
        LeftBehindError: It traded, and may have left something open.
    """
    wish = {"symbol": symbol, "path": side.path, "trade": trade, "is_dropin": side.is_dropin}
    said = _said(side, wish)
    if "problem" in said:
        raise CannotCompareError(f"{side.name}: {said['problem']}")
    if said["left"]:
        raise LeftBehindError(f"{side.name}: {'; '.join(said['left'])}")
    return Answers(account=said["account"], is_demo=said["is_demo"], by_topic=said["answers"])


def differences(real: Answers, simulator: Answers) -> tuple[Difference, ...]:
    """Return where two sides' answers to the same questions differ."""
    found = []
    for topic, question in _questions(real, simulator):
        ours = simulator.by_topic.get(topic, {}).get(question, ABSENT)
        theirs = real.by_topic.get(topic, {}).get(question, ABSENT)
        found += [
            Difference(topic=topic, question=question, place=place, real=one, simulator=other)
            for place, one, other in _unequal(theirs, ours, "")
        ]
    return tuple(found)


def count(answers: Answers) -> int:
    """Return how many questions were answered."""
    return sum(len(questions) for questions in answers.by_topic.values())


def _said(side: Side, wish: Mapping[str, Any]) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-m", CHILD],
            input=json.dumps(wish),
            env=dict(side.environment),
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT_S,
            check=True,
        )
        said: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise _ended_badly(side, wish, f"no end within {TIME_LIMIT_S:.0f} s") from error
    except subprocess.CalledProcessError as error:
        raise _ended_badly(side, wish, error.stderr.strip()) from error
    except ValueError as error:
        raise _ended_badly(side, wish, "its answers are not JSON") from error
    return said


def _ended_badly(side: Side, wish: Mapping[str, Any], why: str) -> Exception:
    if wish["trade"]:
        return LeftBehindError(f"{side.name}: ended while trading; look for open positions and orders: {why}")
    return CannotCompareError(f"{side.name}: {why}")


def _package_found(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which a child finds this package, after whatever it had."""
    package = str(Path(mt5fleet.__file__).parents[1])
    paths = [*filter(None, [environment.get("PYTHONPATH")]), package]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)}


def _questions(*sides: Answers) -> list[tuple[str, str]]:
    asked = {
        (topic, question): None
        for side in sides
        for topic, questions in side.by_topic.items()
        for question in questions
    }
    return list(asked)


def _unequal(real: Any, simulator: Any, place: str) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401  # plain JSON
    if isinstance(real, dict) and isinstance(simulator, dict):
        for key in {**real, **simulator}:
            inside = f"{place}.{key}" if place else key
            yield from _unequal(real.get(key, ABSENT), simulator.get(key, ABSENT), inside)
    elif real != simulator:
        yield place, _text(real), _text(simulator)


def _text(value: Any) -> str:  # noqa: ANN401  # plain JSON
    return value if isinstance(value, str) else json.dumps(value)
