"""Orders while the bridge's journal takes no write; the simulated broker's books say what happened."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from mt5fleet.bridge.settings import BridgeLimits
from mt5fleet.domain.broker import Health, Position
from mt5fleet.domain.errors import GatewayError, StaleToken, Unanswered, Unreachable
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CloseOrder, ModifyOrder, Outcome
from mt5fleet.simulator.client import BrokerControl
from mt5fleet.simulator.process import start_broker, terminal_environment
from tests.contract.gateway.brokers import simulator
from tests.integration.bridge.desks import CLOCK, LOGIN, Office, key_of, office, until

Story = Callable[[Office, BrokerControl], Awaitable[None]]

ORDERS, AT_ONCE = 48, 8


def run(folder: Path, story: Story) -> None:
    async def whole() -> None:
        with start_broker(simulator(folder)) as broker:
            environment = terminal_environment(broker.address, os.environ)
            async with office(folder, environment=environment, limits=BridgeLimits()) as made:
                await made.up()
                control = broker.control()
                try:
                    await story(made, control)
                finally:
                    control.close()

    asyncio.run(whole())


def disk(office: Office, *, takes_writes: bool) -> None:
    """As a disk that was mounted read-only, or full."""
    word = "OFF" if takes_writes else "ON"
    asked = office.file._writer.read(lambda connection: connection.execute(f"PRAGMA query_only = {word}"))
    asked.result(10).close()


def opened(control: BrokerControl, name: str) -> int:
    """Opens of this order in the broker's own books."""
    deals = control.truth(LOGIN)["deals"]
    return sum(1 for deal in deals if deal["magic"] == key_of(name).magic and deal["entry"] == 0)


async def position_of(office: Office, name: str) -> Position:
    assert (await office.submit(name)).state is OrderState.FILLED
    positions = await office.desk.call("positions", token=None)
    assert isinstance(positions, tuple)
    (position,) = positions
    assert isinstance(position, Position)
    return position


def closing(ticket: int, remaining: str = "0") -> CloseOrder:
    return CloseOrder(opening_key=None, opening_magic=None, ticket=ticket, remaining=Decimal(remaining))


async def outcome(asked: Awaitable[object]) -> Outcome:
    answer = await asked
    assert isinstance(answer, Outcome)
    return answer


def test_nothing_opens_while_the_journal_takes_no_write_and_again_once_it_does(tmp_path: Path) -> None:
    async def story(office: Office, control: BrokerControl) -> None:
        assert (await office.submit("one")).state is OrderState.FILLED
        disk(office, takes_writes=False)
        refused = await office.submit("two")
        assert refused.state is OrderState.NOT_SENT
        assert "takes no writes" in refused.sentence
        disk(office, takes_writes=True)
        assert (await office.submit("two", attempt=2)).state is OrderState.FILLED
        assert (opened(control, "one"), opened(control, "two")) == (1, 1)

    run(tmp_path, story)


def test_an_order_that_is_known_is_found_while_the_journal_takes_no_write(tmp_path: Path) -> None:
    async def story(office: Office, control: BrokerControl) -> None:
        await office.submit("one")
        disk(office, takes_writes=False)
        again = await office.submit("one")
        assert (again.state, again.existed, opened(control, "one")) == (OrderState.FILLED, True, 1)

    run(tmp_path, story)


def test_all_of_a_ticket_is_closed_without_the_journal_and_the_sentence_says_so(tmp_path: Path) -> None:
    async def story(office: Office, control: BrokerControl) -> None:
        position = await position_of(office, "one")
        disk(office, takes_writes=False)
        permit = office.permit(key_of("close"), token=7)
        done = await outcome(office.desk.call("close", order=closing(position.ticket), permit=permit))
        assert done.state is OrderState.FILLED
        assert "without the bridge's journal" in done.sentence
        assert control.truth(LOGIN)["positions"] == []
        assert office.journal.entries(key_of("close").text) == ()
        with pytest.raises(StaleToken):  # the newer token counts although the disk refused it
            await office.desk.call("positions", token=6)

    run(tmp_path, story)


def test_all_of_a_ticket_is_closed_while_the_disk_hangs(tmp_path: Path) -> None:
    async def story(office: Office, control: BrokerControl) -> None:
        position = await position_of(office, "one")
        go = threading.Event()
        hung = office.file._writer.read(lambda _: go.wait(60))
        try:
            permit = office.permit(key_of("close"), token=7)
            done = await outcome(office.desk.call("close", order=closing(position.ticket), permit=permit))
            assert done.state is OrderState.FILLED
            assert "without the bridge's journal" in done.sentence
            with pytest.raises(Unreachable, match="did not answer within"):
                await office.submit("two", token=7)
        finally:
            go.set()
        await asyncio.wrap_future(hung)
        assert (control.truth(LOGIN)["positions"], opened(control, "two")) == ([], 0)
        assert office.journal.entries(key_of("close").text) == ()

    run(tmp_path, story)


@pytest.mark.parametrize("operation", ["partial close", "close by key", "modify"])
def test_what_needs_the_journal_is_refused_without_it(tmp_path: Path, operation: str) -> None:
    async def story(office: Office, control: BrokerControl) -> None:
        position = await position_of(office, "one")
        key, ticket = key_of("one"), position.ticket
        name, order = {
            "partial close": ("close", closing(ticket, "0.05")),
            "close by key": (
                "close",
                CloseOrder(opening_key=key.text, opening_magic=key.magic, ticket=None, remaining=Decimal(0)),
            ),
            "modify": (
                "modify",
                ModifyOrder(
                    opening_key=None,
                    opening_magic=None,
                    ticket=ticket,
                    stop_loss=Decimal("1.06"),
                    take_profit=None,
                    price=None,
                ),
            ),
        }[operation]
        disk(office, takes_writes=False)
        permit = office.permit(key_of("change"))
        refused = await outcome(office.desk.call(name, order=order, permit=permit))
        assert refused.state is OrderState.NOT_SENT
        (left,) = control.truth(LOGIN)["positions"]
        assert (left["volume"], left["sl"]) == ("0.10", "1.05000")

    run(tmp_path, story)


def test_reads_go_on_and_nothing_is_proved_absent_without_a_tombstone(tmp_path: Path) -> None:
    async def story(office: Office, control: BrokerControl) -> None:
        position = await position_of(office, "one")
        disk(office, takes_writes=False)
        assert await office.desk.call("positions", token=9) == (position,)
        never = key_of("never")
        asked = {"key": never.text, "magic": never.magic, "attempt": 1, "token": 9, "since": CLOCK.now()}
        answer = await outcome(office.desk.call("resolve", **asked))
        assert answer.state is OrderState.IN_DOUBT
        disk(office, takes_writes=True)
        answer = await outcome(office.desk.call("resolve", **asked))
        assert answer.state is OrderState.NOT_SENT
        assert office.journal.entries(never.text)[0].tombstone

    run(tmp_path, story)


def test_a_latch_that_cannot_be_kept_is_not_answered_and_stops_opens_all_the_same(tmp_path: Path) -> None:
    async def story(office: Office, control: BrokerControl) -> None:
        disk(office, takes_writes=False)
        with pytest.raises(Unanswered, match="may not be kept"):
            await office.desk.call("latch", sequence=4, reason="drawdown")
        disk(office, takes_writes=True)
        refused = await office.submit("one")
        assert refused.state is OrderState.NOT_SENT
        assert "drawdown" in refused.sentence
        await office.desk.call("latch", sequence=4, reason="drawdown")
        assert opened(control, "one") == 0

    run(tmp_path, story)


def test_health_tells_of_the_disk_and_finds_out_by_itself_when_it_is_mended(tmp_path: Path) -> None:
    async def story(office: Office, control: BrokerControl) -> None:
        await office.submit("one")
        await office.desk.call("health")  # whatever it notes is noted from here on
        disk(office, takes_writes=False)
        await office.submit("two")
        health = await office.desk.call("health")
        assert isinstance(health, Health)
        assert (health.connected, health.journal_writable) == (True, False)
        disk(office, takes_writes=True)
        health = await office.desk.call("health")
        assert isinstance(health, Health)
        assert health.journal_writable

    run(tmp_path, story)


def test_orders_run_while_the_disk_comes_and_goes_and_every_fill_was_written_ahead(tmp_path: Path) -> None:
    seen: dict[str, list[Outcome]] = {}

    async def trade(office: Office, lane: int) -> None:
        for number in range(ORDERS // AT_ONCE):
            name = f"lane-{lane}-{number}"
            with suppress(GatewayError):
                seen.setdefault(name, []).append(await office.submit(name))

    async def story(office: Office, control: BrokerControl) -> None:
        trading = asyncio.gather(*(trade(office, lane) for lane in range(AT_ONCE)))
        takes_writes = True
        while not trading.done():
            before, takes_writes = len(seen), not takes_writes
            disk(office, takes_writes=takes_writes)
            await until(lambda before=before: len(seen) > before + 2 or trading.done())
        await trading
        disk(office, takes_writes=True)
        filled = {name for name, outcomes in seen.items() if outcomes[-1].state is OrderState.FILLED}
        assert 0 < len(filled) < ORDERS, "the disk must have refused some and taken some"
        for name in seen:
            assert opened(control, name) == (name in filled)
            if name in filled:
                assert [entry.attempt for entry in office.journal.entries(key_of(name).text)] == [1]

    run(tmp_path, story)
