"""One account's child process: started, asked one call at a time, killed when silent, started again."""

import asyncio
import contextlib
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable

from mt5fleet.adapters.bridge.protocol.child_pb2 import Answer, Call, FromChild, Start, ToChild
from mt5fleet.adapters.process_group import own_group
from mt5fleet.bridge.child_terms import write_terms
from mt5fleet.bridge.die_together import ChildGroup
from mt5fleet.bridge.journal_frames import JournalCounter
from mt5fleet.bridge.pipe import FRAME_BYTES_MAX, BadFrame, PipeEnded, pack_frame, read_frame_async
from mt5fleet.bridge.settings import BridgeLimits, ChildConfig
from mt5fleet.bridge.turn import Lane, Turn
from mt5fleet.domain.errors import InvalidValue, Unanswered, Unreachable
from mt5fleet.ports.clock import Clock

_log = logging.getLogger("mt5fleet.bridge")

COMMAND = (sys.executable, "-m", "mt5fleet.bridge.child")

Prepared = tuple[Call, JournalCounter]
Greeting = Callable[[], tuple[Start, JournalCounter]]


class Child:
    """Supervises the process that owns one terminal.

    Invariants: one process at a time, one call at a time; a call is answered, or Unreachable (never handed
    over), or Unanswered (handed over, no answer). A call that nobody waits for any more ends all the same.
    """

    def __init__(
        self,
        config: ChildConfig,
        limits: BridgeLimits,
        environment: dict[str, str],
        clock: Clock,
        greeting: Greeting,
    ) -> None:
        self.config = config
        self._limits = limits
        self._environment = environment
        self._clock = clock
        self._greeting = greeting
        self._group = ChildGroup()
        self._turn = Turn(config.account, limits.waiting_max)
        self._number = 0
        self._spawned: Process | None = None
        self._process: Process | None = None  # the spawned one, once it is up
        self._why_not = "its terminal is being started"
        self._supervisor: asyncio.Task[None] | None = None
        self._calls: set[asyncio.Task[Answer]] = set()
        self._is_stopping = False

    @property
    def pid(self) -> int | None:
        """The running process, None while there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Keep a child running from now on, unless the account is refused."""
        if self.config.refusal:
            self._why_not = self.config.refusal
            return
        self._supervisor = asyncio.create_task(self._supervise(), name=f"child-{self.config.account}")

    async def stop(self) -> None:
        """Let the call in hand end, then end the process; kill it when it does not."""
        self._is_stopping = True
        has_turn = await self._last_turn()
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        if self._spawned is not None:
            await self._end(self._spawned)
        if has_turn:
            self._turn.release()
        await asyncio.gather(*self._calls, return_exceptions=True)
        self._group.close()

    async def ask(
        self, prepare: Callable[[], Awaitable[Prepared]], deadline_s: float, lane: Lane = Lane.OTHERS
    ) -> Answer:
        """Prepare a call when its turn has come, hand it over and give the child's answer.

        Raises Unreachable and Unanswered, and what `prepare` raises.
        """
        self._require_process()
        await self._turn.take(lane, self._limits.queue_s)
        task = asyncio.create_task(self._in_turn(prepare, deadline_s))
        self._calls.add(task)
        task.add_done_callback(self._ended)
        # A caller that leaves does not interrupt what may be an order.
        return await asyncio.shield(task)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold the account's turn, so that no call is in the terminal; raises Unreachable when none comes."""
        await self._turn.take(Lane.LATCH, self._limits.queue_s)
        try:
            yield
        finally:
            self._turn.release()

    async def _last_turn(self) -> bool:
        try:
            await self._turn.take(Lane.LATCH, self._limits.stop_s)
        except Unreachable:
            return False
        return True

    def _ended(self, task: asyncio.Task[Answer]) -> None:
        self._calls.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.debug("%s: %s", self.config.account, task.exception())

    async def _in_turn(self, prepare: Callable[[], Awaitable[Prepared]], deadline_s: float) -> Answer:
        try:
            self._require_process()
            call, counter = await prepare()
            answer = await self._exchange(call, counter, deadline_s)
            await counter.settle()
            return answer
        finally:
            self._turn.release()

    def _require_process(self) -> Process:
        if self._is_stopping:
            raise Unreachable(f"{self.config.account}: the bridge is stopping")
        if self._process is None:
            raise Unreachable(f"{self.config.account}: {self._why_not}")
        return self._process

    async def _exchange(self, call: Call, counter: JournalCounter, deadline_s: float) -> Answer:
        process = self._require_process()
        self._number += 1
        call.number = self._number
        sentence = f"{self.config.account}: the terminal's process ended during the call"
        try:
            # Handed over from here on: a write that fails may have been read in part.
            async with asyncio.timeout(deadline_s):
                await _say(process, ToChild(call=call))
                return await self._conversed(process, call.number, counter)
        except TimeoutError:
            _log.warning("%s: no answer within %s s, the child is killed", self.config.account, deadline_s)
            sentence = f"{self.config.account}: no answer within {deadline_s} s"
        except (BadFrame, InvalidValue) as error:
            _log.error("%s: the child is killed: %s", self.config.account, error)  # the text says it
            sentence = f"{self.config.account}: the terminal's process answered what cannot be read"
        except (PipeEnded, ConnectionError):
            pass
        except asyncio.CancelledError:
            self._discard(process)
            raise
        self._discard(process)
        raise Unanswered(sentence)

    async def _conversed(self, process: Process, number: int, counter: JournalCounter) -> Answer:
        """Serve the journal until the answer comes; raises BadFrame for anything else."""
        frame = await _served(process, counter)
        if not frame.HasField("answer") or frame.answer.number != number:
            raise BadFrame(f"frame: {frame.WhichOneof('content')} instead of the answer to call {number}")
        return frame.answer

    def _discard(self, process: Process) -> None:
        """Never ask this process again: an answer that comes late would be taken for the next call's."""
        if self._process is process:
            self._process, self._why_not = None, "its terminal is being restarted"
        with contextlib.suppress(ProcessLookupError):
            process.kill()

    async def _supervise(self) -> None:
        pause_s = self._limits.restart_s_min
        while True:
            started_s = self._clock.monotonic_s()
            try:
                await self._live_once()
            # The boundary of one account: no defect may leave it without a terminal for good.
            except Exception:  # noqa: BLE001  # see above
                _log.exception("%s: its terminal's process could not be served", self.config.account)
                self._why_not = "the bridge failed while it served its terminal; see its log"
            await self._reap()
            lived_s = self._clock.monotonic_s() - started_s
            pause_s = self._limits.restart_s_min if lived_s >= self._limits.settled_s else pause_s
            _log.warning("%s: %s; next start in %.1f s", self.config.account, self._why_not, pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, self._limits.restart_s_max)

    async def _live_once(self) -> None:
        """One process from its start to its end."""
        try:
            process = await self._spawn()
        except OSError as error:
            self._why_not = f"its process cannot be started ({error})"
            return
        self._spawned = process
        try:
            self._group.add(process.pid)
            await self._serve(process)
        except OSError as error:
            self._why_not = f"its process cannot be tied to the bridge ({error})"

    async def _reap(self) -> None:
        """End what is left of a process that is not asked any more."""
        if self._spawned is not None:
            self._discard(self._spawned)
            await self._spawned.wait()
            self._spawned = None

    async def _serve(self, process: Process) -> None:
        """Bring a new process up, then wait for its end."""
        try:
            first = await asyncio.wait_for(self._greet(process), self._limits.start_s)
        except TimeoutError:
            self._why_not = f"its terminal did not start within {self._limits.start_s} s"
            return
        except (PipeEnded, BadFrame, InvalidValue, ConnectionError) as error:
            self._why_not = f"its terminal's process ended at its start, or cannot be understood ({error})"
            return
        if first.HasField("failed"):
            self._why_not = first.failed.text
            return
        up = first.started.why_not or "and connected"
        _log.info("%s: child %s is up %s", self.config.account, process.pid, up)
        self._process = process
        await process.wait()
        self._why_not = "its terminal's process ended and is being restarted"

    async def _greet(self, process: Process) -> FromChild:
        start, counter = self._greeting()
        start.settings = write_terms(self.config, self._limits)
        await _say(process, ToChild(start=start))
        return await _served(process, counter)

    async def _spawn(self) -> Process:
        return await asyncio.create_subprocess_exec(
            *COMMAND,
            str(os.getpid()),
            stdin=PIPE,
            stdout=PIPE,
            env=self._environment,
            limit=FRAME_BYTES_MAX,
            # Ctrl-C in a console is for the bridge, which lets calls in hand end.
            **own_group(),
        )

    async def _end(self, process: Process) -> None:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), self._limits.stop_s)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _say(process: Process, frame: ToChild) -> None:
    if process.stdin is None:
        raise PipeEnded("the child has no pipes")
    process.stdin.write(pack_frame(frame))
    await process.stdin.drain()


async def _served(process: Process, counter: JournalCounter) -> FromChild:
    """The next frame that is not for the journal; those before it are served in their order."""
    if process.stdout is None:
        raise PipeEnded("the child has no pipes")
    while True:
        frame = await read_frame_async(process.stdout, FromChild)
        if frame.WhichOneof("content") in ("started", "failed", "answer"):
            return frame
        done = await counter.take(frame)
        if done is not None:
            await _say(process, ToChild(journal_done=done))
