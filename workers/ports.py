"""The ports of one process, as bootstrap picked them."""

from dataclasses import dataclass

from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import Ledger
from mt5fleet.ports.waker import Waker
from mt5fleet.service.fleet import FleetSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What use cases and services work through."""

    ledger: Ledger
    gateway: Gateway
    waker: Waker
    clock: Clock
    fleet: FleetSource
