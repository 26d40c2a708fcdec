"""One account with a broker in memory, and the last resort watching it on a clock that stands still."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import cast

from mt5fleet.adapters.mt5.contact import LedgerContact
from mt5fleet.bridge.last_resort import AccountWatch
from mt5fleet.bridge.local_flatten import Pace
from mt5fleet.bridge.settings import BridgeLimits, ChildConfig
from mt5fleet.domain.broker import Mode, Position, Reading, RestingOrder
from mt5fleet.domain.errors import StaleToken
from mt5fleet.domain.ids import MAGIC_MARK
from mt5fleet.domain.latch import Floor, Latch
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CancelOrder, CloseOrder, Outcome, Permit
from mt5fleet.domain.signal import Side
from mt5fleet.testing.builders import START, make_position, make_reading
from mt5fleet.testing.clock import ManualClock

OURS, FOREIGN = MAGIC_MARK + 7, 4711
LATCH_SEQUENCE, TOKEN = 900, 40
LIMITS = BridgeLimits()
PACE = Pace()
CONFIG = ChildConfig(account="alpha", server="Simulator-Demo", login=1, mode=Mode.DEMO, password="pw")
FLOOR = Floor(equity=Decimal(9000), readings=3, person="ruth", signed_at=START)

Answer = Outcome | Exception
Hook = Callable[[str], None]


def position(ticket: int, profit: str = "-100", magic: int = OURS) -> Position:
    return replace(make_position(magic=magic), ticket=ticket, profit=Decimal(profit))


def resting(ticket: int, magic: int = OURS) -> RestingOrder:
    return RestingOrder(
        ticket=ticket,
        symbol="EURUSD",
        side=Side.BUY,
        entry="limit",
        volume=Decimal("0.10"),
        volume_left=Decimal("0.10"),
        price=Decimal("1.09"),
        stop_loss=None,
        take_profit=None,
        magic=magic,
        comment="",
        placed_at=START,
        expires_at=None,
    )


def outcome(state: OrderState, volume: str = "0") -> Outcome:
    return Outcome(state=state, sentence=f"as scripted: {state}", volume=Decimal(volume))


class FakeJournal:
    """Latch, token and id; a latch that the disk refused is not kept."""

    id = "journal-1"

    def __init__(self) -> None:
        self.token = TOKEN
        self.standing: Latch | None = None

    def newest_token(self) -> int:
        return self.token

    def latch(self) -> Latch | None:
        return self.standing


class FakeStanding:
    """Floor and latch of the account."""

    def __init__(self, journal: FakeJournal, clock: ManualClock, done: list[str]) -> None:
        self._journal, self._clock, self._done = journal, clock, done
        self.floor: Floor | None = FLOOR
        self.refusals: list[Exception] = []
        self.open_in_terminal = False
        self.while_writing: Callable[[], object] = lambda: None
        self.on_latch: Callable[[], None] = lambda: None

    def kept_floor(self) -> Floor | None:
        return self.floor

    def latch_locally(self, reason: str) -> Latch:
        if self.refusals:
            raise self.refusals.pop(0)
        self._done.append("latch")
        latch = Latch(sequence=LATCH_SEQUENCE, reason=reason, at=self._clock.now(), local=True)
        self.while_writing()
        if self._journal.standing is None:
            self._journal.standing = latch
        self.on_latch()
        return self._journal.standing

    def open_may_be_in_terminal(self) -> bool:
        return self.open_in_terminal


class FakeDesk:
    """A terminal whose broker executes at once, unless a call's answer is scripted."""

    def __init__(self, clock: ManualClock, config: ChildConfig = CONFIG) -> None:
        self.config = config
        self.done: list[str] = []
        self.journal = FakeJournal()
        self.standing = FakeStanding(self.journal, clock, self.done)
        self.positions: list[Position] = [position(1)]
        self.orders: list[RestingOrder] = []
        self.equities: list[str | Exception | Reading] = ["8900"]  # the last one stays
        self.scripted: dict[str, list[Answer]] = defaultdict(list)
        self.permits: list[Permit] = []
        self.hook: Hook = lambda _call: None
        self.distort: Callable[[Reading], Reading] = lambda reading: reading
        self.blocked: asyncio.Event | None = None
        self._clock = clock

    async def call(self, name: str, **arguments: object) -> object:
        if self.blocked is not None:
            await self.blocked.wait()
        if name in {"close", "cancel"}:
            return self._change(name, cast(Permit, arguments["permit"]), arguments["order"])
        self.hook(name)
        if self.scripted[name]:
            raise cast(Exception, self.scripted[name].pop(0))
        return {"reading": self._reading, "positions": self._positions, "orders": self._orders}[name]()

    def _reading(self) -> Reading:
        told = self.equities[0] if len(self.equities) == 1 else self.equities.pop(0)
        if isinstance(told, Exception):
            raise told
        if isinstance(told, Reading):
            return told
        margin = Decimal(len(self.positions))
        balance = "10000" if self.positions else told
        reading = make_reading(told, balance, account=self.config.account, at=self._clock.now())
        return self.distort(replace(reading, margin=margin))

    def _positions(self) -> tuple[Position, ...]:
        return tuple(self.positions)

    def _orders(self) -> tuple[RestingOrder, ...]:
        return tuple(self.orders)

    def _change(self, name: str, permit: Permit, order: object) -> Outcome:
        assert isinstance(order, CloseOrder | CancelOrder)
        call = f"{name} {order.ticket}"
        self.hook(call)
        if permit.token < self.journal.newest_token():
            raise StaleToken(self.journal.newest_token())
        self.done.append(call)
        self.permits.append(permit)
        if self.scripted[call]:
            answer = self.scripted[call].pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        self.positions = [item for item in self.positions if item.ticket != order.ticket]
        self.orders = [item for item in self.orders if item.ticket != order.ticket]
        return outcome(OrderState.FILLED if name == "close" else OrderState.APPLIED, "0.10")


class Bench:
    """One watch and everything around it. It begins with the ledger away and the watch armed."""

    def __init__(self, config: ChildConfig = CONFIG, *, away: bool = True) -> None:
        self.clock = ManualClock()
        self.contact = LedgerContact(self.clock)
        self.desk = FakeDesk(self.clock, config)
        self.paused_s: list[float] = []
        self.watch = self.new_watch()
        if away:
            self.clock.advance_s(LIMITS.ledger_silence_s + 1)
            self.look()

    def new_watch(self) -> AccountWatch:
        return AccountWatch(self.desk, self.contact, self.clock, LIMITS, pace=PACE, pause=self._pause())

    def look(self, count: int = 1) -> float:
        """Look once a second; gives the wait that the last look asked for."""
        return asyncio.run(self._looks(count))

    def ledger_speaks(self) -> None:
        self.contact.see(self.clock.now())

    async def _looks(self, count: int) -> float:
        next_s = 0.0
        for _ in range(count):
            self.clock.advance_s(1)
            next_s = await self.watch.look()
        return next_s

    def _pause(self) -> Callable[[float], Awaitable[None]]:
        async def pause(seconds: float) -> None:
            self.paused_s.append(seconds)
            self.clock.advance_s(seconds)

        return pause

    @property
    def shown_flat(self) -> bool:
        flatten = self.watch._flatten
        return flatten is not None and flatten.is_flat

    @property
    def changes(self) -> list[str]:
        return self.desk.done
