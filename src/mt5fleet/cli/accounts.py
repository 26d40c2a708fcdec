"""`mt5fleet accounts`: tell the fleet its accounts, and see how they stand."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from mt5fleet.cli.difference import Change, changes
from mt5fleet.cli.output import AsJson, plain, print_json, refuse, say, table
from mt5fleet.cli.tools import FleetOption, ledger_of, tools_of
from mt5fleet.domain.account import Account, AccountStatus
from mt5fleet.domain.broker import Mode, Reading
from mt5fleet.domain.drawdown import drawdown_percent, floor_of
from mt5fleet.fleet_file import FleetFile, load
from mt5fleet.ports.ledger import Ledger

app = typer.Typer(no_args_is_help=True, help="Tell the fleet its accounts, and see how they stand.")

_REAL_MONEY = """
REAL MONEY: {names}
  From now on approved signals open positions there without asking again.
  - A halt stops opens and closes positions; no command lifts it yet (README, "What it does not do yet").
  - Look first: mt5fleet bridge check. Try signals with shadow = true: it checks everything, sends nothing.
  - Set limits in the file, and a floor for the time without ledger: mt5fleet accounts floor.
"""

_COLUMNS = ("account", "mode", "state", "equity", "balance", "drawdown", "limit", "reading", "why")


@app.command()
def apply(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The fleet's file.")],
    allow_real: Annotated[
        bool, typer.Option("--allow-real", help="Store accounts with real money, too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Show what would change, and make the ledger's accounts and groups exactly those of FILE."""
    tools = tools_of(context)
    fleet = load(file)
    real = _real_accounts(fleet, allow_real=allow_real)
    ledger = tools.connect_ledger(fleet.ledger_url(tools.environ))
    found = changes(ledger.accounts(), ledger.groups(), fleet)
    if not found:
        say("Nothing to change.")
        return
    _show(found)
    if real:
        say(_REAL_MONEY.format(names=", ".join(real)))
    if not yes and not typer.confirm("Store this, real money included?" if real else "Store this?"):
        refuse("Nothing was stored.")
    ledger.apply(fleet.to_accounts(), fleet.groups())
    say(f"Stored {len(fleet.accounts)} accounts and {len(fleet.groups())} groups.")


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="One account; all when left out.")] = None,
    fleet: FleetOption = None,
    as_json: AsJson = False,
) -> None:
    """State, money and limits of accounts, as the guards saw them last."""
    ledger = ledger_of(context, fleet)
    accounts = _chosen(ledger, name)
    standings = [(one, ledger.account_status(one.name), ledger.last_reading(one.name)) for one in accounts]
    if as_json:
        print_json([_json(*standing) for standing in standings])
        return
    now = ledger.now()
    rows = [_row(one, status, None if seen is None else seen.age_s(now)) for one, status, seen in standings]
    table("Accounts", _COLUMNS, rows)
    if name is not None:
        table("More", ("what", "value"), _details(*standings[0]))


@app.command()
def resume(
    name: Annotated[str, typer.Argument(help="The halted account.")],
) -> None:
    """Let a halted account trade again (not possible yet)."""
    refuse(
        f"{name}: a halt cannot be lifted by this version. Nothing was changed: "
        "closes go on, opens stay refused."
    )


def known_account(ledger: Ledger, name: str) -> Account:
    """The account of this name; ends the command with the known names when there is none."""
    accounts = ledger.accounts()
    if name not in accounts:
        known = ", ".join(sorted(accounts)) or "none; run `mt5fleet accounts apply FILE`"
        refuse(f"account {name}: is not known to the fleet. Known: {known}")
    return accounts[name]


def _real_accounts(fleet: FleetFile, *, allow_real: bool) -> list[str]:
    """Accounts with real money, each allowed twice: in the file, and by who applies it."""
    real = {name: terms for name, terms in sorted(fleet.accounts.items()) if terms.mode is Mode.REAL}
    told_not_to = [name for name, terms in real.items() if not terms.allow_real]
    if told_not_to:
        sections = ", ".join(f"accounts.{name}" for name in told_not_to)
        refuse(
            f"{', '.join(told_not_to)}: mode is real, which is refused unless the file allows it. Nothing was"
            f" stored. If real money is meant, write allow_real = true in {sections}, there and in the"
            f" bridge's file, and run: mt5fleet accounts apply {fleet.path} --allow-real"
        )
    if real and not allow_real:
        refuse(
            f"{', '.join(real)}: mode is real. Nothing was stored. If real money is meant, run:"
            f" mt5fleet accounts apply {fleet.path} --allow-real"
        )
    return list(real)


def _show(found: list[Change]) -> None:
    rows = [(one.about, one.field, one.before, one.after) for one in found]
    table("Changes", ("about", "field", "now", "then"), rows)


def _chosen(ledger: Ledger, name: str | None) -> list[Account]:
    if name is not None:
        return [known_account(ledger, name)]
    return [account for _, account in sorted(ledger.accounts().items())]


def _row(account: Account, status: AccountStatus, age_s: float | None) -> tuple[object, ...]:
    memory = status.memory
    return (
        account.name,
        f"{account.mode}{' shadow' if account.shadow else ''}{'' if account.enabled else ' disabled'}",
        status.state,
        None if memory is None else memory.last_equity,
        None if memory is None else memory.last_balance,
        None if memory is None else _percent(drawdown_percent(memory.peak_equity, memory.last_equity)),
        _percent(account.limits.drawdown_percent_max),
        None if age_s is None else f"{age_s:.1f} s ago",
        status.reason,
    )


def _percent(value: Decimal) -> str:
    return f"{value:.2f} %"


def _details(account: Account, status: AccountStatus, seen: Reading | None) -> list[tuple[str, object]]:
    memory = status.memory
    return [
        ("broker server", account.server),
        ("login", account.login),
        ("bridge", account.bridge),
        ("currency", None if seen is None else seen.currency),
        ("state since", status.since),
        ("bridge confirmed the halt", status.latch_confirmed if status.halted_seq else None),
        ("flatten due", status.flatten_due),
        ("flat since", status.flat_at),
        ("flatten rounds", status.flatten_rounds),
        ("peak equity", None if memory is None else memory.peak_equity),
        ("equity floor", None if memory is None else floor_of(account.limits, memory)),
        ("margin", None if seen is None else seen.margin),
        ("free margin", None if seen is None else seen.margin_free),
        ("positions", None if seen is None else seen.positions),
        ("resting orders", None if seen is None else seen.orders),
        ("last reading", None if seen is None else seen.at),
        ("last reading by", None if seen is None else seen.source),
        ("foreign positions at a flatten", account.foreign),
    ]


def _json(account: Account, status: AccountStatus, seen: Reading | None) -> dict[str, object]:
    memory = status.memory
    drawdown = None if memory is None else str(drawdown_percent(memory.peak_equity, memory.last_equity))
    return {
        "account": plain(Account, account),
        "status": plain(AccountStatus, status),
        "reading": None if seen is None else plain(Reading, seen),
        "drawdown_percent": drawdown,
    }
