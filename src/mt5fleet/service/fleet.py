"""What the fleet was told, read once and kept until it changes."""

from dataclasses import dataclass
from typing import Protocol

from mt5fleet.domain.account import Account, Group, Producer
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.ledger import Registry

_LOOK_EVERY_S = 1.0  # how old the picture may be: as long as the epoch check of the ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Accounts, groups and producers as of one revision; revision 0 means nothing was ever told."""

    revision: int
    accounts: dict[str, Account]
    groups: dict[str, tuple[Group, ...]]
    producers: dict[str, Producer]


class FleetSource(Protocol):
    """Where a use case learns what the fleet was told."""

    def now_told(self) -> Fleet:
        """The newest picture, at most a second old."""
        ...


class CachedFleet:
    """Reads the registry again only when its revision changed; one per process."""

    def __init__(self, registry: Registry, clock: Clock, *, look_every_s: float = _LOOK_EVERY_S) -> None:
        self._registry = registry
        self._clock = clock
        self._look_every_s = look_every_s
        self._looked_s = 0.0
        self._fleet: Fleet | None = None

    def now_told(self) -> Fleet:
        """The newest picture, at most a second old."""
        now_s = self._clock.monotonic_s()
        kept = self._fleet
        if kept is not None and now_s - self._looked_s < self._look_every_s:
            return kept
        revision = self._registry.revision()
        if kept is None or kept.revision != revision:
            kept = self._fleet = self._read(revision)
        self._looked_s = now_s
        return kept

    def _read(self, revision: int) -> Fleet:
        """The revision is read before the rest, so that a change in between is seen at the next look."""
        return Fleet(
            revision=revision,
            accounts=self._registry.accounts(),
            groups=self._registry.groups(),
            producers=self._registry.producers(),
        )
