"""`mt5fleet simulator compare`: hold the simulator against a real terminal."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from mt5fleet.cli.exits import ExitCode
from mt5fleet.cli.simulator_control import Address, fail
from mt5fleet.simulator.compare import (
    Answers,
    CannotCompareError,
    Difference,
    LeftBehindError,
    Side,
    ask,
    count,
    differences,
    real_side,
    simulator_side,
)

Symbol = Annotated[str, typer.Option("--symbol", help="What is asked about; both must quote it.")]
TerminalPath = Annotated[
    str, typer.Option("--path", help="terminal64.exe of a terminal that is logged in; else the running one.")
]
Other = Annotated[
    str, typer.Option("--other", help="host:port of a second simulator, in the place of the terminal.")
]
Trade = Annotated[
    bool, typer.Option("--trade", help="Trade the smallest volume as well; demo accounts only.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before it trades.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]


def compare(
    address: Address,
    symbol: Symbol = "EURUSD",
    path: TerminalPath = "",
    other: Other = "",
    trade: Trade = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Ask a real terminal and the simulator the same, and print where they differ.

    The terminal needs Windows and the vendor's package. Exit code 0: no difference; 1: some; 3: one side
    could not be asked; 4: a position or order may have been left open.
    """
    first = simulator_side(other, name="other simulator") if other else real_side(path)
    sides = first, simulator_side(address)
    try:
        answers, found, asked = _compared(sides, symbol, trade=trade, yes=yes)
    except CannotCompareError as error:
        fail(str(error), ExitCode.UNREACHABLE)
    except LeftBehindError as error:
        fail(str(error), ExitCode.UNKNOWN)
    _print(sides, answers, asked, found, as_json=as_json)
    if found:
        raise typer.Exit(ExitCode.REFUSED)


Found = tuple[Difference, ...]
Pair = tuple[Answers, Answers]


def _compared(sides: tuple[Side, Side], symbol: str, *, trade: bool, yes: bool) -> tuple[Pair, Found, int]:
    real, ours = (ask(side, symbol) for side in sides)
    found, asked = differences(real, ours), count(real)
    if trade and _may_trade(symbol, (real, ours), yes=yes):
        real_traded, ours_traded = (ask(side, symbol, trade=True) for side in sides)
        found += differences(real_traded, ours_traded)
        asked += count(real_traded)
    return (real, ours), found, asked


def _may_trade(symbol: str, answers: Pair, *, yes: bool) -> bool:
    """Ask a person; refuse for good when an account is not a demo account."""
    for side in answers:
        if not side.is_demo:
            fail(f"account {side.account} is no demo account: nothing was traded", ExitCode.REFUSED)
    accounts = " and ".join(side.account for side in answers)
    return yes or typer.confirm(f"Trade the smallest volume of {symbol} on {accounts}?", err=True)


def _print(sides: tuple[Side, Side], answers: Pair, asked: int, found: Found, *, as_json: bool) -> None:
    if as_json:
        accounts = {side.name: answer.account for side, answer in zip(sides, answers, strict=True)}
        rows = [asdict(difference) for difference in found]
        print(json.dumps({"accounts": accounts, "questions": asked, "differences": rows}))
        return
    for difference in found:
        print(f"{difference.topic}: {difference.question}: {difference.place}")
        print(f"    {sides[0].name}: {difference.real}")
        print(f"    {sides[1].name}: {difference.simulator}")
    print(f"{asked} questions, {len(found)} differences")
