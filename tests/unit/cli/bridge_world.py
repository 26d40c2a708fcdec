"""The command, and the bridge it finds in memory."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from mt5fleet import __version__
from mt5fleet.adapters.bridge.terms import BridgeAddress
from mt5fleet.cli.tools import OneBridge
from mt5fleet.domain.broker import Health
from mt5fleet.domain.errors import Unreachable
from mt5fleet.domain.latch import Floor
from mt5fleet.testing.clock import ManualClock
from mt5fleet.testing.fake_gateway import FakeGateway
from tests.unit.cli.conftest import World

LOGINS = {"demo-usd-1": 5001, "demo-usd-2": 5002, "demo-eur-1": 5003}


class FakeBridge(FakeGateway):
    """The fleet's three accounts, with what their healths are to say besides."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        for name, login in LOGINS.items():
            self.add(name, login=login)
        self.changes: dict[str, object] = {
            "version": __version__,
            "risk_people": ("rita",),
            "floor": Floor(equity=Decimal(5000), readings=3, person="rita", signed_at=clock.now()),
        }
        self.silent: Exception | None = None
        self.broken: dict[str, str] = {}
        self.closed = False

    def health(self, account: str) -> Health:
        return replace(super().health(account), **self.changes)

    def healths(self, bridge: str) -> Mapping[str, Health | str]:
        if self.silent is not None:
            raise self.silent
        return {name: self.broken.get(name) or self.health(name) for name in self.books}

    def disconnect(self) -> None:
        self.closed = True


class BridgeWorld:
    """The command, and the bridge it finds."""

    def __init__(self, world: World, patch: pytest.MonkeyPatch) -> None:
        self.world = world
        self.bridge = FakeBridge(world.clock)
        self.nobody_listens = False
        self.addresses: list[BridgeAddress] = []
        tools = world._tools
        knock: Callable[[BridgeAddress], None] = self._knock
        patch.setattr(world, "_tools", lambda: replace(tools(), knock=knock, connect_bridge=self._connect))

    def check(self, *arguments: str) -> tuple[int, dict[str, dict[str, dict[str, str]]]]:
        """Exit code, and every step by name: of the bridge under "", of accounts under their names."""
        result = self.world.run("bridge", "check", *arguments, "--json")
        document = json.loads(result.out)
        found = {"": document["steps"], **document["accounts"]}
        return result.code, {name: {step["name"]: step for step in steps} for name, steps in found.items()}

    def _knock(self, address: BridgeAddress) -> None:
        self.addresses.append(address)
        if self.nobody_listens:
            raise Unreachable(f"nothing answers at {address.place} (refused)")

    def _connect(self, name: str, address: BridgeAddress) -> OneBridge:
        assert name == "local"
        return self.bridge
