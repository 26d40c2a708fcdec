"""A bridge that refuses a value, as one of another version may: nothing ends, no order counts as not sent."""

from collections.abc import Callable

import pytest

from mt5fleet.domain.account import TradingState
from mt5fleet.domain.errors import GatewayError, InvalidValue, Unreachable, ValueRefused
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Outcome
from mt5fleet.domain.record import EventType
from mt5fleet.domain.signal import Entry
from mt5fleet.service.sending import sent
from mt5fleet.testing.builders import make_account, make_close, make_open
from tests.unit.service.rig import Rig, Worker
from tests.unit.service.test_guard import breach

S = OrderState
REFUSAL = ValueRefused("message", "has fields that are not known here: update the older side")


class Refusing:
    """A bridge that refuses these operations for one account; `executed_first`: after carrying them out."""

    def __init__(
        self, rig: Rig, *operations: str, account: str = "alpha", executed_first: bool = False
    ) -> None:
        self._gateway = rig.gateway
        self._account = account
        self._executed_first = executed_first
        self.operations = set(operations)
        rig.worker = Worker(rig, rig.ledger, self)  # type: ignore[arg-type]  # a fake port

    def __getattr__(self, name: str) -> object:
        operation = getattr(self._gateway, name)
        return self._refusing(operation) if name in self.operations else operation

    def _refusing(self, operation: Callable[..., object]) -> Callable[..., object]:
        def call(account: str | tuple[str, ...], *args: object, **named: object) -> object:
            if self._account in (account if isinstance(account, tuple) else (account,)):
                if self._executed_first:
                    operation(account, *args, **named)
                raise REFUSAL
            return operation(account, *args, **named)

        return call


def sweeps(rig: Rig, times: int = 12) -> None:
    for _ in range(times):
        rig.clock.advance_s(1)
        rig.guard()


def test_refused_value_is_an_error_of_the_gateway_and_no_proof_of_anything() -> None:
    assert isinstance(REFUSAL, GatewayError)
    assert isinstance(REFUSAL, InvalidValue)
    assert not isinstance(REFUSAL, Unreachable)


def test_refused_value_of_an_order_is_a_doubt() -> None:
    def refused() -> Outcome:
        raise REFUSAL

    assert sent(refused).outcome.state is S.IN_DOUBT


@pytest.mark.parametrize("operation", ["readings", "health", "memory", "deals"])
def test_sweep_is_blind_to_the_account_and_people_are_told(operation: str) -> None:
    rig = Rig(make_account("alpha", login=1), make_account("beta", login=2))
    if operation == "deals":
        rig.book().balance -= 100  # only a changed balance asks for deals
    Refusing(rig, operation)

    sweeps(rig)

    report = rig.guard()
    judged = () if operation == "readings" else ("beta",)  # both accounts are in the refused call
    assert (report.judged, set(report.blind)) == (len(judged), {"alpha", "beta"} - set(judged))
    assert "No valid reading of alpha" in rig.alerts()
    assert rig.ledger.account_status("alpha").state is TradingState.ACTIVE


@pytest.mark.parametrize("operation", ["reading", "health", "instrument", "quote"])
def test_open_waits_while_a_fact_is_refused(rig: Rig, operation: str) -> None:
    gateway = Refusing(rig, operation)

    assert rig.execute().state is S.RECEIVED
    assert "update the older side" in rig.events(EventType.ORDER_WAITING)[0]["why"]
    assert rig.sent() == 0

    gateway.operations.clear()
    rig.clock.advance_s(3)
    rig.drain()
    assert (rig.states(), rig.sent()) == ([S.FILLED], 1)


def test_open_whose_facts_are_refused_again_and_again_is_no_poison(rig: Rig) -> None:
    Refusing(rig, "reading")
    rig.execute()

    rig.settle_all(steps=25)

    assert (rig.states(), rig.sent()) == ([S.EXPIRED], 0)


@pytest.mark.parametrize("executed_first", [False, True])
def test_refused_submit_stays_in_doubt_until_the_broker_tells(rig: Rig, executed_first: bool) -> None:
    gateway = Refusing(rig, "submit", "resolve", executed_first=executed_first)

    assert rig.execute().state is S.IN_DOUBT
    assert "Order in doubt on alpha" in rig.alerts()
    rig.settle_all(steps=4)
    assert rig.states() == [S.IN_DOUBT]

    gateway.operations.clear()
    rig.settle_all(steps=6)
    assert (rig.states(), rig.sent()) == ([S.FILLED], 1)


def test_refused_close_is_settled_and_closes_once(rig: Rig) -> None:
    rig.execute()
    gateway = Refusing(rig, "close", executed_first=True)
    assert rig.execute("C1", make_close("S1")).state is S.IN_DOUBT

    gateway.operations.clear()
    rig.settle_all()

    assert (rig.states("C1")[0], rig.sent("close"), rig.book().positions) == (S.FILLED, 1, {})


@pytest.mark.parametrize("operation", ["orders", "resolve"])
def test_follow_of_a_resting_order_goes_on_when_it_is_answered_again(rig: Rig, operation: str) -> None:
    limit = make_open(entry=Entry.LIMIT, price="1.09500", stop_loss="1.09000", take_profit="1.10500")
    rig.execute("S1", limit)
    rig.gateway.fill_resting("alpha", next(iter(rig.book().orders)))
    gateway = Refusing(rig, operation)
    rig.clock.advance_s(rig.settings.follow_every_s)
    assert rig.execute("S2").state is S.FILLED
    assert rig.states("S1") == [S.ACCEPTED]

    gateway.operations.clear()
    rig.clock.advance_s(rig.settings.follow_every_s)
    rig.drain()
    assert rig.states("S1") == [S.FILLED]


@pytest.mark.parametrize("operation", ["positions", "health", "reading"])
def test_flatten_is_told_of_and_goes_on_when_it_is_answered_again(rig: Rig, operation: str) -> None:
    breach(rig)
    gateway = Refusing(rig, operation)
    for _ in range(25):
        assert rig.drain().waiting
        rig.clock.advance_s(3)
    assert rig.ledger.account_status("alpha").flatten_due
    assert "alpha is halted and not shown flat" in rig.alerts()

    gateway.operations.clear()
    rig.drain()
    assert not rig.book().positions
    assert not rig.ledger.account_status("alpha").flatten_due


def test_flatten_closes_positions_while_the_list_of_orders_is_refused(rig: Rig) -> None:
    breach(rig)
    Refusing(rig, "orders")

    rig.drain()

    assert not rig.book().positions
    assert rig.ledger.account_status("alpha").flatten_due


def test_flatten_goes_past_a_refused_close_and_ends_flat(rig: Rig) -> None:
    rig.execute("P1", make_open(lots="0.01"))
    breach(rig)
    Refusing(rig, "close", executed_first=True)

    rig.drain()

    steps = rig.events(EventType.FLATTEN_STEP)
    assert [step["state"] for step in steps] == ["IN_DOUBT", "IN_DOUBT"]
    assert (rig.sent("close"), rig.book().positions) == (2, {})
    assert not rig.ledger.account_status("alpha").flatten_due
