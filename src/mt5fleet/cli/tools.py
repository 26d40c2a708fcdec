"""What commands work with: environment, clock, the ways to ledger and queue. Tests put in their own."""

import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Protocol

import typer

from mt5fleet.adapters.bridge.knock import knock
from mt5fleet.adapters.bridge.terms import BridgeAddress
from mt5fleet.adapters.celery import CeleryWaker, queue_depths
from mt5fleet.adapters.redis import ledger as redis_ledger
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.client.connect import connect
from mt5fleet.client.submit import Submitter
from mt5fleet.domain.broker import Health
from mt5fleet.domain.errors import InvalidValue
from mt5fleet.fleet_file import FILE_ENV, FILE_NAME, FleetFile, load
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import Ledger
from mt5fleet.ports.waker import Waker

REDIS_ENV = "MT5FLEET_REDIS_URL"

FleetOption = Annotated[
    Path | None,
    typer.Option("--fleet", envvar=FILE_ENV, help=f"The fleet's file; ./{FILE_NAME} when left out."),
]
RedisOption = Annotated[
    str | None,
    typer.Option(
        "--redis",
        envvar=REDIS_ENV,
        show_envvar=True,
        help="The ledger's address, when there is no fleet file here.",
    ),
]


def connect_ledger(url: str) -> Ledger:
    """The ledger behind an address; raises InvalidValue for an unsafe one."""
    try:
        return redis_ledger.connect(url)
    except ValueError as error:
        raise InvalidValue("redis", str(error)) from None


class OneBridge(Gateway, Protocol):
    """The accounts of one bridge."""

    def healths(self, bridge: str) -> dict[str, Health | str]:
        """Health of every account; a failed one is a sentence that says why."""
        ...

    def disconnect(self) -> None:
        """Close what was opened."""
        ...


def connect_bridge(name: str, address: BridgeAddress) -> OneBridge:
    """The accounts of one bridge; nothing is connected before the first call."""
    # A producer's installation has the command and no gRPC.
    from mt5fleet.adapters.bridge.gateway import BridgeGateway  # noqa: PLC0415 - see above

    return BridgeGateway({name: address}, lambda _: name)


@dataclass(frozen=True, kw_only=True)
class Tools:
    """The doors to the world."""

    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    clock: Clock = field(default_factory=SystemClock)
    chance: random.Random = field(default_factory=random.SystemRandom)
    connect_ledger: Callable[[str], Ledger] = connect_ledger
    connect_waker: Callable[[str], Waker] = CeleryWaker
    connect_submitter: Callable[..., Submitter] = connect
    queue_depths: Callable[[str], dict[str, int]] = queue_depths
    knock: Callable[[BridgeAddress], None] = knock
    connect_bridge: Callable[[str, BridgeAddress], OneBridge] = connect_bridge


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where ledger and broker are; they may hold passwords."""

    ledger: str = field(repr=False)
    broker: str = field(repr=False)


def tools_of(context: typer.Context) -> Tools:
    """The tools of this run."""
    return context.ensure_object(Tools)


def fleet_of(fleet: Path | None) -> FleetFile:
    """The fleet's file: as named, or ./fleet.toml. Raises FleetFileInvalid."""
    return load(Path(FILE_NAME) if fleet is None else fleet)


def addresses_of(tools: Tools, fleet: Path | None, redis_url: str | None) -> Addresses:
    """From the address given, else from the fleet's file. Raises FleetFileInvalid and InvalidValue."""
    if redis_url is not None:
        return Addresses(ledger=redis_url, broker=redis_url)
    read = fleet_of(fleet)
    return Addresses(ledger=read.ledger_url(tools.environ), broker=read.broker_url(tools.environ))


def ledger_of(context: typer.Context, fleet: Path | None) -> Ledger:
    """The ledger of the fleet's file."""
    tools = tools_of(context)
    return tools.connect_ledger(fleet_of(fleet).ledger_url(tools.environ))
