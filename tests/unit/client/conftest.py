from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from mt5fleet.client import Durability, FleetClient, Submitter
from mt5fleet.client.spool import Spool
from mt5fleet.domain.errors import LedgerError, LedgerFull, LedgerUnavailable
from mt5fleet.domain.record import SignalStatus
from mt5fleet.domain.signal import Signal
from mt5fleet.messages import Algorithm, SigningKey
from mt5fleet.ports.ledger import Posted, Posting
from mt5fleet.ports.waker import WakeFailed
from mt5fleet.testing.clock import ManualClock
from mt5fleet.testing.memory_ledger import MemoryLedger

KEY = SigningKey(key_id="desk-1", algorithm=Algorithm.ED25519, private=b"k" * 32)


class FaultyPostbox:
    """A ledger whose answers are lost or refused on order; `after` means that the write happened."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self.ledger = ledger
        self.faults: list[str] = []
        self.posts: list[tuple[str, str]] = []
        self.batches: list[int] = []

    def post(self, signal_id: str, body_hash: str, envelope: str) -> Posted:
        self.posts.append((signal_id, envelope))
        fault = self.faults.pop(0) if self.faults else None
        if fault == "before":
            raise LedgerUnavailable("no connection")
        if fault == "full":
            raise LedgerFull("full")
        posted = self.ledger.post(signal_id, body_hash, envelope)
        if fault == "after":
            raise LedgerUnavailable("the answer was lost")
        return posted

    def post_many(self, postings: tuple[Posting, ...]) -> tuple[Posted | LedgerError, ...]:
        self.batches.append(len(postings))
        answers: list[Posted | LedgerError] = []
        for one in postings:
            try:
                answers.append(self.post(one.signal_id, one.body_hash, one.envelope))
            except LedgerError as error:
                answers.append(error)
        return tuple(answers)

    def status(self, signal_id: str) -> SignalStatus:
        if self.faults and self.faults[0] == "silent":
            self.faults.pop(0)
            raise LedgerUnavailable("no connection")
        return self.ledger.status(signal_id)


class RecordingWaker:
    """Counts wake-ups; fails on order."""

    def __init__(self) -> None:
        self.woken = 0
        self.broken = False

    def wake_intake(self) -> None:
        if self.broken:
            raise WakeFailed("no broker")
        self.woken += 1

    def wake_execution(self, accounts: tuple[str, ...]) -> None:
        raise AssertionError("a producer wakes intake only")

    wake_urgent = wake_execution

    def wake_notifications(self) -> None:
        raise AssertionError("a producer wakes intake only")


class TellingConfirms:
    """Says what it was told to say."""

    def __init__(self) -> None:
        self.says: Durability | LedgerUnavailable = Durability.FSYNCED
        self.asked = 0
        self.closed = False

    def confirm(self) -> Durability:
        self.asked += 1
        if isinstance(self.says, LedgerUnavailable):
            raise self.says
        return self.says

    def close(self) -> None:
        self.closed = True


class World:
    """A client with everything around it."""

    def __init__(self, spool: Spool | None) -> None:
        self.clock = ManualClock()
        self.ledger = MemoryLedger(self.clock)
        self.postbox = FaultyPostbox(self.ledger)
        self.waker = RecordingWaker()
        self.confirms = TellingConfirms()
        self.spool = spool
        self.submitter = Submitter(
            postbox=self.postbox, waker=self.waker, confirms=self.confirms, clock=self.clock, spool=spool
        )
        self.client = FleetClient(
            "redis://unused", "desk", KEY, clock=self.clock, chance=Random(1), submitter=self.submitter
        )

    def opening(self, **changes: object) -> Signal:
        return self.client.open(
            "EURUSD", "buy", **{"groups": ["all"], "lots": "0.1", "stop_loss": "1.0", **changes}
        )

    def kept(self) -> list[str]:
        return [kept.signal_id for kept in self.spool.kept()]


@pytest.fixture
def world() -> World:
    return World(None)


@pytest.fixture
def spooling(tmp_path: Path) -> Iterator[World]:
    spool = Spool(tmp_path / "signals.spool")
    yield World(spool)
    spool.close()
