"""What a desk answers without a terminal: everything that stands for the account."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mt5fleet.adapters.bridge.operations import OPERATIONS, Place
from mt5fleet.adapters.mt5.contact import LedgerContact
from mt5fleet.adapters.sqlite.journal import JournalFile, journal_path
from mt5fleet.bridge.desk import Desk
from mt5fleet.bridge.settings import BridgeLimits, ChildConfig
from mt5fleet.domain.account import GuardMemory
from mt5fleet.domain.broker import Health, Mode
from mt5fleet.domain.errors import InvalidValue, StaleLatch, Unanswered, Unreachable, ValueRefused
from mt5fleet.domain.latch import Binding
from mt5fleet.testing.clock import ManualClock

REAL = ChildConfig(account="alpha", server="Sim-1", login=1001, mode=Mode.REAL, password="pw")
MEMORY = GuardMemory(
    peak_equity=Decimal(10_100),
    first_balance=Decimal(10_000),
    last_equity=Decimal(10_050),
    last_balance=Decimal(10_000),
    last_at=ManualClock().now(),
    cash_flow_total=Decimal(0),
    sequence=3,
)

Story = Callable[[Desk, LedgerContact], Awaitable[None]]


@asynccontextmanager
async def desk_of(folder: Path, config: ChildConfig = REAL) -> AsyncIterator[tuple[Desk, LedgerContact]]:
    """A desk that starts no child: its account is for real money, and it was not told to trade that."""
    clock = ManualClock()
    file = JournalFile(journal_path(folder), clock, lambda: "id-1")
    contact = LedgerContact(clock)
    limits = BridgeLimits(order_s=1.0, queue_s=0.1)
    journal = file.account(config.server, config.login)
    desk = Desk(config, limits, {}, clock, journal, dict, contact)
    desk.start()
    try:
        yield desk, contact
    finally:
        await desk.stop()
        file.close()


def run(folder: Path, story: Story) -> None:
    async def whole() -> None:
        async with desk_of(folder) as (desk, contact):
            await story(desk, contact)

    asyncio.run(whole())


def test_real_money_is_refused_by_name_and_no_process_is_started(tmp_path: Path) -> None:
    async def story(desk: Desk, _: LedgerContact) -> None:
        assert desk.pid is None
        with pytest.raises(Unreachable, match=r"accounts\.alpha\.allow_real: mode is real"):
            await desk.call("reading", token=None)

    run(tmp_path, story)


def test_what_stands_is_answered_without_a_terminal(tmp_path: Path) -> None:
    async def story(desk: Desk, _: LedgerContact) -> None:
        await desk.call("latch", sequence=5, reason="drawdown")
        await desk.call("checkpoint", memory=MEMORY)
        await desk.call("checkpoint", memory=replace(MEMORY, sequence=2, peak_equity=Decimal(1)))
        assert await desk.call("memory") == MEMORY
        binding = await desk.call("bind", journal_id=None, sequence=0)
        assert binding == Binding(journal_id="id-1", sequence=2, created_at=ManualClock().now())
        latch = desk.journal.latch()
        assert latch is not None
        assert (latch.sequence, latch.reason) == (5, "drawdown")

    run(tmp_path, story)


def test_every_standing_operation_is_answered_here(tmp_path: Path) -> None:
    async def story(desk: Desk, _: LedgerContact) -> None:
        for name, operation in OPERATIONS.items():
            if operation.place is Place.STANDING:
                assert name == "latch" or callable(getattr(desk.standing, name))

    run(tmp_path, story)


def test_refusals_of_what_stands_keep_their_kind(tmp_path: Path) -> None:
    async def story(desk: Desk, _: LedgerContact) -> None:
        with pytest.raises(ValueRefused, match="named person must bind"):
            await desk.call("bind", journal_id="another", sequence=0)
        with pytest.raises(ValueRefused):
            await desk.call("unlatch", record="no record")
        with pytest.raises(ValueRefused):
            await desk.call("floor", record="no record")
        desk.journal.lift_latch(7, "signed")
        with pytest.raises(StaleLatch) as stale:
            await desk.call("latch", sequence=7, reason="drawdown")
        assert stale.value.lifted == 7

    run(tmp_path, story)


def test_health_is_told_without_a_terminal(tmp_path: Path) -> None:
    async def story(desk: Desk, contact: LedgerContact) -> None:
        await desk.call("latch", sequence=5, reason="drawdown")
        contact.see(ManualClock().now() + timedelta(seconds=1))
        health = await desk.call("health")
        assert isinstance(health, Health)
        assert (health.connected, health.trade_allowed, health.login) == (False, False, None)
        assert "mode is real" in health.why_not[0]
        assert (health.latch, health.ledger_age_s) == (desk.journal.latch(), 0.0)
        assert (health.journal_id, health.journal_sequence, health.journal_writable) == ("id-1", 1, True)

    run(tmp_path, story)


def test_calls_for_another_account_or_of_many_are_refused(tmp_path: Path) -> None:
    async def story(desk: Desk, _: LedgerContact) -> None:
        health = OPERATIONS["health"]
        with pytest.raises(Unreachable, match="holds the account alpha, not beta"):
            await desk.ask(health, health.pack({}, "beta"), ManualClock().now())
        with pytest.raises((ValueRefused, Unreachable)):
            await desk.call("healths")
        with pytest.raises(InvalidValue):
            await desk.call("order_send")

    run(tmp_path, story)


def test_a_journal_that_hangs_leaves_what_was_asked_unanswered_and_latched(tmp_path: Path) -> None:
    async def story(desk: Desk, _: LedgerContact) -> None:
        go_on = await hold_up(desk)
        with pytest.raises(Unanswered, match=r"did not answer within 1\.0 s"):
            await desk.call("latch", sequence=5, reason="drawdown")
        await go_on()
        await desk.call("latch", sequence=5, reason="drawdown")
        assert desk.journal.sequence == 1  # the first one was kept after all

    run(tmp_path, story)


def test_a_caller_that_leaves_takes_no_latch_with_it(tmp_path: Path) -> None:
    async def story(desk: Desk, _: LedgerContact) -> None:
        go_on = await hold_up(desk)
        checkpoint = asyncio.create_task(desk.call("checkpoint", memory=MEMORY))
        latch = asyncio.create_task(desk.call("latch", sequence=5, reason="drawdown"))
        await asyncio.sleep(0)  # both are in line now, the latch behind the checkpoint
        latch.cancel()
        await go_on()
        await checkpoint
        await desk.call("memory")  # answered after everything that was asked before
        assert desk.journal.latch() is not None
        assert latch.cancelled()

    run(tmp_path, story)


async def hold_up(desk: Desk) -> Callable[[], Awaitable[None]]:
    """The journal answers nothing until what this gives is called."""
    started, go = threading.Event(), threading.Event()

    def hang(_: object) -> None:
        started.set()
        go.wait(30)

    hung = desk.journal._writer.read(hang)
    assert started.wait(30)

    async def go_on() -> None:
        go.set()
        await asyncio.wrap_future(hung)

    return go_on
