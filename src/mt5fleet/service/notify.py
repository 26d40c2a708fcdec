"""Delivers alerts to channels: each gets each alert at least once, and what is missing stays pending."""

import random
from dataclasses import dataclass

from mt5fleet.domain.record import PendingAlert, Severity
from mt5fleet.domain.retry import backoff_ms
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


class Deliver:
    """Empties the outbox into the channels.

    A crash between a send and its record repeats that one delivery; nothing else does.
    """

    def __init__(
        self, outbox: Outbox, routes: tuple[Route, ...], chance: random.Random, settings: NotifySettings
    ) -> None:
        self._outbox = outbox
        self._routes = routes
        self._chance = chance
        self._settings = settings

    def run(self, only: frozenset[str] | None = None) -> DeliverReport:
        """Try every due alert once on every channel (or `only` these) without it. Raises LedgerError."""
        delivered, down = 0, dict[str, float]()
        for pending in self._outbox.pending(self._settings.batch_alerts):
            results = self._one(pending, down, only)
            delivered += sum(1 for asked_s in results.values() if asked_s is None)
            down |= {name: asked_s for name, asked_s in results.items() if asked_s is not None}
        return DeliverReport(delivered=delivered, failed=tuple(down))

    def _one(
        self, pending: PendingAlert, down: dict[str, float], only: frozenset[str] | None
    ) -> dict[str, float | None]:
        """Channel -> None when it has the alert now, else the seconds it asked for (0: it said nothing).

        A channel that is down in this run is not asked again: a hundred time-outs would hold up the others.
        """
        wanted = [route.channel for route in self._routes if _carries(route, pending)]
        names = frozenset(channel.name for channel in wanted)
        results: dict[str, float | None] = {}
        for channel in wanted:
            asked = only is None or channel.name in only
            if asked and channel.name not in pending.delivered:
                known = down.get(channel.name)
                results[channel.name] = self._send(pending, channel, names) if known is None else known
        if not names:
            self._outbox.delivered(pending, "none", all_channels=names)
        waits = [asked_s for asked_s in results.values() if asked_s is not None]
        if waits:
            self._outbox.defer(pending, self._delay_ms(pending, max(waits)))
        return results

    def _send(self, pending: PendingAlert, channel: Channel, names: frozenset[str]) -> float | None:
        try:
            channel.send(pending.alert, pending.count)
        except NotDelivered as error:
            return 0.0 if error.retry_after_s is None else error.retry_after_s
        self._outbox.delivered(pending, channel.name, all_channels=names)
        return None

    def _delay_ms(self, pending: PendingAlert, asked_s: float) -> int:
        limits = self._settings
        own_ms = backoff_ms(
            pending.attempts + 1,
            base_ms=limits.retry_base_ms,
            max_ms=limits.retry_max_ms,
            jitter=self._chance.random(),
        )
        return min(max(own_ms, int(asked_s * 1000)), limits.retry_max_ms)


def _carries(route: Route, pending: PendingAlert) -> bool:
    return _RANK[pending.alert.severity] >= _RANK[route.severity_min]
