"""Which orders a signal becomes: accounts and parts with their keys, resolved once and then recorded."""

from dataclasses import dataclass

from mt5fleet.domain.account import Account, Group
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.ids import order_key
from mt5fleet.domain.record import PartTarget, SignalRecord
from mt5fleet.domain.signal import PARTS_MAX, Open, Signal
from mt5fleet.service.fleet import Fleet
from mt5fleet.service.refusal import Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Targets of a signal, and the versions of the groups they came from."""

    parts: int
    targets: tuple[PartTarget, ...]
    groups: dict[str, int]


def resolve(signal: Signal, fleet: Fleet, opening: SignalRecord | None) -> Resolved:
    """The targets as of the signal's creation; raises Refusal for unknown names and empty groups."""
    groups = {name: _version(name, fleet, signal) for name in signal.targets.groups}
    names = _names(signal, fleet, groups)
    if isinstance(signal.instruction, Open):
        targets = _opening_targets(signal, signal.instruction.parts, names, fleet)
        parts = signal.instruction.parts
    else:
        targets = _following_targets(signal, signal.instruction.opening_id, names, fleet, opening)
        parts = PARTS_MAX if opening is None else opening.parts
    if not targets:
        raise Refusal(DenialReason.TARGETS_EMPTY, "targets", "name no account that can be traded")
    versions = {name: group.version for name, group in groups.items()}
    return Resolved(parts=parts, targets=targets, groups=versions)


def _version(name: str, fleet: Fleet, signal: Signal) -> Group:
    """The version that stood when the signal was made; the oldest kept one for signals older than all."""
    versions = fleet.groups.get(name, ())
    if not versions:
        raise Refusal(DenialReason.TARGET_UNKNOWN, "targets.groups", f"no group is called {name}")
    known = [version for version in versions if version.since <= signal.created_at]
    return known[-1] if known else versions[0]


def _names(signal: Signal, fleet: Fleet, groups: dict[str, Group]) -> tuple[str, ...]:
    """Named accounts must exist; a group's account that was taken out of the fleet since is left out."""
    for name in signal.targets.accounts:
        if name not in fleet.accounts:
            raise Refusal(DenialReason.TARGET_UNKNOWN, "targets.accounts", f"no account is called {name}")
    members = (name for group in groups.values() for name in group.accounts if name in fleet.accounts)
    return tuple(dict.fromkeys((*signal.targets.accounts, *members)))


def _opening_targets(
    signal: Signal, parts: int, names: tuple[str, ...], fleet: Fleet
) -> tuple[PartTarget, ...]:
    return tuple(
        PartTarget(account=name, part=part, key=_key(fleet.accounts[name], signal.id, part), opening_key=None)
        for name in names
        for part in range(parts)
    )


def _following_targets(
    signal: Signal, opening_id: str, names: tuple[str, ...], fleet: Fleet, opening: SignalRecord | None
) -> tuple[PartTarget, ...]:
    """One order per part of the opening; without its record one per possible part on the named accounts."""
    if opening is None:
        return _blind_targets(signal, opening_id, names, fleet)
    opened = {target.account for target in opening.targets}
    for name in signal.targets.accounts:
        if name not in opened:
            rule = f"signal {opening_id} has no order on account {name}"
            raise Refusal(DenialReason.OPENING_UNKNOWN, "targets.accounts", rule)
    wanted = set(names) or opened
    return tuple(
        _following(signal, fleet.accounts[target.account], target.part, target.key)
        for target in opening.targets
        if target.account in wanted and target.account in fleet.accounts
    )


def _blind_targets(
    signal: Signal, opening_id: str, names: tuple[str, ...], fleet: Fleet
) -> tuple[PartTarget, ...]:
    if not names:
        rule = f"the ledger does not know signal {opening_id}: name the accounts"
        raise Refusal(DenialReason.OPENING_UNKNOWN, "targets", rule)
    accounts = [fleet.accounts[name] for name in names]
    return tuple(
        _following(signal, account, part, _key(account, opening_id, part))
        for account in accounts
        for part in range(PARTS_MAX)
    )


def _following(signal: Signal, account: Account, part: int, opening_key: str) -> PartTarget:
    key = _key(account, signal.id, part)
    return PartTarget(account=account.name, part=part, key=key, opening_key=opening_key)


def _key(account: Account, signal_id: str, part: int) -> str:
    return order_key(account.server, account.login, signal_id, part).text
