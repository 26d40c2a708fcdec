"""Versions of groups: a signal is resolved with the version that stood when it was created."""

from datetime import datetime

from mt5fleet.domain.account import Group


def regroup(
    kept: dict[str, tuple[Group, ...]],
    wanted: dict[str, tuple[str, ...]],
    newest: dict[str, int],
    since: datetime,
    versions_max: int,
) -> dict[str, tuple[Group, ...]]:
    """Versions of the wanted groups: unchanged ones stay, changed and new ones get the next number.

    `newest` holds the highest number ever given to each name, so that a group that comes back repeats none.
    """
    regrouped = {}
    for name, accounts in wanted.items():
        candidate = Group(name=name, version=newest.get(name, 0) + 1, accounts=accounts, since=since)
        regrouped[name] = _versions(kept.get(name, ()), candidate)[-versions_max:]
    return regrouped


def _versions(kept: tuple[Group, ...], candidate: Group) -> tuple[Group, ...]:
    if kept and kept[-1].accounts == candidate.accounts:
        return kept
    return (*kept, candidate)
