"""What a child makes of a call around its terminal's connection."""

from types import SimpleNamespace
from typing import Any

from mt5fleet.adapters.bridge.operations import operation_of
from mt5fleet.adapters.bridge.protocol.child_pb2 import Call
from mt5fleet.adapters.mt5.link import RECONNECT_EVERY_S, Link
from mt5fleet.bridge.child import Hands
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome
from tests.unit.mt5 import rows
from tests.unit.mt5.desk import KEY, Desk


class Restartable:
    """A desk's module with a terminal that can end; connecting starts it again."""

    def __init__(self, desk: Desk) -> None:
        self._module = desk.module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def initialize(self, **_: Any) -> bool:
        self._module.terminal = rows.terminal()
        return True


def hands_of(desk: Desk) -> Hands:
    module: Any = Restartable(desk)
    settings = desk.settings
    link = Link(
        module, desk.clock, path="", login=settings.login, server=settings.server, password="", timeout_ms=1
    )
    assert link.connect() is None
    journal: Any = SimpleNamespace(look=lambda _: None)
    return Hands(settings.account, desk.gateway.terminal, link, journal)


def resolve(hands: Hands, desk: Desk) -> OrderState:
    operation = operation_of("resolve")
    asked = {"key": KEY.text, "magic": KEY.magic, "attempt": 1, "token": 1, "since": desk.clock.now()}
    request = operation.pack(asked, desk.settings.account).SerializeToString()
    answer = hands.answer(Call(operation="resolve", request=request))
    found = operation.unpack_answer(operation.answer.FromString(answer.value))
    assert isinstance(found, Outcome)
    return found.state


def test_a_terminal_started_again_between_two_looks_starts_the_proof_of_absence_again() -> None:
    """What it has loaded by then may be older than the send: one look at it proves nothing."""
    desk = Desk()
    hands = hands_of(desk)
    desk.lose()
    desk.clock.advance_s(20)
    seen = [resolve(hands, desk)]
    desk.module.terminal = None
    desk.clock.advance_s(RECONNECT_EVERY_S + 5)
    seen.append(resolve(hands, desk))
    desk.clock.advance_s(2)
    seen.append(resolve(hands, desk))
    assert seen == [OrderState.IN_DOUBT, OrderState.IN_DOUBT, OrderState.NOT_SENT]
