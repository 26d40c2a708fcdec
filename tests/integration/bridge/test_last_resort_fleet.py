"""A fleet loses its Redis while positions are open: the bridge closes them, and the fleet learns why."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from mt5fleet.adapters.bridge.gateway import BridgeAddress, BridgeGateway
from mt5fleet.adapters.redis.ledger import RedisLedger, connect
from mt5fleet.client import FleetClient
from mt5fleet.domain.account import TradingState
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.domain.person import Person, PersonKey, Role
from mt5fleet.messages import FloorRecord, SigningKey, sign_record
from mt5fleet.people_file import save_people
from tests.support.fleet import (
    FIRST_LOGIN,
    LONG_AGO,
    SERVER,
    TOKEN,
    LocalFleet,
    Shape,
    eventually,
    running_fleet,
)
from tests.support.webhook import listening_webhook

FLOOR = "9000"
CRASHED_BID, CRASHED_ASK = (
    "1.08500",
    "1.08510",
)  # 15 % of the balance: below the floor, above every other limit

pytestmark = pytest.mark.timeout(300)


@contextmanager
def gateway_of(fleet: LocalFleet) -> Iterator[BridgeGateway]:
    host, _, port = fleet.bridge_address.rpartition(":")
    address = BridgeAddress(host=host, port=int(port), token=TOKEN)
    gateway = BridgeGateway({"local": address}, lambda _: "local")
    try:
        yield gateway
    finally:
        gateway.disconnect()


def risk_person(folder: Path) -> SigningKey:
    key = SigningKey.generate("risk-1")
    public = PersonKey(key_id=key.key_id, public=key.public, valid_from=LONG_AGO)
    save_people(folder / "people.toml", {"ruth": Person(name="ruth", role=Role.RISK, keys=(public,))})
    return key


def floor_record(key: SigningKey) -> str:
    record = FloorRecord(
        server=SERVER,
        login=FIRST_LOGIN,
        equity=Decimal(FLOOR),
        readings=3,
        person="ruth",
        at=datetime.now(UTC),
    )
    return sign_record(record, key)


def opened(fleet: LocalFleet, client: FleetClient, signal_id: str, lots: str) -> None:
    client.submit(
        client.open(
            "EURUSD", "buy", lots=lots, stop_loss="1.05", accounts=fleet.shape.names, signal_id=signal_id
        )
    )
    fleet.wait_final(client, [signal_id])


def wait_taken_over(ledger: RedisLedger, name: str) -> None:
    """The ledger has the bridge's halt with its numbers, and the flatten is over."""
    eventually(
        "the ledger has the halt", lambda: ledger.account_status(name).state is TradingState.HALTED, 60
    )
    assert "last resort" in ledger.account_status(name).reason
    assert "floor 9000" in ledger.account_status(name).reason
    eventually("flat is on record", lambda: not ledger.account_status(name).flatten_due, 60)


def test_dead_redis_and_the_floor_close_everything_and_the_fleet_takes_the_halt_over(tmp_path: Path) -> None:
    key = risk_person(tmp_path)
    with (
        listening_webhook() as hook,
        running_fleet(tmp_path, Shape(balance=10_000, webhook=hook.url)) as fleet,
        gateway_of(fleet) as gateway,
    ):
        client, ledger, name = fleet.client(), connect(fleet.redis.url), fleet.shape.names[0]
        opened(fleet, client, "big", "1")
        assert len(fleet.records()[0]["positions"]) == 1
        gateway.floor(name, floor_record(key))

        fleet.redis.kill()
        with fleet.control() as control:
            control.quote("EURUSD", CRASHED_BID, CRASHED_ASK)

        eventually("the broker shows flat", lambda: fleet.records()[0]["positions"] == [], 60)
        latch = gateway.health(name).latch
        assert latch is not None
        assert latch.local

        fleet.redis.start()
        wait_taken_over(ledger, name)
        eventually("people were told", lambda: any("halt" in title.lower() for title in hook.titles()), 60)
        opened(fleet, client, "next", "0.01")
        [order] = client.status("next").orders
        assert (order.state, order.reason) == (OrderState.DENIED, "halted")
        assert fleet.records()[0]["positions"] == []
