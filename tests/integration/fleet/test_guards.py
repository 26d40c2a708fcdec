"""A limit that is reached halts the account, flattens it at the broker, is told, and stays."""

from mt5fleet.adapters.redis.ledger import connect
from mt5fleet.client import FleetClient
from mt5fleet.domain.account import TradingState
from mt5fleet.domain.lifecycle import OrderState
from tests.integration.fleet.conftest import StartFleet
from tests.support.fleet import LocalFleet, Shape, eventually
from tests.support.webhook import listening_webhook

CRASHED_BID, CRASHED_ASK = "1.07500", "1.07510"  # 2,510 of one lot lost: 25 % of the balance


def opened(fleet: LocalFleet, client: FleetClient, signal_id: str, lots: str) -> str:
    open_one = client.open(
        "EURUSD", "buy", lots=lots, stop_loss="1.05", accounts=fleet.shape.names, signal_id=signal_id
    )
    client.submit(open_one)
    fleet.wait_final(client, [signal_id])
    return signal_id


def test_drawdown_halts_flattens_alerts_and_refuses_the_next_signal(start_fleet: StartFleet) -> None:
    with listening_webhook() as hook:
        fleet = start_fleet(Shape(balance=10_000, webhook=hook.url))
        client, ledger, name = fleet.client(), connect(fleet.redis.url), fleet.shape.names[0]
        opened(fleet, client, "big", "1")
        assert len(fleet.records()[0]["positions"]) == 1

        with fleet.control() as control:
            control.quote("EURUSD", CRASHED_BID, CRASHED_ASK)

        eventually("the account is halted", lambda: ledger.account_status(name).state is TradingState.HALTED)
        eventually("the broker shows flat", lambda: fleet.records()[0]["positions"] == [])
        eventually("flat is on record", lambda: not ledger.account_status(name).flatten_due)
        eventually("the bridge has confirmed", lambda: ledger.account_status(name).latch_confirmed)
        eventually("people were told", lambda: any("halt" in title.lower() for title in hook.titles()))
        opened(fleet, client, "next", "0.01")
        [order] = client.status("next").orders
        assert (order.state, order.reason) == (OrderState.DENIED, "halted")
        assert len(fleet.records()[0]["positions"]) == 0


def test_alert_waits_for_a_webhook_that_is_down(start_fleet: StartFleet) -> None:
    with listening_webhook() as hook:
        hook.status = 503
        fleet = start_fleet(Shape(balance=10_000, webhook=hook.url))
        client, ledger, name = fleet.client(), connect(fleet.redis.url), fleet.shape.names[0]
        opened(fleet, client, "big", "1")
        with fleet.control() as control:
            control.quote("EURUSD", CRASHED_BID, CRASHED_ASK)
        eventually("the account is halted", lambda: ledger.account_status(name).state is TradingState.HALTED)
        eventually("the log has the alert", lambda: "alert: " in fleet.told())
        assert hook.alerts == []

        hook.status = 204

        eventually("people were told", lambda: any("halt" in title.lower() for title in hook.titles()), 60)
