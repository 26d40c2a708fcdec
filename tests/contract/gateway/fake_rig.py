"""The gateway in memory behind the contract tests' levers."""

from dataclasses import replace
from decimal import Decimal

from mt5fleet.domain.broker import Mode
from mt5fleet.domain.signal import Side
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import Gateway
from mt5fleet.testing.clock import ManualClock
from mt5fleet.testing.fake_gateway import FakeGateway, Fault
from mt5fleet.testing.fake_looks import SILENCE_S_MAX
from tests.contract.gateway.people import PEOPLE
from tests.contract.gateway.rigs import key_of, market
from tests.contract.gateway.terms import (
    ACCOUNT,
    ASK,
    BID,
    LAG_S,
    LOGIN,
    SERVER,
    SYMBOL,
    UNANSWERED_S,
    USUAL,
    Terms,
)


class FakeRig:
    """The gateway in memory, on a clock that stands still."""

    silence_s = SILENCE_S_MAX

    def __init__(self, terms: Terms = USUAL) -> None:
        self.clock: Clock = ManualClock()
        self._fake = FakeGateway(
            self.clock,
            visibility_lag_s=LAG_S,
            unanswered_s=UNANSWERED_S,
            contact_required=True,
            people=lambda: PEOPLE,
        )
        self._book = self._fake.add(ACCOUNT, login=LOGIN, server=SERVER)
        self._book.shadow, self._book.allow_real = terms.shadow, terms.allow_real
        self._book.configured_mode = terms.mode
        self.gateway: Gateway = self._fake
        self.move_to(BID, ASK)

    def lose_answer(self) -> None:
        self._fake.script(ACCOUNT, Fault.LOST_AFTER)

    def lose_order(self) -> None:
        self._fake.script(ACCOUNT, Fault.LOST_BEFORE)

    def reject(self) -> None:
        self._fake.script(ACCOUNT, Fault.REJECT)

    def requote(self) -> None:
        self._fake.script(ACCOUNT, Fault.REQUOTE)

    def move_to(self, bid: Decimal, ask: Decimal) -> None:
        self._fake.set_quote(ACCOUNT, SYMBOL, bid, ask)

    def wrong_mode(self) -> None:
        self._book.mode = Mode.REAL

    def foreign_position(self, magic: int, side: Side) -> None:
        order = replace(market(self, key_of("foreign")), magic=magic, side=side)
        self._book.fill(order, order.volume, BID)

    def empty_history(self) -> None:
        self._book.synchronised = False

    def opened(self, magic: int) -> int:
        return sum(1 for item in self._fake.executed if item.operation == "submit" and item.magic == magic)

    def wait(self) -> None:
        self.clock.sleep_s(LAG_S)

    def rename_company(self, name: str) -> None:
        self._book.company = name

    def restart(self) -> None:
        """Whoever keeps the object keeps the memory."""
