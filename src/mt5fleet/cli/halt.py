"""`mt5fleet halt`: stop an account and close everything on it."""

from typing import Annotated

import typer

from mt5fleet.cli.accounts import known_account
from mt5fleet.cli.output import complain, refuse, say
from mt5fleet.cli.tools import FleetOption, fleet_of, tools_of
from mt5fleet.domain.account import TradingState
from mt5fleet.domain.record import Alert, Event, EventType, Severity
from mt5fleet.ports.waker import WakeFailed

REASON_CHARS_MAX = 200  # a sentence
BY_CHARS_MAX = 64  # a name


def halt(
    context: typer.Context,
    account: Annotated[str, typer.Option("--account", help="The account to halt.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for everybody who reads it later.")],
    by: Annotated[str, typer.Option("--by", help="Who halts it.")],
    fleet: FleetOption = None,
) -> None:
    """Refuse opens of an account from now on and close everything on it. No command lifts this yet."""
    _check("reason", reason, REASON_CHARS_MAX)
    _check("by", by, BY_CHARS_MAX)
    tools, read = tools_of(context), fleet_of(fleet)
    ledger = tools.connect_ledger(read.ledger_url(tools.environ))
    known_account(ledger, account)
    if ledger.account_status(account).state is TradingState.HALTED:
        say(f"{account} is halted already; nothing was changed.")
        return
    sentence = f"{reason} (halted by {by})"
    ledger.halt(account, sentence, events=(_event(account, reason, by),), alert=_alert(account, sentence))
    say(f"{account}: opens are refused from now on; everything on it is being closed.")
    say(f"See: mt5fleet accounts show {account}")
    try:
        tools.connect_waker(read.broker_url(tools.environ)).wake_urgent((account,))
    except WakeFailed as error:
        complain(f"The wake-up failed, so the sweep begins the closing within seconds: {error}")


def _check(field: str, text: str, chars_max: int) -> None:
    if not text.strip() or len(text) > chars_max or not text.isprintable():
        refuse(f"--{field}: needs 1 to {chars_max} printable characters")


def _event(account: str, reason: str, by: str) -> Event:
    return Event(type=EventType.HALTED, account=account, numbers={"reason": reason, "by": by})


def _alert(account: str, sentence: str) -> Alert:
    return Alert(
        severity=Severity.CRITICAL,
        title=f"{account} is being halted by hand",
        text=f"{sentence}. The ledger refuses opens; a flatten is due.",
        dedupe=f"halt-by-hand:{account}",
        account=account,
    )
