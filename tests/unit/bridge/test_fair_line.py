"""A program that loops on reads with the right token keeps neither closes nor the account's owner out."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import NoReturn, cast

import pytest

from mt5fleet.adapters.bridge.operations import OPERATIONS
from mt5fleet.adapters.mt5.contact import LedgerContact
from mt5fleet.adapters.sqlite.journal import JournalFile, journal_path
from mt5fleet.bridge.desk import Desk
from mt5fleet.bridge.settings import BridgeLimits, ChildConfig
from mt5fleet.bridge.supervision import Child
from mt5fleet.bridge.turn import Lane
from mt5fleet.domain.broker import Mode
from mt5fleet.domain.errors import Unreachable
from mt5fleet.domain.order import CloseOrder
from mt5fleet.testing.builders import make_open_order
from mt5fleet.testing.clock import ManualClock
from tests.unit.bridge.served import FILLED, NOW, PERMIT, served

LIMITS = BridgeLimits(stop_s=2.0, calls_burst_max=3, calls_per_s_max=0.001)
CLOSE = CloseOrder(opening_key=None, opening_magic=None, ticket=7, remaining=Decimal(0))


def test_a_loop_that_is_limited_stops_no_call_with_a_fencing_token_and_no_close(tmp_path: Path) -> None:
    with served(tmp_path, limits=LIMITS) as bridge:
        gateway = bridge.gateway()
        for _ in range(LIMITS.calls_burst_max):
            gateway.positions("alpha")
        with pytest.raises(Unreachable, match="slow down"):
            gateway.positions("alpha")
        with pytest.raises(Unreachable, match="slow down"):
            gateway.deals("alpha", NOW, NOW)
        assert gateway.positions("alpha", token=2) == ()
        assert gateway.resolve("alpha", PERMIT.key, 1, 1, 2, NOW) == FILLED
        assert gateway.submit("alpha", make_open_order(), PERMIT) == FILLED
        assert gateway.close("alpha", CLOSE, PERMIT) == FILLED
        with pytest.raises(Unreachable, match="slow down"):
            gateway.positions("alpha", token=2)


class Line:
    """In the place of a child: notes which lane each call stood in, and carries out none."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []

    async def ask(self, _prepare: object, _deadline_s: float, lane: Lane) -> NoReturn:
        self.lanes.append(lane)
        raise Unreachable("nothing is carried out here")

    async def stop(self) -> None:
        return None


def desk_before(line: Line, folder: Path) -> tuple[Desk, JournalFile]:
    clock = ManualClock()
    file = JournalFile(journal_path(folder), clock, lambda: "id-1")
    account = ChildConfig(account="alpha", server="Sim-1", login=1001, mode=Mode.DEMO, password="pw")
    journal = file.account(account.server, account.login)
    desk = Desk(account, BridgeLimits(), {}, clock, journal, dict, LedgerContact(clock))
    desk._child = cast("Child", line)
    return desk, file


LANES: dict[str, tuple[dict[str, object], Lane]] = {
    "close": ({"order": CLOSE, "permit": PERMIT}, Lane.REDUCE),
    "submit": ({"order": make_open_order(), "permit": PERMIT}, Lane.OWNER),
    "positions": ({"token": 2}, Lane.OWNER),
    "reading": ({"token": None}, Lane.OTHERS),
    "deals": ({"since": NOW, "until": NOW}, Lane.OTHERS),
}


@pytest.mark.parametrize("name", LANES)
def test_calls_stand_in_line_by_what_they_ask_and_who_asks(tmp_path: Path, name: str) -> None:
    async def whole() -> None:
        line = Line()
        desk, file = desk_before(line, tmp_path)
        arguments, lane = LANES[name]
        operation = OPERATIONS[name]
        with pytest.raises(Unreachable):
            await desk.ask(operation, operation.pack(arguments, "alpha"), NOW)
        # The bridge's own calls, of its last resort, go before the reads of others.
        with pytest.raises(Unreachable):
            await desk.call(name, **arguments)
        assert line.lanes == [lane, Lane.OWNER if lane is Lane.OTHERS else lane]
        await desk.stop()
        file.close()

    asyncio.run(whole())
