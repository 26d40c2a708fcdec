"""From what the process was told to its services: the only place that picks adapters."""

import logging
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

from config.sentry import start_sentry
from mt5fleet import __version__
from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway
from mt5fleet.adapters.bridge.token import bridge_token
from mt5fleet.adapters.celery import CeleryWaker
from mt5fleet.adapters.notify.log import LogChannel
from mt5fleet.adapters.notify.webhook import WebhookChannel
from mt5fleet.adapters.redis.ledger import connect
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.domain.errors import InvalidValue, LedgerError
from mt5fleet.fleet_file import LOCAL_BRIDGE, BridgeTerms, ChannelTerms, FleetFile
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import Ledger
from mt5fleet.ports.notifier import Channel
from mt5fleet.secret_source import resolve_secret
from mt5fleet.service.drain import Drain, DrainReport
from mt5fleet.service.fleet import CachedFleet
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
    gateway = gateway_of(own, partial(_bridge_told, fleet))
    progress = Progress()
    metrics = FleetMetrics(ledger, progress, clock)
    beats = HeartbeatSettings()
    heartbeat = Heartbeat(ledger, clock, progress, beats)
    services = FleetServices(
        owner=f"{node}/{os.getpid()}",
        fleet=fleet,
        clock=clock,
        use=_use_cases(own, ledger, gateway, fleet),
        pool=_pool(own, fleet),
        metrics=metrics,
        pulse=Pulse(
            node=node,
            ledger=ledger,
            gateway=gateway,
            fleet=fleet,
            clock=clock,
            heartbeat=heartbeat,
            settings=beats,
        ),
        refill=partial(refill, ledger, own.fleet),
    )
    return Process(
        told=own, node=node, ledger=ledger, services=services, metrics=metrics, heartbeat=heartbeat
    )


def ledger_of(own: Told) -> Ledger:
    """The ledger that the file names."""
    return connect(own.ledger_url)


def gateway_of(own: Told, bridge_of: Callable[[str], str | None]) -> Gateway:
    """The bridges that the file names; `bridge_of` tells which one an account is on."""
    return BridgeGateway(bridge_addresses(own.fleet, os.environ), bridge_of)


def bridge_addresses(fleet: FleetFile, environ: Mapping[str, str]) -> dict[str, BridgeAddress]:
    """Where each bridge of the file is reached; raises InvalidValue for a missing token."""
    local = BridgeTerms.model_validate({}, context={"folder": fleet.folder})
    terms = {LOCAL_BRIDGE: local, **fleet.bridges}
    return {name: _bridge_address(one, environ) for name, one in terms.items()}


def _bridge_address(terms: BridgeTerms, environ: Mapping[str, str]) -> BridgeAddress:
    host, _, port = terms.reached_at.rpartition(":")
    token = bridge_token(terms.token, terms.journal_dir, environ)
    return BridgeAddress(host=host.strip("[]"), port=int(port), token=token)


def _bridge_told(fleet: CachedFleet, account: str) -> str | None:
    told = fleet.now_told().accounts.get(account)
    return None if told is None else told.bridge


def _pool(own: Told, fleet: CachedFleet) -> AccountPool[DrainReport]:
    def bridges() -> int:
        return len({account.bridge for account in fleet.now_told().accounts.values()})

    return AccountPool(slots=own.slots, urgent_slots=own.urgent_slots, bridges=bridges)


def _use_cases(own: Told, ledger: Ledger, gateway: Gateway, fleet: CachedFleet) -> UseCases:
    clock, waker = SystemClock(), CeleryWaker(own.broker_url)
    execution = ExecutionSettings()
    signals = SignalReader(fleet, _secret_of, cached_max=execution.signals_cached_max)
    return UseCases(
        submit=Submit(ledger, waker),
        intake=Intake(
            ledger=ledger,
            fleet=fleet,
            secret_of=_secret_of,
            waker=waker,
            clock=clock,
            settings=IntakeSettings(),
        ),
        drain=Drain(
            ledger=ledger,
            gateway=gateway,
            fleet=fleet,
            signals=signals,
            waker=waker,
            clock=clock,
            settings=execution,
        ),
        sweep=Sweep(ledger=ledger, fleet=fleet, waker=waker, clock=clock, settings=SweepSettings()),
        guards=GuardSweep(
            ledger=ledger, gateway=gateway, fleet=fleet, waker=waker, clock=clock, settings=GuardSettings()
        ),
        deliver=Deliver(ledger, _routes(own.fleet, os.environ), random.SystemRandom(), NotifySettings()),
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
