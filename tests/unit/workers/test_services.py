"""What tasks give back, what a worker marks and repairs, over ledger and broker in memory."""

from pathlib import Path

import pytest
from prometheus_client import generate_latest

from mt5fleet.domain.broker import Health
from mt5fleet.domain.errors import ValueRefused
from mt5fleet.domain.record import Alert, EventType, Severity
from mt5fleet.messages import QUEUES
from mt5fleet.service.notify import Route
from mt5fleet.testing.builders import make_signal, signed
from tasks import runtime
from tests.unit.workers.fleet_in_memory import NODE, WorkerInMemory


class Told:
    """A channel that keeps what it was told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.titles: list[str] = []

    def send(self, alert: Alert, count: int) -> None:
        self.titles.append(alert.title)


@pytest.fixture
def worker(tmp_path: Path) -> WorkerInMemory:
    return WorkerInMemory(tmp_path)


def posted(worker: WorkerInMemory, count: int, *accounts: str) -> list[str]:
    ids = [f"S{number}" for number in range(count)]
    for one in ids:
        worker.services.submit(signed(make_signal(one, accounts=accounts, created_at=worker.clock.now())))
    return ids


def test_wake_up_tells_its_signals_and_outcomes(worker: WorkerInMemory) -> None:
    worker.begin()
    posted(worker, 2, "alpha", "beta")

    taken = worker.services.take_in()
    done = worker.services.drain(("alpha", "beta"), urgent=False)

    assert (taken["signals"], taken["accepted"], taken["orders"]) == (["S0", "S1"], 2, 4)
    assert done == {"signals": ["S0", "S1"], "outcomes": {"FILLED": 4}}


def test_ten_signals_are_named_and_the_rest_counted(worker: WorkerInMemory) -> None:
    worker.begin()
    ids = posted(worker, 12, "alpha")

    taken = worker.services.take_in()

    assert (taken["signals"], taken["signals_more"]) == (ids[:10], 2)


def test_repeated_wake_up_finds_nothing_to_do(worker: WorkerInMemory) -> None:
    worker.begin()

    assert worker.services.drain(("alpha",), urgent=False) == {"outcomes": {}}
    assert worker.services.take_in()["accepted"] == 0


def test_account_that_fails_takes_nothing_from_the_others(worker: WorkerInMemory) -> None:
    worker.begin()
    posted(worker, 1, "alpha", "beta")
    worker.services.take_in()
    del worker.gateway.books["beta"]

    done = worker.services.drain(("alpha", "beta"), urgent=False)

    assert done["outcomes"] == {"FILLED": 1}
    assert "beta" in {**dict(done.get("failed", {})), **dict(done.get("waiting", {}))}


def test_message_that_cannot_be_read_is_refused_with_field_and_rule(worker: WorkerInMemory) -> None:
    worker.begin()

    assert worker.services.submit("{}")["refused"]


def test_emptied_ledger_is_filled_once_and_a_told_one_left_alone(worker: WorkerInMemory) -> None:
    worker.process.came()
    assert set(worker.ledger.accounts()) == {"alpha", "beta"}
    only_alpha = worker.ledger.accounts()["alpha"]
    worker.ledger.apply([only_alpha], {})

    worker.services.sweep()

    assert set(worker.ledger.accounts()) == {"alpha"}


def test_start_and_end_of_a_worker_are_events(worker: WorkerInMemory) -> None:
    worker.process.came()
    worker.process.goes()

    types = [event.event.type for event in worker.ledger.fleet_events(10)]
    assert EventType.WORKER_STARTED in types
    assert EventType.WORKER_STOPPED in types


def test_tick_is_late_only_when_its_mark_has_run_out(worker: WorkerInMemory) -> None:
    worker.begin()
    ticks = {tick.name: tick for tick in worker.services.ticks(QUEUES)}
    sweep = ticks["sweep"]

    worker.services.sweep()
    marked = sweep.late()
    worker.clock.advance_s(sweep.period_s * 3 + 0.1)

    assert (marked, sweep.late()) == (False, True)
    sweep.run()
    assert sweep.late() is False
    assert worker.ledger.beats()["tick:sweep"]["by"].startswith(NODE)


def test_silence_of_beat_is_told_once(worker: WorkerInMemory) -> None:
    worker.begin()
    sweep = next(tick for tick in worker.services.ticks(QUEUES) if tick.name == "sweep")
    worker.clock.advance_s(60)

    for _ in range(3):
        assert sweep.late()

    told = [pending for pending in worker.ledger.pending(10) if pending.alert.title == "Beat is silent"]
    assert [pending.count for pending in told] == [1]


@pytest.mark.parametrize(
    ("queues", "names"),
    [
        (QUEUES, {"pulse", "sweep", "guards", "outbox"}),
        (("execution", "urgent"), {"pulse", "sweep"}),
        (("guards",), {"pulse", "sweep", "guards"}),
    ],
)
def test_worker_watches_what_its_queues_are_for(
    worker: WorkerInMemory, queues: tuple[str, ...], names: set[str]
) -> None:
    assert {tick.name for tick in worker.services.ticks(queues)} == names


def test_metrics_show_the_real_backlog_and_orders_by_state(worker: WorkerInMemory) -> None:
    worker.begin()
    posted(worker, 3, "alpha", "beta")
    before = generate_latest(worker.process.metrics.registry).decode()
    worker.services.take_in()
    between = generate_latest(worker.process.metrics.registry).decode()
    worker.services.drain(("alpha", "beta"), urgent=False)
    after = generate_latest(worker.process.metrics.registry).decode()

    assert 'mt5fleet_waiting{lane="signals"} 3.0' in before
    assert 'mt5fleet_waiting{lane="normal"} 6.0' in between
    assert 'mt5fleet_waiting{lane="normal"} 0.0' in after
    assert 'mt5fleet_orders_total{state="FILLED"} 6.0' in after


def test_heartbeat_tells_what_terminals_say(worker: WorkerInMemory) -> None:
    worker.begin()
    del worker.gateway.books["beta"]

    told = worker.services.beat()

    assert (told["accounts"], told["silent"]) == (2, ["beta"])
    assert worker.ledger.beats()["account:alpha"]["connected"] == "True"
    assert "error" in worker.ledger.beats()["account:beta"]


def test_heartbeat_goes_on_beside_a_bridge_that_refuses_a_value(
    worker: WorkerInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(account: str) -> Health:
        raise ValueRefused("message", f"{account} has fields that are not known here")

    worker.begin()
    monkeypatch.setattr(worker.gateway, "health", refuse)

    assert worker.services.beat()["silent"] == ["alpha", "beta"]
    assert "message: alpha" in worker.ledger.beats()["account:alpha"]["error"]


def test_task_without_services_says_how_a_worker_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime._process, "services", None)

    with pytest.raises(runtime.NotInstalled, match=r"workers\.app worker"):
        runtime.services()


def test_task_for_one_channel_leaves_the_others_pending(tmp_path: Path) -> None:
    first, second = Told("first"), Told("second")
    worker = WorkerInMemory(tmp_path, Route(channel=first), Route(channel=second))
    worker.ledger.raise_alert(
        Alert(severity=Severity.WARNING, title="t", text="x", dedupe="d", account="alpha")
    )

    only_first = worker.services.deliver(("first",))
    everywhere = worker.services.deliver(())

    assert (only_first, everywhere) == ({"delivered": 1}, {"delivered": 1})
    assert (first.titles, second.titles) == (["t"], ["t"])
    assert worker.services.deliver(()) == {"delivered": 0}
