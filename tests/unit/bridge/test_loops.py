"""A program that loops on reads with the right token keeps neither closes nor the account's owner out."""

from decimal import Decimal
from pathlib import Path

import pytest

from mt5fleet.bridge.settings import BridgeLimits
from mt5fleet.domain.errors import Unreachable
from mt5fleet.domain.order import CloseOrder
from tests.unit.bridge.served import FILLED, NOW, PERMIT, market, served

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
        assert gateway.submit("alpha", market(), PERMIT) == FILLED
        assert gateway.close("alpha", CLOSE, PERMIT) == FILLED
        with pytest.raises(Unreachable, match="slow down"):
            gateway.positions("alpha", token=2)
