"""How the simulator's commands reach a running broker, and end with a sentence and an exit code."""

from typing import Annotated, Any, NoReturn

import typer

from mt5fleet.cli.exits import ExitCode
from mt5fleet.simulator.client import BrokerControl, BrokerUnreachableError, CommandRefusedError

ADDRESS_VARIABLE = "MT5FLEET_SIMULATOR"
READING_COMMANDS = ("status", "truth", "faults", "quotes", "clock")

Address = Annotated[
    str, typer.Option("--address", envvar=ADDRESS_VARIABLE, help="host:port of the running simulator.")
]


class connected(BrokerControl):  # noqa: N801  # reads as a phrase where it is used
    """A control connection whose refusals end the command with a sentence and an exit code."""

    def __init__(self, address: str) -> None:
        try:
            super().__init__(address)
        except BrokerUnreachableError as error:
            fail(str(error), ExitCode.UNREACHABLE)

    def _ask(self, name: str, **parameters: object) -> Any:  # noqa: ANN401  # plain JSON
        try:
            return super()._ask(name, **parameters)
        except CommandRefusedError as error:
            fail(str(error), ExitCode.REFUSED)
        except BrokerUnreachableError as error:
            is_read = name in READING_COMMANDS
            fail(str(error), ExitCode.UNREACHABLE if is_read else ExitCode.UNKNOWN)


def fail(sentence: str, code: ExitCode) -> NoReturn:
    """End the command with a sentence for people and a code for programs."""
    typer.echo(sentence, err=True)
    raise typer.Exit(code)
