"""`mt5fleet accounts floor`: the equity that a bridge guards by itself while the ledger is away."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import typer

from mt5fleet.adapters.bridge.addresses import bridge_address
from mt5fleet.cli.exits import ExitCode
from mt5fleet.cli.output import AsJson, complain, plain, print_json, refuse, say, shown
from mt5fleet.cli.tools import FleetOption, OneBridge, Tools, fleet_of, tools_of
from mt5fleet.domain.errors import GatewayError, InvalidValue, Unreachable
from mt5fleet.domain.latch import Floor
from mt5fleet.fleet_file import AccountTerms, FleetFile
from mt5fleet.messages import FloorRecord, sign_record
from mt5fleet.person_key_file import load_person_key

READINGS = 3  # one wrong price is no floor, and three seconds cost little

EquityOption = Annotated[
    str | None, typer.Option("--equity", help="The floor, in the account's currency, such as 9000.")
]
ReadingsOption = Annotated[
    int, typer.Option("--readings", help="How many readings in a row must show it, about one a second.")
]
ByOption = Annotated[str | None, typer.Option("--by", help="The risk person who signs.")]
KeyOption = Annotated[Path | None, typer.Option("--key", help="The person's private key file.")]
ShowOption = Annotated[bool, typer.Option("--show", help="Show the floor that the bridge keeps.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask, even if the floor is reached already.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """One account and how its bridge is spoken with."""

    account: str
    bridge_name: str
    bridge: OneBridge


def floor(  # noqa: PLR0913, PLR0917 - one argument per option
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The account.")],
    equity: EquityOption = None,
    readings: ReadingsOption = READINGS,
    by: ByOption = None,
    key: KeyOption = None,
    show: ShowOption = False,
    yes: YesOption = False,
    fleet: FleetOption = None,
    as_json: AsJson = False,
) -> None:
    """Sign the floor at which the account's bridge latches and closes by itself while the ledger is away.

    With --show alone nothing is changed. The ledger is not asked.
    """
    tools, read = tools_of(context), fleet_of(fleet)
    signed = None if equity is None else _signed(tools, read, name, _money(equity), readings, by, key)
    if signed is None and not show:
        refuse("--equity, --by and --key set a floor, --show shows the one that is kept", ExitCode.USAGE)
    with _reached(tools, read, name) as place:
        if signed is not None:
            _check_against_equity(place, signed[0], yes=yes)
            _give(place, signed[1])
        kept = _kept(place)
    if as_json:
        print_json(None if kept is None else plain(Floor, kept))
        return
    say(_sentence(name, kept))


def _signed(
    tools: Tools,
    read: FleetFile,
    name: str,
    equity: Decimal,
    readings: int,
    by: str | None,
    key: Path | None,
) -> tuple[FloorRecord, str]:
    """The record and its signed text; ends the command or raises InvalidValue naming the option."""
    if by is None or key is None:
        refuse("--equity needs --by and --key: a risk person signs the floor", ExitCode.USAGE)
    secret = load_person_key(key)
    if secret.person != by:
        refuse(f"--key: {key} is the key of {secret.person}, not of {by}")
    terms = _terms(read, name)
    record = FloorRecord(
        server=terms.server,
        login=terms.login,
        equity=equity,
        readings=readings,
        person=by,
        at=tools.clock.now(),
    )
    return record, sign_record(record, secret.key)


def _terms(read: FleetFile, name: str) -> AccountTerms:
    if name not in read.accounts:
        refuse(f"account {name}: is not in {read.path}. Known: {', '.join(sorted(read.accounts))}")
    return read.accounts[name]


def _money(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise InvalidValue("--equity", "is not a number") from None


@contextmanager
def _reached(tools: Tools, read: FleetFile, name: str) -> Iterator[_Place]:
    """The account's bridge, left again at the end."""
    bridge_name = _terms(read, name).bridge
    bridge = tools.connect_bridge(bridge_name, bridge_address(read, bridge_name, tools.environ))
    try:
        yield _Place(account=name, bridge_name=bridge_name, bridge=bridge)
    finally:
        bridge.disconnect()


def _check_against_equity(place: _Place, record: FloorRecord, *, yes: bool) -> None:
    """Ask when the floor is reached already: the account would be closed at the ledger's next silence."""
    try:
        now = place.bridge.reading(place.account).equity
    except GatewayError as error:
        complain(f"The equity of {place.account} could not be read to compare it with: {error}")
        return
    if record.equity < now or yes:
        return
    complain(
        f"The equity of {place.account} is {shown(now)} now, a floor of {shown(record.equity)} is reached."
    )
    if not typer.confirm("Everything is closed when the ledger is silent next. Set it?"):
        refuse("Nothing was changed.")


def _give(place: _Place, text: str) -> None:
    try:
        place.bridge.floor(place.account, text)
    except InvalidValue as error:
        refuse(
            f"Bridge {place.bridge_name} refused the floor and keeps what it had: {error}\n"
            f"A bridge knows the people of its own people.toml only; was the newest one copied there?"
        )
    except Unreachable as error:
        refuse(
            f"Bridge {place.bridge_name} was not reached, nothing was changed: {error}", ExitCode.UNREACHABLE
        )
    except GatewayError as error:
        refuse(
            f"Bridge {place.bridge_name} gave no answer, the floor may be set: {error}\n"
            f"See: mt5fleet accounts floor {place.account} --show. Setting it again does no harm.",
            ExitCode.UNKNOWN,
        )


def _kept(place: _Place) -> Floor | None:
    try:
        return place.bridge.health(place.account).floor
    except GatewayError as error:
        refuse(f"Bridge {place.bridge_name} did not tell which floor it keeps: {error}", ExitCode.UNREACHABLE)


def _sentence(name: str, kept: Floor | None) -> str:
    if kept is None:
        return f"{name}: its bridge keeps no floor and closes nothing by itself."
    return (
        f"{name}: its bridge latches and closes at equity {shown(kept.equity)} in {kept.readings} readings"
        f" while the ledger is away (signed by {kept.person}, {shown(kept.signed_at)})."
    )
