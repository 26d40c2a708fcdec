"""A process is killed at every port call of intake and execution; then others go on."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import pytest

from mt5fleet.domain.lifecycle import FINAL, OrderState
from mt5fleet.domain.signal import Entry
from mt5fleet.testing.builders import make_account, make_cancel, make_close, make_open
from mt5fleet.testing.fake_gateway import Fault
from tests.unit.service.crash import Fuse, Fused, Killed, every_call
from tests.unit.service.rig import Rig, Worker

S = OrderState


def two_part_open() -> Rig:
    rig = Rig()
    rig.post(rig.signal("S1", make_open(shares=("0.5", "0.5"))))
    rig.post(rig.signal("S2"))
    return rig


def two_accounts() -> Rig:
    rig = Rig(make_account("alpha", login=1), make_account("beta", login=2))
    rig.post(rig.signal("S1", accounts=("alpha", "beta")))
    return rig


def close_of_a_position() -> Rig:
    rig = Rig()
    rig.execute("S1")
    rig.post(rig.signal("C1", make_close(share="0.5")))
    return rig


def close_of_an_unsent_open() -> Rig:
    rig = Rig()
    rig.post(rig.signal("S1"))
    rig.post(rig.signal("C1", make_close()))
    return rig


def cancel_of_a_resting_order() -> Rig:
    rig = Rig()
    limit = make_open(entry=Entry.LIMIT, price="1.09500", stop_loss="1.09000", take_profit="1.10500")
    rig.execute("S1", limit)
    rig.post(rig.signal("X1", make_cancel()))
    return rig


def requote_then_fill() -> Rig:
    rig = Rig()
    rig.gateway.script("alpha", Fault.REQUOTE)
    rig.post(rig.signal("S1"))
    return rig


def lost_answer() -> Rig:
    rig = Rig()
    rig.gateway.script("alpha", Fault.LOST_AFTER)
    rig.post(rig.signal("S1"))
    return rig


def work(rig: Rig, fuse: Fuse) -> None:
    """One process takes in and drains everything."""
    worker = Worker(rig, Fused(rig.ledger, fuse), Fused(rig.gateway, fuse))
    worker.intake.run("first")
    for account in rig.accounts:
        worker.drain.run(account.name, "first")


def executed_once(rig: Rig) -> bool:
    opens = Counter((item.account, item.magic) for item in rig.gateway.executed if item.operation == "submit")
    closes = Counter((item.account, item.magic) for item in rig.gateway.executed if item.operation == "close")
    return all(count == 1 for count in (opens + closes).values())


def settled(rig: Rig) -> bool:
    return all(
        order.state in FINAL for name in ("S1", "S2", "C1", "X1") for order in rig.ledger.status(name).orders
    )


@pytest.mark.parametrize(
    ("start", "executions"),
    [
        (two_part_open, 3),
        (two_accounts, 2),
        (close_of_a_position, 2),
        (close_of_an_unsent_open, None),
        (cancel_of_a_resting_order, 2),
        (requote_then_fill, 1),
        (lost_answer, 1),
    ],
)
def test_kill_at_every_call_loses_and_doubles_nothing(
    start: Callable[[], Rig], executions: int | None
) -> None:
    for number, after in every_call(lambda fuse: work(start(), fuse)):
        rig = start()
        with pytest.raises(Killed):
            work(rig, Fuse(number, after=after))
        rig.clock.advance_s(7)  # the dead owner's leases end
        rig.settle_all(steps=8)

        where = f"killed {'after' if after else 'before'} call {number}"
        assert rig.ledger.log_backlog()[0] == 0, where
        assert executed_once(rig), where
        assert settled(rig), where
        if executions is not None:
            assert len(rig.gateway.executed) == executions, where


def test_fuse_strikes_inside_the_run() -> None:
    """The cases above are not empty: an undisturbed run makes this many calls."""
    fuse = Fuse()
    work(two_part_open(), fuse)

    assert fuse.calls > 40


def test_kill_at_every_call_of_the_second_owner_too() -> None:
    """The first owner dies after the send; the second one dies anywhere; the third one finishes."""
    for number in range(1, 30):
        rig = Rig()
        rig.post(rig.signal())
        rig.take_in()
        with pytest.raises(Killed):
            work_after_send(rig)
        rig.clock.advance_s(8)
        try:
            work(rig, Fuse(number))
        except Killed:
            rig.clock.advance_s(8)
        rig.settle_all(steps=6)

        assert (rig.states(), rig.sent()) == ([S.FILLED], 1), number


def work_after_send(rig: Rig) -> None:
    class DiesAfterSend:
        def __getattr__(self, name: str) -> object:
            return getattr(rig.gateway, name)

        def submit(self, *args: object) -> None:
            rig.gateway.submit(*args)  # type: ignore[arg-type]  # passed on as they came
            raise Killed

    Worker(rig, rig.ledger, DiesAfterSend()).drain.run("alpha", "first")  # type: ignore[arg-type]  # a fake port


def dies_holding(rig: Rig, call: str) -> None:
    """A process that ends in the same port call, as it would over a poisonous command."""

    class Dies:
        def __init__(self, port: object) -> None:
            self._port = port

        def __getattr__(self, name: str) -> object:
            if name == call:
                raise Killed
            return getattr(self._port, name)

    worker = Worker(rig, rig.ledger, Dies(rig.gateway))  # type: ignore[arg-type]  # a fake port
    with pytest.raises(Killed):
        worker.drain.run("alpha", "doomed")
    rig.clock.advance_s(8)


def test_command_that_ends_its_owners_before_the_send_is_denied_and_the_rest_goes_on(rig: Rig) -> None:
    rig.post(rig.signal("S1"))
    rig.take_in()
    for _ in range(rig.settings.takeovers_max):
        dies_holding(rig, "reading")
    rig.post(rig.signal("S2"))
    rig.take_in()

    rig.settle_all(steps=2)

    assert [(order.state, order.reason) for order in rig.orders("S1")] == [(S.DENIED, "poison")]
    assert rig.states("S2") == [S.FILLED]


def test_command_that_ends_its_owners_after_the_begin_is_set_aside_in_doubt(rig: Rig) -> None:
    rig.post(rig.signal("S1", valid_s=600))
    rig.take_in()
    dies_holding(rig, "submit")
    for _ in range(rig.settings.takeovers_max - 1):
        dies_holding(rig, "resolve")

    rig.settle_all(steps=3)

    order = rig.orders("S1")[0]
    assert (order.state, order.reason, rig.sent()) == (S.IN_DOUBT, "poison", 0)
    assert "Order in doubt on alpha" in rig.alerts()


def test_fifteen_signals_of_which_three_always_fail_all_end() -> None:
    rig = Rig()
    for number in range(15):
        symbol = "UNKNOWN" if number % 5 == 0 else "EURUSD"
        rig.post(rig.signal(f"S{number}", make_open(symbol, lots="0.01")))
    rig.take_in()

    rig.settle_all(steps=2)

    states = [rig.states(f"S{number}")[0] for number in range(15)]
    assert Counter(states) == {S.FILLED: 12, S.DENIED: 3}


def test_two_workers_on_one_account_trade_once(rig: Rig) -> None:
    rig.post(rig.signal())
    rig.take_in()
    first = rig.ledger.acquire("alpha", "first", 5_000)
    assert first is not None

    assert rig.drain().reason == "another worker holds it"
    rig.clock.advance_s(6)
    rig.drain()

    assert rig.states() == [S.FILLED]
    assert sum((item.volume for item in rig.gateway.executed), Decimal(0)) == Decimal("0.10")
