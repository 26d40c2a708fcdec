"""Every signal is executed once and reaches a final state, whatever happens to the workers.

What was executed is counted from the broker's own records, by code that shares nothing with the fleet.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from mt5fleet.client import FleetClient
from mt5fleet.domain.lifecycle import OrderState
from scripts.broker_count import doubled, openings, orders_per_signal
from tests.integration.fleet.conftest import StartFleet
from tests.support.fleet import ROOT, LocalFleet, Shape, eventually

LEASE_S = 5.0  # ExecutionSettings.lease_ttl_ms

SENDER = """
import sys
from pathlib import Path
from mt5fleet.client import FleetClient
from mt5fleet.messages import open_envelope
url, envelope_file, times = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
signed = open_envelope(envelope_file.read_text(encoding="utf-8"))
from mt5fleet.client.connect import connect
from mt5fleet.adapters.system_clock import SystemClock
submitter = connect(url, broker_url=None, spool=None, clock=SystemClock())
for _ in range(times):
    print(submitter.submit(signed, durable=False).result)
"""


def submitted(
    fleet: LocalFleet, client: FleetClient, count: int, one_account_each: bool = False
) -> list[str]:
    """Post numbered signals, each to every account or to one after another; gives their ids."""
    names, ids = fleet.shape.names, [f"sig-{number:04d}" for number in range(count)]
    for number, one in enumerate(ids):
        accounts = (names[number % len(names)],) if one_account_each else names
        client.submit(fleet.open_signal(client, one, accounts))
    return ids


def fills(fleet: LocalFleet) -> int:
    return len(openings(fleet.records()))


def assert_each_filled_once(fleet: LocalFleet, client: FleetClient, ids: list[str]) -> None:
    """One order for each account and signal at the broker, and the ledger says the same."""
    records = fleet.records()
    assert doubled(records) == {}
    told = Counter(order.state for one in ids for order in client.status(one).orders)
    assert set(told) == {OrderState.FILLED}, told
    assert len(orders_per_signal(records)) == told[OrderState.FILLED]


def test_one_signal_becomes_one_order(start_fleet: StartFleet) -> None:
    fleet = start_fleet(Shape())
    client = fleet.client()

    client.submit(fleet.open_signal(client, "only"))

    fleet.wait_final(client, ["only"])
    deals = openings(fleet.records())
    assert [(deal.signal_tail, deal.part, str(deal.volume)) for deal in deals] == [("only", 0, "0.01")]


@pytest.mark.parametrize("pool", ["threads", "solo", "prefork"])
def test_every_pool_of_celery_carries_signals_out(start_fleet: StartFleet, pool: str) -> None:
    fleet = start_fleet(Shape(accounts=2, pool=pool))
    client = fleet.client()

    ids = submitted(fleet, client, 3)

    fleet.wait_final(client, ids)
    assert_each_filled_once(fleet, client, ids)


def test_killed_worker_neither_loses_nor_doubles_an_order(start_fleet: StartFleet) -> None:
    fleet = start_fleet(Shape(accounts=5, workers=2))
    client = fleet.client()

    ids = submitted(fleet, client, 100)
    eventually("some orders are through", lambda: fills(fleet) >= 50)
    fleet.kill("worker-1")

    fleet.wait_final(client, ids, 90)
    assert_each_filled_once(fleet, client, ids)
    assert fills(fleet) == 500


def test_worker_frozen_longer_than_its_lease_sends_nothing_twice(start_fleet: StartFleet) -> None:
    fleet = start_fleet(Shape(accounts=5, workers=2))
    client = fleet.client()

    ids = submitted(fleet, client, 60)
    eventually("some orders are through", lambda: fills(fleet) >= 30)
    frozen, began_s = fleet.kill("worker-1", signal.SIGSTOP), time.monotonic()
    fleet.wait_final(client, ids, 90)
    eventually("its leases have run out", lambda: time.monotonic() - began_s > LEASE_S)
    os.kill(frozen, signal.SIGCONT)

    more = [f"late-{number}" for number in range(10)]
    for one in more:
        client.submit(fleet.open_signal(client, one))
    fleet.wait_final(client, more)
    assert_each_filled_once(fleet, client, [*ids, *more])


def test_signal_sent_fifty_times_by_five_processes_is_executed_once(start_fleet: StartFleet) -> None:
    fleet = start_fleet(Shape(accounts=3, workers=2))
    client = fleet.client()
    envelope = fleet.folder / "envelope.json"
    envelope.write_text(client.signed(fleet.open_signal(client, "again")).envelope, encoding="utf-8")

    command = [sys.executable, "-c", SENDER, fleet.redis.url, str(envelope), "10"]
    senders = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(5)]
    answers = Counter(line for sender in senders for line in sender.communicate(timeout=60)[0].split())

    assert answers == {"posted": 1, "exists": 49}
    fleet.wait_final(client, ["again"])
    assert_each_filled_once(fleet, client, ["again"])
    assert fills(fleet) == 3


@pytest.mark.timeout(300)
def test_many_signals_over_many_accounts_keep_their_order(start_fleet: StartFleet) -> None:
    fleet = start_fleet(Shape(accounts=20, workers=4))
    client = fleet.client()

    ids = submitted(fleet, client, 500, one_account_each=True)

    fleet.wait_final(client, ids, 120)
    assert_each_filled_once(fleet, client, ids)
    per_account: dict[int, list[str]] = {}
    for deal in openings(fleet.records()):
        per_account.setdefault(deal.login, []).append(deal.signal_tail)
    assert len(per_account) == 20
    for login, tails in per_account.items():
        assert tails == sorted(tails), f"account {login} was traded out of order"
        assert len(tails) == 25
