"""One connection: requests in, answers out, in order and one at a time.

A request that has arrived whole is carried out, whether or not its sender still listens.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from mt5fleet.simulator.broker import Broker, RefusedError
from mt5fleet.simulator.codes import Retcode
from mt5fleet.simulator.host.control import command
from mt5fleet.simulator.host.disk import Disk
from mt5fleet.simulator.host.fault_terms import FaultKind, FaultTerms
from mt5fleet.simulator.host.faults import NO_STRIKE, Strike
from mt5fleet.simulator.host.journal import JournalError
from mt5fleet.simulator.host.refusals import CallRefusedError
from mt5fleet.simulator.host.session import Session
from mt5fleet.simulator.host.wire import MalformedMessageError, encode, encode_raw, next_message
from mt5fleet.simulator.host.wire_rows import answer_row
from mt5fleet.simulator.trading.requests import Answer

INCOMING_BYTES = 16 << 10
"""Read at once; most requests are a few hundred bytes."""

RECEIVED_BYTES_MAX = 4 << 20
"""Of requests that wait behind a slow one; a client that sends more is not read for the while."""

Request: TypeAlias = dict[str, Any]
Reply: TypeAlias = dict[str, Any] | bytes | None
"""A JSON object, raw rows, or None: the connection is dropped without an answer."""

_log = logging.getLogger(__name__)

_CONNECTING = ("initialize", "login")
_AFTER = (FaultKind.ANSWER_LOST, FaultKind.BLOCK_EXECUTED)
"""Faults that strike when everything is done; the other ends come before anything is executed."""

_REFUSALS = {
    FaultKind.REQUOTE: Retcode.REQUOTE,
    FaultKind.PRICE_CHANGED: Retcode.PRICE_CHANGED,
    FaultKind.OFF_QUOTES: Retcode.PRICE_OFF,
    FaultKind.TOO_MANY_REQUESTS: Retcode.TOO_MANY_REQUESTS,
}
_WITH_PRICES = (FaultKind.REQUOTE, FaultKind.PRICE_CHANGED)


@dataclass(slots=True, eq=False, kw_only=True)
class Room:
    """What all conversations of a broker share; `fail` ends the broker when the journal cannot be written."""

    broker: Broker
    disk: Disk
    fail: Callable[[JournalError], None]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    talks: "set[Conversation]" = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Conversation(asyncio.BufferedProtocol):
    """Speaks with one client until either side hangs up."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._session = Session(room.broker, on_drop=self.hang_up)
        self._incoming = bytearray(INCOMING_BYTES)
        self._received = bytearray()
        self._is_busy = False
        self._is_full = False  # the client does not read its answers
        self._transport: asyncio.Transport | None = None

    # --- what the event loop tells ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
        self._room.talks.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        self._is_full = False
        self._go_on()  # what has arrived whole is carried out
        self._session.leave()
        self._room.talks.discard(self)

    def get_buffer(self, _: int) -> bytearray:
        return self._incoming

    def buffer_updated(self, count: int) -> None:
        self._received += memoryview(self._incoming)[:count]
        self._go_on()
        if len(self._received) > RECEIVED_BYTES_MAX and self._transport is not None:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        self._is_full = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._is_full = False
        if self._transport is not None:
            self._transport.resume_reading()
        self._go_on()

    def hang_up(self) -> None:
        """Drop the connection at once; what was not sent yet is lost."""
        if self._transport is not None:
            self._transport.abort()

    # --- requests, one after the other ---

    def _go_on(self) -> None:
        try:
            while not self._is_busy and not self._is_full:
                request = next_message(self._received)
                if request is None:
                    return
                self._take(request)
        except MalformedMessageError as error:
            _log.warning("connection dropped: %s", error)
            self._received.clear()
            self.hang_up()
        except JournalError as error:
            self._room.fail(error)
        except Exception:  # noqa: BLE001  # process boundary: one broken call must not end the others' market
            _log.exception("a call failed; its connection is dropped")
            self.hang_up()

    def _take(self, request: Request) -> None:
        call = str(request.pop("op", ""))
        if call == "control":
            self._reply(self._command(request))
            return
        strike = self._strike(call, request)
        if strike is NO_STRIKE:
            self._reply(_called(self._session, call, request))
            return
        self._is_busy = True
        task = asyncio.get_running_loop().create_task(self._take_struck(strike, call, request))
        self._room.tasks.add(task)
        task.add_done_callback(self._room.tasks.discard)

    def _command(self, request: Request) -> Reply:
        try:
            return {"ok": command(self._room.broker, str(request.pop("command", "")), request)}
        except RefusedError as refused:
            return {"error": [0, str(refused)]}

    def _strike(self, call: str, request: Request) -> Strike:
        if self._session.login is None and call not in _CONNECTING:
            return NO_STRIKE  # nothing is connected that could go wrong
        broker = self._room.broker
        broker.faults.advance(broker.now_ms())
        return broker.faults.due(self._session.struck_login(call, request), call)

    def _reply(self, reply: Reply) -> None:
        if reply is None:
            self.hang_up()
            return
        frame = encode_raw(reply) if isinstance(reply, bytes) else encode(reply)
        if self._room.disk.is_safe:
            self._send(frame)
            return
        self._is_busy = True
        self._room.disk.then(lambda: self._send_and_go_on(frame))

    def _send_and_go_on(self, frame: bytes) -> None:
        self._is_busy = False
        self._send(frame)
        if self._received:
            self._go_on()

    def _send(self, frame: bytes) -> None:
        transport = self._transport
        if transport is not None and not transport.is_closing():
            transport.write(frame)
            if not self._is_full and not transport.is_reading():
                transport.resume_reading()

    # --- what strikes a call ---

    async def _take_struck(self, strike: Strike, call: str, request: Request) -> None:
        try:
            reply = await self._struck(strike, call, request)
        except JournalError as error:
            self._room.fail(error)
            return
        except Exception:  # noqa: BLE001  # process boundary: as for a call that nothing struck
            _log.exception("a struck call failed; its connection is dropped")
            reply = None
        self._is_busy = False
        self._reply(reply)
        if not self._is_busy and self._received:
            self._go_on()

    async def _struck(self, strike: Strike, call: str, request: Request) -> Reply:
        login = self._session.struck_login(call, request)
        for fault in strike.begins:
            self._begin(fault, login)
        if strike.empties is not None:
            self._session.show_empty(strike.empties.lists, strike.empties.lasts_ms)
        end = strike.end
        if end is not None and end.kind not in _AFTER and not end.executed:
            return await self._instead(end, request, login)
        if strike.latency_ms:
            await asyncio.sleep(strike.latency_ms / 1000)
        reply = _called(self._session, call, request, strike.share)
        if strike.late_ms:
            await asyncio.sleep(strike.late_ms / 1000)
        return reply if end is None else await self._ended(end, login)

    def _begin(self, fault: FaultTerms, login: int | None) -> None:
        """Begin a fault that holds, on the struck account alone; a call that names no account has none."""
        broker = self._room.broker
        if fault.kind is FaultKind.SERVER_OFFSET:
            broker.begin_fault(fault)
        elif login in broker.market.terms:
            broker.begin_fault(fault.model_copy(update={"login": login}))

    async def _instead(self, fault: FaultTerms, request: Request, login: int | None) -> Reply:
        """Return what a fault that strikes before execution answers."""
        match fault.kind:
            case FaultKind.BLOCK:
                await self._room.stopping.wait()
                return None
            case FaultKind.TERMINAL_RESTART:
                self._begin(fault, login)
                return None
            case FaultKind.NONE:
                return {"error": [fault.code, fault.text]}
            case FaultKind.REJECT:
                return {"ok": answer_row(Answer.of(Retcode(fault.retcode)))}
            case kind if kind in _REFUSALS:
                return {"ok": answer_row(self._refusal(kind, request))}
            case _:
                return None

    async def _ended(self, fault: FaultTerms, login: int | None) -> Reply:
        """Return what a fault that strikes after execution answers."""
        await self._room.disk.settle()
        if fault.kind is FaultKind.BLOCK_EXECUTED:
            await self._room.stopping.wait()
        if fault.kind is FaultKind.TERMINAL_RESTART:
            self._begin(fault, login)
        return None

    def _refusal(self, kind: FaultKind, request: Request) -> Answer:
        retcode = _REFUSALS[kind]
        if kind not in _WITH_PRICES:
            return Answer.of(retcode)
        return self._room.broker.offered(retcode, str(request.get("request", {}).get("symbol", "")))


def _called(session: Session, call: str, request: Request, share: Decimal | None = None) -> Reply:
    try:
        result = session.answer(call, request) if share is None else session.order_in_part(request, share)
        return result if isinstance(result, bytes) else {"ok": result}
    except CallRefusedError as refused:
        return {"error": [refused.code, refused.text]}
