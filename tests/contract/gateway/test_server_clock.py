"""A server whose clock is not where the configuration says: it hides nothing, and nothing is opened."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mt5fleet.domain.lifecycle import OrderState
from tests.contract.gateway.brokers import use_dropin
from tests.contract.gateway.rigs import (
    ACCOUNT,
    ASK,
    BID,
    SimulatorRig,
    bridge_rig,
    key_of,
    market,
    module_rig,
    moment,
    permit,
    resolve,
)

HOUR_MS = 3_600_000
GUARDS_MARGIN = timedelta(days=1)  # as the service asks for deals: DESIGN, section 8 "Memory"


@pytest.fixture(params=["module", "bridge"])
def rig(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimulatorRig]:
    monkeypatch.setenv("MT5FLEET_SIMULATOR", "")
    use_dropin()
    kind = module_rig if request.param == "module" else bridge_rig
    with kind(tmp_path) as made:
        yield made


@pytest.mark.parametrize("shift_ms", [-13 * HOUR_MS, -3 * HOUR_MS, HOUR_MS, 11 * HOUR_MS])
def test_deals_with_wrong_stamps_are_in_the_guards_window_and_found_by_resolve(
    rig: SimulatorRig, shift_ms: int
) -> None:
    key = key_of("deal")
    rig.control.fault("server_offset", call="order_send", shift_ms=shift_ms)
    sent = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))
    assert sent.state is OrderState.FILLED

    now = moment()
    deals = rig.gateway.deals(ACCOUNT, now - GUARDS_MARGIN, now + GUARDS_MARGIN)

    assert sent.deal_ticket in {deal.ticket for deal in deals}
    assert resolve(rig, key).state is OrderState.FILLED
    assert len(rig.gateway.positions(ACCOUNT)) == 1


@pytest.mark.parametrize("shift_ms", [-HOUR_MS, HOUR_MS])
def test_nothing_is_opened_on_a_quote_whose_age_cannot_be_known(rig: SimulatorRig, shift_ms: int) -> None:
    """Summer time with a fixed offset: an old quote would look fresh, or a fresh one old."""
    rig.control.fault("server_offset", shift_ms=shift_ms)
    rig.move_to(BID, ASK)
    key = key_of("open")

    outcome = rig.gateway.submit(ACCOUNT, market(rig, key), permit(rig, key))

    assert outcome.state is OrderState.NOT_SENT
    assert rig.opened(key.magic) == 0
