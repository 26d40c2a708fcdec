"""A ledger that is emptied, lost with its file, or comes back older forgets neither a peak nor a halt.

The bridge's journal remembers both. That no open left is read from the broker's own records.
"""

import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import redis

from mt5fleet.adapters.redis.ledger import RedisLedger, connect
from mt5fleet.client import FleetClient
from mt5fleet.domain.account import GuardMemory, TradingState
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.record import EventType
from scripts.broker_count import doubled, openings
from tests.integration.fleet.conftest import StartFleet
from tests.support.fleet import LocalFleet, Shape, eventually

PEAK = Decimal(11_000)
AT_PEAK = ("1.11010", "1.11020")  # one lot bought at 1.10010 has won 1,000
BACK_AGAIN = ("1.10010", "1.10020")  # the equity is 10,000 again: what a forgotten peak would be
BELOW_BY_A_FIFTH = ("1.08760", "1.08770")  # 8,750: 20.5 % below the peak, 12.5 % below a forgotten one
AOF = "appendonlydir"


class Loss:
    """One way to lose the ledger's memory of everything since `remember`."""

    def __init__(self, fleet: LocalFleet) -> None:
        self.fleet = fleet
        self.kept = fleet.folder / "kept"

    @property
    def file(self) -> Path:
        return self.fleet.redis.directory / AOF

    def remember(self) -> None:
        shutil.copytree(self.file, self.kept)

    def flushed(self) -> None:
        with redis.Redis.from_url(self.fleet.redis.url) as server:
            server.flushall()

    def restarted_without_its_file(self) -> None:
        self.fleet.redis.kill()
        shutil.rmtree(self.file)
        self.fleet.redis.start()

    def restarted_with_an_older_file(self) -> None:
        self.fleet.redis.kill()
        shutil.rmtree(self.file)
        shutil.copytree(self.kept, self.file)
        self.fleet.redis.start()


LOSSES: tuple[Callable[[Loss], None], ...] = (
    Loss.flushed,
    Loss.restarted_without_its_file,
    Loss.restarted_with_an_older_file,
)


class Scene:
    """A fleet with one account, and what ledger and broker say of it."""

    def __init__(self, fleet: LocalFleet) -> None:
        self.fleet = fleet
        self.client: FleetClient = fleet.client()
        self.ledger: RedisLedger = connect(fleet.redis.url)
        self.name = fleet.shape.names[0]

    def memory(self) -> GuardMemory | None:
        return self.ledger.account_status(self.name).memory

    def quote(self, prices: tuple[str, str]) -> None:
        with self.fleet.control() as control:
            control.quote("EURUSD", *prices)

    def shows_equity(self, amount: str) -> None:
        """Wait until a sweep has seen it, and two more have ended: what was due for the journal is there."""
        eventually(
            f"equity {amount}", lambda: (kept := self.memory()) and kept.last_equity == Decimal(amount)
        )
        seen = self.memory()
        assert seen is not None
        eventually("two more sweeps", lambda: (kept := self.memory()) and kept.sequence > seen.sequence + 1)

    def buy_one_lot(self) -> None:
        opening = self.client.open(
            "EURUSD", "buy", lots="1", stop_loss="1.05", accounts=(self.name,), signal_id="big"
        )
        self.client.submit(opening)
        self.fleet.wait_final(self.client, ["big"])

    def is_halted(self) -> bool:
        status = self.ledger.account_status(self.name)
        return status.state is TradingState.HALTED and status.latch_confirmed and not status.flatten_due


def peak_seen_and_lost(scene: Scene, lose: Callable[[], None]) -> None:
    scene.quote(AT_PEAK)
    scene.shows_equity("11000")
    scene.quote(BACK_AGAIN)
    scene.shows_equity("10000")
    lose()
    eventually("the guards remember the peak", lambda: (kept := scene.memory()) and kept.peak_equity == PEAK)


def assert_no_open_leaves(scene: Scene, ids: tuple[str, ...]) -> None:
    scene.fleet.wait_final(scene.client, ids)
    eventually("the account is halted and flat", scene.is_halted)
    for one in ids:
        [order] = scene.client.status(one).orders
        assert (order.state, order.reason) == (OrderState.DENIED, "halted")
    records = scene.fleet.records()
    assert [opening.signal_tail for opening in openings(records)] == ["big"]
    assert (doubled(records), records[0]["positions"], records[0]["orders"]) == ({}, [], [])


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_ledger_that_was_lost_forgets_neither_the_peak_nor_the_halt(
    start_fleet: StartFleet, loss: Callable[[Loss], None]
) -> None:
    fleet = start_fleet(Shape(balance=10_000))
    scene, losing = Scene(fleet), Loss(fleet)
    losing.remember()
    scene.buy_one_lot()
    peak_seen_and_lost(scene, lambda: loss(losing))

    scene.quote(BELOW_BY_A_FIFTH)
    eventually("the fall from the old peak halts", scene.is_halted)
    before = scene.ledger.account_status(scene.name)
    loss(losing)
    scene.client.submit(fleet.open_signal(scene.client, "right-after"))

    assert_no_open_leaves(scene, ("right-after",))
    after = scene.ledger.account_status(scene.name)
    assert (after.reason, after.halted_seq > before.halted_seq) == (before.reason, True)
    assert "drawdown from peak equity" in after.reason
    told = [item.event.type for item in scene.ledger.account_events(scene.name, 1_000)]
    assert EventType.MEMORY_RECALLED in told
    scene.client.submit(fleet.open_signal(scene.client, "later"))
    assert_no_open_leaves(scene, ("right-after", "later"))
