import asyncio
from random import Random

import pytest

from mt5fleet.client import AsyncFleetClient, is_settled
from mt5fleet.client.watch import PAUSE_S_MAX, Watch
from mt5fleet.domain.errors import LedgerUnavailable
from mt5fleet.domain.record import SignalPhase, SignalStatus
from mt5fleet.ports.ledger import PostResult
from mt5fleet.testing.clock import ManualClock
from tests.unit.client.conftest import KEY, World


class Telling:
    """Answers status questions with one phase after another; an error is raised."""

    def __init__(self, *answers: SignalPhase | LedgerUnavailable) -> None:
        self.answers = list(answers)

    def status(self, signal_id: str) -> SignalStatus:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, LedgerUnavailable):
            raise answer
        return SignalStatus(signal_id=signal_id, phase=answer, epoch=1)


def _telling(world: World, *answers: SignalPhase | LedgerUnavailable) -> None:
    world.postbox.status = Telling(*answers).status


P = SignalPhase
SILENT = LedgerUnavailable("no answer")


def test_follow_tells_each_change_once_and_ends_when_settled(world: World) -> None:
    _telling(world, P.UNKNOWN, P.POSTED, P.POSTED, P.RECORDED, P.RECORDED, P.FINAL)

    assert [status.phase for status in world.client.follow("S")] == [P.UNKNOWN, P.POSTED, P.RECORDED, P.FINAL]


def test_wait_gives_the_settled_status(world: World) -> None:
    _telling(world, P.POSTED, P.REFUSED)

    status = world.client.wait("S", timeout_s=10)

    assert is_settled(status)
    assert world.clock.monotonic_s() < 1


def test_wait_that_runs_out_of_time_gives_the_last_status(world: World) -> None:
    _telling(world, P.RECORDED)

    status = world.client.wait("S", timeout_s=3)

    assert not is_settled(status)
    assert world.clock.monotonic_s() == pytest.approx(3, abs=0.01)


def test_wait_without_time_looks_once(world: World) -> None:
    _telling(world, P.RECORDED)

    assert world.client.wait("S", timeout_s=0).phase is P.RECORDED


def test_silence_in_between_is_waited_out(world: World) -> None:
    _telling(world, P.POSTED, SILENT, SILENT, P.FINAL)

    assert [status.phase for status in world.client.follow("S")] == [P.POSTED, P.FINAL]


@pytest.mark.parametrize("timeout_s", [0, 1])
def test_silence_to_the_end_is_an_error_not_a_status(world: World, timeout_s: float) -> None:
    _telling(world, SILENT)

    with pytest.raises(LedgerUnavailable):
        world.client.wait("S", timeout_s=timeout_s)


def test_silence_at_the_end_hides_no_older_status_as_new(world: World) -> None:
    _telling(world, P.POSTED, SILENT)

    with pytest.raises(LedgerUnavailable):
        world.client.wait("S", timeout_s=1)


def test_pauses_grow_to_their_limit_and_start_small_after_news() -> None:
    watch = Watch(ManualClock(), 1000)
    watch.is_news(SignalStatus(signal_id="S", phase=P.POSTED, epoch=1))
    pauses = [watch.pause_s() for _ in range(20)]

    watch.is_news(SignalStatus(signal_id="S", phase=P.RECORDED, epoch=1))

    assert pauses == sorted(pauses)
    assert pauses[-1] == PAUSE_S_MAX
    assert watch.pause_s() == pauses[0]


def _twin(world: World) -> AsyncFleetClient:
    return AsyncFleetClient(
        "redis://unused", "desk", KEY, clock=world.clock, chance=Random(2), submitter=world.submitter
    )


def test_asyncio_twin_submits_and_reads_like_the_sync_one(world: World) -> None:
    async def run() -> list[PostResult]:
        async with _twin(world) as fleet:
            signal = fleet.open("EURUSD", "sell", accounts=["a"], lots=1)
            results = [(await fleet.submit(signal)).result, (await fleet.submit(signal)).result]
            results += [one.result for one in await fleet.submit_many([signal])]
            assert (await fleet.status(signal.id)).phase is P.POSTED
            assert (await fleet.cancel(signal.id)).result is PostResult.POSTED
            assert (await fleet.resend()).posted == ()
            return results

    assert asyncio.run(run()) == [PostResult.POSTED, PostResult.EXISTS, PostResult.EXISTS]
    assert world.confirms.closed


def test_asyncio_twin_follows_and_waits(world: World) -> None:
    async def run() -> tuple[list[SignalPhase], SignalPhase]:
        fleet = _twin(world)
        _telling(world, P.POSTED, P.POSTED, P.FINAL)
        told = [status.phase async for status in fleet.follow("S")]
        return told, (await fleet.wait("S", 1)).phase

    assert asyncio.run(run()) == ([P.POSTED, P.FINAL], P.FINAL)


def test_asyncio_twin_has_every_method_of_the_sync_one() -> None:
    from mt5fleet.client import FleetClient  # noqa: PLC0415 - the pair stands together here

    public = {name for name in dir(FleetClient) if not name.startswith("_")}
    assert public == {name for name in dir(AsyncFleetClient) if not name.startswith("_")}
