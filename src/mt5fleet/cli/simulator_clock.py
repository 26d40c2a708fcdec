"""`mt5fleet simulator clock`: show the broker's clock, set it, step it, speed it up or stop it."""

import json
from typing import Annotated, Any

import typer

from mt5fleet.cli.exits import ExitCode
from mt5fleet.cli.simulator_control import Address, connected, fail

UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}

app = typer.Typer(no_args_is_help=True, help="The broker's clock; what it is told outlives a restart.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@app.command()
def show(address: Address, as_json: AsJson = False) -> None:
    """Print what the clock shows, and how fast it runs."""
    with connected(address) as control:
        _print(control.clock(), as_json)


@app.command("set")
def set_(
    moment: Annotated[str, typer.Argument(help="ISO 8601 with an offset: 2026-11-20T21:58:00+00:00.")],
    address: Address,
    as_json: AsJson = False,
) -> None:
    """Show another moment from now on, forward or back; the speed stays."""
    with connected(address) as control:
        _print(control.set_clock(moment), as_json)


@app.command()
def step(
    duration: Annotated[str, typer.Argument(help="Such as 500ms, 90s, 5m, 2h, 1d; back is `-- -1h`.")],
    address: Address,
    as_json: AsJson = False,
) -> None:
    """Jump forward or back."""
    with connected(address) as control:
        _print(control.step_clock(_duration_ms(duration)), as_json)


@app.command()
def speed(
    factor: Annotated[float, typer.Argument(min=0, help="Simulated seconds in a real one; 0 stands still.")],
    address: Address,
    as_json: AsJson = False,
) -> None:
    """Run faster or slower from the moment shown now."""
    with connected(address) as control:
        _print(control.speed_clock(factor), as_json)


@app.command()
def freeze(address: Address, as_json: AsJson = False) -> None:
    """Stand still until told otherwise; the same as `speed 0`."""
    with connected(address) as control:
        _print(control.speed_clock(0), as_json)


def _print(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(shown))
        return
    speed = shown["speed"]
    pace = "stands still" if speed == 0 else f"runs {speed:g} times as fast as the machine's clock"
    print(f"{shown['now']}  {pace}")


def _duration_ms(text: str) -> int:
    """Return milliseconds of `90s`, `-1h` and the like."""
    number, unit = _parts(text.strip())
    try:
        return round(float(number) * UNITS_MS[unit])
    except (ValueError, KeyError, OverflowError):
        fail(f"duration: {text!r} is none; write a number and one of {', '.join(UNITS_MS)}", ExitCode.REFUSED)


def _parts(text: str) -> tuple[str, str]:
    unit = next((unit for unit in UNITS_MS if text.endswith(unit)), "")
    return text.removesuffix(unit), unit
