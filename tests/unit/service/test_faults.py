"""What other parts may do to a worker in the middle of its work."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from mt5fleet.domain.account import TradingState
from mt5fleet.domain.broker import Position
from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.ids import order_key
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import Command, Outcome, Retry
from mt5fleet.domain.record import EventType
from mt5fleet.domain.signal import Targets
from mt5fleet.service.submit import Submit
from mt5fleet.testing.builders import START, make_account, make_close, make_open, signed
from mt5fleet.testing.fake_broker import fake_instrument
from mt5fleet.testing.memory_journal import MemoryJournal
from tests.unit.service.rig import Rig, Worker

S = OrderState


class Changed:
    """A gateway of which one operation is another's."""

    def __init__(self, rig: Rig, **operations: Callable[..., object]) -> None:
        self._gateway = rig.gateway
        self._operations = operations

    def __getattr__(self, name: str) -> object:
        return self._operations.get(name, getattr(self._gateway, name))


def change_gateway(rig: Rig, **operations: Callable[..., object]) -> None:
    rig.worker = Worker(rig, rig.ledger, Changed(rig, **operations))  # type: ignore[arg-type]  # a fake port


def tamper(rig: Rig, change: Callable[[Command], Command]) -> None:
    """Somebody with access to the ledger rewrites a waiting command."""
    for order in rig.ledger._account("alpha").orders.values():
        order.command = change(order.command)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda command: replace(command, envelope=command.envelope.replace("0.10", "9.10")), "signature"),
        (lambda command: replace(command, valid_until=command.valid_until.replace(year=2030)), "valid_until"),
        (lambda command: replace(command, signal_id="S7"), "id"),
    ],
)
def test_command_that_is_not_what_was_signed_is_denied_and_told(
    rig: Rig, change: Callable[[Command], Command], reason: str
) -> None:
    rig.post(rig.signal())
    rig.take_in()
    tamper(rig, change)

    rig.drain()

    denied = rig.events(EventType.ORDER_DENIED)[0]
    assert (denied["reason"], denied["field"]) == ("signature_invalid", reason)
    assert rig.sent() == 0
    assert "Order set aside on alpha: signature_invalid" in rig.alerts()


def test_close_that_was_turned_to_another_order_is_denied(rig: Rig) -> None:
    rig.execute("S1")
    rig.execute("S2")
    other = rig.orders("S2")[0].key
    rig.post(rig.signal("C1", make_close("S1")))
    rig.take_in()
    tamper(rig, lambda command: replace(command, opening_key=other) if command.signal_id == "C1" else command)

    rig.drain()

    denied = rig.events(EventType.ORDER_DENIED)[0]
    assert (denied["reason"], denied["field"]) == ("signature_invalid", "opening_id")
    assert (rig.sent("close"), len(rig.book().positions)) == (0, 2)


@pytest.mark.parametrize("groups", [(), ("betas",)])
def test_open_pushed_to_an_account_that_it_does_not_name_is_denied(groups: tuple[str, ...]) -> None:
    rig = Rig(make_account("alpha", login=1), make_account("beta", login=2))
    rig.tell(betas=("beta",))
    one = replace(rig.signal(), targets=Targets(accounts=() if groups else ("beta",), groups=groups))
    rig.post(one)
    rig.take_in()
    (command,) = rig.ledger._account("beta").orders.values()
    key = order_key("Simulator-Demo", 1, one.id, 0).text
    rig.ledger.push("alpha", 10**18, (replace(command.command, account="alpha", key=key),))

    rig.drain("alpha")
    rig.drain("beta")

    denied = rig.events(EventType.ORDER_DENIED)[0]
    assert (denied["reason"], denied["field"]) == ("signature_invalid", "targets")
    assert (rig.sent(), len(rig.book("beta").positions)) == (1, 1)


def test_account_given_another_login_does_not_get_the_old_orders(rig: Rig) -> None:
    rig.post(rig.signal())
    rig.take_in()
    rig.change(replace(rig.accounts[0], login=2))

    rig.drain()

    assert [(order.state, order.reason) for order in rig.orders()] == [(S.DENIED, "target_unknown")]


def test_other_journal_than_the_bound_one_lets_opens_wait(rig: Rig) -> None:
    rig.execute("S1")
    rig.book().journal = MemoryJournal("another", START)
    rig.clock.advance_s(3)

    assert rig.execute("S2").state is S.RECEIVED
    assert "bound to journal" in rig.events(EventType.ORDER_WAITING)[0]["why"]


def test_recorded_signal_stands_against_another_body_that_the_log_forgot(rig: Rig) -> None:
    rig.post(rig.signal())
    rig.take_in()
    rig.ledger._memory.ids.clear()
    Submit(rig.ledger, rig.waker).run(signed(rig.signal("S1", make_open(lots="5"))))

    rig.take_in()

    letter = rig.ledger.dead_letters(1)[0]
    assert (letter.reason, letter.field) == ("conflict", "id")
    rig.drain()
    assert [item.volume for item in rig.gateway.executed] == [Decimal("0.10")]


def test_inbox_that_holds_newer_commands_refuses_and_the_signal_is_told_of(rig: Rig) -> None:
    rig.ledger._account("alpha").intake_seq = 10**18
    rig.post(rig.signal())

    report = rig.take_in()

    assert report.refused == 1
    assert rig.ledger.dead_letters(1)[0].reason == "conflict"
    assert "Signal refused: conflict" in rig.alerts()


def test_symbol_goes_by_the_brokers_name() -> None:
    rig = Rig(replace(make_account(), symbols={"EURUSD": "EURUSD.r"}))
    rig.book().instruments = {"EURUSD.r": fake_instrument("EURUSD.r")}
    rig.gateway.set_quote("alpha", "EURUSD.r", Decimal("1.10000"), Decimal("1.10010"))

    rig.execute()

    assert [item.symbol for item in rig.gateway.executed] == ["EURUSD.r"]


def test_bridges_final_refusal_is_not_tried_again(rig: Rig) -> None:
    def refuse(*_: object) -> Outcome:
        return Outcome(
            state=S.NOT_SENT,
            sentence="not sent: the account is a shadow",
            retry=Retry.NEVER,
            denial=DenialReason.SHADOW,
        )

    change_gateway(rig, submit=refuse)

    order = rig.execute()

    assert (order.state, order.reason, order.attempt) == (S.DENIED, "shadow", 1)


def test_halt_that_comes_up_during_a_slice_is_flattened_in_it(rig: Rig) -> None:
    rig.execute("S1")
    known = rig.gateway.quote

    def halt_then_quote(account: str, symbol: str) -> object:
        rig.ledger.halt("alpha", "test", events=(), alert=None)
        return known(account, symbol)

    change_gateway(rig, quote=halt_then_quote)
    rig.post(rig.signal("S2"))
    rig.take_in()
    rig.drain()

    assert [(order.state, order.reason) for order in rig.orders("S2")] == [(S.DENIED, "halted")]
    assert not rig.book().positions


def test_position_that_appears_between_the_two_reads_is_not_flat(rig: Rig) -> None:
    rig.execute()
    late = next(iter(rig.book().positions.values()))
    rig.book().positions.clear()
    rig.ledger.halt("alpha", "test", events=(), alert=None)
    reads = iter([(), (late,)])
    known = rig.gateway.positions

    def lagging(account: str, token: int | None = None) -> tuple[Position, ...]:
        return next(reads, None) or known(account, token)

    change_gateway(rig, positions=lagging)

    report = rig.drain()

    assert report.reason == "something appeared between the two reads"
    assert rig.ledger.account_status("alpha").flatten_due


def test_money_that_shows_an_open_position_is_not_flat(rig: Rig) -> None:
    rig.book().equity_shown = Decimal(9_990)
    rig.ledger.halt("alpha", "test", events=(), alert=None)

    report = rig.drain()

    assert "the money says" in report.reason
    assert rig.ledger.account_status("alpha").flatten_due


def test_error_of_our_own_leaves_the_lease_to_run_out_and_is_not_hidden(rig: Rig) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    change_gateway(rig, quote=fail)
    rig.post(rig.signal())
    rig.take_in()

    with pytest.raises(ZeroDivisionError):
        rig.drain()

    assert rig.drain().reason == "another worker holds it"
    assert rig.ledger.account_status("alpha").state is TradingState.ACTIVE
