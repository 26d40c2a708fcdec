"""From what the process was told to its services: the only place that picks adapters."""

import logging
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TypedDict

from config.sentry import start_sentry
from mt5fleet import __version__
from mt5fleet.adapters.bridge.addresses import bridge_addresses
from mt5fleet.adapters.bridge.gateway import BridgeGateway
from mt5fleet.adapters.celery import CeleryWaker
from mt5fleet.adapters.notify.log import LogChannel
from mt5fleet.adapters.notify.webhook import WebhookChannel
from mt5fleet.adapters.redis.ledger import connect
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.adapters.threads import ThreadSpread
from mt5fleet.domain.errors import InvalidValue, LedgerError
from mt5fleet.fleet_file import ChannelTerms, FleetFile
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import Ledger
from mt5fleet.ports.notifier import Channel
from mt5fleet.ports.waker import Waker
from mt5fleet.secret_source import resolve_secret
from mt5fleet.service.drain import Drain, DrainReport
from mt5fleet.service.fleet import CachedFleet, FleetSource
from mt5fleet.service.guard import GuardSweep
from mt5fleet.service.heartbeat import Heartbeat, Progress
from mt5fleet.service.intake import Intake
from mt5fleet.service.notify import Deliver, Route
from mt5fleet.service.seals import SignalReader
from mt5fleet.service.settings import (
    ExecutionSettings,
    GuardSettings,
    HeartbeatSettings,
    IntakeSettings,
    NotifySettings,
    SweepSettings,
)
from mt5fleet.service.submit import Submit
from mt5fleet.service.sweep import Sweep
from tasks import runtime
from workers.metrics import FleetMetrics
from workers.pool import AccountPool
from workers.ports import Ports
from workers.pulse import Pulse, worker_part
from workers.refill import refill
from workers.services import FleetServices, UseCases
from workers.told import Told, read_own

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One running worker process, for its tasks and for the steps beside them."""

    told: Told
    node: str
    ledger: Ledger
    services: FleetServices
    metrics: FleetMetrics
    heartbeat: Heartbeat

    def came(self) -> None:
        """Fill an emptied ledger and say that the worker is there; a ledger out of reach stops nobody."""
        try:
            refill(self.ledger, self.told.fleet)
            self.heartbeat.started(worker_part(self.node), __version__)
        except LedgerError as error:
            logger.warning("start not recorded: %s", error)

    def goes(self) -> None:
        """Say that the worker ends in good order; after a kill there is only silence."""
        try:
            self.heartbeat.stopped(worker_part(self.node), __version__)
        except LedgerError as error:
            logger.warning("end not recorded: %s", error)


@dataclass(slots=True)
class _Slot:
    """The process built here; a forked child builds its own, since connections and threads are not shared."""

    process: Process | None = None


_slot = _Slot()


@cache
def told() -> Told:
    """What this process was told, read when first asked for."""
    return read_own()


def start(node: str) -> None:
    """Build everything for the worker `node` and install its services."""
    own = told()
    settings = own.settings
    start_sentry(
        settings.sentry_dsn,
        environment=settings.sentry_environment,
        release=__version__,
        redaction=own.redaction,
    )
    _slot.process = build(own, node)
    runtime.install(_slot.process.services)


def start_child() -> None:
    """Build everything anew in a forked child."""
    start(process().node)


def process() -> Process:
    """The process that `start` built; raises NotInstalled before it."""
    if _slot.process is None:
        raise runtime.NotInstalled("this worker was not started through workers.app")
    return _slot.process


def build(own: Told, node: str) -> Process:
    """Adapters, use cases and services; nothing is connected before it is used."""
    clock = SystemClock()
    ledger = ledger_of(own)
    fleet = CachedFleet(ledger, clock)
    ports = Ports(
        ledger=ledger,
        gateway=gateway_of(own, partial(_bridge_told, fleet)),
        waker=CeleryWaker(own.broker_url),
        clock=clock,
        fleet=fleet,
    )
    return assemble(own, node, ports, _routes(own.fleet, os.environ))


def assemble(own: Told, node: str, ports: Ports, routes: tuple[Route, ...]) -> Process:
    """Use cases and services over given ports."""
    progress, beats = Progress(), HeartbeatSettings()
    metrics = FleetMetrics(ports.ledger, progress, ports.clock)
    heartbeat = Heartbeat(ports.ledger, ports.clock, progress, beats)
    pulse = Pulse(node=node, ports=ports, heartbeat=heartbeat, settings=beats)
    services = FleetServices(
        owner=f"{node}/{os.getpid()}",
        ports=ports,
        use=_use_cases(ports, routes),
        pool=_pool(own, ports.fleet),
        metrics=metrics,
        pulse=pulse,
        refill=partial(refill, ports.ledger, own.fleet),
    )
    return Process(
        told=own, node=node, ledger=ports.ledger, services=services, metrics=metrics, heartbeat=heartbeat
    )


def ledger_of(own: Told) -> Ledger:
    """The ledger that the file names."""
    return connect(own.ledger_url)


def gateway_of(own: Told, bridge_of: Callable[[str], str | None]) -> Gateway:
    """The bridges that the file names; `bridge_of` tells which one an account is on."""
    return BridgeGateway(bridge_addresses(own.fleet, os.environ), bridge_of)


def _bridge_told(fleet: CachedFleet, account: str) -> str | None:
    told = fleet.now_told().accounts.get(account)
    return None if told is None else told.bridge


def _pool(own: Told, fleet: FleetSource) -> AccountPool[DrainReport]:
    def bridges() -> int:
        return len({account.bridge for account in fleet.now_told().accounts.values()})

    return AccountPool(slots=own.slots, urgent_slots=own.urgent_slots, bridges=bridges)


class _Shared(TypedDict):
    """What most use cases take."""

    ledger: Ledger
    fleet: FleetSource
    waker: Waker
    clock: Clock


def _use_cases(ports: Ports, routes: tuple[Route, ...]) -> UseCases:
    shared = _Shared(ledger=ports.ledger, fleet=ports.fleet, waker=ports.waker, clock=ports.clock)
    execution = ExecutionSettings()
    signals = SignalReader(ports.fleet, _secret_of, cached_max=execution.signals_cached_max)
    return UseCases(
        submit=Submit(ports.ledger, ports.waker),
        intake=Intake(**shared, secret_of=_secret_of, settings=IntakeSettings()),
        drain=Drain(**shared, gateway=ports.gateway, signals=signals, settings=execution),
        sweep=Sweep(**shared, settings=SweepSettings()),
        guards=GuardSweep(**shared, gateway=ports.gateway, spread=ThreadSpread(), settings=GuardSettings()),
        deliver=Deliver(ports.ledger, routes, random.SystemRandom(), ports.clock, NotifySettings()),
    )


def _routes(fleet: FleetFile, environ: Mapping[str, str]) -> tuple[Route, ...]:
    return tuple(
        Route(channel=_channel(name, terms, environ), severity_min=terms.severity_min)
        for name, terms in fleet.channels.items()
    )


def _channel(name: str, terms: ChannelTerms, environ: Mapping[str, str]) -> Channel:
    """A channel by its kind; raises InvalidValue when its address is not where the file says."""
    if terms.kind == "log":
        return LogChannel(name)
    if terms.url is not None:
        return WebhookChannel(name, terms.url)
    if terms.address is None:
        raise InvalidValue(f"channels.{name}.url", "is not given")
    return WebhookChannel(name, resolve_secret(terms.address, environ))


def _secret_of(name: str) -> bytes:
    """The shared secret of a producer that cannot do Ed25519: the value of an environment variable."""
    text = os.environ.get(name, "")
    if not text:
        raise InvalidValue("key", f"environment variable {name} is empty or not set")
    return text.encode()
