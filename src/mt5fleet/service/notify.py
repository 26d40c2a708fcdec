"""Delivers alerts to channels: each gets each alert at least once, and what is missing stays pending."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from mt5fleet.domain.record import PendingAlert, Severity
from mt5fleet.domain.retry import backoff_ms
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.ledger import Outbox
from mt5fleet.ports.notifier import Channel, NotDelivered
from mt5fleet.service.settings import NotifySettings

_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A channel, and the least severe alert that it carries."""

    channel: Channel
    severity_min: Severity = Severity.INFO


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverReport:
    """How many deliveries succeeded and failed; `failed` names channels."""

    delivered: int
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rest:
    """A channel that failed is left alone until then (interval clock)."""

    until_s: float
    failures: int


class Deliver:
    """Empties the outbox into the channels; one object per process.

    An alert is claimed before it is sent, so that two workers do not both send it. A crash between a send and
    its record repeats that one delivery; nothing else does.
    """

    def __init__(
        self,
        outbox: Outbox,
        routes: tuple[Route, ...],
        chance: random.Random,
        clock: Clock,
        settings: NotifySettings,
    ) -> None:
        self._outbox = outbox
        self._routes = routes
        self._chance = chance
        self._clock = clock
        self._settings = settings
        self._rests: dict[str, _Rest] = {}

    def run(self, only: frozenset[str] | None = None) -> DeliverReport:
        """Try every due alert once on every channel that has not got it, or on those named.

        Raises LedgerError. Channels that failed lately come last: their time-outs hold up nobody.
        """
        taken = [pending for pending in self._due() if self._still_wanted(pending)]
        waits: dict[str, list[float]] = {_name(pending): [] for pending in taken}
        failed: dict[str, None] = {}
        delivered = 0
        for route in sorted(self._routes, key=lambda route: route.channel.name in self._rests):
            for pending in _missing(route, taken):
                asked = only is None or route.channel.name in only
                wait_s = self._send(pending, route.channel) if asked else 0.0
                delivered += wait_s is None
                if wait_s is not None:
                    waits[_name(pending)].append(wait_s)
                    failed |= {route.channel.name: None} if asked else {}
        self._defer(taken, waits)
        return DeliverReport(delivered=delivered, failed=tuple(failed))

    def _due(self) -> list[PendingAlert]:
        due = self._outbox.pending(self._settings.batch_alerts)
        return [pending for pending in due if self._outbox.claim(pending, self._settings.claim_ms)]

    def _still_wanted(self, pending: PendingAlert) -> bool:
        """Whether a channel waits for it; one that only removed channels have not got leaves the outbox."""
        names = self._names(pending)
        if not names <= set(pending.delivered):
            return True
        self._outbox.delivered(pending, min(pending.delivered, default="none"), all_channels=names)
        return False

    def _names(self, pending: PendingAlert) -> frozenset[str]:
        return frozenset(route.channel.name for route in self._routes if _carries(route, pending))

    def _send(self, pending: PendingAlert, channel: Channel) -> float | None:
        """None when the channel has the alert now, else for how many seconds it is left alone."""
        rest, now_s = self._rests.get(channel.name), self._clock.monotonic_s()
        if rest is not None and rest.until_s > now_s:
            return rest.until_s - now_s
        try:
            channel.send(pending.alert, pending.count)
        except NotDelivered as error:
            return self._rested(channel.name, 0 if rest is None else rest.failures, error.retry_after_s)
        self._rests.pop(channel.name, None)
        self._outbox.delivered(pending, channel.name, all_channels=self._names(pending))
        return None

    def _rested(self, channel: str, failures: int, asked_s: float | None) -> float:
        limits = self._settings
        own_ms = backoff_ms(
            failures + 1,
            base_ms=limits.retry_base_ms,
            max_ms=limits.retry_max_ms,
            jitter=self._chance.random(),
        )
        wait_s = min(max(own_ms / 1000, 0.0 if asked_s is None else asked_s), limits.retry_max_ms / 1000)
        self._rests[channel] = _Rest(until_s=self._clock.monotonic_s() + wait_s, failures=failures + 1)
        return wait_s

    def _defer(self, taken: Sequence[PendingAlert], waits: dict[str, list[float]]) -> None:
        """Until the first of its channels may be asked again."""
        for pending in taken:
            if waits[_name(pending)]:
                self._outbox.defer(pending, math.ceil(min(waits[_name(pending)]) * 1000))


def _missing(route: Route, taken: Sequence[PendingAlert]) -> list[PendingAlert]:
    return [
        pending
        for pending in taken
        if _carries(route, pending) and route.channel.name not in pending.delivered
    ]


def _name(pending: PendingAlert) -> str:
    return f"{pending.outbox}/{pending.id}"


def _carries(route: Route, pending: PendingAlert) -> bool:
    return _RANK[pending.alert.severity] >= _RANK[route.severity_min]
