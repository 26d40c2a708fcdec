"""A worker process over ports in memory."""

from pathlib import Path

from config.redaction import Redaction
from config.settings import Settings
from mt5fleet.fleet_file import load
from mt5fleet.service.fleet import CachedFleet
from mt5fleet.service.notify import Route
from mt5fleet.testing.builders import make_producer
from mt5fleet.testing.clock import ManualClock
from mt5fleet.testing.fake_gateway import FakeGateway
from mt5fleet.testing.memory_ledger import MemoryLedger
from tests.unit.service.rig import RecordingWaker
from workers.bootstrap import assemble
from workers.ports import Ports
from workers.told import Told

NODE = "worker-1@here"
FILE = """
[redis]
ledger_url = "redis://127.0.0.1:1/0"
[accounts.alpha]
server = "Simulator-Demo"
login = 1
mode = "demo"
groups = ["all"]
[accounts.beta]
server = "Simulator-Demo"
login = 2
mode = "demo"
groups = ["all"]
"""


class WorkerInMemory:
    """Ledger, broker and waker in memory behind the real services of a worker."""

    def __init__(self, folder: Path, *routes: Route) -> None:
        self.clock = ManualClock()
        self.ledger = MemoryLedger(self.clock)
        self.gateway = FakeGateway(self.clock)
        self.waker = RecordingWaker()
        for login, name in enumerate(("alpha", "beta"), start=1):
            self.gateway.add(name, login=login)
        self.told = told_of(folder)
        ports = Ports(
            ledger=self.ledger,
            gateway=self.gateway,
            waker=self.waker,
            clock=self.clock,
            fleet=CachedFleet(self.ledger, self.clock, look_every_s=0),
        )
        self.process = assemble(self.told, NODE, ports, routes)
        self.services = self.process.services

    def begin(self) -> None:
        """The ledger knows accounts and producer, and the guards have seen every account."""
        self.process.came()
        self.ledger.put_producer(make_producer())
        self.clock.advance_s(60)
        self.services.check_guards()


def told_of(folder: Path, text: str = FILE, environ: dict[str, str] | None = None) -> Told:
    """What a process is told by a file of this text."""
    path = folder / "fleet.toml"
    path.write_text(text, encoding="utf-8")
    fleet = load(path)
    settings = Settings.from_env({"MT5FLEET_FILE": str(path), **(environ or {})})
    return Told(
        settings=settings,
        fleet=fleet,
        ledger_url="redis://127.0.0.1:1/0",
        broker_url="redis://127.0.0.1:1/0",
        redaction=Redaction(()),
    )
