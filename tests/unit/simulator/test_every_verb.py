"""Every verb in every order, on hedging and netting accounts: no invariant breaks, and a restart agrees.

The broker judges its books after each event (`checked`), so a rule need only do something.
"""

from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mt5fleet.simulator.codes import Action, Retcode
from mt5fleet.simulator.host.control import command
from tests.unit.simulator.conftest import Desk, build_desk

SYMBOLS = {
    "EURUSD": {"depth_lots": "1", "lenient_filling": True, "slippage_points": 15, "filling_mask": 7},
    "USDJPY": {"commission_per_lot": "3.5", "fee_per_lot": "0.3", "commission_on": "exit"},
    "EURGBP": {"swap_mode": 1, "swap_long": "-7.3", "swap_short": "2.1", "execution": 1},
}
MIDS = {"EURUSD": 110_000, "USDJPY": 150_000, "EURGBP": 84_600}
DIGITS = {"EURUSD": 5, "USDJPY": 3, "EURGBP": 5}

NAMES = st.sampled_from(sorted(SYMBOLS))
LOTS = st.integers(1, 400).map(lambda steps: steps / 100)
POINTS = st.integers(-900, 900)
NTH = st.integers(0, 7)
DISTANCES = st.sampled_from([0, 0, 0, 150, 400, 800])  # of a stop or target from the middle; 0 = none
FILLINGS = st.sampled_from([0, 1, 1, 1, 2, 3])
RULES = st.sampled_from([False, False, False, True])
EXECUTED = (Retcode.DONE, Retcode.DONE_PARTIAL)


class EveryVerb(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[Any] = []
        self.unsynced = 0  # this machine is also the broker's journal

    def append(self, record: Any) -> None:
        self.records.append(record)

    def sync(self) -> None:
        return

    @initialize(mode=st.sampled_from(["hedging", "netting", "exchange"]), fifo=RULES, hedge=RULES)
    def start(self, mode: str, fifo: bool, hedge: bool) -> None:
        self.account = {
            "balance": "20000",
            "margin_mode": mode,
            "fifo_close": fifo,
            "hedge_prohibited": hedge,
        }
        self.symbols = [{"name": name, **terms} for name, terms in SYMBOLS.items()]
        self.desk = build_desk(self.account, symbols=self.symbols, journal=self)

    @rule(symbol=NAMES, side=st.integers(0, 1), lots=LOTS, filling=FILLINGS, stop=DISTANCES, goal=DISTANCES)
    def open(self, symbol: str, side: int, lots: float, filling: int, stop: int, goal: int) -> None:
        up = -1 if side else 1
        fields = {
            "action": 1,
            "symbol": symbol,
            "type": side,
            "volume": lots,
            "type_filling": filling,
            "price": float(level(symbol, 0)),
            "deviation": 5000,
            "sl": float(level(symbol, -up * stop)) if stop else 0.0,
            "tp": float(level(symbol, up * goal)) if goal else 0.0,
        }
        self._check_then_send(fields)

    @rule(which=NTH, lots=LOTS, filling=FILLINGS)
    def close(self, which: int, lots: float, filling: int) -> None:
        if position := nth(self.desk.book.positions, which):
            fields = {
                "action": 1,
                "symbol": position.symbol,
                "type": int(position.type.opposite),
                "volume": min(lots, float(position.volume)),
                "type_filling": filling,
                "price": float(level(position.symbol, 0)),
                "deviation": 5000,
                "position": position.ticket,
            }
            self._check_then_send(fields)

    @rule(which=NTH, other=NTH)
    def close_by(self, which: int, other: int) -> None:
        positions = self.desk.book.positions
        first = nth(positions, which)
        if not first:
            return
        opposites = {
            ticket: held
            for ticket, held in positions.items()
            if held.symbol == first.symbol and held.type is not first.type
        }
        second = nth(opposites or positions, other)
        fields = {"action": 10, "type": 8, "position": first.ticket, "position_by": second.ticket}
        self._check_then_send(fields)

    @rule(
        symbol=NAMES, kind=st.integers(2, 7), lots=LOTS, points=POINTS, limit=POINTS, life=st.integers(0, 3)
    )
    def pend(self, symbol: str, kind: int, lots: float, points: int, limit: int, life: int) -> None:
        fields = {
            "action": 5,
            "symbol": symbol,
            "type": kind,
            "volume": lots,
            "price": float(level(symbol, points)),
            "stoplimit": float(level(symbol, limit)),
            "type_filling": 2,
            "type_time": life,
            "expiration": self.desk.clock.now_ms() // 1000 + 7200 + 3600,
        }
        self._check_then_send(fields)

    @rule(which=NTH, points=POINTS, limit=POINTS)
    def modify(self, which: int, points: int, limit: int) -> None:
        if order := nth(self.desk.book.orders, which):
            prices = {
                name: float(level(order.symbol, p)) for name, p in (("price", points), ("stoplimit", limit))
            }
            self.desk.send(Action.MODIFY, order=order.ticket, **prices)

    @rule(which=NTH)
    def remove(self, which: int) -> None:
        if order := nth(self.desk.book.orders, which):
            self.desk.send(Action.REMOVE, order=order.ticket)

    @rule(which=NTH, stop=POINTS, goal=POINTS, by_symbol=st.booleans())
    def move_stops(self, which: int, stop: int, goal: int, by_symbol: bool) -> None:
        if position := nth(self.desk.book.positions, which):
            target_of = {"symbol": position.symbol} if by_symbol else {"position": position.ticket}
            prices = {"sl": float(level(position.symbol, stop)), "tp": float(level(position.symbol, goal))}
            self.desk.send(Action.SLTP, **target_of, **prices)

    @rule(
        symbol=NAMES,
        points=st.sampled_from([-2500, -700, -300, 0, 0, 300, 700, 2500]),
        spread=st.integers(0, 60),
    )
    def quote(self, symbol: str, points: int, spread: int) -> None:
        self.desk.quote(str(level(symbol, points)), str(level(symbol, points + spread)), symbol)

    @rule(duration_s=st.sampled_from([1, 60, 3600, 86_400]))
    def wait(self, duration_s: int) -> None:
        self.desk.step_ms(duration_s * 1000)

    @rule(cents=st.integers(-300_000, 300_000).filter(bool))
    def move_cash(self, cents: int) -> None:
        amount = Decimal(cents) / 100
        if self.desk.broker.worth(self.desk.login).margin_free + amount >= 0:
            self.desk.broker.deposit(self.desk.login, amount)

    @rule()
    def restart(self) -> None:
        before = self._truth(self.desk)
        clock = self.desk.clock
        self.desk = build_desk(
            self.account, symbols=self.symbols, journal=self, past=list(self.records), clock=clock
        )
        assert self._truth(self.desk) == before

    @invariant()
    def netting_holds_one_position_a_symbol(self) -> None:
        if not hasattr(self, "desk") or self.account["margin_mode"] == "hedging":
            return
        symbols = [position.symbol for position in self.desk.book.positions.values()]
        assert len(set(symbols)) == len(symbols)

    def _check_then_send(self, fields: dict[str, Any]) -> None:
        """A check says what sending will say, and changes nothing."""
        truth = self._truth(self.desk)
        checked, worth = self.desk.broker.order_check(self.desk.login, fields)
        assert self._truth(self.desk) == truth

        answer = self.desk.broker.order_send(self.desk.login, fields)

        assert (checked is Retcode.OK) == (answer.retcode in EXECUTED), (checked, answer)
        assert (worth is None) == (checked is not Retcode.OK)
        if answer.retcode not in EXECUTED:
            assert answer.retcode is checked
            assert (answer.deal, answer.order, answer.volume, answer.price) == (0, 0, 0, 0)
            assert self._truth(self.desk) == truth

    def _truth(self, desk: Desk) -> Any:
        return command(desk.broker, "truth", {"login": desk.login})


def level(symbol: str, points: int) -> Decimal:
    return Decimal(MIDS[symbol] + points).scaleb(-DIGITS[symbol])


def nth(rows: dict[int, Any], which: int) -> Any:
    return list(rows.values())[which % len(rows)] if rows else None


EveryVerb.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestEveryVerb = EveryVerb.TestCase
