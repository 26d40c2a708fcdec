"""Every operation under every fault of the simulator, over the module in process and over the wire."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mt5fleet.domain.errors import GatewayError, Unanswered, Unreachable
from mt5fleet.domain.ids import OrderKey
from mt5fleet.domain.order import CancelOrder, CloseOrder, ModifyOrder, OpenOrder, Outcome, Retry
from tests.contract.gateway.brokers import use_dropin
from tests.contract.gateway.fault_table import FAULTS, STRUCK, TABLE, Row, Told, page
from tests.contract.gateway.rigs import (
    ACCOUNT,
    ASK,
    BID,
    EVENTUALLY_S_MAX,
    LOGIN,
    SYMBOL,
    BridgeRig,
    SimulatorRig,
    bridge_rig,
    eventually,
    key_of,
    limit,
    market,
    module_rig,
    moment,
    permit,
    resolve,
)
from tests.contract.gateway.terms import SYMBOL_IN_PARTS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "faults.md"
STOP = Decimal("1.06")
_TOLD = {
    "FILLED": Told.DONE,
    "APPLIED": Told.DONE,
    "CANCELED": Told.PARTLY,
    "REJECTED": Told.REJECTED,
    "NOT_SENT": Told.NOT_SENT,
    "IN_DOUBT": Told.IN_DOUBT,
}


@pytest.fixture(scope="module")
def standing_rigs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SimulatorRig, BridgeRig]]:
    """One broker and gateway of each kind for all rows; the rows use keys of their own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("MT5FLEET_SIMULATOR", "")
    use_dropin()
    with (
        module_rig(tmp_path_factory.mktemp("module")) as module,
        bridge_rig(tmp_path_factory.mktemp("bridge")) as bridge,
    ):
        yield module, bridge
    patch.undo()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.operation}-{row.fault.replace(' ', '-')}")
def test_the_caller_is_told_what_the_table_says_and_the_broker_did_it_so_often(
    standing_rigs: tuple[SimulatorRig, BridgeRig], row: Row
) -> None:
    """Each row over both gateways at once, because most of a row is waiting."""
    module, bridge = standing_rigs
    with ThreadPoolExecutor(max_workers=1) as beside:
        over_the_wire = beside.submit(judge, bridge, row, row.bridge)
        judge(module, row, row.module)  # this thread opened the module's journal
        over_the_wire.result()


def judge(rig: SimulatorRig, row: Row, told: Told) -> None:
    if told is Told.WAITS:
        return
    ready(rig)
    try:
        if row.executed is None:
            read_under_fault(rig, row, told)
        else:
            send_under_fault(rig, row, told)
    except BaseException as error:
        error.add_note(f"over {type(rig).__name__}")
        raise
    finally:
        rig.control.fault("visibility_lag", login=LOGIN, delay_ms=0)
        rig.control.clear_faults()


def test_the_page_is_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_table_holds_every_fault_of_the_simulator() -> None:
    from mt5fleet.simulator.host.fault_terms import FaultKind  # noqa: PLC0415  # only this test needs it

    assert {part.kind for fault in FAULTS.values() for part in fault.parts} == {
        kind.value for kind in FaultKind
    }


def send_under_fault(rig: SimulatorRig, row: Row, told: Told) -> None:
    key = key_of(f"{row.operation}-{row.fault}")
    send, executed = prepared(rig, row, key)
    arm(rig, row)
    assert answer_of(send) is told
    settled = eventually(rig, lambda: resolve(rig, key), settles_as(row))
    assert executed() == row.executed, settled
    repeated = eventually(rig, send, settles_as(row, may_be_asked_again=True))
    assert executed() == row.executed, repeated


def settles_as(row: Row, *, may_be_asked_again: bool = False) -> Callable[[Outcome], bool]:
    """Doubt may last, but what is said to be settled is settled: another end on the way was a wrong one."""

    def settled(outcome: Outcome) -> bool:
        unsettled = outcome.state == "IN_DOUBT" or (may_be_asked_again and outcome.retry is not Retry.NEVER)
        assert unsettled or outcome.state == row.settled, outcome
        return outcome.state == row.settled

    return settled


def read_under_fault(rig: SimulatorRig, row: Row, told: Told) -> None:
    read = read_of(rig, row.operation, key_of(f"{row.operation}-{row.fault}"))
    kind = FAULTS[row.fault].parts[0].kind
    before = rig.control.faults()["fired"].get(kind, 0)
    arm(rig, row)
    assert answer_of(read) is told
    assert rig.control.faults()["fired"][kind] > before


def arm(rig: SimulatorRig, row: Row) -> None:
    for part in FAULTS[row.fault].parts:
        call = STRUCK[row.operation] if part.call is None else part.call
        login = None if part.kind == "server_offset" else LOGIN  # a server's clock is everybody's
        if part.kind == "visibility_lag":
            call = "*"
        rig.control.fault(part.kind, login=login, call=call, **part.terms)


def answer_of(call: Callable[[], object]) -> Told:
    try:
        answer = call()
    except Unanswered:
        return Told.UNANSWERED
    except Unreachable:
        return Told.UNREACHABLE
    return _TOLD[answer.state] if isinstance(answer, Outcome) else Told.DONE


def ready(rig: SimulatorRig) -> None:
    """A terminal that was killed by the row before is up again, and the quote is fresh."""
    rig.move_to(BID, ASK)
    rig.control.quote(SYMBOL_IN_PARTS, BID, ASK)
    deadline = time.monotonic() + EVENTUALLY_S_MAX
    while time.monotonic() < deadline:
        try:
            rig.gateway.positions(ACCOUNT)  # first: a health alone brings no terminal back everywhere
            if rig.gateway.health(ACCOUNT).connected:
                return
        except GatewayError:
            pass
        rig.wait()
    raise AssertionError("the terminal did not come back")


Send = Callable[[], Outcome]
Executed = Callable[[], int]


def prepared(rig: SimulatorRig, row: Row, key: OrderKey) -> tuple[Send, Executed]:
    """The call under test, and how often the broker's own books show that it was carried out."""
    small = _in_parts if row.settled == "CANCELED" else _small
    return PREPARE[row.operation](rig, key, small)


Small = Callable[[SimulatorRig, OrderKey], OpenOrder]


def _small(rig: SimulatorRig, key: OrderKey) -> OpenOrder:
    return replace(market(rig, key), volume=Decimal("0.01"))


def _in_parts(rig: SimulatorRig, key: OrderKey) -> OpenOrder:
    """Two steps of the volume, on the symbol whose orders may be filled in part."""
    return replace(market(rig, key), symbol=SYMBOL_IN_PARTS, volume=Decimal("0.02"))


def _submit(rig: SimulatorRig, key: OrderKey, small: Small) -> tuple[Send, Executed]:
    order = small(rig, key)
    return lambda: rig.gateway.submit(ACCOUNT, order, permit(rig, key)), lambda: rig.opened(key.magic)


def _close(rig: SimulatorRig, key: OrderKey, small: Small) -> tuple[Send, Executed]:
    opening = _opened(rig, key, small)
    order = CloseOrder(
        opening_key=opening.text, opening_magic=opening.magic, ticket=None, remaining=Decimal(0)
    )
    ticket = _position(rig, opening)["ticket"]

    def executed() -> int:
        deals = rig.control.truth(LOGIN)["deals"]
        return sum(1 for deal in deals if deal["position_id"] == ticket and deal["entry"] == 1)

    return lambda: rig.gateway.close(ACCOUNT, order, permit(rig, key)), executed


def _modify(rig: SimulatorRig, key: OrderKey, small: Small) -> tuple[Send, Executed]:
    opening = _opened(rig, key, small)
    order = ModifyOrder(
        opening_key=opening.text,
        opening_magic=opening.magic,
        ticket=None,
        stop_loss=STOP,
        take_profit=None,
        price=None,
    )

    def executed() -> int:
        return int(Decimal(str(_position(rig, opening)["sl"])) == STOP)

    return lambda: rig.gateway.modify(ACCOUNT, order, permit(rig, key)), executed


def _cancel(rig: SimulatorRig, key: OrderKey, _small: Small) -> tuple[Send, Executed]:
    opening = key_of(f"of-{key.text[:16]}")
    rig.gateway.submit(ACCOUNT, limit(rig, opening), permit(rig, opening))
    order = CancelOrder(opening_key=opening.text, opening_magic=opening.magic, ticket=None)

    def executed() -> int:
        return int(all(row["magic"] != opening.magic for row in rig.control.truth(LOGIN)["orders"]))

    return lambda: rig.gateway.cancel(ACCOUNT, order, permit(rig, key)), executed


PREPARE = {"submit": _submit, "close": _close, "modify": _modify, "cancel": _cancel}


def _opened(rig: SimulatorRig, key: OrderKey, small: Small) -> OrderKey:
    opening = key_of(f"of-{key.text[:16]}")
    order = small(rig, opening)
    outcome = rig.gateway.submit(ACCOUNT, order, permit(rig, opening))
    assert outcome.state == "FILLED", outcome
    return opening


def _position(rig: SimulatorRig, opening: OrderKey) -> dict[str, object]:
    (found,) = (row for row in rig.control.truth(LOGIN)["positions"] if row["magic"] == opening.magic)
    return found


def read_of(rig: SimulatorRig, operation: str, key: OrderKey) -> Callable[[], object]:
    gateway = rig.gateway
    match operation:
        case "resolve":
            assert _submit(rig, key, _small)[0]().state == "FILLED"
            return lambda: resolve(rig, key)
        case "instrument" | "quote":
            return lambda: getattr(gateway, operation)(ACCOUNT, SYMBOL)
        case "deals":
            since, until = moment() - timedelta(hours=1), moment() + timedelta(hours=1)
            return lambda: gateway.deals(ACCOUNT, since, until)
        case "check":
            return lambda: gateway.check(ACCOUNT, market(rig, key))
        case _:
            return lambda: getattr(gateway, operation)(ACCOUNT)
