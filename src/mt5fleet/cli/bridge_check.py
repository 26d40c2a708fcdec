"""`mt5fleet bridge check`: ask a running bridge whether each account can be traded. It trades nothing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from mt5fleet.cli.bridge_steps import (
    TERMINAL_STEPS,
    Result,
    Step,
    account_steps,
    any_failed,
    bridge_steps,
    failed,
    passed,
    skipped,
    warned,
)
from mt5fleet.cli.bridge_target import (
    ConfigOption,
    FleetFileOption,
    NameOption,
    Target,
    chosen,
    target_of,
)
from mt5fleet.cli.exits import ExitCode
from mt5fleet.cli.output import AsJson, print_json, say, table
from mt5fleet.cli.tools import OneBridge, Tools, tools_of
from mt5fleet.domain.broker import Health, Instrument
from mt5fleet.domain.errors import GatewayError, Unreachable
from mt5fleet.domain.ids import order_key
from mt5fleet.domain.order import OpenOrder
from mt5fleet.domain.signal import Entry, Side
from mt5fleet.ports.clock import Clock

DEFAULT_SYMBOL = "EURUSD"
MARKET_CLOSED = 10018  # MQL5 reference, "Return Codes of the Trade Server"
_DRY = "dry order"
_KNOWN_BRIDGE = "see that ca_file signed the bridge's certificate for this name"
_COLUMNS = ("step", "result", "found", "what to do")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that was found."""

    reached: bool
    bridge: list[Step]
    accounts: Mapping[str, list[Step]]

    @property
    def exit_code(self) -> ExitCode:
        """What scripts see."""
        if not self.reached:
            return ExitCode.UNREACHABLE
        return ExitCode.REFUSED if any_failed(self.every_step) else ExitCode.OK

    @property
    def every_step(self) -> list[Step]:
        """Those of the bridge and of all accounts."""
        return [*self.bridge, *(step for steps in self.accounts.values() for step in steps)]


def check(
    context: typer.Context,
    accounts: Annotated[list[str] | None, typer.Argument(help="Accounts; all when left out.")] = None,
    fleet: FleetFileOption = None,
    name: NameOption = None,
    config: ConfigOption = None,
    symbol: Annotated[
        str | None,
        typer.Option(
            "--symbol", help=f"Of the dry order; the account's first mapped one, or {DEFAULT_SYMBOL}."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a running bridge, step by step, whether its accounts can be traded. Trades nothing.

    Exit codes: 0 everything is as it should be (warnings included), 1 something is not, 2 wrong options, file
    or secret, 3 nothing answers at the bridge's address.
    """
    tools = tools_of(context)
    target = target_of(config, fleet, name, tools.environ)
    report = examine(tools, target, chosen(target, accounts), symbol)
    if as_json:
        print_json(_json(target, report))
    else:
        _show(target, report)
    raise typer.Exit(report.exit_code)


def examine(tools: Tools, target: Target, names: tuple[str, ...], symbol: str | None) -> Report:
    """Ask the bridge; whatever is wrong is a step, never an error."""
    place = target.address.place
    try:
        tools.knock(target.address)
    except Unreachable as error:
        return _unreached(names, str(error))
    steps = [passed("connection", f"{place} answers")]
    gateway = tools.connect_bridge(target.name, target.address)
    try:
        return _examine(_Asked(gateway, tools.clock, target, symbol), names, steps)
    finally:
        gateway.disconnect()


@dataclass(frozen=True, slots=True)
class _Asked:
    """The bridge that is asked, and what for."""

    gateway: OneBridge
    clock: Clock
    target: Target
    symbol: str | None


def _examine(asked: _Asked, names: tuple[str, ...], steps: list[Step]) -> Report:
    asked_at = asked.clock.now()
    try:
        healths = asked.gateway.healths(asked.target.name)
    except GatewayError as error:
        return Report(reached=True, bridge=[*steps, _not_admitted(asked, error)], accounts={})
    answered_at = asked.clock.now()
    steps.append(passed("TLS and token", _admission(asked.target)))
    one = next((each for each in healths.values() if isinstance(each, Health)), None)
    if one is not None:
        steps += bridge_steps(one, asked_at, answered_at)
    accounts = {name: _account(asked, name, healths.get(name)) for name in names}
    return Report(reached=True, bridge=steps, accounts=accounts)


def _unreached(names: tuple[str, ...], why: str) -> Report:
    todo = "start it on its host (mt5fleet bridge serve), or correct its address in the file"
    return Report(
        reached=False,
        bridge=[failed("connection", why, todo), skipped("TLS and token", "nothing answers")],
        accounts={name: [skipped("journal", "the bridge is not reached")] for name in names},
    )


def _not_admitted(asked: _Asked, error: Exception) -> Step:
    tls = asked.target.address.tls
    if tls is None:
        todo = "see that both sides have the same token, and that a bridge of mt5fleet listens there"
    elif tls.cert_file is None:
        todo = f"{_KNOWN_BRIDGE}, and that the token is the same"
    else:
        # A bridge that refuses our certificate hangs up without a word.
        todo = f"{_KNOWN_BRIDGE}, its client_ca_file ours, neither has ended, and the token is the same"
    return failed("TLS and token", str(error), todo)


def _admission(target: Target) -> str:
    how = "TLS" if target.address.tls is not None else "no TLS (loopback)"
    return f"admitted, {how}, {'certificate only' if target.address.token is None else 'token'}"


def _account(asked: _Asked, name: str, seen: Health | str | None) -> list[Step]:
    terms = asked.target.accounts[name]
    if seen is None:
        todo = "start the bridge again with the present file"
        return [failed("account", f"the bridge does not have {name}", todo)]
    if isinstance(seen, str):
        todo = "the bridge's log says more"
        return [failed("terminal", seen, todo), *(skipped(step, "see above") for step in TERMINAL_STEPS)]
    symbol = _symbol(asked, name)
    steps = account_steps(name, _fresh(asked, name, symbol, seen), terms)
    if _may_ask(steps):
        return [*steps, *_asked_of_terminal(asked, name, symbol)]
    return [*steps, skipped(_DRY, "see the steps above")]


def _symbol(asked: _Asked, name: str) -> str:
    mapped = asked.target.symbols.get(name, {})
    if asked.symbol is not None:
        return mapped.get(asked.symbol, asked.symbol)
    return next(iter(mapped.values()), DEFAULT_SYMBOL)


def _fresh(asked: _Asked, name: str, symbol: str, seen: Health) -> Health:
    """The health once more after a price was asked for, since the server's time is learned from prices."""
    if not seen.connected or seen.server_offset_s is not None:
        return seen
    try:
        asked.gateway.quote(name, symbol)
        return asked.gateway.health(name)
    except GatewayError:
        return seen


def _may_ask(steps: list[Step]) -> bool:
    """A dry order makes sense with the right account and its switches on."""
    needed = {"terminal", "login and server", "algo trading"}
    return all(step.result is Result.OK for step in steps if step.name in needed)


def _asked_of_terminal(asked: _Asked, name: str, symbol: str) -> list[Step]:
    try:
        reading = asked.gateway.reading(name)
        money = f"equity {reading.equity:f} {reading.currency}, {reading.positions} positions"
        return [passed("reading", money), _dry_order(asked, name, symbol, reading.currency)]
    except GatewayError as error:
        return [failed("reading", str(error), "the bridge's log says more")]


def _dry_order(asked: _Asked, name: str, symbol: str, currency: str) -> Step:
    todo = f"give --symbol as the broker writes it, and map it in accounts.{name}.symbols"
    try:
        rules = asked.gateway.instrument(name, symbol)
        if rules is None:
            return failed(_DRY, f"the terminal does not know {symbol}", todo)
        answer = asked.gateway.check(name, _order(asked, name, rules))
    except GatewayError as error:
        return failed(_DRY, f"{symbol}: {error}", "mend it at the terminal, or try another --symbol")
    what = f"buy {rules.volume_min:f} {symbol}"
    if answer.passed:
        money = f"margin {answer.margin:f} {currency}, free afterwards {answer.margin_free:f}"
        return passed(_DRY, f"{what}: {answer.sentence}; {money}")
    if answer.retcode == MARKET_CLOSED:
        return warned(_DRY, f"{what}: {answer.sentence}", "check again when the market is open")
    return failed(
        _DRY, f"{what}: {answer.sentence} ({answer.retcode})", "ask the broker, or try another --symbol"
    )


def _order(asked: _Asked, name: str, rules: Instrument) -> OpenOrder:
    terms, now = asked.target.accounts[name], asked.clock.now()
    key = order_key(terms.server, terms.login, f"check-{now:%Y%m%d%H%M%S}", 0)
    return OpenOrder(
        symbol=rules.symbol,
        side=Side.BUY,
        entry=Entry.MARKET,
        volume=rules.volume_min,
        price=None,
        tolerance=None,
        stop_loss=None,
        take_profit=None,
        magic=key.magic,
        comment=key.comment,
        created_at=now,
        expires_at=None,
    )


def _show(target: Target, report: Report) -> None:
    _table(f"Bridge {target.name} at {target.address.place}", report.bridge)
    for name, steps in report.accounts.items():
        if report.reached:
            _table(f"Account {name}", steps)
    say(f"{_verdict(report)} Nothing was traded.")


def _verdict(report: Report) -> str:
    if not report.reached:
        return "The bridge was not reached."
    found = [step.result for step in report.every_step]
    bad, warnings = found.count(Result.FAILED), found.count(Result.WARNING)
    if bad:
        return f"{_count(bad, 'step')} failed, {_count(warnings, 'warning')}: see above."
    return f"No step failed, {_count(warnings, 'warning')}." if warnings else "Everything is as it should be."


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _table(title: str, steps: list[Step]) -> None:
    table(title, _COLUMNS, [(step.name, step.result, step.says, step.todo) for step in steps])


def _json(target: Target, report: Report) -> dict[str, object]:
    return {
        "bridge": target.name,
        "address": target.address.place,
        "ok": report.exit_code is ExitCode.OK,
        "steps": [asdict(step) for step in report.bridge],
        "accounts": {name: [asdict(step) for step in steps] for name, steps in report.accounts.items()},
    }
