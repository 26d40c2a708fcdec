"""What applying a fleet file would change."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from mt5fleet.domain.account import Account, Group, Limits
from mt5fleet.fleet_file import FleetFile

_SHOWN_WHEN_NEW = ("server", "login", "mode", "bridge", "shadow", "foreign")  # what a person must see once


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field that changes; None: not there."""

    about: str
    field: str
    before: object
    after: object


def changes(
    accounts: dict[str, Account], groups: dict[str, tuple[Group, ...]], fleet: FleetFile
) -> list[Change]:
    """Every change, accounts first."""
    wanted = {account.name: account for account in fleet.to_accounts()}
    names = sorted({*accounts, *wanted})
    found = [change for name in names for change in _account(name, accounts.get(name), wanted.get(name))]
    present = {name: versions[-1].accounts for name, versions in groups.items()}
    return [*found, *_groups(present, fleet.groups())]


def _account(name: str, before: Account | None, after: Account | None) -> Iterator[Change]:
    about = f"account {name}"
    if before is None and after is not None:
        for field in _SHOWN_WHEN_NEW:
            yield Change(about=about, field=field, before=None, after=getattr(after, field))
    elif before is not None and after is None:
        yield Change(about=about, field="account", before="known", after="removed")
    elif before is not None and after is not None:
        yield from _fields(about, before, after)


def _fields(about: str, before: Account, after: Account) -> Iterator[Change]:
    for field in fields(Account):
        if field.name == "limits":
            yield from _limits(about, before.limits, after.limits)
            continue
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old != new:
            yield Change(about=about, field=field.name, before=old, after=new)


def _limits(about: str, before: Limits, after: Limits) -> Iterator[Change]:
    for field in fields(Limits):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old != new:
            yield Change(about=about, field=f"limits.{field.name}", before=old, after=new)


def _groups(before: dict[str, tuple[str, ...]], after: dict[str, tuple[str, ...]]) -> Iterator[Change]:
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            yield Change(about=f"group {name}", field="accounts", before=_names(old), after=_names(new))


def _names(accounts: tuple[str, ...] | None) -> str | None:
    return None if accounts is None else ", ".join(accounts)
