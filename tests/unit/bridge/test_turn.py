"""Whose call is next at a terminal: no program keeps closes, or the owner, or the guards out of it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from mt5fleet.bridge.turn import Lane, Turn
from mt5fleet.domain.errors import Unreachable

LONG_S = 30.0  # no test waits that long: a turn that does not come fails it
Story = Callable[[Turn], Awaitable[None]]


def run(story: Story, waiting_max: int = 8) -> None:
    async def whole() -> None:
        turn = Turn("alpha", waiting_max)
        await turn.take(Lane.OTHERS, LONG_S)
        await story(turn)

    asyncio.run(whole())


async def in_line(turn: Turn, *lanes: Lane) -> tuple[list[Lane], list[asyncio.Task[None]]]:
    """Callers that wait, and the order in which they were served."""
    served: list[Lane] = []

    async def one(lane: Lane) -> None:
        await turn.take(lane, LONG_S)
        served.append(lane)
        turn.release()

    tasks = []
    for lane in lanes:
        tasks.append(asyncio.create_task(one(lane)))
        await asyncio.sleep(0)  # it runs as far as the line
    return served, tasks


def test_what_reduces_risk_goes_before_everything_that_came_earlier() -> None:
    async def story(turn: Turn) -> None:
        served, tasks = await in_line(turn, Lane.OTHERS, Lane.OWNER, Lane.REDUCE, Lane.REDUCE, Lane.LATCH)
        turn.release()
        await asyncio.gather(*tasks)
        assert served[:3] == [Lane.LATCH, Lane.REDUCE, Lane.REDUCE]
        assert turn.waiting == 0

    run(story)


def test_owner_and_readers_go_by_turns_so_that_neither_starves_the_other() -> None:
    async def story(turn: Turn) -> None:
        served, tasks = await in_line(turn, *[Lane.OTHERS] * 3, *[Lane.OWNER] * 3)
        turn.release()
        await asyncio.gather(*tasks)
        assert served == [Lane.OWNER, Lane.OTHERS] * 3

    run(story)


def test_a_full_lane_of_readers_keeps_no_close_out() -> None:
    async def story(turn: Turn) -> None:
        served, tasks = await in_line(turn, Lane.OTHERS, Lane.OTHERS)
        with pytest.raises(Unreachable, match="alpha: 2 calls wait already"):
            await turn.take(Lane.OTHERS, LONG_S)
        _, closes = await in_line(turn, Lane.REDUCE)
        turn.release()
        await asyncio.gather(*tasks, *closes)
        assert len(served) == 2

    run(story, waiting_max=2)


def test_a_turn_that_does_not_come_is_given_up_and_the_next_one_comes() -> None:
    async def story(turn: Turn) -> None:
        with pytest.raises(Unreachable, match=r"no turn within 0\.01 s"):
            await turn.take(Lane.REDUCE, 0.01)
        assert turn.waiting == 0
        turn.release()
        await turn.take(Lane.OTHERS, LONG_S)

    run(story)


@pytest.mark.parametrize("is_handed_over", [False, True])
def test_a_caller_that_leaves_takes_no_turn_with_it(is_handed_over: bool) -> None:
    async def story(turn: Turn) -> None:
        _, (leaving,) = await in_line(turn, Lane.REDUCE)
        if is_handed_over:
            turn.release()
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        assert leaving.cancelled()
        if not is_handed_over:
            turn.release()
        await asyncio.wait_for(turn.take(Lane.OTHERS, LONG_S), LONG_S)

    run(story)
