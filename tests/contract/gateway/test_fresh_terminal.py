"""A terminal that was connected a moment ago lists nothing, with success: that is no absence."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mt5fleet.domain.errors import GatewayError
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.order import CancelOrder
from tests.contract.gateway.brokers import use_dropin
from tests.contract.gateway.rigs import (
    ACCOUNT,
    LOGIN,
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

EMPTY_MS = 2500  # longer than every proof of absence in these tests


@pytest.fixture(params=["module", "bridge"])
def rig(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimulatorRig]:
    monkeypatch.setenv("MT5FLEET_SIMULATOR", "")
    use_dropin()
    kind = module_rig if request.param == "module" else bridge_rig
    with kind(tmp_path) as made:
        yield made


def reconnect_to_empty_lists(rig: SimulatorRig, lasts_ms: int = EMPTY_MS) -> None:
    rig.control.fault("empty_lists", login=LOGIN, lasts_ms=lasts_ms)
    rig.control.fault("terminal_restart", login=LOGIN, lasts_ms=1)


def cancelling(rig: SimulatorRig, name: str) -> CancelOrder:
    opening = key_of(name)
    assert rig.gateway.submit(ACCOUNT, limit(rig, opening), permit(rig, opening)).state == "ACCEPTED"
    return CancelOrder(opening_key=opening.text, opening_magic=opening.magic, ticket=None)


def test_an_order_that_is_not_listed_is_not_cancelled(rig: SimulatorRig) -> None:
    """Nothing else is open, so that no margin contradicts the empty lists."""
    order, key = cancelling(rig, "resting"), key_of("cancel")
    rig.lose_order()
    rig.control.fault("empty_lists", login=LOGIN, lasts_ms=EMPTY_MS)
    rig.gateway.cancel(ACCOUNT, order, permit(rig, key))

    seen: list[OrderState] = []
    eventually(rig, lambda: resolve(rig, key), lambda found: seen.append(found.state) or is_end(found.state))

    assert set(seen) <= {OrderState.IN_DOUBT, OrderState.NOT_SENT}
    assert [row["magic"] for row in rig.control.truth(LOGIN)["orders"]] == [order.opening_magic]
    again = eventually(
        rig, lambda: rig.gateway.cancel(ACCOUNT, order, permit(rig, key, 2)), lambda end: is_end(end.state)
    )
    assert again.state is OrderState.APPLIED
    assert rig.control.truth(LOGIN)["orders"] == []


def is_end(state: OrderState) -> bool:
    return state is not OrderState.IN_DOUBT


READS: dict[str, Callable[[SimulatorRig], int]] = {
    "positions": lambda rig: len(rig.gateway.positions(ACCOUNT)),
    "orders": lambda rig: len(rig.gateway.orders(ACCOUNT)),
    "deals": lambda rig: len(
        rig.gateway.deals(ACCOUNT, moment() - timedelta(hours=1), moment() + timedelta(hours=1))
    ),
    "reading": lambda rig: rig.gateway.reading(ACCOUNT).orders,
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("with_position", [True, False])
def test_a_read_gives_the_truth_or_an_error(rig: SimulatorRig, read: str, with_position: bool) -> None:
    key = key_of("open")
    cancelling(rig, "resting")
    if with_position:
        rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    elif read == "positions":
        pytest.skip("there is none to be missed")
    wanted = READS[read](rig)
    reconnect_to_empty_lists(rig)

    told: list[int | str] = []
    eventually(rig, lambda: noted(told, lambda: READS[read](rig)), lambda count: count == wanted)

    numbers = {one for one in told if isinstance(one, int)}
    assert numbers == {wanted}
    assert len(told) > 1  # the terminal was away, and was asked meanwhile


def noted(told: list[int | str], read: Callable[[], int]) -> int | None:
    try:
        told.append(read())
    except GatewayError as error:
        told.append(str(error))
        return None
    return int(told[-1])
