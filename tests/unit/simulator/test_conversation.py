"""One client's conversation: a client that does not read gets no further answers until it does."""

import asyncio
import json
from typing import Any

from mt5fleet.simulator.broker import Broker
from mt5fleet.simulator.clock import SteppedClock
from mt5fleet.simulator.config import parse_config
from mt5fleet.simulator.host.conversation import Conversation, Room
from mt5fleet.simulator.host.disk import Disk
from mt5fleet.simulator.host.journal import JournalError, NullJournal
from mt5fleet.simulator.host.wire import encode

CONFIG = parse_config(
    {
        "default_prices": "none",
        "accounts": [{"login": 1}],
        "prices": {"EURUSD": {"source": "fixed", "bid": "1.1", "ask": "1.2"}},
    }
)
BUY = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 1}


class _SlowReader(asyncio.Transport):
    """A client whose line is full after each answer."""

    def __init__(self, conversation: Conversation) -> None:
        super().__init__()
        self._conversation = conversation
        self.answers: list[Any] = []

    def write(self, data: Any) -> None:
        self.answers.append(json.loads(bytes(data)[4:]))
        self._conversation.pause_writing()

    def is_closing(self) -> bool:
        return False

    def is_reading(self) -> bool:
        return True

    def pause_reading(self) -> None:
        """Nothing more comes in these tests."""

    def resume_reading(self) -> None:
        """Nothing more comes in these tests."""


def _never(error: JournalError) -> None:
    raise AssertionError(error)


def _talk(*requests: dict[str, Any]) -> tuple[Broker, Conversation, _SlowReader]:
    broker = Broker(CONFIG, clock=SteppedClock(1_800_000_000_000))
    room = Room(broker=broker, disk=Disk(NullJournal(), _never), fail=_never)
    conversation = Conversation(room)
    reader = _SlowReader(conversation)
    conversation.connection_made(reader)
    sent = b"".join(encode(request) for request in requests)
    conversation.get_buffer(-1)[: len(sent)] = sent
    conversation.buffer_updated(len(sent))
    return broker, conversation, reader


def test_answers_wait_while_the_client_does_not_read() -> None:
    _, conversation, reader = _talk({"op": "initialize"}, *[{"op": "symbols_get"}] * 3)

    counts = [len(reader.answers)]
    for _ in range(3):
        conversation.resume_writing()
        counts.append(len(reader.answers))

    assert counts == [1, 2, 3, 4]


def test_orders_that_arrived_are_carried_out_though_their_client_is_gone() -> None:
    broker, conversation, reader = _talk({"op": "initialize"}, *[{"op": "order_send", "request": BUY}] * 2)

    conversation.connection_lost(None)

    assert len(reader.answers) == 1
    assert len(broker.shown(1).positions) == 2
