"""A child that does what no child should: in its first life as its word says, later as a decent one would.

Its environment names the word (ODD_CHILD) and a folder (ODD_FOLDER) where its lives and sends are counted.
"""

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from mt5fleet.adapters.bridge.conversion import from_message, to_message
from mt5fleet.adapters.bridge.operations import OPERATIONS
from mt5fleet.adapters.bridge.protocol import bridge_pb2 as wire
from mt5fleet.adapters.bridge.protocol import child_pb2 as child
from mt5fleet.bridge.pipe import FRAME_BYTES_MAX, PipeEnded, pack_frame, read_frame
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome, Permit
from mt5fleet.ports.journal import JournalEntry

FOLDER = Path(os.environ.get("ODD_FOLDER", "."))
GO_S_MAX = 20.0


def main() -> None:
    life = len(list(FOLDER.glob("life-*"))) + 1
    (FOLDER / f"life-{life}").touch()
    word = os.environ["ODD_CHILD"] if life == 1 else "decent"
    read_frame(sys.stdin.buffer, child.ToChild)
    if word == "greets_with_garbage":
        _raw(b"hello there, this is no frame")
    elif word == "cannot_start":
        _say(child.FromChild(failed=child.Failed(text="MetaTrader5 is not installed")))
        return
    _say(child.FromChild(started=child.Started()))
    while True:
        call = _read().call
        globals().get(f"_{word}", _decent)(call)


def _decent(call: child.Call) -> None:
    """Answer a submit with what the journal says of its key, everything else with its empty message."""
    said = f"{len(call.journal.entries)} entries, {len(call.journal.unfinished)} unfinished"
    _answer(call, OrderState.IN_DOUBT, said)


def _writes_garbage(call: child.Call) -> None:
    _raw(b"\x00\x00\x00\x05\xff\xff\xff\xff\xff")
    _wait_for_end()


def _announces_too_much(call: child.Call) -> None:
    _raw((FRAME_BYTES_MAX + 1).to_bytes(4, "big") + b"x" * 100)
    _wait_for_end()


def _says_nothing_known(call: child.Call) -> None:
    _raw(b"\x00\x00\x00\x00")
    _wait_for_end()


def _dies_before_the_write(call: child.Call) -> None:
    os._exit(9)


def _dies_before_the_send(call: child.Call) -> None:
    _write(call)
    os._exit(9)


def _dies_after_the_send(call: child.Call) -> None:
    _write(call)
    _send()
    os._exit(9)


def _dies_after_the_finish(call: child.Call) -> None:
    _write(call)
    _send()
    _finish(call, 1)
    os._exit(9)


def _never_takes_what_it_asked_for(call: child.Call) -> None:
    _ask_to_write(call)
    time.sleep(3600)


def _never_answers(call: child.Call) -> None:
    time.sleep(3600)


def _sends(call: child.Call) -> None:
    """What a decent child does, in the order in which it does it."""
    if call.operation != "submit":
        _decent(call)
        return
    done = _write(call)
    if done.WhichOneof("refusal"):
        _answer(call, OrderState.NOT_SENT, str(done).strip())
        return
    _send()
    _finish(call, 1)
    _say(child.FromChild(see_deal=77))
    _say(child.FromChild(see_build=5000))
    _answer(call, OrderState.FILLED, "filled")


def _waits_before_it_writes(call: child.Call) -> None:
    (FOLDER / "in-hand").touch()
    deadline = time.monotonic() + GO_S_MAX
    while not (FOLDER / "go").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    _sends(call)


def _answers_twice(call: child.Call) -> None:
    _answer(call, OrderState.FILLED, "filled")
    _answer(call, OrderState.FILLED, "filled, said again")


def _writes_for_another_key(call: child.Call) -> None:
    done = _write(call, key="c" * 64)
    _answer(call, OrderState.NOT_SENT, str(done).strip())


def _writes_another_attempt(call: child.Call) -> None:
    done = _write(call, attempt=2)
    _answer(call, OrderState.NOT_SENT, str(done).strip())


def _writes_in_a_read(call: child.Call) -> None:
    _say(child.FromChild(write=child.JournalWrite(entry=_entry("a" * 64, 1, 1))))
    refused = _read().journal_done
    _answer(call, OrderState.NOT_SENT, str(refused).strip(), quote_symbol=str(refused).strip())


def _finishes_what_was_never_written(call: child.Call) -> None:
    _finish(call, 1)
    _answer(call, OrderState.FILLED, "filled")


def _answers_what_is_no_answer(call: child.Call) -> None:
    _say(child.FromChild(answer=child.Answer(number=call.number, value=b"\xff\xff")))


def _answers_nothing(call: child.Call) -> None:
    _say(child.FromChild(answer=child.Answer(number=call.number)))


def _writes_what_is_no_entry(call: child.Call) -> None:
    _say(child.FromChild(write=child.JournalWrite()))
    _wait_for_end()


def _answer(call: child.Call, state: OrderState, sentence: str, quote_symbol: str = "") -> None:
    operation = OPERATIONS[call.operation]
    answer = operation.answer()
    if isinstance(answer, wire.OutcomeAnswer):
        answer.outcome.CopyFrom(to_message(Outcome(state=state, sentence=sentence), wire.Outcome))
    if isinstance(answer, wire.QuoteAnswer):
        answer.quote.symbol, answer.quote.bid_price, answer.quote.ask_price = quote_symbol, "1", "2"
        answer.quote.at.FromDatetime(datetime.now(UTC))
    reply = child.Answer(number=call.number, value=answer.SerializeToString())
    _say(child.FromChild(answer=reply))


def _write(call: child.Call, key: str = "", attempt: int = 0) -> child.JournalDone:
    _ask_to_write(call, key, attempt)
    return _read().journal_done


def _ask_to_write(call: child.Call, key: str = "", attempt: int = 0) -> None:
    permit = _permit(call)
    entry = _entry(key or permit.key, attempt or permit.attempt, permit.token, call.operation)
    _say(child.FromChild(write=child.JournalWrite(entry=entry)))


def _entry(key: str, attempt: int, token: int, operation: str = "submit") -> child.JournalEntry:
    entry = JournalEntry(
        key=key,
        attempt=attempt,
        token=token,
        operation=operation,
        request="{}",
        written_at=datetime.now(UTC),
        outcome=None,
        tombstone=False,
    )
    return to_message(entry, child.JournalEntry)


def _finish(call: child.Call, attempt: int) -> None:
    outcome = to_message(Outcome(state=OrderState.FILLED, sentence="filled"), wire.Outcome)
    finish = child.JournalFinish(key=_permit(call).key, attempt=attempt, outcome=outcome)
    _say(child.FromChild(finish=finish))


def _permit(call: child.Call) -> Permit:
    return from_message(OPERATIONS[call.operation].call.FromString(call.request).permit, Permit)


def _send() -> None:
    with (FOLDER / "sent").open("a") as sent:
        sent.write("x")


def _say(frame: child.FromChild) -> None:
    _raw(pack_frame(frame))


def _raw(octets: bytes) -> None:
    sys.stdout.buffer.write(octets)
    sys.stdout.buffer.flush()


def _read() -> child.ToChild:
    try:
        return read_frame(sys.stdin.buffer, child.ToChild)
    except PipeEnded:
        os._exit(0)


def _wait_for_end() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
