"""The broker's process: many terminals and operators on one loopback port.

An answer leaves only when everything it may speak of is on the disk. The broker itself runs on the event
loop, one call at a time; only flushing happens beside it, and one flush serves every answer that waits.
"""

import asyncio
import logging
from typing import Any

from mt5fleet.simulator.broker import Broker, RefusedError
from mt5fleet.simulator.codes import Retcode
from mt5fleet.simulator.host.control import command
from mt5fleet.simulator.host.faults import FaultKind, FaultTerms, Strike
from mt5fleet.simulator.host.journal import Journal, JournalError
from mt5fleet.simulator.host.refusals import CallRefusedError
from mt5fleet.simulator.host.session import Session
from mt5fleet.simulator.host.wire import MalformedMessageError, encode, encode_raw, read_message
from mt5fleet.simulator.host.wire_rows import answer_row
from mt5fleet.simulator.trading.requests import Answer

TICK_INTERVAL_S = 0.02
"""How often quotes move when no call asks for them."""

BACKLOG = 1024
"""Connections that may wait to be accepted: a fleet that reconnects at once."""

_log = logging.getLogger(__name__)


class BrokerServer:
    """Serves one broker until `stop`; quotes tick on with no client at all."""

    def __init__(self, broker: Broker, journal: Journal) -> None:
        self._broker = broker
        self._disk = _Disk(journal)
        self._stopping = asyncio.Event()
        self._failure: JournalError | None = None
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen and return the port, which is a free one when 0 was asked for."""
        self._server = await asyncio.start_server(self._accept, host, port, backlog=BACKLOG)
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Tick until stopped, then close every connection.

        Raises:
            JournalError: The journal cannot be written; nothing more was answered.
        """
        try:
            while not self._stopping.is_set():
                self._broker.advance()
                await self._disk.settle()
                await self._pause(TICK_INTERVAL_S)
        finally:
            await self._close()
        if self._failure is not None:
            raise self._failure

    async def _pause(self, duration_s: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), duration_s)
        except TimeoutError:
            return

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        for talk in list(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await self._disk.settle()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        if talk is not None:
            self._talks.add(talk)
            talk.add_done_callback(self._talks.discard)
        try:
            await self._talk(Session(self._broker), reader, writer)
        except (MalformedMessageError, ConnectionError) as error:
            _log.warning("connection dropped: %s", error)
        except JournalError as error:
            self._failure = error
            self.stop()
        except asyncio.CancelledError:
            return  # the server is stopping; the streams' own callback would report this as an error
        except Exception:  # noqa: BLE001  # process boundary: one broken call must not end the others' market
            _log.exception("a call failed; its connection is dropped")
        finally:
            writer.transport.abort()

    async def _talk(
        self, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while (request := await read_message(reader)) is not None:
            answer = await self._answer(session, request)
            if answer is None:
                return
            await self._disk.settle()
            writer.write(encode_raw(answer) if isinstance(answer, bytes) else encode(answer))
            await writer.drain()

    async def _answer(self, session: Session, request: dict[str, Any]) -> dict[str, Any] | bytes | None:
        """Return the answer, or None when the connection shall be dropped without one."""
        call = str(request.pop("op", ""))
        if call == "control":
            return self._command(request)
        login = session.login if session.login is not None else request.get("login")
        strike = self._broker.faults.due(login, call)
        return await self._struck(strike, session, call, request)

    def _command(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"ok": command(self._broker, str(request.pop("command", "")), request)}
        except RefusedError as refused:
            return {"error": [0, str(refused)]}

    async def _struck(
        self, strike: Strike, session: Session, call: str, request: dict[str, Any]
    ) -> dict[str, Any] | bytes | None:
        end = strike.end
        if end is not None and end.kind not in _AFTER:
            return await self._instead(end, request)
        if strike.latency_ms:
            await asyncio.sleep(strike.latency_ms / 1000)
        answer = _call(session, call, request)
        if strike.late_ms:
            await asyncio.sleep(strike.late_ms / 1000)
        if end is not None:
            await self._disk.settle()
            if end.kind is FaultKind.BLOCK_EXECUTED:
                await self._stopping.wait()
            return None
        return answer

    async def _instead(self, fault: FaultTerms, request: dict[str, Any]) -> dict[str, Any] | bytes | None:
        """Return what a fault that strikes before execution answers; None drops the connection."""
        match fault.kind:
            case FaultKind.BLOCK:
                await self._stopping.wait()
                return None
            case FaultKind.NONE:
                return {"error": [fault.code, fault.text]}
            case FaultKind.REJECT:
                return {"ok": answer_row(Answer.of(Retcode(fault.retcode)))}
            case FaultKind.REQUOTE:
                symbol = request.get("request", {}).get("symbol", "")
                return {"ok": answer_row(self._broker.requote(symbol))}
            case _:
                return None


_AFTER = (FaultKind.ANSWER_LOST, FaultKind.BLOCK_EXECUTED)
"""Faults that strike when everything is done; the other ends come before anything is executed."""


def _call(session: Session, call: str, request: dict[str, Any]) -> dict[str, Any] | bytes:
    try:
        result = session.answer(call, request)
        return result if isinstance(result, bytes) else {"ok": result}
    except CallRefusedError as refused:
        return {"error": [refused.code, refused.text]}


class _Disk:
    """Flushes the journal in a thread; callers share a flush that covers them all."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._safe = 0
        self._flush: asyncio.Task[None] | None = None

    async def settle(self) -> None:
        """Return when everything appended before this call is on the disk."""
        wanted = self._journal.unsynced
        while self._safe < wanted:  # at most two rounds: the running flush, then one of our own
            if self._flush is None:
                self._flush = asyncio.create_task(self._sync())
            await asyncio.shield(self._flush)

    async def _sync(self) -> None:
        covered = self._journal.unsynced
        try:
            await asyncio.to_thread(self._journal.sync)
            self._safe = covered
        finally:
            self._flush = None
