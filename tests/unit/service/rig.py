"""One fleet in memory: ledger, broker, workers. A worker is a fresh set of services, as a new process has."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from mt5fleet.adapters.threads import ThreadSpread
from mt5fleet.domain.account import Account
from mt5fleet.domain.errors import Unreachable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.record import EventType, OrderRecord
from mt5fleet.domain.signal import Instruction, Signal
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import Ledger
from mt5fleet.service.drain import Drain, DrainReport
from mt5fleet.service.fleet import CachedFleet
from mt5fleet.service.guard import GuardReport, GuardSweep
from mt5fleet.service.intake import Intake, IntakeReport
from mt5fleet.service.notify import Deliver, Route
from mt5fleet.service.seals import SignalReader
from mt5fleet.service.settings import (
    ExecutionSettings,
    GuardSettings,
    IntakeSettings,
    NotifySettings,
    SweepSettings,
)
from mt5fleet.service.submit import Submit
from mt5fleet.service.sweep import Sweep, SweepReport
from mt5fleet.testing.builders import make_account, make_producer, make_signal, no_secret, signed
from mt5fleet.testing.clock import ManualClock
from mt5fleet.testing.fake_broker import FakeAccount
from mt5fleet.testing.fake_gateway import FakeGateway
from mt5fleet.testing.memory_ledger import MemoryLedger


class RecordingWaker:
    """Keeps what was woken."""

    def __init__(self) -> None:
        self.intakes = 0
        self.execution: list[tuple[str, ...]] = []
        self.urgent: list[tuple[str, ...]] = []
        self.notifications = 0

    def wake_intake(self) -> None:
        self.intakes += 1

    def wake_execution(self, accounts: tuple[str, ...]) -> None:
        self.execution.append(accounts)

    def wake_urgent(self, accounts: tuple[str, ...]) -> None:
        self.urgent.append(accounts)

    def wake_notifications(self) -> None:
        self.notifications += 1


class Worker:
    """The services of one process over given ports."""

    def __init__(self, rig: "Rig", ledger: Ledger, gateway: Gateway) -> None:
        fleet = CachedFleet(ledger, rig.clock, look_every_s=0)
        reader = SignalReader(fleet, no_secret, cached_max=100)
        self.intake = _intake(rig, ledger, fleet)
        self.drain = Drain(
            ledger=ledger,
            gateway=gateway,
            fleet=fleet,
            signals=reader,
            waker=rig.waker,
            clock=rig.clock,
            settings=rig.settings,
        )
        self.guard = GuardSweep(
            ledger=ledger,
            gateway=gateway,
            fleet=fleet,
            waker=rig.waker,
            clock=rig.clock,
            spread=ThreadSpread(),
            settings=rig.guard_settings,
        )
        self.sweep = Sweep(
            ledger=ledger, fleet=fleet, waker=rig.waker, clock=rig.clock, settings=SweepSettings()
        )


def _intake(rig: "Rig", ledger: Ledger, fleet: CachedFleet) -> Intake:
    return Intake(
        ledger=ledger,
        fleet=fleet,
        secret_of=no_secret,
        waker=rig.waker,
        clock=rig.clock,
        settings=rig.intake_settings,
    )


class Rig:
    """A fleet whose accounts were seen by the guards, a minute after its ledger's epoch began.

    `contact_required`: the bridge opens only when it has heard of the ledger lately, as a real one does.
    """

    def __init__(self, *accounts: Account, contact_required: bool = False) -> None:
        self.clock = ManualClock()
        self.ledger = MemoryLedger(self.clock)
        self.gateway = FakeGateway(self.clock, contact_required=contact_required)
        self.waker = RecordingWaker()
        self.settings = ExecutionSettings()
        self.intake_settings = IntakeSettings()
        self.guard_settings = GuardSettings()
        self.accounts = accounts if accounts else (make_account(),)
        for account in self.accounts:
            self.gateway.add(account.name, login=account.login, server=account.server)
        self.tell()
        self.ledger.epoch()
        self.worker = Worker(self, self.ledger, self.gateway)
        self.clock.advance_s(60)
        self.worker.guard.run()

    def tell(self, **groups: tuple[str, ...]) -> None:
        self.ledger.apply(self.accounts, groups)
        self.ledger.put_producer(make_producer())

    def change(self, account: Account) -> None:
        self.accounts = tuple(account if kept.name == account.name else kept for kept in self.accounts)
        self.ledger.apply(self.accounts, {})

    def limit(self, **changes: int) -> None:
        """Other execution settings, for a new worker."""
        self.settings = replace(self.settings, **changes)
        self.worker = Worker(self, self.ledger, self.gateway)

    def book(self, account: str = "alpha") -> FakeAccount:
        return self.gateway.books[account]

    def signal(
        self,
        signal_id: str = "S1",
        instruction: Instruction | None = None,
        *,
        accounts: tuple[str, ...] = ("alpha",),
        valid_s: float = 60.0,
    ) -> Signal:
        return make_signal(
            signal_id, instruction, accounts=accounts, created_at=self.clock.now(), valid_s=valid_s
        )

    def post(self, signal: Signal) -> None:
        Submit(self.ledger, self.waker).run(signed(signal))

    def take_in(self) -> IntakeReport:
        return self.worker.intake.run("worker")

    def drain(self, account: str = "alpha") -> DrainReport:
        return self.worker.drain.run(account, "worker")

    def guard(self) -> GuardReport:
        return self.worker.guard.run()

    def sweep(self) -> SweepReport:
        return self.worker.sweep.run()

    def execute(
        self, signal_id: str = "S1", instruction: Instruction | None = None, account: str = "alpha"
    ) -> OrderRecord:
        """Post, take in and drain one signal; gives the order of its first part."""
        self.post(self.signal(signal_id, instruction, accounts=(account,)))
        self.take_in()
        self.drain(account)
        return self.orders(signal_id)[0]

    def orders(self, signal_id: str = "S1") -> tuple[OrderRecord, ...]:
        return self.ledger.status(signal_id).orders

    def states(self, signal_id: str = "S1") -> list[OrderState]:
        return [order.state for order in self.orders(signal_id)]

    def sent(self, operation: str = "submit") -> int:
        return sum(1 for item in self.gateway.executed if item.operation == operation)

    def events(self, kind: EventType, account: str = "alpha") -> list[dict[str, str]]:
        stored = self.ledger.account_events(account, 1_000)
        return [item.event.numbers for item in stored if item.event.type is kind]

    def alerts(self) -> list[str]:
        return [pending.alert.title for pending in self.ledger.pending(1_000)]

    def settle_all(self, steps: int = 12, step_s: float = 3.0) -> None:
        """Let sweeps and drains run until the leases of the dead have ended and doubts are old enough."""
        for _ in range(steps):
            self.take_in()
            for account in self.accounts:
                self.drain(account.name)
            self.clock.advance_s(step_s)

    def wipe(self) -> None:
        """The ledger forgets everything; a worker fills it again from its files."""
        self.ledger.wipe()
        self.tell()

    def equity(self, amount: str, account: str = "alpha") -> None:
        """Let the account show this equity, a second later, to a sweep."""
        self.book(account).equity_shown = Decimal(amount)
        self.clock.advance_s(1)
        self.guard()

    def lose(self, amount: str, account: str = "alpha") -> None:
        """Let the account's equity fall by a floating loss."""
        book = self.book(account)
        book.equity_shown = book.balance - Decimal(amount)

    def deliver(self, *routes: Route) -> None:
        Deliver(self.ledger, routes, random.Random(1), self.clock, NotifySettings()).run()


class DeafGateway:
    """The rig's gateway, whose bridge takes no latch while it is `down`. Becomes the rig's worker's."""

    def __init__(self, rig: Rig, *, down: bool) -> None:
        self._gateway = rig.gateway
        self.down = down
        rig.worker = Worker(rig, rig.ledger, self)  # type: ignore[arg-type]  # a fake port

    def __getattr__(self, name: str) -> object:
        return getattr(self._gateway, name)

    def latch(self, account: str, sequence: int, reason: str) -> None:
        if self.down:
            raise Unreachable("no bridge")
        self._gateway.latch(account, sequence, reason)


def older(signal: Signal, seconds: float) -> Signal:
    """The same signal, made earlier."""
    return replace(signal, created_at=signal.created_at - timedelta(seconds=seconds))
