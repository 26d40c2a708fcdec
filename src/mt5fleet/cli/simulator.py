"""`mt5fleet simulator`: run the simulated broker, command it, and read its records."""

import json
import os
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from mt5fleet.cli.exits import ExitCode
from mt5fleet.cli.simulator_clock import app as clock_app
from mt5fleet.cli.simulator_compare import compare
from mt5fleet.cli.simulator_control import Address, connected, fail
from mt5fleet.simulator.config import SimulatorConfig, load_config
from mt5fleet.simulator.host.fault_script import read_fault_script
from mt5fleet.simulator.host.journal import JournalError
from mt5fleet.simulator.process import LISTENING, dropin_folder
from mt5fleet.simulator.profiles import PROFILES, profile
from mt5fleet.simulator.terms.base import ConfigError

app = typer.Typer(no_args_is_help=True, help="A simulated broker to trade against.")
app.add_typer(clock_app, name="clock")
app.command()(compare)

Login = Annotated[int | None, typer.Option("--login", help="One account; all when left out.")]


@app.command()
def serve(
    config: Annotated[
        Path | None, typer.Option("--config", help="simulator.toml (or the same as .json).")
    ] = None,
    profile_name: Annotated[
        str | None, typer.Option("--profile", help=f"Instead of --config: {', '.join(PROFILES)}.")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = None,
    state: Annotated[Path | None, typer.Option("--state", help="Folder of the journal.")] = None,
    faults: Annotated[Path | None, typer.Option("--faults", help="A fault script to begin with.")] = None,
    port_file: Annotated[
        Path | None, typer.Option("--port-file", help="Write the port here once the broker listens.")
    ] = None,
    end_with_stdin: Annotated[bool, typer.Option("--end-with-stdin", hidden=True)] = False,
) -> None:
    """Run the broker until Ctrl-C or SIGTERM."""
    # Only this command needs numpy, which a producer's install does not have.
    from mt5fleet.simulator.host.serving import serve as serve_broker  # noqa: PLC0415 - see above

    def ready(address: str) -> None:
        if port_file is not None:
            _write_whole(port_file, address.rpartition(":")[2] + "\n")
        print(f"{LISTENING}{address}", flush=True)

    try:
        told = _with(_told(config, profile_name), port, state, faults)
        serve_broker(told, ready=ready, end_with_stdin=end_with_stdin)
    except (ConfigError, JournalError, OSError) as error:
        fail(str(error), ExitCode.REFUSED)


@app.command()
def deals(
    address: Address,
    login: Login = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as one JSON document.")] = False,
) -> None:
    """Print the broker's own records: the truth that everything else is judged by."""
    with connected(address) as control:
        accounts = control.all_truth() if login is None else [control.truth(login)]
    if as_json:
        print(json.dumps({"accounts": accounts}))
        return
    for account in accounts:
        print(
            f"{account['login']}  {account['server']}  balance {account['balance']} {account['currency']}"
            f"  deals {len(account['deals'])}  positions {len(account['positions'])}"
            f"  waiting orders {len(account['orders'])}"
        )


@app.command()
def dropin() -> None:
    """Print the folder that makes `import MetaTrader5` speak to the simulator (for PYTHONPATH)."""
    print(dropin_folder())


@app.command()
def quote(symbol: str, bid: str, ask: str, address: Address) -> None:
    """Set a quote by hand; the symbol's own prices stop until `quote-release`."""
    with connected(address) as control:
        control.quote(symbol, _amount("bid", bid), _amount("ask", ask))


@app.command()
def quotes(
    address: Address,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object: symbol to bid, ask, digits.")
    ] = False,
) -> None:
    """Print the present quote of every symbol."""
    with connected(address) as control:
        found = control.quotes()
    if as_json:
        print(json.dumps(found))
        return
    for symbol, row in found.items():
        print(f"{symbol:<10} {row['bid']:>12} {row['ask']:>12}")


@app.command("quote-release")
def quote_release(address: Address) -> None:
    """Let every symbol quote by itself again."""
    with connected(address) as control:
        control.release_quotes()


@app.command()
def deposit(
    login: int,
    amount: str,
    address: Address,
    comment: Annotated[str, typer.Option("--comment")] = "",
) -> None:
    """Deposit money; write `-- -500` to withdraw."""
    with connected(address) as control:
        deal = control.deposit(login, _amount("amount", amount), comment)
    print(f"deal {deal['ticket']}: {deal['profit']}")


@app.command()
def fault(
    kind: str,
    address: Address,
    terms: Annotated[
        str, typer.Option("--terms", help='JSON object, e.g. \'{"login": 1, "count": 2}\'.')
    ] = "{}",
) -> None:
    """Arm a fault, e.g. `answer_lost` or `late_answer`; docs list the kinds and their terms."""
    wanted = _json_object(terms)
    with connected(address) as control:
        control.fault(kind, **wanted)


@app.command()
def faults(
    address: Address,
    clear: Annotated[bool, typer.Option("--clear", help="Remove them all, and end what holds.")] = False,
    script: Annotated[
        Path | None, typer.Option("--script", help="Arm and plan the faults of this TOML file.")
    ] = None,
) -> None:
    """Print the standing and planned faults, and how many of each kind have struck."""
    told = () if script is None else _script_of(script)
    with connected(address) as control:
        if clear:
            control.clear_faults()
        if told:
            control.fault_script(told)
        print(json.dumps(control.faults()))


@app.command()
def reset(address: Address, login: Login = None) -> None:
    """Empty one account, or all, and deposit the starting balance again."""
    with connected(address) as control:
        control.reset(login)


def _told(config: Path | None, profile_name: str | None) -> SimulatorConfig:
    if (config is None) == (profile_name is None):
        raise ConfigError("--config or --profile: give one of the two")
    return profile(str(profile_name)) if config is None else load_config(config)


def _with(
    config: SimulatorConfig, port: int | None, state: Path | None, faults: Path | None
) -> SimulatorConfig:
    changes: dict[str, Any] = {}
    if port is not None:
        changes["port"] = port
    if state is not None:
        changes["state_dir"] = state
    if faults is not None:
        changes["faults"] = (*config.faults, *read_fault_script(faults).faults)
    return config.model_copy(update=changes)


def _script_of(path: Path) -> tuple[dict[str, Any], ...]:
    try:
        script = read_fault_script(path)
    except ConfigError as error:
        fail(str(error), ExitCode.REFUSED)
    return tuple(fault.model_dump(mode="json") for fault in script.faults)


def _amount(name: str, text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        fail(f"{name}: {text!r} is not a number", ExitCode.REFUSED)


def _json_object(text: str) -> dict[str, Any]:
    try:
        wanted = json.loads(text)
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict):
        fail("--terms: must be a JSON object", ExitCode.REFUSED)
    return wanted


def _write_whole(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".new")
    draft.write_text(text, encoding="ascii")
    os.replace(draft, path)  # noqa: PTH105  # readers see the old file or the whole new one


if __name__ == "__main__":
    app()
