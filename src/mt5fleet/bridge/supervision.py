"""One account's child process: started, asked one call at a time, killed when silent, started again."""

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import asdict

from mt5fleet.adapters.bridge.frames import (
    FRAME_BYTES_MAX,
    BadFrame,
    Ended,
    Message,
    packed,
    read_frame_async,
)
from mt5fleet.bridge.settings import BridgeLimits, ChildConfig
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import Unanswered, Unreachable
from mt5fleet.ports.clock import Clock

_log = logging.getLogger("mt5fleet.bridge")

COMMAND = (sys.executable, "-m", "mt5fleet.bridge.child")


class Child:
    """Supervises the process that owns one terminal.

    Invariants: one process at a time, one call at a time; a call is answered, or Unreachable (never handed
    over), or Unanswered (handed over, no answer).
    """

    def __init__(
        self, config: ChildConfig, limits: BridgeLimits, environment: dict[str, str], clock: Clock
    ) -> None:
        self.config = config
        self._limits = limits
        self._environment = environment
        self._clock = clock
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._process: Process | None = None
        self._why_not = "its terminal is being started"
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The running process, None while there is none."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Keep a child running from now on; an account for real money is refused by name."""
        if self.config.mode is Mode.REAL:
            self._why_not = (
                "mode = real is refused: this version trades on the simulator only;"
                " set mode = demo and a server of `mt5fleet simulator`"
            )
            return
        self._supervisor = asyncio.create_task(self._supervise(), name=f"child-{self.config.account}")

    async def stop(self) -> None:
        """Let the call in hand end, then end the process; kill it when it does not."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._turn.acquire(), self._limits.stop_s)
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        if self._process is not None:
            await self._end(self._process)

    async def ask(self, request: Message, deadline_s: float) -> Message:
        """Hand a request over and give the child's answer; raises Unreachable and Unanswered."""
        if self._waiting >= self._limits.waiting_max:
            raise Unreachable(f"{self.config.account}: {self._waiting} calls wait already")
        self._waiting += 1
        try:
            await asyncio.wait_for(self._turn.acquire(), self._limits.queue_s)
        except TimeoutError:
            raise Unreachable(f"{self.config.account}: no turn within {self._limits.queue_s} s") from None
        finally:
            self._waiting -= 1
        try:
            return await self._exchange(request, deadline_s)
        finally:
            self._turn.release()

    async def _exchange(self, request: Message, deadline_s: float) -> Message:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise Unreachable(f"{self.config.account}: {self._why_not}")
        try:
            # Handed over from here on: a write that fails may have been read in part.
            process.stdin.write(packed(request))
            await process.stdin.drain()
            return await asyncio.wait_for(read_frame_async(process.stdout), deadline_s)
        except TimeoutError:
            _log.warning("%s: no answer within %s s, the child is killed", self.config.account, deadline_s)
            sentence = f"{self.config.account}: no answer within {deadline_s} s"
        except asyncio.CancelledError:
            self._discard(process)
            raise
        except (Ended, BadFrame, ConnectionError):
            sentence = f"{self.config.account}: the terminal's process ended during the call"
        self._discard(process)
        raise Unanswered(sentence)

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
            process = await self._spawn()
            try:
                await self._serve(process)
            finally:
                self._discard(process)
                await process.wait()
            lived_s = self._clock.monotonic_s() - started_s
            pause_s = self._limits.restart_s_min if lived_s >= self._limits.settled_s else pause_s
            _log.warning(
                "%s: child %s ended; next start in %.1f s", self.config.account, process.pid, pause_s
            )
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, self._limits.restart_s_max)

    async def _serve(self, process: Process) -> None:
        """Bring a new process up, then wait for its end."""
        try:
            first = await asyncio.wait_for(self._greet(process), self._limits.start_s)
        except (TimeoutError, Ended, BadFrame, ConnectionError):
            self._why_not = f"its terminal did not start within {self._limits.start_s} s, or ended at once"
            return
        if "failed" in first:
            self._why_not = str(first["failed"])
            _log.error("%s: %s", self.config.account, self._why_not)
            return
        _log.info(
            "%s: child %s is up %s", self.config.account, process.pid, first.get("ready") or "and connected"
        )
        self._process = process
        await process.wait()

    async def _greet(self, process: Process) -> Message:
        if process.stdin is None or process.stdout is None:
            raise Ended("the child has no pipes")
        process.stdin.write(json.dumps(_told(self.config)).encode() + b"\n")
        await process.stdin.drain()
        return await read_frame_async(process.stdout)

    async def _spawn(self) -> Process:
        return await asyncio.create_subprocess_exec(
            *COMMAND,
            stdin=PIPE,
            stdout=PIPE,
            env=self._environment,
            limit=FRAME_BYTES_MAX,
            # Ctrl-C in a console is for the bridge, which lets calls in hand end.
            **_own_group(),
        )

    async def _end(self, process: Process) -> None:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), self._limits.stop_s)
        except TimeoutError:
            process.kill()
            await process.wait()


def _told(config: ChildConfig) -> Message:
    """The configuration as JSON, password included: it travels through the pipe only."""
    return {
        **asdict(config),
        "journal_dir": str(config.journal_dir),
        "quote_age_s_max": str(config.quote_age_s_max),
    }


def _own_group() -> dict[str, int] | dict[str, bool]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
