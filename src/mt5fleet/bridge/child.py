"""The process that owns one terminal: `python -m mt5fleet.bridge.child PID`, started by the bridge PID only.

Frames of child.proto on standard input and output, and nothing else there. It ends when its standard input
does. Only here is `MetaTrader5` imported.
"""

import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from importlib import import_module
from queue import SimpleQueue
from typing import BinaryIO, cast

from google.protobuf.message import DecodeError

from mt5fleet.adapters.bridge.operations import OPERATIONS, Operation, Place
from mt5fleet.adapters.bridge.problems import problem_of
from mt5fleet.adapters.bridge.protocol.child_pb2 import (
    Answer,
    Call,
    Failed,
    FromChild,
    JournalDone,
    Start,
    Started,
    ToChild,
)
from mt5fleet.adapters.mt5.context import CallContext
from mt5fleet.adapters.mt5.link import Link
from mt5fleet.adapters.mt5.shapes import Module
from mt5fleet.adapters.mt5.terminal import Terminal
from mt5fleet.adapters.system_clock import SystemClock
from mt5fleet.bridge.child_journal import ChildJournal
from mt5fleet.bridge.child_terms import ChildTerms, read_terms
from mt5fleet.bridge.die_together import follow_parent
from mt5fleet.bridge.pipe import BadFrame, PipeEnded, pack_frame, read_frame
from mt5fleet.domain.errors import FleetError, InvalidValue, Unanswered, Unreachable
from mt5fleet.ports.clock import Clock

FINISH_S_MAX = 10.0  # for the call in hand when the bridge has died
EXIT_REFUSED = 3  # the module cannot be used; starting again at once will not help

_log = logging.getLogger("mt5fleet.bridge.child")


def main(arguments: list[str]) -> int:
    """Serve one account until standard input ends."""
    follow_parent(int(arguments[0]))
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    pipe = ChildPipe(sys.stdin.buffer, _protocol_output())
    try:
        hands = _open_terminal(pipe.read_start(), pipe, SystemClock())
    except (FleetError, ImportError) as error:
        pipe.say(FromChild(failed=Failed(text=str(error))))
        return EXIT_REFUSED
    pipe.listen()
    with suppress(BrokenPipeError):  # the bridge is gone: nobody is left to answer
        pipe.say(FromChild(started=Started(why_not=hands.start())))
        while (call := pipe.next_call()) is not None:
            pipe.answer(call.number, hands.answer(call))
    return 0


class ChildPipe:
    """The child's end of its pipes; one thread reads, so that the end of the bridge is always noticed."""

    def __init__(self, source: BinaryIO, write: Callable[[bytes], None]) -> None:
        self._source = source
        self._write = write
        self._calls: SimpleQueue[Call | None] = SimpleQueue()
        self._dones: SimpleQueue[JournalDone | None] = SimpleQueue()

    def read_start(self) -> Start:
        """The first frame; raises BadFrame and PipeEnded."""
        first = read_frame(self._source, ToChild)
        if not first.HasField("start"):
            raise BadFrame("frame: the bridge must begin with the account's settings")
        return first.start

    def listen(self) -> None:
        """Take frames from now on."""
        threading.Thread(target=self._receive, name="pipe", daemon=True).start()

    def next_call(self) -> Call | None:
        """Wait for the next call; None when the bridge is gone."""
        return self._calls.get()

    def say(self, frame: FromChild) -> None:
        """Send a frame."""
        self._write(pack_frame(frame))

    def ask(self, frame: FromChild) -> JournalDone:
        """Send a frame and wait for what the bridge's journal says; raises Unreachable when it is gone."""
        self.say(frame)
        done = self._dones.get()
        if done is None:
            raise Unreachable("the bridge ended before its journal had written: nothing was sent")
        return done

    def answer(self, number: int, answer: Answer) -> None:
        """Send a call's answer; one that is too large for a frame is told as such."""
        answer.number = number
        try:
            self.say(FromChild(answer=answer))
        except BadFrame as error:
            problem = problem_of(Unanswered(f"the terminal's answer is too large: {error}"))
            self.say(FromChild(answer=Answer(number=number, problem=problem)))

    def _receive(self) -> None:
        """Pass frames on; when the bridge is gone, give the call in hand a while and end the process."""
        try:
            while True:
                frame = read_frame(self._source, ToChild)
                if frame.HasField("call"):
                    self._calls.put(frame.call)
                elif frame.HasField("journal_done"):
                    self._dones.put(frame.journal_done)
        except (PipeEnded, BadFrame, OSError):
            self._dones.put(None)
            self._calls.put(None)
        watchdog = threading.Timer(FINISH_S_MAX, os._exit, args=(1,))
        watchdog.daemon = True
        watchdog.start()


@dataclass(frozen=True, slots=True)
class Hands:
    """One account's terminal behind the pipe."""

    account: str
    terminal: Terminal
    link: Link
    journal: ChildJournal

    def start(self) -> str:
        """Connect; the reason why not, or nothing. A terminal that is away is tried again at every call."""
        why_not = self.link.connect()
        if why_not is None:
            self.terminal.learn_offset()
        return why_not or ""

    def answer(self, call: Call) -> Answer:
        """The answer to one call; whatever goes wrong becomes a problem that says what is known."""
        try:
            self.journal.look(call.journal)
            operation, arguments = _opened(call)
            # Also for a health: why the terminal is away is known here, and the bridge makes a health of it.
            if self.link.ensure():
                self.terminal.begin_anew()
            value = self._carried_out(operation, arguments)
            return Answer(value=operation.pack_answer(value).SerializeToString())
        except FleetError as error:
            return Answer(problem=problem_of(error))
        except Exception:  # noqa: BLE001  # the process boundary: an unknown fault must answer "not known"
            _log.exception("account %s: %s failed", self.account, call.operation)
            unknown = Unanswered("the bridge failed while it carried out the call; see its log")
            return Answer(problem=problem_of(unknown))

    def _carried_out(self, operation: Operation, arguments: dict[str, object]) -> object:
        work = cast("Callable[..., object]", getattr(self.terminal, operation.name))
        return work(self.account, **arguments)


def _opened(call: Call) -> tuple[Operation, dict[str, object]]:
    """Operation and arguments of a call; raises InvalidValue for what is not on the list."""
    operation = OPERATIONS.get(call.operation)
    if operation is None or operation.place is not Place.TERMINAL:
        raise InvalidValue("operation", f"{call.operation} is not carried out by a terminal")
    try:
        request = operation.call.FromString(call.request)
    except DecodeError:
        raise InvalidValue("request", f"is no call of {call.operation}") from None
    _, arguments = operation.unpack(request)
    if operation.name == "submit":
        arguments["context"] = CallContext(
            arrived_at=call.arrived_at.ToDatetime(tzinfo=UTC),
            ledger_age_s=call.ledger_age_s if call.HasField("ledger_age_s") else None,
        )
    return operation, arguments


def _open_terminal(start: Start, pipe: ChildPipe, clock: Clock) -> Hands:
    terms = read_terms(start.settings)
    journal = ChildJournal(pipe.ask, pipe.say)
    journal.look(start.journal)
    # The package is untyped and exists on Windows only; `Module` names what is used of it.
    module = cast("Module", import_module("MetaTrader5"))
    terminal = Terminal(module, terms.terminal, journal, clock)
    return Hands(terms.terminal.account, terminal, _link(module, terms, clock), journal)


def _link(module: Module, terms: ChildTerms, clock: Clock) -> Link:
    return Link(
        module,
        clock,
        path=terms.terminal_path,
        login=terms.terminal.login,
        server=terms.terminal.server,
        password=terms.password,
        timeout_ms=terms.start_timeout_ms,
    )


def _protocol_output() -> Callable[[bytes], None]:
    """Keep standard output for frames: whatever else prints goes to standard error."""
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def write(frame: bytes) -> None:
        stream.write(frame)
        stream.flush()

    return write


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
